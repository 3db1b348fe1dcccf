// OAuth consent from begin to stored connection, and everything a callback can be that it should not be.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { OAuth2 } from '../../src/contract/auth.ts'
import { adapterWith, callback, json, lost, notReached, oauth2, status } from './platform.ts'
import { failure, worldOf } from './world.ts'

const begin = (world: ReturnType<typeof worldOf>, more: object = {}) =>
  world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, ...more })

test('sends the browser to the consent page with state, S256 challenge and scopes', async () => {
  const world = worldOf({ adapters: [adapterWith({ ...oauth2, params: { prompt: 'login', state: 'mine' } })] })
  const { url, state } = await begin(world)
  const { origin, pathname, searchParams } = new URL(url)
  expect(origin + pathname).toBe('https://acme.test/oauth/authorize')
  expect(Object.fromEntries(searchParams)).toEqual({
    response_type: 'code',
    client_id: 'client-1',
    redirect_uri: callback,
    scope: 'read write',
    state,
    prompt: 'login',
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  })
  expect(url).toContain('scope=read%20write')
  expect(Buffer.from(state, 'base64url').length).toBeGreaterThanOrEqual(16)
})

test('a callback becomes an active connection without a secret in it, and the credentials are sealed', async () => {
  const world = worldOf()
  const [connection] = await world.connect()
  expect(connection).toEqual({
    id: expect.any(String),
    tenant: 't1',
    platform: 'acme',
    grantId: expect.any(String),
    accountId: '1',
    name: '@ann',
    url: 'https://acme.test/ann',
    state: 'active',
    connectedAt: new Date(world.clock.now()),
  })
  const { grant } = await world.row(connection?.id ?? '')
  expect(Object.keys(JSON.parse(grant.sealed) as object).sort()).toEqual(['access', 'refresh'])
  expect(grant.expiresAt).toBe(world.clock.now() + 7_200_000)
  expect(world.platform.seen[0]?.authorization).toBe(`Basic ${btoa('client%2D1:canary%2Dclient%2Dsecret')}`)
  expect(world.platform.seen[0]?.body.client_id).toBeUndefined()
  await world.expectNoSecret(connection)
})

test('the database holds neither the state nor the verifier in the clear', async () => {
  const world = worldOf()
  const puts: unknown[] = []
  const { putState } = world.storage.oauth
  const spy: typeof putState = async (row) => {
    puts.push(row)
    return putState(row)
  }
  const spied = world.process({ storage: { ...world.storage, oauth: { ...world.storage.oauth, putState: spy } } })
  const { url, state } = await spied.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, session: 'canary-cookie' })
  await spied.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url), session: 'canary-cookie' })
  const verifier = world.platform.seen.find(({ path }) => path === '/oauth/token')?.body.code_verifier ?? ''
  expect(createHash('sha256').update(verifier).digest('base64url')).toBe(new URL(url).searchParams.get('code_challenge'))
  for (const secret of [state, verifier, 'canary-cookie']) expect(JSON.stringify(puts)).not.toContain(secret)
})

test('of 100 parallel callbacks with one state exactly one connects, and one code is exchanged', async () => {
  const world = worldOf()
  const { url } = await begin(world)
  const callbackUrl = world.platform.agree(url)
  const processes = [world, world.process(), world.process()]
  const results = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => processes[n % 3]?.connections.complete({ tenant: 't1', callbackUrl })))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(world.platform.calls('/oauth/token')).toBe(1)
  for (const result of results) if (result.status === 'rejected') expect(String(result.reason)).toMatch(/used already/)
})

