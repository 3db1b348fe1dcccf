// Renewal of tokens under lost answers and crashes, against a platform that kills the whole family when an old refresh token comes back.

import { expect, test } from 'vitest'
import { adapterWith, type Fault, json, lost, lostReply, notReached, oauth2, status, statusAfter } from './platform.ts'
import { connected, hour, minute, typesOf, works } from './uses.ts'
import { failure, worldOf } from './world.ts'

test('invalid_grant disconnects: stored, told once, and nothing is asked any more', async () => {
  const world = worldOf()
  const one = await connected(world)
  world.platform.endConsent()
  await world.clock.advance(3 * hour)
  const connection = await one.read()
  const error = await failure(world.access.of(connection))
  expect(error.message).toMatch(/^Acme does not accept the stored credentials any more.*Connect the account again/)
  for (let n = 0; n < 5; n++) await failure(world.process().access.of(connection))
  expect(world.platform.refreshes()).toBe(1)
  expect(await typesOf(world)).toEqual(['grant:needs-reauth'])
  await world.expectNoSecret(error)
})

test('invalid_grant after somebody else has stored newer tokens is not an expiry', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const { vault, storage } = world
  world.platform.fault('/oauth/token', async (_, answer) => {
    // Another worker, whose lease had ended, stores its pair while ours is out.
    const grant = await one.grant()
    const reply = (await (await answer()).json()) as { access_token: string; refresh_token: string }
    const { sealed } = await vault.seal({ ...grant, version: grant.version + 1 }, { access: reply.access_token, refresh: reply.refresh_token })
    await storage.connections.replaceGrant('t1', grant.id, grant.version, { sealed, expiresAt: world.clock.now() + hour, refreshStartedAt: null })
    return json({ error: 'invalid_grant' }, 400)
  })
  expect(await works(world, await world.clock.until(world.access.of(await one.read())))).toBe(true)
  expect((await one.grant()).state).toBe('active')
  expect(await typesOf(world)).toEqual([])
})

test.each<readonly [string, Fault]>([
  ['not reached', notReached],
  ['a 503', status(503)],
  ['a 500 in the words of the platform', async () => json({ error: 'server_error' }, 500)],
  ['a 429', status(429)],
  ['a firewall page', status(403)],
])('a refresh that was %s changes nothing: the live token is used, the next try comes later and works', async (_, fault) => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 4 * minute)
  world.platform.fault('/oauth/token', fault)
  for (let n = 0; n < 10; n++) expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect(world.platform.refreshes()).toBe(1)
  expect(await one.grant()).toMatchObject({ state: 'active', version: 1, refreshStartedAt: null })
  await world.clock.advance(31_000)
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect(await one.grant()).toMatchObject({ state: 'active', version: 2 })
  expect(await typesOf(world)).toEqual([])
})

test('the same after the token has ended is an error that does not disconnect, and says that nothing was published', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  for (const fault of [notReached, status(503), notReached]) {
    world.platform.fault('/oauth/token', fault)
    const error = await failure(world.access.of(await one.read()))
    expect([error.code, error.outcome]).toEqual(['transient', 'not-published'])
  }
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect((await one.grant()).state).toBe('active')
})

test('an app that the platform does not know any more is a setup error, and no account is disconnected', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  world.platform.fault('/oauth/token', async () => json({ error: 'invalid_client' }, 401))
  expect((await failure(world.access.of(await one.read()))).code).toBe('setup')
  expect((await one.grant()).state).toBe('active')
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
})

const unknown: readonly (readonly [string, Fault])[] = [
  ['whose reply was lost', lostReply],
  ['that was lost on the way', lost],
  ['answered by 502 after it was done', statusAfter(502)],
  ['answered by 504', status(504)],
  ['answered by 200 and a page', status(200)],
  ['answered without an access token', async (_, answer) => answer().then(() => json({ token_type: 'bearer' }))],
]
test.each(unknown)(
  'a refresh %s leaves the live token in use, tells the host early, and does not touch the old refresh token before the end',
  async (_, fault) => {
    const world = worldOf()
    const one = await connected(world)
    await world.clock.advance(2 * hour - 4 * minute)
    world.platform.fault('/oauth/token', fault)
    expect(await works(world, await world.access.of(await one.read()))).toBe(true)
    expect((await one.grant()).state).toBe('at_risk')
    expect((await world.connections.get({ tenant: 't1', id: one.id })).state).toBe('at_risk')
    for (let n = 0; n < 5; n++) {
      await world.clock.advance(30_000)
      expect(await works(world, await world.process().access.of(await one.read()))).toBe(true)
    }
    expect(world.platform.refreshes()).toBe(1)
    expect(await typesOf(world)).toEqual(['grant:at-risk'])
    await world.expectNoSecret()
  },
)

