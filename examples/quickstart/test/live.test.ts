// Which server a request goes to, where some of the accounts are real.

import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { liveAccounts, networkFor } from '../live.ts'
import { openSandbox, type Sandbox } from '../sandbox-process.ts'

let sandbox: Sandbox
beforeAll(async () => {
  process.execArgv.push('--conditions=@syndikit/source')
  sandbox = await openSandbox({})
  process.execArgv.pop()
}, 30_000)
afterAll(() => sandbox.close())

const bluesky = { BLUESKY_SERVICE: 'https://pds.example', BLUESKY_HANDLE: 'me.example', BLUESKY_APP_PASSWORD: 'abcd-efgh' }
const ask = (env: NodeJS.ProcessEnv, url: string) => networkFor(sandbox, liveAccounts(env))(new Request(url))
/** Only the real network's guard says this, and it says it before anything leaves. */
const refusedByTheGuard = /127\.0\.0\.1 is not public/

test('without real accounts everything goes to the sandbox, which refuses what it does not stand in for', async () => {
  expect((await ask({}, 'https://api.x.com/2/users/me')).status).toBe(401)
  await expect(ask({}, 'https://127.0.0.1/')).rejects.toThrow('does not stand in for 127.0.0.1')
})

test('with a real account on one platform, the hosts of the others still go to the sandbox', async () => {
  expect((await ask(bluesky, 'https://api.x.com/2/users/me')).status).toBe(401)
  expect((await ask(bluesky, 'https://mastodon.example/api/v2/instance')).status).toBe(200)
})

test('with a real account, what no emulator stands in for goes to the real network, behind its guard', async () => {
  await expect(ask(bluesky, 'https://127.0.0.1/')).rejects.toThrow(refusedByTheGuard)
})

test('a server that the environment names is called wherever it is, and no other beside it', async () => {
  const arrived: number[] = []
  const server = createServer((socket) => void socket.once('data', (bytes) => arrived.push(bytes[0] ?? 0) && socket.destroy()).on('error', () => undefined))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  for (const env of [
    { ...bluesky, BLUESKY_SERVICE: `https://127.0.0.1:${port}` },
    { MASTODON_SERVER: `127.0.0.1:${port}`, MASTODON_TOKEN: 't' },
  ]) {
    await expect(ask(env, `https://127.0.0.1:${port}/`)).rejects.toThrow()
    await expect(ask(env, `https://127.0.0.1:${port - 1}/`)).rejects.toThrow(refusedByTheGuard)
  }
  server.close()
  const tlsHandshake = 0x16
  expect(arrived).toEqual([tlsHandshake, tlsHandshake])
})

test('the accounts are read as the adapters want them', () => {
  expect(liveAccounts(bluesky)).toEqual({ bluesky: { fields: { service: 'https://pds.example', identifier: 'me.example', appPassword: 'abcd-efgh' } } })
  expect(liveAccounts({ MASTODON_SERVER: 'social.example', MASTODON_TOKEN: 't' })).toEqual({ mastodon: { server: 'social.example', fields: { token: 't' } } })
  expect(() => liveAccounts({ ...bluesky, BLUESKY_HANDLE: '' })).toThrow('Set BLUESKY_HANDLE too, or none of them')
})
