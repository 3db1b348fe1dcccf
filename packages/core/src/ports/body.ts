// Request bodies on their way out: streamed, and never longer or shorter than was said.

import type { ClientRequest } from 'node:http'
import { markNotSent } from '../contract/ports.ts'

/** Held back so that a small body goes out with its length: some platforms refuse chunked ones. */
const heldBytes = 256 * 1024

export interface SendBody {
  /** `undefined`: unknown, goes out chunked. */
  readonly length: number | undefined
  readonly head: readonly Uint8Array[]
  readonly rest: ReadableStreamDefaultReader<Uint8Array> | undefined
}

const statedLength = (request: Request): number | undefined => {
  const stated = request.headers.get('content-length')
  if (stated === null) return undefined
  if (!/^\d{1,15}$/.test(stated)) throw markNotSent(new TypeError(`content-length is ${JSON.stringify(stated)}: it must be a whole number of bytes.`))
  return Number(stated)
}

/** Reads ahead until the length is known or the body is too long to hold. */
export const bodyOf = async (request: Request): Promise<SendBody> => {
  const rest = request.body?.getReader()
  if (!rest) return { length: 0, head: [], rest: undefined }
  const length = statedLength(request)
  if (length !== undefined) return { length, head: [], rest }
  const cancel = () => rest.cancel(request.signal.reason).catch(() => {})
  request.signal.addEventListener('abort', cancel, { once: true })
  const head: Uint8Array[] = []
  try {
    for (let held = 0; held <= heldBytes; held += head.at(-1)?.byteLength ?? 0) {
      const { done, value } = await rest.read()
      if (done) return { length: held, head, rest: undefined }
      head.push(value)
    }
  } finally {
    request.signal.removeEventListener('abort', cancel)
  }
  return { length: undefined, head, rest }
}

async function* pieces({ head, rest }: SendBody): AsyncGenerator<Uint8Array> {
  yield* head
  for (let piece = await rest?.read(); piece && !piece.done; piece = await rest?.read()) yield piece.value
}

const drained = (sent: ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      sent.off('drain', done)
      sent.off('close', done)
      resolve()
    }
    sent.once('drain', done)
    sent.once('close', done)
  })

const mismatch = (length: number, found: string): TypeError => new TypeError(`The body is ${found} than its content-length of ${length} bytes.`)

/** Rejects where the body fails or does not have its stated length: then the request must be ended, or the next one on the connection is garbled. */
export const sendBody = async (sent: ClientRequest, body: SendBody): Promise<void> => {
  sent.once('close', () => void body.rest?.cancel().catch(() => {}))
  let written = 0
  for await (const piece of pieces(body)) {
    if (sent.destroyed) return
    written += piece.byteLength
    if (body.length !== undefined && written > body.length) throw mismatch(body.length, 'longer')
    if (!sent.write(piece)) await drained(sent)
  }
  if (sent.destroyed) return
  if (body.length !== undefined && written < body.length) throw mismatch(body.length, 'shorter')
  sent.end()
}