const refusals: readonly (readonly [name: string, change: (url: URL) => void, says: RegExp])[] = [
  ['without state', (url) => url.searchParams.delete('state'), /no `state`/],
  ['with an invented state', (url) => url.searchParams.set('state', 'x'.repeat(43)), /used already, or was never asked for/],
  ['with two states', (url) => url.searchParams.append('state', 'second'), /`state` 2 times/],
  ['without code', (url) => url.searchParams.delete('code'), /no `code`/],
  ['with two codes', (url) => url.searchParams.append('code', 'second'), /`code` 2 times/],
  ['declined by the user', (url) => url.searchParams.set('error', 'access_denied'), /declined on the consent page/],
  ['refused for its scopes', (url) => url.searchParams.set('error', 'invalid_scope'), /invalid_scope.*app's settings/],
  ['of a server that is down', (url) => url.searchParams.set('error', 'temporarily_unavailable'), /Start again later/],
  ['with the issuer of another server', (url) => url.searchParams.set('iss', 'https://evil.test'), /another server/],
]
test.each(refusals)('refuses a callback %s, exchanges nothing and stores nothing', async (_, change, says) => {
  const world = worldOf()
  const url = new URL(world.platform.agree((await begin(world)).url))
  change(url)
  const error = await failure(world.connections.complete({ tenant: 't1', callbackUrl: url }))
  expect(error.message).toMatch(says)
  expect(error.outcome).toBe('not-published')
  expect(world.platform.seen).toEqual([])
  expect((await world.connections.list({ tenant: 't1' })).connections).toEqual([])
  await world.expectNoSecret(error)
})

test('refuses a callback after ten minutes, of another tenant, and of another browser session', async () => {
  const world = worldOf()
  const late = world.platform.agree((await begin(world)).url)
  await world.clock.advance(600_000)
  expect((await failure(world.connections.complete({ tenant: 't1', callbackUrl: late }))).message).toMatch(/ten minutes/)

  const other = world.platform.agree((await begin(world)).url)
  expect((await failure(world.connections.complete({ tenant: 't2', callbackUrl: other }))).message).toMatch(/never asked for by this tenant/)
  expect(await world.connections.complete({ tenant: 't1', callbackUrl: other })).toHaveLength(1)

  for (const [one, two] of [
    ['a', 'b'],
    ['a', undefined],
    [undefined, 'b'],
  ]) {
    const bound = world.platform.agree((await begin(world, { session: one })).url, 'bob')
    expect((await failure(world.connections.complete({ tenant: 't1', callbackUrl: bound, session: two }))).message).toMatch(/another browser session/)
  }
  expect(world.platform.calls('/oauth/token')).toBe(1)
})

test('a session that is empty binds nothing, and is refused', async () => {
  const world = worldOf()
  await expect(begin(world, { session: '' })).rejects.toThrow(/`session` must be/)
  const callbackUrl = world.platform.agree((await begin(world, { session: 'a' })).url)
  await expect(world.connections.complete({ tenant: 't1', callbackUrl, session: '' })).rejects.toThrow(/`session` must be/)
  expect(await world.connections.complete({ tenant: 't1', callbackUrl, session: 'a' })).toHaveLength(1)
})

test('text from the callback is escaped, shortened and without anything that looks like a token', async () => {
  const world = worldOf()
  const url = new URL(world.platform.agree((await begin(world)).url))
  url.searchParams.set('error', '<script>alert(1)</script>')
  url.searchParams.set('error_description', `"><img src=x onerror=alert(1)>\u0000\u202e${'canary-token-0123456789abcdefg'} ${'x '.repeat(1_000)}`)
  const { message } = await failure(world.connections.complete({ tenant: 't1', callbackUrl: url }))
  for (const sign of ['<', '>', '"', '\u0000', '\u202e']) expect(message).not.toContain(sign)
  expect(message).not.toContain('canary')
  expect(message.length).toBeLessThan(800)
})

test('a server that names itself must always name itself exactly', async () => {
  const world = worldOf({
    adapters: [adapterWith({ ...oauth2, client: { ...(oauth2.client as object), issuer: 'https://acme.test/as', sendsIss: true } as never })],
  })
  for (const [iss, works] of [
    ['https://acme.test/as', true],
    ['https://acme.test', false],
    ['https://acme.test/as/', false],
    [undefined, false],
  ] as const) {
    const callbackUrl = world.platform.agree((await begin(world)).url, 'ann', iss === undefined ? {} : { iss })
    const call = world.connections.complete({ tenant: 't1', callbackUrl })
    if (works) expect(await call).toHaveLength(1)
    else expect((await failure(call)).message).toMatch(/iss/)
  }
})

test('an adapter without PKCE sends no challenge and no verifier', async () => {
  const world = worldOf({ adapters: [adapterWith({ ...oauth2, pkce: false })] })
  const { url } = await begin(world)
  expect(url).not.toContain('code_challenge')
  await world.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url) })
  expect(world.platform.seen[0]?.body).not.toHaveProperty('code_verifier')
})

