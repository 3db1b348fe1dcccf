// Between node:http and the Request and Response that emulators speak.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { markHeader } from '../run/hosts.ts'

// They speak of the connection to this server, not of the request to the platform.
const ownHeaders = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', markHeader])

export interface Body {
  readonly stream: ReadableStream<Uint8Array>
  /** Whether more than the cap arrived: then reading has failed, and whatever was answered is a 413. */
  tooLarge(): boolean
  /** Lets what nobody read run out, so that the client gets to read its answer. */
  drain(): void
}

/** Reads a request's body on demand: a slow reader slows the client, and nothing piles up. */
export function bodyOf(message: IncomingMessage, maxBytes: number): Body {
  const pieces = message.iterator({ destroyOnReturn: false })
  let bytes = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) return controller.close()
        bytes += value.byteLength
        if (bytes > maxBytes) throw new Error(`The body is larger than ${maxBytes} bytes.`)
        controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
      },
    },
    { highWaterMark: 0 },
  )
  return {
    stream,
    tooLarge: () => bytes > maxBytes || Number(message.headers['content-length'] ?? 0) > maxBytes,
    drain() {
      if (message.complete || message.destroyed) return
      pieces.return?.().catch(() => undefined)
      message.resume()
    },
  }
}

/** Throws where the request cannot be one to a platform: a method or a header that `fetch` does not know. */
export function requestOf(message: IncomingMessage, url: URL, body: Body, signal: AbortSignal): Request {
  const headers = new Headers()
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = message.rawHeaders.slice(at, at + 2)
    if (!ownHeaders.has(name.toLowerCase())) headers.append(name, value)
  }
  const { method = 'GET' } = message
  const announced = message.headers['transfer-encoding'] !== undefined || Number(message.headers['content-length'] ?? 0) > 0
  const hasBody = announced && method !== 'GET' && method !== 'HEAD'
  return new Request(url, hasBody ? { method, headers, signal, body: body.stream, duplex: 'half' } : { method, headers, signal })
}

export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string | Uint8Array
}

export const json = (status: number, body: unknown, headers: readonly (readonly [string, string])[] = []): Answer => ({
  status,
  headers: [['content-type', 'application/json; charset=utf-8'], ...headers],
  body: `${JSON.stringify(body)}\n`,
})

/** Sends it whole, or nothing: an answer that node:http refuses becomes a 500. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const bodiless = status === 204 || status === 304
  try {
    for (const [name, value] of headers) {
      if (!['content-length', 'transfer-encoding', 'connection', 'keep-alive'].includes(name)) response.appendHeader(name, value)
    }
    if (!bodiless) response.setHeader('content-length', bytes.byteLength)
    response.writeHead(status)
  } catch (error) {
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.writeHead(500, { 'content-type': 'text/plain' }).end(`The answer cannot be sent: ${(error as Error).message}\n`)
    return
  }
  response.end(bodiless || response.req.method === 'HEAD' ? undefined : bytes)
}
