import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { notSent } from '../../src/contract/ports.ts'
import { guardedFetch } from '../../src/ports/transport.ts'
import { failure } from './server.ts'

const server = setupServer()
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }))
afterEach(() => server.resetHandlers())
afterAll(() => server.close())

test('msw answers in place of the real host, with the whole request in hand', async () => {
  const seen: unknown[] = []
  server.use(
    http.post('https://api.platform.example/posts', async ({ request }) => {
      seen.push(request.headers.get('authorization'), await request.json())
      return HttpResponse.json({ id: '7' }, { status: 201, headers: { 'x-rate-limit-remaining': '3' } })
    }),
  )
  const fetch = guardedFetch()
  for (let i = 0; i < 3; i++) {
    const response = await fetch(
      new Request('https://api.platform.example/posts', {
        method: 'POST',
        headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
        body: '{"text":"hi"}',
      }),
    )
    expect([response.status, response.headers.get('x-rate-limit-remaining'), await response.json()]).toEqual([201, '3', { id: '7' }])
  }
  expect(seen).toEqual(['Bearer t', { text: 'hi' }, 'Bearer t', { text: 'hi' }, 'Bearer t', { text: 'hi' }])
})

test('large bodies pass msw both ways', async () => {
  server.use(http.put('https://upload.platform.example/part', async ({ request }) => HttpResponse.arrayBuffer(await request.arrayBuffer())))
  const sent = new Uint8Array(2_000_000).fill(7)
  const response = await guardedFetch()(new Request('https://upload.platform.example/part', { method: 'PUT', body: sent }))
  expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(sent))).toBe(true)
})

test.each(['http', 'https'])('a network error after the handler had the request is not marked as not sent, over %s', async (scheme) => {
  let effects = 0
  server.use(
    http.post(`${scheme}://api.platform.example/posts`, async ({ request }) => {
      await request.text()
      effects++
      return HttpResponse.error()
    }),
  )
  const fetch = guardedFetch()
  for (let i = 0; i < 2; i++) {
    const error = await failure(fetch(new Request(`${scheme}://api.platform.example/posts`, { method: 'POST', body: 'x' })))
    expect(notSent(error)).toBe(false)
  }
  expect(effects).toBe(2)
})

test('a request that no handler knows fails and stays on this machine', async () => {
  expect((await failure(guardedFetch()(new Request('https://unknown.example/x')))).message).toContain('onUnhandledFrame')
})
