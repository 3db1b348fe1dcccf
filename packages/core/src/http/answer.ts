// Reading an answer: its bytes, up to a limit, and what the adapter wants of them.

import { PublishError } from '../contract/error.ts'
import type { Call, Reply } from '../contract/http.ts'

const longestAnswer = 8 * 1024 * 1024

interface Platform {
  readonly id: string
  readonly name: string
}

const gone = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const bytesOf = async (response: Response, platform: string): Promise<Buffer> => {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > longestAnswer) throw new PublishError('unknown', `${platform} sent an answer of more than ${longestAnswer} bytes; it was not read.`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

const parsed = (text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads the whole answer, 8 MB at most, and not beyond the end of the signal: a body may stall as its head did. */
export const replyOf = async (response: Response, platform: string, signal: AbortSignal): Promise<Reply> => {
  const reading = bytesOf(response, platform)
  reading.catch(() => undefined)
  const ended = gone(signal)
  ended.catch(() => undefined)
  const bytes = await Promise.race([reading, ended])
  const text = bytes.toString('utf8')
  return { status: response.status, headers: response.headers, bytes, text, json: parsed(text) }
}

/** What the adapter reads from a good answer. Anything else is an answer that nobody understood: after a commit its outcome is unknown. */
export const accepted = <T>(reply: Reply, call: Call<T>, what: string, platform: Platform): T => {
  const { accept } = call
  const unread = (why: string) =>
    new PublishError('unknown', `${platform.name} answered ${reply.status} to ${what} with ${why}.`, { platform: platform.id, status: reply.status })
  if (accept === undefined) return undefined as T
  if (typeof accept === 'function') {
    try {
      return accept(reply)
    } catch (cause) {
      if (PublishError.is(cause)) throw cause
      throw unread('something its adapter does not understand')
    }
  }
  const result = accept.safeParse(reply.json)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw unread(`a body that cannot be read (${reply.json === undefined ? 'it is not JSON' : `at ${issue?.path.join('/') || 'the top'}: ${issue?.code}`})`)
}