test.each(['http://host.test/cb', 'https://host.test/cb#x', 'https://u:p@host.test/cb', '/cb', 'javascript:alert(1)', '', undefined])(
  'refuses the redirect URI %s',
  async (redirectUri) => {
    const world = worldOf()
    await expect(world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: redirectUri as string })).rejects.toThrow(TypeError)
  },
)

test('takes a callback as path and query, and ignores a fragment', async () => {
  const world = worldOf()
  const url = new URL(world.platform.agree((await begin(world)).url))
  expect(await world.connections.complete({ tenant: 't1', callbackUrl: `${url.pathname}${url.search}#_` })).toHaveLength(1)
})

test('a platform with ways of its own: GET, its own grant types, parameter names and answer, and a second long-lived token', async () => {
  const asked: { method: string; url: string; body: string }[] = []
  const gram: OAuth2 = {
    type: 'oauth2',
    client: {
      id: 'key-1',
      secret: 'canary-secret-1',
      authorizeUrl: 'https://acme.test/a',
      tokenUrl: 'https://acme.test/short',
      auth: 'body',
      idParam: 'client_key',
    },
    scopes: ['a', 'b'],
    scopeSeparator: ',',
    pkce: false,
    extend: { url: 'https://acme.test/long', method: 'GET', grantType: 'ig_exchange_token' },
    lifeMs: 5_000,
    tokens: z.object({ data: z.object({ token: z.string(), seconds: z.number().optional() }) }).transform(({ data }) => ({
      access: data.token,
      ...(data.seconds !== undefined && { expiresInMs: data.seconds * 1000 }),
    })),
  }
  const world = worldOf({ adapters: [adapterWith(gram)] })
  const { connections } = world.process({
    fetch: async (request) => {
      if (request.url.includes('/api/')) return json([{ id: '9', name: 'gram' }])
      asked.push({ method: request.method, url: request.url, body: await request.clone().text() })
      return request.url.includes('/short') ? json({ data: { token: 'canary-short' } }) : json({ data: { token: 'canary-long', seconds: 5_184_000 } })
    },
  })
  const { url } = await connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback })
  expect(new URL(url).searchParams.get('scope')).toBe('a,b')
  expect(new URL(url).searchParams.get('client_key')).toBe('key-1')
  const [connection] = await connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url) })
  expect(new URLSearchParams(asked[0]?.body).get('client_key')).toBe('key-1')
  expect(asked[0]?.body).not.toContain('client_id')
  expect(asked[1]?.method).toBe('GET')
  expect(Object.fromEntries(new URL(asked[1]?.url ?? '').searchParams)).toMatchObject({
    grant_type: 'ig_exchange_token',
    access_token: 'canary-short',
    client_secret: 'canary-secret-1',
  })
  const { grant } = await world.row(connection?.id ?? '')
  expect((await world.vault.open(grant)).access?.reveal()).toBe('canary-long')
  expect(grant.expiresAt).toBe(world.clock.now() + 5_184_000_000)
})

