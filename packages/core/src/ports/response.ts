// Answers of node:http as web Responses.

import type { IncomingMessage } from 'node:http'

export const toError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error('The request was aborted', { cause: reason }))

const withoutBody = new Set([204, 205, 304])

/** One piece is read when one is asked for, so a slow reader slows the server instead of filling memory. */
const streamOf = (answer: IncomingMessage, signal: AbortSignal): ReadableStream<Uint8Array> => {
  const pieces = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const abort = () => answer.destroy(toError(signal.reason))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  answer.once('close', () => signal.removeEventListener('abort', abort))
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next()
          if (done) controller.close()
          else controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
        } catch (error) {
          controller.error(signal.aborted ? signal.reason : error)
        }
      },
      cancel: () => void answer.destroy(),
    },
    { highWaterMark: 0 },
  )
}

export const responseOf = (answer: IncomingMessage, request: Request): Response => {
  const headers = new Headers()
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) headers.append(answer.rawHeaders[i] as string, answer.rawHeaders[i + 1] as string)
  const status = answer.statusCode ?? 0
  const empty = request.method === 'HEAD' || withoutBody.has(status)
  if (empty) answer.resume()
  const response = new Response(empty ? null : streamOf(answer, request.signal), { status, headers })
  return Object.defineProperty(response, 'url', { value: request.url })
}
