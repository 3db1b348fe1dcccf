import { execFile } from 'node:child_process'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { notSent } from '../../src/contract/ports.ts'
import { guardedFetch } from '../../src/ports/transport.ts'
import { failure, httpServer, rawServer } from './server.ts'

const piecesOf = (count: number, size: number): ReadableStream<Uint8Array> => {
  let left = count
  return new ReadableStream({
    pull: (controller) => {
      if (left-- > 0) controller.enqueue(new Uint8Array(size).fill(65))
      else controller.close()
    },
  })
}
const post = (url: string, body: string | FormData | ReadableStream<Uint8Array>, headers: Record<string, string> = {}) =>
  new Request(url, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

test('what was asked arrives, and what was answered comes back', async () => {
  const server = await httpServer((_, response) => response.writeHead(201, { 'x-rate': '7', 'set-cookie': ['a=1', 'b=2'] }).end('{"id":"1"}'))
  const fetch = guardedFetch({ allow: [server.origin] })
  const response = await fetch(new Request(`${server.origin}/a?b=c`, { method: 'PUT', headers: { 'x-own': 'yes' }, body: '{"text":"ü"}' }))
  expect([response.status, response.headers.get('x-rate'), response.headers.getSetCookie(), response.url]).toEqual([
    201,
    '7',
    ['a=1', 'b=2'],
    `${server.origin}/a?b=c`,
  ])
  expect(await response.json()).toEqual({ id: '1' })
  const [seen] = server.seen
  expect([seen?.method, seen?.url, seen?.headers['x-own'], seen?.body.toString()]).toEqual(['PUT', '/a?b=c', 'yes', '{"text":"ü"}'])
})

test('a small body goes out with its length, a large stream chunked, and a large one of stated length with that length', async () => {
  const server = await httpServer((_, response) => response.end())
  const fetch = guardedFetch({ allow: [server.origin] })
  await fetch(post(server.origin, 'héllo'))
  await fetch(post(server.origin, piecesOf(40, 100_000)))
  await fetch(post(server.origin, piecesOf(40, 100_000), { 'content-length': '4000000' }))
  await fetch(new Request(server.origin, { method: 'POST' }))
  await fetch(new Request(server.origin, { method: 'DELETE', body: piecesOf(4, 100_000), duplex: 'half' } as RequestInit))
  expect(server.seen.map(({ headers, body }) => [headers['content-length'], headers['transfer-encoding'], body.length])).toEqual([
    ['6', undefined, 6],
    [undefined, 'chunked', 4_000_000],
    ['4000000', undefined, 4_000_000],
    ['0', undefined, 0],
    [undefined, 'chunked', 400_000],
  ])
})

test('FormData goes out with its boundary and all of its parts', async () => {
  const server = await httpServer((_, response) => response.end())
  const form = new FormData()
  form.set('text', 'hello')
  form.set('media', new Blob([new Uint8Array(300_000)]), 'a.jpg')
  await guardedFetch({ allow: [server.origin] })(post(server.origin, form))
  const [seen] = server.seen
  const parsed = await new Response(new Uint8Array(seen?.body ?? []), { headers: { 'content-type': seen?.headers['content-type'] ?? '' } }).formData()
  expect(parsed.get('text')).toBe('hello')
  expect((parsed.get('media') as File).size).toBe(300_000)
})

test.each([
  ['longer', 8],
  ['shorter', 12],
])('a body %s than its stated length fails instead of garbling the next request', async (word, stated) => {
  const server = await httpServer((_, response) => response.end('ok'))
  const fetch = guardedFetch({ allow: [server.origin] })
  const error = await failure(fetch(post(server.origin, piecesOf(2, 5), { 'content-length': String(stated) })))
  expect(error.message).toBe(`The body is ${word} than its content-length of ${stated} bytes.`)
  expect(await (await fetch(new Request(server.origin))).text()).toBe('ok')
  expect(server.seen).toHaveLength(1)
})

test('a body that fails half-way ends the request', async () => {
  const server = await httpServer((_, response) => response.end('ok'))
  let pieces = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => (pieces++ < 5 ? controller.enqueue(new Uint8Array(100_000)) : controller.error(new Error('disk gone'))),
  })
  const error = await failure(guardedFetch({ allow: [server.origin] })(post(server.origin, body)))
  expect(error.message).toBe('disk gone')
  expect(server.seen).toHaveLength(0)
})

test('a redirect comes back and is not followed', async () => {
  const server = await httpServer((_, response) => response.writeHead(302, { location: '/elsewhere' }).end())
  const response = await guardedFetch({ allow: [server.origin] })(new Request(server.origin))
  expect([response.status, response.headers.get('location'), server.seen.length]).toEqual([302, '/elsewhere', 1])
})

