// Inside a test, through msw: the real hosts answer, and nothing else does.

import { createSandbox } from '@syndikit/sandbox'
import { sandboxHandlers } from '@syndikit/sandbox/msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { postOf, sandbox as toy } from './toy.ts'

const sandbox = createSandbox({ platforms: [toy], seed: 0 })
const server = setupServer(...sandboxHandlers(sandbox))
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }))
afterEach(() => sandbox.reset())
afterAll(() => server.close())

test('the global fetch reaches the emulator at its real host', async () => {
  const reply = await fetch(postOf('hello'))
  expect([reply.status, await reply.json()]).toEqual([201, { id: '1' }])
  expect(sandbox.visible()).toMatchObject([{ text: 'hello' }])
})

test('a host with a star is covered as well', async () => {
  expect((await fetch('https://one.pods.toy.example/posts')).status).toBe(401)
})

test('any other host is an error, not a request to the network', async () => {
  await expect(fetch('https://api.toy.example.org/')).rejects.toThrow()
})

test('a dropped reply rejects after the effect, a dropped request before', async () => {
  sandbox.faults.add([
    { fault: 'drop-reply', nth: 1 },
    { fault: 'drop-request', nth: 1 },
  ])
  await expect(fetch(postOf('there'))).rejects.toThrow(TypeError)
  await expect(fetch(postOf('not there'))).rejects.toThrow(TypeError)
  expect(sandbox.visible().map(({ text }) => text)).toEqual(['there'])
})

test('a broken emulator is a 500, not a broken connection', async () => {
  expect((await fetch('https://api.toy.example/crash')).status).toBe(500)
})