const hostile: readonly (readonly [name: string, answer: () => Response | Promise<Response>, code: string])[] = [
  ['an HTML page', () => new Response('<html>canary-echo</html>', { headers: { 'content-type': 'text/html' } }), 'unknown'],
  ['JSON with the wrong content type and no token', () => new Response('{"ok":true}', { headers: { 'content-type': 'text/plain' } }), 'unknown'],
  ['no access token', () => json({ token_type: 'bearer', refresh_token: 'canary-refresh-x' }), 'unknown'],
  ['an empty access token', () => json({ access_token: '', token_type: 'bearer' }), 'unknown'],
  ['an access token that is no text', () => json({ access_token: { a: 'canary-x' }, token_type: 'bearer' }), 'unknown'],
  ['a MAC token', () => json({ access_token: 'canary-mac', token_type: 'mac' }), 'unknown'],
  ['a list', () => json(['canary-list']), 'unknown'],
  ['null', () => json(null), 'unknown'],
  ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://evil.test/canary-redirect' } }), 'transient'],
  ['a body of 20 MB', () => new Response('canary-x '.repeat(2_500_000)), 'unknown'],
  ['a body that never ends', () => new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536)) })), 'unknown'],
  ['invalid_client', () => json({ error: 'invalid_client', error_description: 'Secret canary-client-secret is wrong' }, 401), 'setup'],
  ['an error code that is a token', () => json({ error: 'canary-as-a-code-0123456789' }, 400), 'setup'],
  ['a firewall page', () => new Response('<html>canary-blocked</html>', { status: 403 }), 'transient'],
  ['too many requests', () => json({ error: 'slow_down' }, 429), 'rate'],
]
test.each(hostile)('a token endpoint that answers with %s gives a clear error without a secret, and nothing is stored', async (_, answer, code) => {
  const world = worldOf()
  world.platform.fault('/oauth/token', async () => answer())
  const error = await failure(world.connect())
  expect(error.code).toBe(code)
  expect(error.message).toMatch(/^Acme/)
  expect((await world.connections.list({ tenant: 't1' })).connections).toEqual([])
  await world.expectNoSecret(error)
})

test('a token endpoint that echoes everything it was sent leaks nothing', async () => {
  const world = worldOf()
  world.platform.fault('/oauth/token', async (request) => {
    const { body } = world.platform.seen.at(-1) ?? { body: {} }
    const all = `${request.headers.get('authorization')} ${JSON.stringify(body)} ${new URLSearchParams(body)} ${btoa(JSON.stringify(body))}`
    return json({ error: 'invalid_grant', error_description: all, message: all, error_uri: all }, 400)
  })
  const { url } = await begin(world)
  const error = await failure(world.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url) }))
  expect(error.code).toBe('auth')
  const { code, code_verifier } = world.platform.seen[0]?.body ?? {}
  for (const secret of [code, code_verifier, btoa('client%2D1:canary%2Dclient%2Dsecret')]) expect(error.message).not.toContain(secret)
  await world.expectNoSecret(error)
})

test.each([
  ['lost', lost, 'unknown'],
  ['not reached', notReached, 'not-published'],
  ['a 502', status(502), 'unknown'],
  ['a 503', status(503), 'not-published'],
] as const)('a token request that is %s is a transient error with an honest outcome', async (_, fault, outcome) => {
  const world = worldOf()
  world.platform.fault('/oauth/token', fault)
  const error = await failure(world.connect())
  expect([error.code, error.outcome]).toEqual(['transient', outcome])
  await world.expectNoSecret(error)
})

test('a token endpoint that never answers is given up after 120 s of waiting', async () => {
  const world = worldOf()
  world.platform.fault('/oauth/token', () => new Promise(() => undefined))
  const startedAt = world.clock.now()
  expect((await failure(world.clock.until(world.connect()))).message).toMatch(/did not answer/)
  expect(world.clock.now() - startedAt).toBe(120_000)
})

test('a consent that opens no account is refused and not stored', async () => {
  const world = worldOf()
  expect((await failure(world.connect('nobody'))).code).toBe('permission')
  expect((await world.connections.list({ tenant: 't1' })).connections).toEqual([])
})

test('an unknown platform, and a way that a platform does not have, are clear errors', async () => {
  const world = worldOf()
  const unknown = await failure(world.connections.begin({ tenant: 't1', platform: 'toString', redirectUri: callback }))
  expect(unknown.message).toBe('There is no adapter for the platform "toString". Configured: acme.')
  expect((await failure(world.connections.open({ tenant: 't1', platform: 'acme', fields: {} }))).message).toMatch(/cannot be connected by `session`.*oauth2/)
  await expect(world.connections.begin({ tenant: '', platform: 'acme', redirectUri: callback })).rejects.toThrow(/`tenant` must be/)
})
