// The HTTP server: real hosts below /at/, control below /_sandbox/, and everything that could bring it down.

import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { notSent } from '@syndikit/core'
import { createSandbox, type SandboxServer, type ServeOptions, sandboxFetch, sandboxUrl, serveSandbox } from '@syndikit/sandbox'
import { expect, onTestFinished, test } from 'vitest'
import { ask, postOf, sandbox as toy } from './toy.ts'

const start = async (options: ServeOptions = {}) => {
  const sandbox = createSandbox({ platforms: [toy], seed: 0 })
  const server: SandboxServer = await serveSandbox(sandbox, options)
  onTestFinished(() => server.close())
  return { sandbox, url: server.url, port: Number(new URL(server.url).port), fetch: sandboxFetch(server.url), close: server.close }
}
const control = (url: string, method: string, path: string, body?: string, headers = {}) =>
  fetch(`${url}/_sandbox/${path}`, { method, ...(body !== undefined && { body }), headers })

/** Sends bytes as they are; answers what came back when the connection ends. */
const raw = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', () => undefined).on('close', () => resolve(answer))
  })

test('method, path, query, headers and body arrive as they were sent', async () => {
  const { fetch } = await start()
  const reply = await fetch(ask('/echo/a%20b?x=1&y=%2F', { method: 'PATCH', body: 'körper', headers: { 'x-own': 'yes' } }))
  expect(await reply.json()).toEqual({
    method: 'PATCH',
    search: '?x=1&y=%2F',
    body: 'körper',
    headers: { authorization: 'Bearer alices-token', 'x-own': 'yes', 'content-type': 'text/plain;charset=UTF-8', 'content-length': '7' },
  })
})

test('an empty answer stays empty', async () => {
  const { fetch, sandbox } = await start()
  await fetch(postOf('a'))
  const reply = await fetch(ask('/posts/1', { method: 'DELETE' }))
  expect([reply.status, reply.body, sandbox.visible()]).toEqual([204, null, []])
})

test('a redirect is not followed and keeps its real address', async () => {
  const { fetch } = await start()
  const reply = await fetch(ask('/moved', { method: 'POST', body: 'x' }))
  expect([reply.status, reply.headers.get('location')]).toEqual([307, 'https://api.toy.example/posts'])
})

test('sandboxFetch refuses hosts that nobody stands in for, names those that are known, and says that nothing was sent', async () => {
  const { fetch } = await start()
  const error = await fetch(new Request('https://api.example.org/x', { method: 'POST', body: 'x' })).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toContain('does not stand in for api.example.org. It knows toy.example, api.toy.example, *.pods.toy.example')
  expect(notSent(error)).toBe(true)
  await expect(fetch(new Request('http://api.toy.example/x'))).rejects.toThrow('stands in for https addresses only')
})

test('a server that is not there is a failure before sending', async () => {
  const { fetch, close } = await start()
  await close()
  const error = await fetch(postOf('a')).catch((reason: unknown) => reason)
  expect([error instanceof TypeError, notSent(error)]).toEqual([true, true])
})

test('sandboxFetch says what is wrong with its address', () => {
  expect(() => sandboxFetch('localhost')).toThrow('give it the address of a sandbox server')
})

test('an aborted upload rejects with the reason and leaves the server well', async () => {
  const { fetch } = await start()
  const giveUp = new AbortController()
  const endless = new ReadableStream({
    pull(stream) {
      stream.enqueue(new Uint8Array(65_536))
    },
  })
  const reply = fetch(ask('/upload', { method: 'POST', body: endless, duplex: 'half', signal: giveUp.signal }))
  setTimeout(() => giveUp.abort(new Error('enough')), 50)
  await expect(reply).rejects.toThrow('enough')
  expect((await fetch(postOf('still here'))).status).toBe(201)
})

