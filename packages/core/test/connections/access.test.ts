// What a run gets of a connection: live credentials, renewed once however many ask, and facts of the account.

import { expect, test } from 'vitest'
import { createAccess } from '../../src/connections/access.ts'
import { createHttp } from '../../src/http/client.ts'
import { systemRandom } from '../../src/ports/system.ts'
import { adapterWith, json, keysAuth, lostReply, oauth2, sessionAuth, status } from './platform.ts'
import { bearer, connected, hour, httpOf, minute, opened, typesOf, works } from './uses.ts'
import { failure, worldOf } from './world.ts'

test('a token with more than five minutes left is used as it is', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 5 * minute - 1)
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect(world.platform.refreshes()).toBe(0)
})

test('50 parallel uses of an expired token in two processes make exactly one refresh, and all get the new token', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const processes = [world.access, world.process().access]
  const connection = await one.read()
  const all = await world.clock.until(Promise.all(Array.from({ length: 50 }, (_, n) => (processes[n % 2] ?? world.access).of(connection))))
  expect(world.platform.refreshes()).toBe(1)
  expect(new Set(await Promise.all(all.map(bearer))).size).toBe(1)
  for (const accessed of all.slice(0, 3)) expect(await works(world, accessed)).toBe(true)
  expect((await one.grant()).version).toBe(2)
  expect(await typesOf(world)).toEqual([])
  await world.expectNoSecret(all)
})

test('in one process many users of one grant share one look at the database', async () => {
  const world = worldOf()
  const one = await connected(world)
  const { connections } = world.storage
  let looks = 0
  const counted: typeof connections.grant = async (...args) => {
    looks++
    return connections.grant(...args)
  }
  const { access } = world.process({ storage: { ...world.storage, connections: { ...connections, grant: counted } } })
  const connection = await one.read()
  await Promise.all(Array.from({ length: 50 }, () => access.of(connection)))
  expect(looks).toBe(1)
})

test('ten processes whose refresh takes 100 s wait for it or come back, and the family lives', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  world.platform.fault('/oauth/token', async (_, answer) => {
    const reply = await answer()
    await world.clock.sleep(100_000)
    return reply
  })
  const connection = await one.read()
  const results = await world.clock.until(Promise.allSettled(Array.from({ length: 10 }, () => world.process().access.of(connection))))
  expect(world.platform.refreshes()).toBe(1)
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1)
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'not-ready', outcome: 'not-published' })
  expect(await works(world, await world.access.of(connection))).toBe(true)
})

test('while another process refreshes, a token that is still good is handed out without waiting', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 4 * minute)
  world.platform.fault('/oauth/token', () => new Promise(() => undefined))
  const connection = await one.read()
  const stuck = world.access.of(connection)
  await world.clock.advance(1_000)
  const startedAt = world.clock.now()
  expect(await works(world, await world.process().access.of(connection))).toBe(true)
  expect(world.clock.now()).toBe(startedAt)
  await world.clock.until(stuck)
})

test('twenty rotations in a row keep one family alive, the version grows by one each time', async () => {
  const world = worldOf()
  const one = await connected(world)
  for (let n = 0; n < 20; n++) {
    await world.clock.advance(2 * hour)
    expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  }
  expect(world.platform.refreshes()).toBe(20)
  expect((await one.grant()).version).toBe(21)
})

test('a platform that sends no new refresh token keeps the old one', async () => {
  const world = worldOf({ adapters: [adapterWith({ ...oauth2, rotation: 'none' })] })
  world.platform.keepRefreshTokens()
  const one = await connected(world)
  for (const empty of [undefined, '', null]) {
    await world.clock.advance(3 * hour)
    world.platform.fault('/oauth/token', async (_, answer) => json({ ...((await (await answer()).json()) as object), refresh_token: empty }))
    expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  }
  expect(await world.vault.open(await one.grant())).toHaveProperty('refresh')
  expect((await one.grant()).version).toBe(4)
})

