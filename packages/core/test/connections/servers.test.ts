// Platforms of many servers: the one that a user names, and our registration on it.

import { expect, test } from 'vitest'
import { z } from 'zod'
import type { OAuth2, OAuthClient } from '../../src/contract/auth.ts'
import { adapterWith, callback, json, notReached, oauth2, status } from './platform.ts'
import { failure, worldOf } from './world.ts'

type World = ReturnType<typeof worldOf>

const begin = async (world: World, more: object = {}) => (await world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, ...more })).url
const finish = (world: World, url: string, user: string) => world.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url, user) })

const perServer = (): { auth: OAuth2; registered: () => number } => {
  let registered = 0
  const answer = z.object({ client_id: z.string(), client_secret: z.string() })
  const client = async ({ server, http }: Parameters<Exclude<OAuth2['client'], OAuthClient>>[0]): Promise<OAuthClient> => {
    registered++
    const { client_id, client_secret } = await http.post('/apps', { accept: answer })
    return { id: client_id, secret: client_secret, authorizeUrl: `${server}/oauth/authorize`, tokenUrl: `${server}/oauth/token`, auth: 'body' }
  }
  return { auth: { ...oauth2, client, refresh: false, rotation: 'none' }, registered: () => registered }
}
const many = (auth: OAuth2) =>
  adapterWith(auth, {
    http: { base: ({ server }) => `${server ?? 'https://acme.test'}/api/`, hosts: ({ server }) => [new URL(server ?? 'https://acme.test').host] },
  })

test('on a platform of many servers a client is registered once per tenant, server and redirect URI, by many processes, and kept sealed', async () => {
  const { auth, registered } = perServer()
  const world = worldOf({ adapters: [many(auth)] })
  const processes = [world, world.process(), world.process()]
  const urls = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      processes[n % 3]?.connections.begin({
        tenant: 't1',
        platform: 'acme',
        redirectUri: callback,
        server: ['Acme.Test', 'https://acme.test/', ' acme.test '][n % 3] ?? '',
      }),
    ),
  )
  expect(new Set(urls.map((each) => new URL(each?.url ?? '').searchParams.get('client_id'))).size).toBe(1)
  expect(registered()).toBeLessThanOrEqual(3)
  const [one] = await finish(world, urls[0]?.url ?? '', 'ann')
  expect(one).toMatchObject({ server: 'https://acme.test' })
  const before = registered()
  await begin(world, { server: 'acme.test' })
  expect(registered()).toBe(before)
  await begin(world, { server: 'acme.test', redirectUri: 'https://host.test/other' })
  await begin(world, { server: 'other.test' })
  expect(registered()).toBe(before + 2)
  const theirs = await begin(world, { server: 'acme.test', tenant: 't2' })
  expect(registered()).toBe(before + 3)
  expect(new URL(theirs).searchParams.get('client_id')).not.toBe(new URL(urls[0]?.url ?? '').searchParams.get('client_id'))
  expect(JSON.stringify(await world.storage.oauth.client('t1', 'acme', 'https://acme.test', callback))).not.toContain('canary')
})

test('a server that knows no client of ours is asked for one new registration per consent, and never in a loop', async () => {
  const { auth, registered } = perServer()
  const world = worldOf({ adapters: [many(auth)] })
  await begin(world, { server: 'acme.test' })
  for (let n = 1; n <= 3; n++) {
    world.platform.fault('/oauth/token', async () => json({ error: 'invalid_client' }, 401))
    await begin(world, { server: 'acme.test' })
    expect([registered(), world.platform.calls('/oauth/token')]).toEqual([1 + n, n])
  }
})

test('of many processes that find their client forgotten, all go on with one new one', async () => {
  const { auth } = perServer()
  const world = worldOf({ adapters: [many(auth)] })
  const before = new URL(await begin(world, { server: 'acme.test' })).searchParams.get('client_id')
  const processes = [world, world.process(), world.process(), world.process()]
  for (const _ of processes) world.platform.fault('/oauth/token', async () => json({ error: 'invalid_client' }, 401))
  const at = { tenant: 't1', platform: 'acme', redirectUri: callback, server: 'acme.test' }
  const urls = await Promise.all(processes.map(({ connections }) => connections.begin(at)))
  const ids = new Set(urls.map(({ url }) => new URL(url).searchParams.get('client_id')))
  expect([ids.size, ids.has(before)]).toEqual([1, false])
})