test('asks for no compression and undoes none, and only the transport says host, framing and connection', async () => {
  const server = await httpServer((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('not really gzip'))
  const headers = { 'accept-encoding': 'gzip', host: 'evil.example', 'transfer-encoding': 'chunked', connection: 'close', upgrade: 'websocket' }
  const response = await guardedFetch({ allow: [server.origin] })(new Request(server.origin, { headers }))
  expect(await response.text()).toBe('not really gzip')
  const [seen] = server.seen
  expect(seen?.headers).toEqual({ accept: '*/*', host: new URL(server.origin).host, connection: 'keep-alive' })
})

test('requests after one another share a connection', async () => {
  const server = await httpServer((_, response) => response.end('ok'))
  const fetch = guardedFetch({ allow: [server.origin] })
  for (let i = 0; i < 5; i++) await (await fetch(post(server.origin, 'x'))).text()
  expect(server.connections()).toBe(1)
})

test.each([204, 304])('status %i and HEAD come back without a body', async (status) => {
  const server = await httpServer((_, response) => response.writeHead(status).end())
  const fetch = guardedFetch({ allow: [server.origin] })
  expect((await fetch(new Request(server.origin))).body).toBeNull()
  expect((await fetch(new Request(server.origin, { method: 'HEAD' }))).body).toBeNull()
})

test('a slow reader slows the server: an unread body does not pile up in memory', async () => {
  let written = 0
  const server = await httpServer((_, response) => {
    const pump = () => {
      while (written < 200e6) {
        written += 1e6
        if (!response.write(Buffer.alloc(1e6))) return void response.once('drain', pump)
      }
      response.end()
    }
    pump()
  })
  const response = await guardedFetch({ allow: [server.origin] })(new Request(server.origin))
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(written).toBeLessThan(50e6)
  await reader.cancel()
})

// ---- failures: did it leave?

test('a name that does not resolve and a refused connection are marked as not sent', async () => {
  const gone = await httpServer(() => {})
  const free = await new Promise<number>((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
  const fetch = guardedFetch({
    allow: [`http://127.0.0.1:${free}`, gone.origin],
    lookup: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND no.example'), { code: 'ENOTFOUND' })),
  })
  for (const [url, code] of [
    ['http://no.example/', 'ENOTFOUND'],
    [`http://127.0.0.1:${free}/`, 'ECONNREFUSED'],
  ] as const) {
    const error = await failure(fetch(post(url, 'x')))
    expect([error.code, notSent(error)]).toEqual([code, true])
  }
})

test('a failed TLS handshake is marked as not sent: not TLS at all, and a certificate nobody trusts', async () => {
  const plain = await rawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const { certificate, key } = selfSigned
  const server = https.createServer({ cert: certificate, key }, (_, response) => response.end('reached'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  for (const origin of [plain.origin.replace('http:', 'https:'), `https://127.0.0.1:${port}`]) {
    const error = await failure(guardedFetch({ allow: [origin] })(post(origin, 'x')))
    expect(notSent(error), error.message).toBe(true)
  }
})

test('a server that takes no connection, or never finishes the handshake, is given up and marked as not sent', async () => {
  const silent = await rawServer(() => {})
  const origin = silent.origin.replace('http:', 'https:')
  const error = await failure(guardedFetch({ allow: [origin], connectTimeoutMs: 40 })(post(origin, 'x')))
  expect([error.code, notSent(error)]).toEqual(['ETIMEDOUT', true])
  expect(error.message).toContain('did not take the connection within 40 ms')
  const lookup = guardedFetch({ lookup: () => new Promise(() => {}), connectTimeoutMs: 40 })
  expect(notSent(await failure(lookup(post('http://slow-dns.example', 'x'))))).toBe(true)
})

test.each([
  ['closes without an answer', (socket: net.Socket) => void socket.end()],
  ['resets', (socket: net.Socket) => void socket.resetAndDestroy()],
  ['answers half a header', (socket: net.Socket) => void socket.end('HTTP/1.1 200 O')],
  ['answers what is not HTTP', (socket: net.Socket) => void socket.end('\x16\x03 Bearer SECRET-TOKEN\r\n\r\n')],
  ['answers an impossible status', (socket: net.Socket) => void socket.end('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n')],
  ['switches protocols unasked', (socket: net.Socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')],
])('a server that %s fails the call, and it is not marked: the request may have had its effect', async (_, talk) => {
  const server = await rawServer(talk)
  const error = await failure(guardedFetch({ allow: [server.origin] })(post(server.origin, 'x')))
  expect(notSent(error)).toBe(false)
  expect(Object.values(error).map(String).join()).not.toContain('SECRET-TOKEN')
})

test('an idle connection that the server drops is not marked when the next request meets it', async () => {
  const sockets: net.Socket[] = []
  const server = await rawServer((socket) => {
    sockets.push(socket)
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    socket.on('data', () => socket.destroy())
  })
  const fetch = guardedFetch({ allow: [server.origin] })
  await (await fetch(post(server.origin, 'x'))).text()
  const error = await failure(fetch(post(server.origin, 'x')))
  expect(notSent(error)).toBe(false)
  expect(sockets).toHaveLength(1)
})

test('a body cut short by the server is an error, not a short body', async () => {
  const server = await rawServer((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
  const response = await guardedFetch({ allow: [server.origin] })(new Request(server.origin))
  expect((await failure(response.text())).message).toMatch(/aborted|terminated|close/)
})

// ---- abort

test('an abort before the request leaves is marked, also where its reason is shared with one that has left', async () => {
  const server = await httpServer(() => {})
  const stop = new AbortController()
  const fetch = guardedFetch({ allow: [server.origin], lookup: () => new Promise(() => {}) })
  const left = failure(fetch(new Request(server.origin, { signal: stop.signal })))
  const waiting = failure(fetch(new Request('http://slow-dns.example', { signal: stop.signal })))
  while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  stop.abort()
  expect([(await left).name, notSent(await left)]).toEqual(['AbortError', false])
  expect([(await waiting).name, notSent(await waiting)]).toEqual(['AbortError', true])
  const after = await failure(fetch(new Request(server.origin, { signal: stop.signal })))
  expect([after.name, notSent(after)]).toEqual(['AbortError', true])
})

test('an abort during the body ends the connection and fails the reader with the reason', async () => {
  let closed = false
  const server = await httpServer((_, response) => {
    response.write('first')
    response.on('close', () => {
      closed = true
    })
  })
  const stop = new AbortController()
  const response = await guardedFetch({ allow: [server.origin] })(new Request(server.origin, { signal: stop.signal }))
  const reading = failure(response.text())
  stop.abort(new Error('enough'))
  expect((await reading).message).toBe('enough')
  while (!closed) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('an abort while the request body is still read ahead sends nothing', async () => {
  const server = await httpServer((_, response) => response.end())
  const stop = new AbortController()
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(3)) })
  const request = new Request(server.origin, { method: 'POST', body, signal: stop.signal, duplex: 'half' } as RequestInit)
  const error = failure(guardedFetch({ allow: [server.origin] })(request))
  stop.abort()
  expect(notSent(await error)).toBe(true)
  expect(server.connections()).toBe(0)
})

test('proxy variables are ignored, also where Node is told to use them', async () => {
  const proxy = await httpServer((_, response) => response.end('proxied'))
  const server = await httpServer((_, response) => response.end('direct'))
  const script = `import { guardedFetch } from ${JSON.stringify(new URL('../../src/ports/transport.ts', import.meta.url).href)}
    console.log(await (await guardedFetch({ allow: ['${server.origin}'] })(new Request('${server.origin}'))).text())`
  const env = {
    ...process.env,
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: proxy.origin,
    http_proxy: proxy.origin,
    HTTPS_PROXY: proxy.origin,
    ALL_PROXY: proxy.origin,
    NO_PROXY: '',
    no_proxy: '',
  }
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '--experimental-strip-types', '--input-type=module', '-e', script], { env })
  expect([stdout, proxy.seen.length]).toEqual(['direct\n', 0])
})

/** For `localhost`, made for this test; signed by itself and worth nothing. */
const selfSigned = {
  certificate: `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUHqveInC266x2Q0FMvr65DWstpA8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMDIwMzIwNloYDzIxMjYxMDI3
MjAzMjA2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ8H48G4cPsIV26GpBw02ehh+ZD6k5MMk8zDZ0bIFNl6nl+REf5EjmM
T1AnHF5ueFr1RSWXMurNAMlCTBvIfLGno1MwUTAdBgNVHQ4EFgQUKHCV05oRDfXD
Wc2kK2hmU1IS7VYwHwYDVR0jBBgwFoAUKHCV05oRDfXDWc2kK2hmU1IS7VYwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA5LVkC4Cd4ZQ/a3dyb0Y0
R2HasBppkniRpl8G9yThvLECIQCMQxUCAdp6oDUj94/5l46Y3UeKY2tbtqgRgH54
iMO3SQ==
-----END CERTIFICATE-----`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3zlgnzUYVOkaZnes
qYbSmwALn5QwrJgWn96jlS9N9Y6hRANCAAQ8H48G4cPsIV26GpBw02ehh+ZD6k5M
Mk8zDZ0bIFNl6nl+REf5EjmMT1AnHF5ueFr1RSWXMurNAMlCTBvIfLGn
-----END PRIVATE KEY-----`,
}
