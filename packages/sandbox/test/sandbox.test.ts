// The sandbox in process: routing, the log of requests, resetting, clients that go away.

import { createSandbox, type Sandbox } from '@syndikit/sandbox'
import { expect, test } from 'vitest'
import { virtualClock } from './support.ts'
import { ask, postOf, sandbox as toy } from './toy.ts'

const start = (more: Partial<Parameters<typeof createSandbox>[0]> = {}) => createSandbox({ platforms: [toy], clock: virtualClock(), seed: 0, ...more })

test('a request to a real host has its effect and people see it', async () => {
  const sandbox = start()
  const reply = await sandbox.fetch(postOf('hello'))
  expect([reply.status, await reply.json()]).toEqual([201, { id: '1' }])
  expect(sandbox.visible()).toEqual([{ platform: 'toy', account: 'alice', id: '1', text: 'hello', media: 0 }])
})

test('a host nobody stands in for is answered with 421 and the hosts that are known', async () => {
  const reply = await start().fetch(new Request('https://api.example.org/x'))
  expect(reply.status).toBe(421)
  expect(await reply.json()).toMatchObject({
    error: 'unknown_host',
    hosts: ['toy.example', 'api.toy.example', '*.pods.toy.example'],
    message: expect.stringContaining('api.example.org'),
  })
})

test.each([
  ['a.pods.toy.example', 401],
  ['pods.toy.example', 421],
  ['a.b.pods.toy.example', 421],
  ['api.toy.example.evil.org', 421],
  ['evilapi.toy.example', 421],
])('a star stands for exactly one label: %s answers %i', async (host, status) => {
  expect((await start().fetch(new Request(`https://${host}/posts`))).status).toBe(status)
})

test('the log of requests has method, host, path and status, and nothing that could be secret', async () => {
  const sandbox = start()
  await sandbox.fetch(postOf('secret text'))
  await sandbox.fetch(ask('/echo?access_token=alices-token'))
  expect(sandbox.requests).toEqual([
    { at: expect.any(Number), platform: 'toy', method: 'POST', host: 'api.toy.example', path: '/posts', status: 201 },
    { at: expect.any(Number), platform: 'toy', method: 'GET', host: 'api.toy.example', path: '/echo', status: 200 },
  ])
  expect(JSON.stringify(sandbox.requests)).not.toMatch(/secret|token/)
})

test('without a seed, ids cannot be guessed', async () => {
  const sandbox = createSandbox({ platforms: [toy] })
  await Promise.all([sandbox.fetch(postOf('a')), sandbox.fetch(postOf('b'))])
  const ids = sandbox.visible().map(({ id }) => id)
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{24}$/)
})

test('an emulator that throws answers 500 and the sandbox goes on', async () => {
  const sandbox = start()
  const reply = await sandbox.fetch(ask('/crash'))
  expect([reply.status, await reply.json()]).toEqual([
    500,
    { error: 'emulator_failed', message: 'The emulator of toy threw: boom. That is a bug in the emulator.' },
  ])
  expect((await sandbox.fetch(postOf('still here'))).status).toBe(201)
})

test('act expires, revokes, and refuses a platform that is not there', async () => {
  const sandbox = start()
  await sandbox.act('toy', 'expire')
  expect(await (await sandbox.fetch(postOf('a'))).json()).toEqual({ error: 'expired' })
  await sandbox.act('toy', 'revoke')
  expect(await (await sandbox.fetch(postOf('a'))).json()).toEqual({ error: 'no_token' })
  await expect(sandbox.act('x', 'expire')).rejects.toThrow('There is no platform "x" in this sandbox. It is one of toy.')
})

test('reset brings back the first day', async () => {
  const sandbox = start()
  sandbox.faults.add({ fault: 'drop-request', nth: 5 })
  await sandbox.fetch(postOf('gone'))
  await sandbox.act('toy', 'revoke')
  await sandbox.reset()
  expect([sandbox.visible(), sandbox.requests, sandbox.faults.waiting]).toEqual([[], [], []])
  expect(await (await sandbox.fetch(postOf('again'))).json()).toEqual({ id: '1' })
})

test('a signal that is already aborted keeps the request from leaving', async () => {
  const sandbox = start()
  await expect(sandbox.fetch(new Request(postOf('a'), { signal: AbortSignal.abort(new Error('changed my mind')) }))).rejects.toThrow('changed my mind')
  expect([sandbox.visible(), sandbox.requests]).toEqual([[], []])
})

test('after closing, connections break', async () => {
  const sandbox = start()
  await sandbox.close()
  await expect(sandbox.fetch(postOf('a'))).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
})

const named = (platform: string, hosts: string[]): Sandbox => ({ ...(toy as Sandbox), platform, hosts })
test.each<[string, Sandbox[], string]>([
  ['no platforms', [], 'platforms` is empty'],
  ['the same platform twice', [toy as Sandbox, named('toy', ['b.example'])], '"toy" is given twice'],
  ['one host for two platforms', [toy as Sandbox, named('other', ['toy.example'])], 'toy and other both answer at toy.example'],
  ['a platform that would leave its folder', [named('../etc', ['b.example'])], 'lower-case letters'],
  ['a host with a scheme', [named('other', ['https://b.example'])], 'not a lower-case host name'],
])('%s is refused at construction', (_, platforms, message) => {
  expect(() => createSandbox({ platforms })).toThrow(TypeError)
  expect(() => createSandbox({ platforms })).toThrow(message)
})

test('what people see is in the order it was posted, over all platforms', async () => {
  const other: Sandbox = {
    ...(toy as Sandbox),
    platform: 'other',
    hosts: ['other.example'],
    create: () => ({ ...toy.create({} as never), shown: () => [{ platform: 'other', account: 'o', id: '9', text: 'between', media: 0, files: [], at: 2 }] }),
  }
  const sandbox = start({ platforms: [toy, other] })
  await sandbox.fetch(postOf('last', { at: 3 }))
  await sandbox.fetch(postOf('first', { at: 1 }))
  expect(sandbox.visible().map(({ text }) => text)).toEqual(['first', 'between', 'last'])
})
