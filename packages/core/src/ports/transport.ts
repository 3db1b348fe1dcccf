// The default network: web Request in, web Response out, over node:http and node:https, behind the guard.

import http from 'node:http'
import https from 'node:https'
import { type Fetch, markNotSent } from '../contract/ports.ts'
import { bodyOf, type SendBody, sendBody } from './body.ts'
import { createGuard, type Guard, type GuardOptions } from './guard.ts'
import { responseOf, toError } from './response.ts'

/** What the network of `guardedFetch` allows, and how long it waits. */
export interface TransportOptions extends GuardOptions {
  /** DNS, TCP and TLS together. Past it the request certainly did not leave. Default 10 s. */
  connectTimeoutMs?: number
}

/** Below the 5 s after which common servers drop an idle connection: a POST that meets the drop has an unknown outcome. */
const idleMs = 4_000

/** What only the transport may say: framing, the connection, the host, and that it does not decompress. */
const ownHeaders = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const headersOf = (request: Request, body: SendBody): http.OutgoingHttpHeaders => ({
  accept: '*/*',
  ...Object.fromEntries([...request.headers].filter(([name]) => !ownHeaders.has(name))),
  // Said even where Node would guess: without it a DELETE with a body goes out unframed.
  ...(body.length === undefined
    ? { 'transfer-encoding': 'chunked' }
    : (body.length > 0 || /^(POST|PUT|PATCH)$/.test(request.method)) && { 'content-length': body.length }),
})

/** An abort's reason may be shared by many requests, so the mark goes on an error of this one. */
const notSentAbort = (reason: unknown): Error => {
  const { name, message } = toError(reason)
  return markNotSent(Object.assign(new Error(`${message} (before the request left)`, { cause: reason }), { name }))
}

/** Whether bytes of the request may have left. Ends the request when connecting takes too long. */
const watchConnection = (sent: http.ClientRequest, secure: boolean, timeoutMs: number, host: string): { mayHaveLeft(): boolean } => {
  let connected = false
  const late = setTimeout(
    () => sent.destroy(Object.assign(new Error(`${host} did not take the connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' })),
    timeoutMs,
  )
  const connect = () => {
    connected = true
    clearTimeout(late)
  }
  sent.once('close', () => clearTimeout(late))
  sent.once('socket', (socket) => (sent.reusedSocket ? connect() : socket.once(secure ? 'secureConnect' : 'connect', connect)))
  return { mayHaveLeft: () => connected }
}

interface Outgoing {
  readonly request: Request
  readonly url: URL
  readonly body: SendBody
  readonly agent: http.Agent
  readonly guard: Guard
  readonly connectTimeoutMs: number
}

const exchange = ({ request, url, body, agent, guard, connectTimeoutMs }: Outgoing): Promise<Response> =>
  new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const sent = (secure ? https : http).request(url, {
      method: request.method,
      headers: headersOf(request, body),
      agent,
      lookup: guard.lookupFor(url),
    })
    const connection = watchConnection(sent, secure, connectTimeoutMs, url.host)
    const abort = () => sent.destroy(toError(request.signal.reason))
    request.signal.addEventListener('abort', abort, { once: true })
    const fail = (error: Error) => {
      // Node hangs the raw answer on parse errors; nobody may log that.
      Reflect.deleteProperty(error, 'rawPacket')
      if (connection.mayHaveLeft()) reject(request.signal.aborted ? request.signal.reason : error)
      else reject(request.signal.aborted ? notSentAbort(request.signal.reason) : markNotSent(error))
    }
    sent.on('error', fail)
    sent.once('close', () => {
      request.signal.removeEventListener('abort', abort)
      // Node closes some broken answers (an unasked 101) without an error.
      fail(new Error(`${url.host} closed the connection without an answer`))
    })
    sent.once('response', (answer) => {
      try {
        resolve(responseOf(answer, request))
      } catch (error) {
        answer.destroy()
        reject(error)
      }
    })
    sendBody(sent, body).catch((error: unknown) => sent.destroy(toError(error)))
  })

/**
 * The default of every call and download: reaches public http and https addresses only, whatever a name resolves to, and pins the address that was checked.
 * Never follows a redirect (the 3xx comes back), reads no proxy variable, never decompresses, never repeats.
 * A failure before the connection stood is marked (`notSent`); any later one is not. Read or cancel every body: an unread one holds its connection.
 * Bodies up to 256 kB go out with their length; larger ones with the `content-length` of the request, or chunked.
 */
export const guardedFetch = (options: TransportOptions = {}): Fetch => {
  const guard = createGuard(options)
  const { connectTimeoutMs = 10_000 } = options
  const agents = { http: new http.Agent({ keepAlive: true, timeout: idleMs }), https: new https.Agent({ keepAlive: true, timeout: idleMs }) }
  return async (request) => {
    const url = new URL(request.url)
    guard.check(url)
    const body = await bodyOf(request)
    if (request.signal.aborted) throw notSentAbort(request.signal.reason)
    return exchange({ request, url, body, guard, connectTimeoutMs, agent: url.protocol === 'https:' ? agents.https : agents.http })
  }
}
