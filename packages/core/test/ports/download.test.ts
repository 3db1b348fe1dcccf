import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { PublishError } from '../../src/contract/error.ts'
import { type Fetch, notSent } from '../../src/contract/ports.ts'
import { download } from '../../src/ports/download.ts'
import { systemClock } from '../../src/ports/system.ts'
import { guardedFetch } from '../../src/ports/transport.ts'
import { failure, httpServer, rawServer } from './server.ts'

const fresh = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'download-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'file')
}
const get = async (url: string, more: { fetch?: Fetch; maxBytes?: number; timeoutMs?: number; redirects?: number } = {}) => {
  const { fetch = guardedFetch({ allow: [new URL(url).origin] }), ...rest } = more
  const into = await fresh()
  const result = download(fetch, url, { maxBytes: 1_000_000, timeoutMs: 5_000, clock: systemClock, into, ...rest })
  return { into, result }
}
const fails = async (url: string, more: Parameters<typeof get>[1] = {}) => {
  const { into, result } = await get(url, more)
  const error = await failure(result)
  if (!PublishError.is(error)) throw error
  expect(existsSync(into), 'a failed download leaves no file').toBe(false)
  expect(error.outcome).toBe('not-published')
  expect(error.message).not.toContain('SECRET')
  return error
}

test('the bytes arrive in a file that only this user may read', async () => {
  const bytes = Buffer.alloc(300_000, 'abc')
  const server = await httpServer((_, response) => response.end(bytes))
  const { into, result } = await get(`${server.origin}/a.jpg?sig=SECRET`)
  expect(await result).toEqual({ bytes: 300_000, url: `${server.origin}/a.jpg?sig=SECRET` })
  expect((await readFile(into)).equals(bytes)).toBe(true)
  expect((await stat(into)).mode & 0o077).toBe(0)
})

test('never writes over a file that is there', async () => {
  const server = await httpServer((_, response) => response.end('new'))
  const { into, result } = await get(server.origin)
  await result
  const again = await failure(download(guardedFetch({ allow: [server.origin] }), server.origin, { maxBytes: 9, timeoutMs: 999, clock: systemClock, into }))
  expect(again.code).toBe('EEXIST')
  expect(await readFile(into, 'utf8')).toBe('new')
})

test('follows three redirects, relative ones too, and not a fourth', async () => {
  const server = await httpServer(({ url }, response) => {
    const hop = Number(url.slice(1))
    if (hop > 0) response.writeHead(302, { location: `${hop - 1}` }).end()
    else response.end('there')
  })
  const { result } = await get(`${server.origin}/3`)
  expect(await result).toEqual({ bytes: 5, url: `${server.origin}/0` })
  expect((await fails(`${server.origin}/4`)).message).toMatch(/redirects more than 3 times\. Give the address of the file itself\./)
})

test('a redirect loop ends', async () => {
  const server = await httpServer((_, response) => response.writeHead(307, { location: '/again?key=SECRET' }).end())
  expect((await fails(`${server.origin}/again?key=SECRET`)).code).toBe('media')
  expect(server.seen).toHaveLength(4)
})

test.each(['http://169.254.169.254/latest/meta-data', 'http://[::ffff:7f00:1]:1/', 'http://2130706433:1/', '//127.1:1/'])(
  'a redirect to %s is refused',
  async (location) => {
    const server = await httpServer((_, response) => response.writeHead(302, { location }).end())
    const error = await fails(`${server.origin}/`)
    expect([error.code, notSent(error)]).toEqual(['invalid', true])
    expect(server.seen).toHaveLength(1)
  },
)

test('a redirect to a name that resolves to a private address is refused', async () => {
  const server = await httpServer((_, response) => response.writeHead(302, { location: `http://inside.example:${new URL(server.origin).port}/` }).end())
  const fetch = guardedFetch({ allow: [server.origin], lookup: async () => [{ address: '127.0.0.1', family: 4 }] })
  expect((await fails(server.origin, { fetch })).message).toContain('inside.example resolves to 127.0.0.1')
  expect(server.seen).toHaveLength(1)
})

