// The Fetch port that sends every request to a sandbox server instead of the real host.

import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Fetch, markNotSent } from '@syndikit/core'
import { markHeader } from './run/hosts.ts'
import { pathOf } from './server/address.ts'

const knowableBytes = 64 * 1024
const connectionHeaders = new Set(['host', 'connection', 'transfer-encoding', 'keep-alive', 'expect'])
const bodiless = new Set([204, 205, 304])

/** Small bodies are read first, so that they leave with their length, as those of `fetch` do. */
async function small(body: ReadableStream<Uint8Array>): Promise<{ first: Uint8Array; rest: ReadableStreamDefaultReader<Uint8Array> | undefined }> {
  const reader = body.getReader()
  const pieces: Uint8Array[] = []
  let bytes = 0
  while (bytes <= knowableBytes) {
    const { done, value } = await reader.read()
    if (done) return { first: Buffer.concat(pieces), rest: undefined }
    pieces.push(value)
    bytes += value.byteLength
  }
  return { first: Buffer.concat(pieces), rest: reader }
}

async function* remaining(first: Uint8Array, rest: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let next = await rest.read(); !next.done; next = await rest.read()) yield next.value
}

async function write(outgoing: ClientRequest, request: Request): Promise<void> {
  if (request.body === null) {
    if (!['GET', 'HEAD'].includes(request.method)) outgoing.setHeader('content-length', 0)
    outgoing.end()
    return
  }
  const { first, rest } = await small(request.body)
  if (!rest) outgoing.setHeader('content-length', first.byteLength).end(first)
  else await pipeline(Readable.from(remaining(first, rest), { objectMode: false }), outgoing)
}

const failed = (cause: unknown): TypeError => {
  const error = new TypeError('fetch failed', { cause })
  return (cause as { code?: unknown }).code === 'ECONNREFUSED' ? markNotSent(error) : error
}

function reply(incoming: IncomingMessage): Response {
  const headers = new Headers()
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
  const status = incoming.statusCode ?? 500
  if (bodiless.has(status)) incoming.resume()
  return new Response(bodiless.has(status) ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>), { status, headers })
}

function exchange(agent: Agent, server: string, path: string, request: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server)
    const own = Object.fromEntries([...request.headers].filter(([name]) => !connectionHeaders.has(name)))
    const headers = { ...own, [markHeader]: 'as-is' }
    const outgoing = httpRequest({ agent, hostname: hostname.replace(/^\[|\]$/g, ''), port, path, method: request.method, headers })
    const stop = () => {
      outgoing.destroy(request.signal.reason)
      reject(request.signal.reason)
    }
    request.signal.addEventListener('abort', stop, { once: true })
    outgoing.on('close', () => request.signal.removeEventListener('abort', stop))
    outgoing.on('error', (error) => reject(failed(error)))
    outgoing.on('response', (incoming) => resolve(reply(incoming)))
    // After the answer has begun, a body that could not be sent to its end is nobody's concern.
    write(outgoing, request).catch((error: unknown) => {
      outgoing.destroy()
      reject(failed(error))
    })
  })
}

/**
 * For core's `fetch` port. `https://HOST/…` goes to `SERVER/at/HOST/…`, streamed both ways; redirects are not followed and keep their real address.
 * A host that the sandbox does not stand in for is a `TypeError` that names those it does; that and a refused connection are marked as not sent.
 */
export function sandboxFetch(server: string): Fetch {
  if (!URL.canParse(server) || new URL(server).protocol !== 'http:')
    throw new TypeError(`sandboxFetch: give it the address of a sandbox server, for example http://127.0.0.1:4010.`)
  const agent = new Agent({ keepAlive: true })
  return async (request) => {
    request.signal.throwIfAborted()
    const path = pathOf(request.url)
    if (path === undefined)
      throw markNotSent(new TypeError(`The sandbox at ${server} stands in for https addresses only, not for ${new URL(request.url).origin}.`))
    const answer = await exchange(agent, server, path.replace(/#.*$/s, ''), request)
    if (answer.headers.get(markHeader) !== 'unknown-host') return answer
    throw markNotSent(new TypeError(((await answer.json()) as { message: string }).message))
  }
}