test('a body over the cap is a 413, whether it says its length or not', async () => {
  const { fetch } = await start({ maxBodyBytes: 100_000 })
  const pieces = () => ReadableStream.from([1, 2, 3].map(() => new Uint8Array(65_536)))
  for (const body of [new Uint8Array(100_001), pieces()]) {
    const reply = await fetch(ask('/upload', { method: 'POST', body, duplex: 'half' }))
    expect([reply.status, ((await reply.json()) as { error: string }).error]).toEqual([413, 'body_too_large'])
  }
  expect((await fetch(ask('/upload', { method: 'POST', body: new Uint8Array(100_000) }))).status).toBe(200)
})

test('an answer that comes before the body was read does not cut the connection', async () => {
  const { fetch } = await start()
  for (let round = 0; round < 5; round++) {
    const reply = await fetch(ask('/upload', { method: 'POST', body: new Uint8Array(8_000_000), token: 'wrong' }))
    expect([reply.status, await reply.json()]).toEqual([401, { error: 'no_token' }])
  }
})

test.each([
  ['no HTTP at all', 'hello\r\n\r\n'],
  ['a header that is none', 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n: x\r\n\r\n'],
  ['a length that lies', 'POST /at/api.toy.example/posts HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\nshort'],
  [
    'a broken chunk',
    'POST /at/api.toy.example/posts HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer alices-token\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
  ],
  ['an address without a host', 'GET /at/ HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'],
  ['a host with a user in it', 'GET /at/user@api.toy.example/ HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'],
  ['a broken escape', 'GET /at/api.toy.example/%E0%A4%A?q=%ZZ HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'],
  ['a target that is no path', 'OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'],
  ['a target that is no address', 'GET //[ HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'],
  ['a method that fetch refuses', 'TRACE /at/api.toy.example/ HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'],
  ['no host header', 'GET / HTTP/1.0\r\n\r\n'],
])('%s does not bring the server down', async (_, bytes) => {
  const { port, url } = await start()
  expect(await raw(port, bytes)).not.toMatch(/^HTTP\/1\.1 5/)
  expect((await control(url, 'GET', 'health')).status).toBe(200)
})

test('GET health, visible and requests', async () => {
  const { fetch, url } = await start()
  await fetch(postOf('hello', { files: [{ mime: 'image/png', alt: '', blob: '0' }] }))
  const get = async (path: string) => (await control(url, 'GET', path)).json()
  expect(await get('health')).toEqual({ ok: true, platforms: [{ platform: 'toy', name: 'Toy', hosts: [...toy.hosts] }] })
  expect(await get('visible')).toEqual([{ platform: 'toy', account: 'alice', id: '1', text: 'hello', media: 1 }])
  expect(await get('requests')).toMatchObject([{ method: 'POST', host: 'api.toy.example', path: '/posts', status: 201 }])
})

test('faults are set, listed and cleared from another process', async () => {
  const { fetch, url, sandbox } = await start()
  const rule = { fault: 'throttle', platform: 'toy', on: 'commit', nth: 1 }
  expect(await (await control(url, 'POST', 'faults', JSON.stringify([rule, { fault: 'drop-reply', nth: 9 }]))).json()).toEqual({
    waiting: [rule, { fault: 'drop-reply', nth: 9 }],
  })
  expect((await fetch(postOf('a'))).status).toBe(429)
  expect(await (await control(url, 'GET', 'faults')).json()).toMatchObject({ waiting: [{ fault: 'drop-reply' }], log: [{ fault: 'throttle' }] })
  expect(await (await control(url, 'DELETE', 'faults')).json()).toEqual({ waiting: [] })
  expect(sandbox.faults.waiting).toEqual([])
})

test('act and reset work from another process', async () => {
  const { fetch, url, sandbox } = await start()
  await fetch(postOf('a'))
  expect((await control(url, 'POST', 'act', '{"platform":"toy","what":"expire"}')).status).toBe(200)
  expect((await fetch(postOf('b'))).status).toBe(401)
  expect((await control(url, 'POST', 'reset')).status).toBe(200)
  expect(sandbox.visible()).toEqual([])
  expect((await fetch(postOf('c'))).status).toBe(201)
})

test.each([
  ['POST', 'faults', '{"fault":"explode","nth":1}', 400, /fault/],
  ['POST', 'faults', 'not json', 400, /not JSON/],
  ['POST', 'faults', undefined, 400, /not JSON/],
  ['POST', 'faults', `"${'x'.repeat(1_100_000)}"`, 400, /larger than/],
  ['POST', 'act', '{"platform":"toy","what":"explode"}', 400, /what/],
  ['POST', 'act', '{"platform":"nope","what":"expire"}', 400, /no platform "nope"/],
  ['GET', 'act', undefined, 405, /takes POST/],
  ['GET', 'toString', undefined, 404, /GET \/_sandbox\/visible/],
])('%s %s with %s is answered with %i and the reason', async (method, path, body, status, message) => {
  const { url } = await start()
  const reply = await control(url, method as string, path as string, body as string | undefined)
  expect(reply.status).toBe(status)
  expect(((await reply.json()) as { message: string }).message).toMatch(message as RegExp)
})

test('a page of another origin can neither control the sandbox nor read it through a name of its own', async () => {
  const { url, port, sandbox } = await start()
  sandbox.faults.add({ fault: 'throttle', nth: 1 })
  expect((await control(url, 'DELETE', 'faults', undefined, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await control(url, 'DELETE', 'faults', undefined, { origin: url })).status).toBe(200)
  const status = await new Promise((resolve) =>
    httpRequest({ port, path: '/_sandbox/visible', headers: { host: 'evil.example' } }, (reply) => resolve(reply.resume().statusCode)).end(),
  )
  expect(status).toBe(421)
})

test('a port that is in use is named', async () => {
  const { port } = await start()
  const sandbox = createSandbox({ platforms: [toy] })
  await expect(serveSandbox(sandbox, { port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use. Stop what is there, or choose another port.`)
})

test('an address that is not of this machine is named', async () => {
  const sandbox = createSandbox({ platforms: [toy] })
  await expect(serveSandbox(sandbox, { host: '192.0.2.1' })).rejects.toThrow('Port 0 on 192.0.2.1 cannot be opened (EADDRNOTAVAIL). Choose another port, or an')
})

test('in a browser, addresses of emulated hosts lead back to the sandbox and all others stay', async () => {
  const { url } = await start()
  const consent = sandboxUrl(url, 'https://toy.example/oauth/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback&state=a%26b')
  const page = await fetch(consent)
  const text = await page.text()
  expect(text).toContain('href="/at/toy.example/about?a=1&amp;b=2"')
  expect(text).toContain('href="/at/toy.example/help"')
  expect(text).toContain('href="https://example.org/"')
  expect(text).toContain('action="/at/toy.example/oauth/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback&amp;state=a%26b"')
  expect(page.headers.get('set-cookie')).toBe('toy=1; HttpOnly; Path=/at/toy.example/')
  const allowed = await fetch(consent, { method: 'POST', body: new URLSearchParams({ account: 'layla' }), headers: { cookie: 'toy=1' }, redirect: 'manual' })
  expect(allowed.headers.get('location')).toMatch(/^\/at\/toy\.example\/oauth\/done\?to=/)
  const done = await fetch(new URL(allowed.headers.get('location') ?? '', url), { redirect: 'manual' })
  expect(done.headers.get('location')).toBe('http://127.0.0.1:1/back?code=code-1')
})

test('for programs, pages stay as the platform wrote them', async () => {
  const { fetch } = await start()
  expect(await (await fetch(new Request('https://toy.example/oauth/authorize?redirect_uri=x'))).text()).toContain('action="https://toy.example/oauth/authorize')
})

test('sandboxUrl refuses what no sandbox stands in for', () => {
  expect(() => sandboxUrl('http://127.0.0.1:1', 'http://toy.example/')).toThrow('http://toy.example is not an https address')
})

test('1,000 requests from 50 clients at once all have their effect, once', { timeout: 60_000 }, async () => {
  const { fetch, sandbox } = await start()
  const clients = Array.from({ length: 50 }, async (_, client) => {
    for (let nth = 0; nth < 20; nth++) expect((await fetch(postOf(`${client}-${nth}`))).status).toBe(201)
  })
  await Promise.all(clients)
  expect(new Set(sandbox.visible().map(({ text }) => text)).size).toBe(1000)
  expect(sandbox.visible()).toHaveLength(1000)
})