test.each([
  ['file:///etc/passwd', 'only http and https'],
  ['ftp://a.example/', 'only http and https'],
  ['http://user:SECRET@a.example/', 'user name or password'],
  ['http://', 'cannot be read'],
])('neither a URL nor a redirect may be %s', async (location, words) => {
  const server = await httpServer((_, response) => response.writeHead(302, { location }).end())
  expect((await fails(server.origin)).message).toContain(words)
  const direct = await failure(download(guardedFetch(), location, { maxBytes: 9, timeoutMs: 99, clock: systemClock, into: await fresh() }))
  expect(PublishError.is(direct) && direct.message).toContain(words)
})

test('an endless body is cut at the limit, and the connection with it', async () => {
  let open = true
  const server = await httpServer((_, response) => {
    response.on('close', () => {
      open = false
    })
    const pump = () => {
      while (open && response.write(Buffer.alloc(65_536)));
      if (open) response.once('drain', pump)
    }
    pump()
  })
  const error = await fails(server.origin)
  expect([error.code, error.message.includes('larger than the 1000000 bytes')]).toEqual(['media', true])
  while (open) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('a stated length above the limit is refused before any byte is read', async () => {
  const server = await httpServer((_, response) => response.writeHead(200, { 'content-length': '1000001' }).flushHeaders())
  expect((await fails(server.origin)).message).toContain('larger than the 1000000 bytes')
})

test('exactly the limit is not too much, one byte more is', async () => {
  const server = await httpServer(({ url }, response) => response.writeHead(200).end(Buffer.alloc(Number(url.slice(1)))))
  const { result } = await get(`${server.origin}/1000`, { maxBytes: 1000 })
  expect((await result).bytes).toBe(1000)
  expect((await fails(`${server.origin}/1001`, { maxBytes: 1000 })).code).toBe('media')
})

test('a body shorter than its stated length is an error that may be tried again, a longer one ends where it said', async () => {
  const short = await rawServer((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
  expect((await fails(short.origin)).code).toBe('transient')
  const long = await rawServer((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhalf and more'))
  const { into, result } = await get(long.origin)
  await result
  expect(await readFile(into, 'utf8')).toBe('half')
})

test.each([
  ['headers', ''],
  ['a body', 'HTTP/1.1 200 OK\r\n\r\n'],
])('a server that sends %s one byte at a time is cut off when the time is up', async (_, start) => {
  const server = await rawServer((socket) => {
    socket.write(start)
    const drip = setInterval(() => socket.write(start ? 'x' : 'H'), 5)
    socket.once('close', () => clearInterval(drip))
  })
  const began = performance.now()
  const error = await fails(`${server.origin}/slow?sig=SECRET`, { timeoutMs: 150 })
  expect(error.code).toBe('transient')
  if (start) expect(error.message).toContain('/slow did not arrive within 150 ms')
  expect(performance.now() - began).toBeLessThan(2_000)
})

test('the time counts over all hops together', async () => {
  const server = await httpServer((_, response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 80))
  expect((await fails(server.origin, { timeoutMs: 150 })).message).toContain('did not arrive within 150 ms')
})

test('also a fetch that ignores its signal is left behind when the time is up', async () => {
  const hangs: Fetch = () => new Promise(() => {})
  const drips: Fetch = async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))
  for (const fetch of [hangs, drips]) expect((await fails('http://a.example/', { fetch, timeoutMs: 40 })).message).toContain('did not arrive within 40 ms')
})

test('a gzip bomb stays the compressed bytes that came', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const server = await httpServer((_, response) => response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'image/png' }).end(bomb))
  const { into, result } = await get(server.origin)
  expect((await result).bytes).toBe(bomb.length)
  expect((await readFile(into)).equals(bomb)).toBe(true)
})

test.each([
  [404, 'media'],
  [403, 'media'],
  [304, 'media'],
  [302, 'media'],
  [429, 'transient'],
  [503, 'transient'],
])('an answer of %i is the problem %s', async (status, code) => {
  const server = await httpServer((_, response) => response.writeHead(status).end())
  const error = await fails(`${server.origin}/a.png?sig=SECRET`)
  expect([error.code, error.message.includes(`/a.png answered ${status} instead of the file`)]).toEqual([code, true])
})

test('a host that cannot be reached may be tried again', async () => {
  const fetch = guardedFetch({ lookup: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })) })
  const error = await fails('http://gone.example/a.png?sig=SECRET', { fetch })
  expect([error.code, error.message, notSent(error)]).toEqual([
    'transient',
    'http://gone.example/a.png could not be fetched (ENOTFOUND). Try again later.',
    true,
  ])
})