test('a refused token is renewed once by the HTTP client, and the call succeeds', async () => {
  const world = worldOf()
  const one = await connected(world)
  world.platform.expire()
  const http = httpOf(world, adapterWith(oauth2), await world.access.of(await one.read()))
  await http.get('things')
  await http.get('things')
  expect(world.platform.refreshes()).toBe(1)
})

test('30 parallel calls whose token is refused make one refresh', async () => {
  const world = worldOf()
  const one = await connected(world)
  world.platform.expire()
  const connection = await one.read()
  const other = world.process().access
  const accessed = await Promise.all(Array.from({ length: 30 }, (_, n) => (n % 2 ? world.access : other).of(connection)))
  await world.clock.until(Promise.all(accessed.map((each) => httpOf(world, adapterWith(oauth2), each).get('things'))))
  expect(world.platform.refreshes()).toBe(1)
})

test('two refusals across one refresh end in needs_reauth, told once', async () => {
  const world = worldOf()
  const one = await connected(world)
  const connection = await one.read()
  const accessed = await world.access.of(connection)
  await accessed.renew({ bearer: await bearer(accessed) })
  for (const access of [world.access, world.process().access]) {
    const again = await failure(access.of(connection).then(async (each) => each.renew(await each.applied())))
    expect([again.code, again.outcome]).toEqual(['auth', 'not-published'])
  }
  expect((await one.grant()).state).toBe('needs_reauth')
  expect(await world.events()).toEqual([
    expect.objectContaining({ type: 'grant:needs-reauth', platform: 'acme', subjectId: (await one.grant()).id, reason: expect.any(String) }),
  ])
  expect((await world.connections.get({ tenant: 't1', id: one.id })).state).toBe('needs_reauth')
})

test('a refresh ends its lease: a refusal right after it is answered by another process at once', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const connection = await one.read()
  await world.access.of(connection)
  world.platform.expire()
  const startedAt = world.clock.now()
  const accessed = await world.process().access.of(connection)
  expect(await world.clock.until(accessed.renew(await accessed.applied()))).toBe(true)
  expect(world.clock.now() - startedAt).toBeLessThan(1_000)
  expect(world.platform.refreshes()).toBe(2)
})

test.each([0, -1, 1, 0.0005, 1e300, Number.MAX_VALUE, '7200', 'soon'])(
  'a token whose life is said to be %s s costs one refresh a use at most',
  async (expires_in) => {
    const world = worldOf()
    const one = await connected(world)
    await world.clock.advance(3 * hour)
    world.platform.fault('/oauth/token', async (_, answer) => json({ ...((await (await answer()).json()) as object), expires_in }))
    const used = await Promise.allSettled([world.clock.until(world.access.of(await one.read()))])
    expect(world.platform.refreshes()).toBe(1)
    const { expiresAt, version } = await one.grant()
    if (used[0]?.status === 'fulfilled') expect([version, Number.isSafeInteger(expiresAt ?? 0)]).toEqual([2, true])
    else expect((await one.grant()).state).toBe('at_risk')
  },
)

test('a refusal long after a refresh is only an expiry', async () => {
  const world = worldOf()
  const one = await connected(world)
  const accessed = await world.access.of(await one.read())
  await accessed.renew({ bearer: await bearer(accessed) })
  await world.clock.advance(11 * minute)
  await accessed.renew({ bearer: await bearer(accessed) })
  expect((await one.grant()).state).toBe('active')
  expect(await works(world, accessed)).toBe(true)
})

test('a refusal of a token that was replaced meanwhile asks nobody', async () => {
  const world = worldOf()
  const one = await connected(world)
  const accessed = await world.access.of(await one.read())
  const old = await bearer(accessed)
  const other = await world.process().access.of(await one.read())
  await other.renew({ bearer: old })
  expect(await accessed.renew({ bearer: old })).toBe(true)
  expect(await bearer(accessed)).toBe(await bearer(other))
  expect(world.platform.refreshes()).toBe(1)
})