test('one last try near the end: where the platform had not rotated, the account is restored', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 4 * minute)
  world.platform.fault('/oauth/token', lost)
  await world.access.of(await one.read())
  await world.clock.advance(3 * minute + 1_000)
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect(world.platform.refreshes()).toBe(2)
  expect(await one.grant()).toMatchObject({ state: 'active', version: 2, refreshStartedAt: null })
  expect(await typesOf(world)).toEqual(['grant:at-risk', 'grant:restored'])
})

test('one last try near the end: where it had, the account must be connected again', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 4 * minute)
  world.platform.fault('/oauth/token', lostReply)
  await world.access.of(await one.read())
  await world.clock.advance(5 * minute)
  expect((await failure(world.access.of(await one.read()))).code).toBe('auth')
  expect(await typesOf(world)).toEqual(['grant:at-risk', 'grant:needs-reauth'])
})

test.each([
  ['no rotation', 'none' as const],
  ['a grace', { graceMs: 600_000 }],
])('with %s a lost reply is simply asked again, at once', async (_, rotation) => {
  const world = worldOf({ adapters: [adapterWith({ ...oauth2, rotation })] })
  if (rotation === 'none') world.platform.keepRefreshTokens()
  else world.platform.grace(600_000)
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  world.platform.fault('/oauth/token', lostReply)
  world.platform.fault('/oauth/token', lostReply)
  expect(await works(world, await world.clock.until(world.access.of(await one.read())))).toBe(true)
  expect(world.platform.refreshes()).toBe(3)
  expect(await one.grant()).toMatchObject({ state: 'active', version: 2 })
  expect(await typesOf(world)).toEqual([])
})

test('an answer that comes after 120 s of patience is still stored, and the account restored', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 4 * minute)
  world.platform.fault('/oauth/token', async (_, answer) => {
    const reply = await answer()
    await world.clock.sleep(170_000)
    return reply
  })
  await world.clock.until(world.access.of(await one.read()))
  expect((await one.grant()).state).toBe('at_risk')
  await world.clock.advance(60_000)
  expect(await one.grant()).toMatchObject({ state: 'active', version: 2, refreshStartedAt: null })
  expect(world.platform.refreshes()).toBe(1)
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect(await typesOf(world)).toEqual(['grant:at-risk', 'grant:restored'])
})

test('an answer that comes after the account was given up restores it, and what waited goes out', async () => {
  const world = worldOf()
  const one = await connected(world)
  const connection = await one.read()
  await world.clock.advance(2 * hour - 4 * minute)
  world.platform.fault('/oauth/token', async (_, answer) => {
    const reply = await answer()
    await world.clock.sleep(170_000)
    return reply
  })
  const late = world.clock.until(world.access.of(connection))
  await late
  const delivery = { id: 'd', connectionId: connection.id, platform: 'acme', action: 'publish', activeKey: 'k', priority: 1, dueAt: world.clock.now() } as const
  await world.storage.publications.add([{ id: 'p', tenant: 't1', idempotencyKey: null, requestHash: 'h', body: '{}', deliveries: [delivery] }])
  const { claims } = await world.storage.deliveries.claim({ limit: 1, leaseMs: 60_000, skipTenants: [], skipConnections: [], perTenant: 9, perConnection: 9 })
  const settled = { steps: '{}', marker: null, tries: 0, result: null, attempt: { id: 'a', data: '{}' }, placements: [] }
  await world.storage.deliveries.settle([{ ...settled, id: 'd', fence: claims[0]?.fence ?? 0, to: 'scheduled', nextAt: world.clock.now() + 6 * hour }])
  const { id, version } = await one.grant()
  await world.storage.connections.replaceGrant('t1', id, version, { state: 'needs_reauth' })
  await world.clock.advance(60_000)
  expect(await one.grant()).toMatchObject({ state: 'active', version: 2 })
  expect((await world.storage.deliveries.get('t1', 'd'))?.nextAt).toBeLessThanOrEqual(world.clock.now())
})

test('a process that dies between the call and the store: others keep the live token, then try once', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(2 * hour - 5 * minute + 1_000)
  const { connections } = world.storage
  const dying = world.process({ storage: { ...world.storage, connections: { ...connections, replaceGrant: () => new Promise(() => undefined) } } })
  void dying.access.of(await one.read())
  await world.clock.advance(1_000)
  expect(world.platform.refreshes()).toBe(1)
  expect((await one.grant()).refreshStartedAt).not.toBeNull()

  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  await world.clock.advance(151_000)
  expect(await works(world, await world.access.of(await one.read()))).toBe(true)
  expect((await one.grant()).state).toBe('at_risk')
  expect(world.platform.refreshes()).toBe(1)
  await world.clock.advance(3 * minute)
  expect((await failure(world.clock.until(world.access.of(await one.read())))).code).toBe('auth')
  expect(await typesOf(world)).toEqual(['grant:at-risk', 'grant:needs-reauth'])
})