test.each([
  ['is down', status(503)],
  ['does not answer', () => new Promise<Response>(() => undefined)],
  ['cannot be reached', notReached],
  ['says something else', async () => json({ error: 'invalid_request' }, 401)],
] as const)('a server that %s has not forgotten us: the consent begins with the client there is', async (_, fault) => {
  const { auth, registered } = perServer()
  const world = worldOf({ adapters: [many(auth)] })
  await begin(world, { server: 'acme.test' })
  world.platform.fault('/oauth/token', fault)
  await world.clock.until(begin(world, { server: 'acme.test' }))
  expect(registered()).toBe(1)
})

test.each([
  [429, '/apps'],
  [503, '/apps'],
  [422, '/apps'],
  [404, '/apps'],
  [429, '/oauth/token'],
  [503, '/oauth/token'],
  [429, '/api/accounts'],
  [503, '/api/accounts'],
] as const)('a %s of %s while connecting advises the person who connects: nothing goes out, and nothing is tried again', async (code, path) => {
  const world = worldOf({ adapters: [many(perServer().auth)] })
  for (let n = 0; n < 3; n++) world.platform.fault(path, async () => json({ error: 'slow_down', message: 'Not now' }, code))
  const connect = async () => finish(world, await begin(world, { server: 'acme.test' }), 'ann')
  const { message } = await failure(world.clock.until(connect()))
  expect(message).toMatch(/Start again|what was entered|is the right one/)
  expect(message).not.toMatch(/goes out|tried again|content/)
})

test.each([
  'http://acme.test',
  'ftp://acme.test',
  'https://user:pw@acme.test',
  'https://acme.test/path',
  'acme.test?x=1',
  'javascript:alert(1)',
  '',
  'https://',
  'a b',
])('refuses the server "%s" without asking it anything', async (server) => {
  const world = worldOf({ adapters: [many(perServer().auth)] })
  const error = await failure(world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, server }))
  expect(error.message).toMatch(/^Acme: /)
  expect(error.message).not.toContain('user:pw')
  expect(world.platform.seen).toEqual([])
})

test('a server is demanded where there are many, and refused where there is one', async () => {
  const world = worldOf({ adapters: [many(perServer().auth)] })
  expect((await failure(begin(world))).message).toMatch(/many servers. Say which one in `server`/)
  expect((await failure(begin(worldOf(), { server: 'acme.test' }))).message).toMatch(/Leave `server` out/)
})

test('a server that registers a client with unsafe addresses is refused', async () => {
  const client = async () => ({ id: 'x', authorizeUrl: 'https://acme.test/a', tokenUrl: 'http://169.254.169.254/token' })
  const world = worldOf({ adapters: [many({ ...oauth2, client })] })
  expect((await failure(begin(world, { server: 'acme.test' }))).code).toBe('setup')
})

test('a token without refresh lives until the platform refuses it twice', async () => {
  const { auth } = perServer()
  const world = worldOf({ adapters: [many(auth)] })
  world.platform.fault('/oauth/token', async (_, answer) => {
    const { access_token } = (await (await answer()).json()) as { access_token: string }
    return json({ access_token, token_type: 'Bearer', created_at: 1 })
  })
  const [one] = await finish(world, await begin(world, { server: 'acme.test' }), 'ann')
  const { connection } = await world.row(one?.id ?? '')
  const accessed = await world.access.of(connection)
  expect(await accessed.renew(await accessed.applied())).toBe(true)
  expect((await world.row(connection.id)).grant).toMatchObject({ state: 'active', expiresAt: null })
  world.platform.endConsent()
  expect((await failure(accessed.renew(await accessed.applied()))).code).toBe('auth')
  expect((await world.row(connection.id)).grant.state).toBe('needs_reauth')
})