test('a token that renews itself is renewed in the last fifth of its life, and not before its least age', async () => {
  const long = { ...oauth2, refresh: { grantType: 'th_refresh_token', tokenParam: 'access_token', minAgeMs: 24 * hour } }
  const world = worldOf({ adapters: [adapterWith(long)] })
  const day = 24 * hour
  world.platform.fault('/oauth/token', async () => json({ access_token: 'canary-first', token_type: 'bearer', expires_in: (60 * day) / 1000 }))
  world.platform.fault('/api/accounts', async () => json([{ id: '1', name: '@ann' }]))
  const [info] = await world.connect()
  const read = async () => (await world.row(info?.id ?? '')).connection
  await world.clock.advance(47 * day)
  await world.access.of(await read())
  expect(world.platform.calls('/oauth/token')).toBe(1)
  await world.clock.advance(2 * day)
  world.platform.fault('/oauth/token', async () => json({ access_token: 'canary-second', token_type: 'bearer', expires_in: 60 }))
  expect(await bearer(await world.access.of(await read()))).toBe('canary-second')
  expect(world.platform.seen.at(-1)?.body).toMatchObject({ grant_type: 'th_refresh_token', access_token: 'canary-first' })
  await world.clock.advance(50_000)
  expect(await bearer(await world.access.of(await read()))).toBe('canary-second')
  expect(world.platform.calls('/oauth/token')).toBe(2)
})

test('a process whose clock is hours ahead does not refresh early, one whose clock is behind recovers by the refusal', async () => {
  const world = worldOf()
  const one = await connected(world)
  const skewed = (ms: number) => ({ ...world.clock, now: () => world.clock.now() + ms })
  const deps = {
    adapters: new Map([['acme', adapterWith(oauth2)]]),
    storage: world.storage,
    vault: world.vault,
    random: systemRandom,
    fetch: world.platform.fetch,
  }
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  const ahead = createAccess({ ...deps, clock: skewed(5 * hour), logger: quiet })
  expect(await works(world, await ahead.of(await one.read()))).toBe(true)
  expect(world.platform.refreshes()).toBe(0)
  await world.clock.advance(3 * hour)
  const behind = await createAccess({ ...deps, clock: skewed(-5 * hour), logger: quiet }).of(await one.read())
  await createHttp({ adapter: adapterWith(oauth2), fetch: world.platform.fetch, clock: world.clock, credentials: behind.applied, renew: behind.renew }).get(
    'things',
  )
  expect(world.platform.refreshes()).toBe(1)
})

test('a session renews with its refresh token as bearer, and logs in again where that is refused', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  const one = await opened(world)
  await world.clock.advance(3 * hour)
  const accessed = await world.access.of(await one.read())
  expect(await works(world, accessed)).toBe(true)
  expect([world.platform.calls('/api/login'), world.platform.calls('/api/renew')]).toEqual([1, 1])
  world.platform.endConsent()
  await world.clock.advance(3 * hour)
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect([world.platform.calls('/api/login'), world.platform.calls('/api/renew')]).toEqual([2, 2])
  expect((await one.grant()).state).toBe('active')
  await world.expectNoSecret()
})

test('a session whose renewal lost its reply logs in again; a changed password disconnects', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  const one = await opened(world)
  await world.clock.advance(3 * hour)
  world.platform.fault('/api/renew', lostReply)
  expect(await works(world, await world.clock.until(world.access.of(await one.read())))).toBe(true)
  expect(await typesOf(world)).toEqual([])

  world.platform.passwords.set('ann', 'another')
  world.platform.endConsent()
  await world.clock.advance(3 * hour)
  const error = await failure(world.access.of(await one.read()))
  expect(error.code).toBe('auth')
  expect(await typesOf(world)).toEqual(['grant:needs-reauth'])
  await world.expectNoSecret(error)
})

test('a run sees what was typed and the current access token, never a refresh token, and nothing in print', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  const one = await opened(world)
  const accessed = await world.access.of(await one.read())
  expect(Object.keys(accessed.credentials).sort()).toEqual(['access', 'password', 'user'])
  expect(accessed.credentials.password?.reveal()).toBe('canary-password-of-ann')
  const before = accessed.credentials.access?.reveal()
  await accessed.renew({ bearer: before ?? '' })
  expect(accessed.credentials.access?.reveal()).not.toBe(before)
  expect(accessed.credentials.access?.reveal()).toBe(await bearer(accessed))
  await world.expectNoSecret(accessed, accessed.credentials)

  const oauth = worldOf()
  const two = await connected(oauth)
  expect((await oauth.access.of(await two.read())).credentials).toEqual({})
})