test('a database that fails while the new pair is in hand is tried again until it takes it', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const { connections } = world.storage
  let failures = 4
  const flaky: typeof connections.replaceGrant = async (...args) => {
    if (failures-- > 0) throw new Error('connection lost: canary-refresh would be here')
    return connections.replaceGrant(...args)
  }
  const { access } = world.process({ storage: { ...world.storage, connections: { ...connections, replaceGrant: flaky } } })
  expect(await works(world, await world.clock.until(access.of(await one.read())))).toBe(true)
  expect(world.platform.refreshes()).toBe(1)
  expect((await one.grant()).version).toBe(2)
  await world.expectNoSecret()
})

test('a store whose acknowledgement is lost is not done twice', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const { connections } = world.storage
  let lostAcks = 1
  const flaky: typeof connections.replaceGrant = async (...args) => {
    const done = await connections.replaceGrant(...args)
    if (lostAcks-- > 0) throw new Error('connection lost')
    return done
  }
  const { access } = world.process({ storage: { ...world.storage, connections: { ...connections, replaceGrant: flaky } } })
  expect(await works(world, await world.clock.until(access.of(await one.read())))).toBe(true)
  expect((await one.grant()).version).toBe(2)
})

test('a pair that the database never takes ends in needs_reauth, not in silence', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const { connections } = world.storage
  const refusing: typeof connections.replaceGrant = async (tenant, id, version, change, more) => {
    if (change.sealed !== undefined) throw new Error('value too long')
    return connections.replaceGrant(tenant, id, version, change, more)
  }
  const { access } = world.process({ storage: { ...world.storage, connections: { ...connections, replaceGrant: refusing } } })
  expect(await failure(world.clock.until(access.of(await one.read())))).toMatchObject({ code: 'transient' })
  await world.clock.advance(11 * 60_000)
  expect((await one.grant()).state).toBe('needs_reauth')
  expect(await typesOf(world)).toEqual(['grant:at-risk', 'grant:needs-reauth'])
  await world.expectNoSecret()
})

test('a pair that came while the database was away for minutes is stored when it is back: one refresh, and nobody is disconnected', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const { connections } = world.storage
  const backAt = world.clock.now() + 5 * 60_000
  const away: typeof connections.replaceGrant = async (...args) => {
    if (world.clock.now() < backAt) throw new Error('the database is away')
    return connections.replaceGrant(...args)
  }
  const { access } = world.process({ storage: { ...world.storage, connections: { ...connections, replaceGrant: away } } })
  await world.clock.until(access.of(await one.read())).catch(() => undefined)
  await world.clock.until(access.drain())
  await world.clock.advance(60_000)
  expect(await works(world, await world.clock.until(access.of(await one.read())))).toBe(true)
  expect([world.platform.refreshes(), (await one.grant()).state, (await one.grant()).version]).toEqual([1, 'active', 2])
  await world.expectNoSecret()
})

test('a pair that is lost where nothing rotates costs a second refresh and no account', async () => {
  const world = worldOf({ adapters: [adapterWith({ ...oauth2, rotation: 'none' })] })
  world.platform.keepRefreshTokens()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  const { connections } = world.storage
  let away = true
  const flaky: typeof connections.replaceGrant = async (tenant, id, version, change, more) => {
    if (away && change.sealed !== undefined) throw new Error('value too long')
    return connections.replaceGrant(tenant, id, version, change, more)
  }
  const { access } = world.process({ storage: { ...world.storage, connections: { ...connections, replaceGrant: flaky } } })
  await world.clock.until(access.of(await one.read())).catch(() => undefined)
  await world.clock.advance(40 * 60_000)
  expect((await one.grant()).state).toBe('active')
  away = false
  expect(await works(world, await world.clock.until(access.of(await one.read())))).toBe(true)
})

test('drain waits for a refresh that is out', async () => {
  const world = worldOf()
  const one = await connected(world)
  await world.clock.advance(3 * hour)
  world.platform.fault('/oauth/token', async (_, answer) => {
    await world.clock.sleep(20_000)
    return answer()
  })
  const using = world.access.of(await one.read())
  await world.clock.advance(1_000)
  await world.clock.until(world.access.drain())
  expect((await one.grant()).version).toBe(2)
  await using
})