test('keys go onto every call; a refused key disconnects only when a second look is refused too', async () => {
  const world = worldOf({ adapters: [adapterWith(keysAuth)] })
  const [info] = await world.connections.open({ tenant: 't1', platform: 'acme', fields: { token: 'canary-key-of-ann-0123456789' } })
  const { connection } = await world.row(info?.id ?? '')
  const http = httpOf(world, adapterWith(keysAuth), await world.access.of(connection))
  world.platform.fault('/api/things', async () => json({ error: 'unauthorized' }, 401))
  await http.get('things')
  expect((await world.row(connection.id)).grant.state).toBe('active')
  world.platform.keys.clear()
  expect((await failure(http.get('things'))).code).toBe('auth')
  expect((await world.row(connection.id)).grant.state).toBe('needs_reauth')
  expect(await typesOf(world)).toEqual(['grant:needs-reauth'])
})

test('403 and 404 never disconnect', async () => {
  const world = worldOf()
  const one = await connected(world)
  const http = httpOf(world, adapterWith(oauth2), await world.access.of(await one.read()))
  for (const [code, says] of [
    [403, 'permission'],
    [404, 'gone'],
    [410, 'gone'],
  ] as const) {
    world.platform.fault('/api/things', async () => json({ error: 'no' }, code))
    expect((await failure(http.get('things'))).code).toBe(says)
  }
  expect((await one.grant()).state).toBe('active')
  expect(world.platform.refreshes()).toBe(0)
})

test("an account's own token goes onto its calls; when it is refused the accounts are read again", async () => {
  const world = worldOf()
  const found = await world.connect('pages')
  await world.connections.keep({ tenant: 't1', ids: [found[0]?.id ?? ''] })
  const { connection } = await world.row(found[0]?.id ?? '')
  const accessed = await world.access.of(connection)
  const [page, ...rest] = world.platform.accounts.get('pages') ?? []
  expect(await bearer(accessed)).toBe(page?.token)
  expect(connection.data).not.toContain('canary')

  world.platform.accounts.set('pages', [{ ...page, token: 'canary-page-new' } as never, ...rest])
  const late = await world.process().access.of(connection)
  await httpOf(world, adapterWith(oauth2), accessed).get('things')
  expect(await bearer(accessed)).toBe('canary-page-new')
  const reads = world.platform.calls('/api/accounts')
  expect(await late.renew({ bearer: page?.token ?? '' })).toBe(true)
  expect(await bearer(late)).toBe('canary-page-new')
  expect(world.platform.calls('/api/accounts')).toBe(reads)
  expect(await bearer(await world.process().access.of((await world.row(connection.id)).connection))).toBe('canary-page-new')
  await world.expectNoSecret()
})

test('facts are read again once a day, by one of many workers, and a platform that is down costs nothing', async () => {
  const world = worldOf()
  const one = await connected(world)
  const reads = () => world.platform.calls('/api/accounts')
  expect(reads()).toBe(1)
  await world.access.daily(await one.read())
  expect(reads()).toBe(1)
  await world.clock.advance(24 * hour)
  world.platform.accounts.set('ann', [{ id: '1', name: '@ann-new', facts: { plan: 'pro' } }])
  expect(await world.access.daily(await one.read())).toMatchObject({ name: '@ann-new', data: expect.stringContaining('pro') })
  await world.access.daily(await one.read())
  expect(reads()).toBe(2)
  await world.clock.advance(25 * hour)
  for (let n = 0; n < 3; n++) world.platform.fault('/api/accounts', status(503))
  expect(await world.clock.until(world.access.daily(await one.read()))).toMatchObject({ name: '@ann-new' })
  const before = reads()
  await world.access.daily(await one.read())
  expect(reads()).toBe(before)
  await world.clock.advance(hour + 1_000)
  await world.access.daily(await one.read())
  expect(reads()).toBe(before + 1)
})
