// Keeping, reconnecting, looking at and removing connections; fields; tenants.

import { expect, test } from 'vitest'
import { adapterWith, callback, json, keysAuth, lost, sessionAuth, status } from './platform.ts'
import { failure, worldOf } from './world.ts'

type World = ReturnType<typeof worldOf>
const hour = 3_600_000

const begin = async (world: World, more: object = {}) => (await world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, ...more })).url
const finish = (world: World, url: string, user: string) => world.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url, user) })
const break_ = async (world: World, id: string) => {
  const { grant } = await world.row(id)
  await world.storage.connections.replaceGrant('t1', grant.id, grant.version, { state: 'needs_reauth' })
}

/** A delivery `d` that is due, and put off until tomorrow because the account must be connected again. */
const waiting = async (world: World, connectionId: string) => {
  const delivery = { id: 'd', connectionId, platform: 'acme', action: 'publish', activeKey: 'k', priority: 1, dueAt: world.clock.now() - hour } as const
  await world.storage.publications.add([{ id: 'p', tenant: 't1', idempotencyKey: null, requestHash: 'h', body: '{}', deliveries: [delivery] }])
  const { claims } = await world.storage.deliveries.claim({ limit: 1, leaseMs: 60_000, skipTenants: [], skipConnections: [], perTenant: 9, perConnection: 9 })
  const settled = { steps: '{}', marker: null, tries: 0, result: null, attempt: { id: 'a', data: '{}' }, placements: [] }
  await world.storage.deliveries.settle([{ ...settled, id: 'd', fence: claims[0]?.fence ?? 0, to: 'scheduled', nextAt: world.clock.now() + 24 * hour }])
}

test('several accounts are offered; the tenant keeps some at once, and more later', async () => {
  const world = worldOf()
  const found = await world.connect('pages')
  expect(found.map(({ name, state }) => [name, state])).toEqual([
    ['p1', 'offered'],
    ['p2', 'offered'],
    ['p3', 'offered'],
  ])
  const [a, b, c] = found.map(({ id }) => id)
  expect((await failure(world.connections.keep({ tenant: 't1', ids: [a ?? '', 'nothing'] }))).message).toMatch(/no such connection: "nothing"/)
  expect((await world.connections.list({ tenant: 't1', state: 'active' })).connections).toEqual([])
  expect((await world.connections.keep({ tenant: 't1', ids: [a ?? '', b ?? ''] })).map(({ state }) => state)).toEqual(['active', 'active'])
  expect((await world.connections.list({ tenant: 't1', state: 'offered' })).connections.map(({ id }) => id)).toEqual([c])
  await world.connections.keep({ tenant: 't1', ids: [c ?? '', a ?? ''] })
  expect((await world.connections.list({ tenant: 't1', state: 'active' })).connections).toHaveLength(3)
  await world.expectNoSecret(found)
})

test('a healthy account is not connected twice, and its live credentials stay as they are', async () => {
  const world = worldOf()
  const [first] = await world.connect()
  const before = await world.row(first?.id ?? '')
  const error = await failure(world.connect())
  expect(error.message).toMatch(/@ann is connected already, and works.*`reconnect: connectionId`/)
  expect(await world.row(first?.id ?? '')).toEqual(before)
})

test('a reconnect replaces the credentials under the same id, tells the host, and wakes what waited', async () => {
  const world = worldOf()
  const [first] = await world.connect()
  const old = await world.row(first?.id ?? '')
  await break_(world, first?.id ?? '')
  await waiting(world, first?.id ?? '')

  const [again] = await finish(world, await begin(world, { reconnect: first?.id }), 'ann')
  expect(again).toMatchObject({ id: first?.id, state: 'active', connectedAt: first?.connectedAt })
  const now = await world.row(first?.id ?? '')
  expect([first?.grantId, again?.grantId]).toEqual([old.grant.id, now.grant.id])
  expect(now.grant.id).not.toBe(old.grant.id)
  expect(await world.storage.connections.grant('t1', old.grant.id)).toBeUndefined()
  expect((await world.events()).filter(({ type }) => type.startsWith('grant:'))).toEqual([
    expect.objectContaining({ type: 'grant:restored', subjectId: again?.grantId, platform: 'acme' }),
  ])
  expect((await world.storage.deliveries.get('t1', 'd'))?.nextAt).toBeLessThanOrEqual(world.clock.now())
})

test('a process that dies right after the write of a reconnect has told of it, and woken what waited', async () => {
  const world = worldOf()
  const [first] = await world.connect()
  await break_(world, first?.id ?? '')
  await waiting(world, first?.id ?? '')
  const { connections } = world.storage
  const put: typeof connections.put = async (...given) => {
    await connections.put(...given)
    throw new Error('killed')
  }
  const dying = world.process({ storage: { ...world.storage, connections: { ...connections, put } } })
  await expect(world.connect('ann', 't1', dying.connections)).rejects.toThrow('killed')
  expect((await world.row(first?.id ?? '')).grant).toMatchObject({ state: 'active', rev: 1 })
  expect((await world.events()).map(({ type }) => type)).toContain('grant:restored')
  expect((await world.storage.deliveries.get('t1', 'd'))?.nextAt).toBeLessThanOrEqual(world.clock.now())
})

test.each(['needs_reauth', 'at_risk'] as const)('an account whose grant is %s is connected again without being asked to name it', async (state) => {
  const world = worldOf()
  const [first] = await world.connect()
  const { grant } = await world.row(first?.id ?? '')
  await world.storage.connections.replaceGrant('t1', grant.id, grant.version, { state })
  expect(await world.connect()).toMatchObject([{ id: first?.id, state: 'active' }])
})

test('a reconnect as another account is refused, and nothing changes', async () => {
  const world = worldOf()
  const [ann] = await world.connect('ann')
  await break_(world, ann?.id ?? '')
  const before = await world.row(ann?.id ?? '')
  const error = await failure(finish(world, await begin(world, { reconnect: ann?.id }), 'bob'))
  expect(error.message).toBe('Acme: this is another account (@bob), not @ann. Nothing was changed. Log in as @ann, or connect it without `reconnect`.')
  expect(await world.row(ann?.id ?? '')).toEqual(before)
  expect((await world.connections.list({ tenant: 't1' })).connections).toHaveLength(1)
  expect(await world.events()).toEqual([])
})

test('a reconnect of one page moves its sisters of the same consent too, and offers what is new', async () => {
  const world = worldOf()
  const found = await world.connect('pages')
  await world.connections.keep({ tenant: 't1', ids: found.slice(0, 2).map(({ id }) => id) })
  world.platform.accounts.set('pages', [...(world.platform.accounts.get('pages') ?? []), { id: 'p4', name: 'p4' }])
  const again = await finish(world, await begin(world, { reconnect: found[0]?.id }), 'pages')
  expect(again.map(({ name, state }) => [name, state])).toEqual([
    ['p1', 'active'],
    ['p2', 'active'],
    ['p3', 'offered'],
    ['p4', 'offered'],
  ])
  expect(new Set(await Promise.all(again.map(async ({ id }) => (await world.row(id)).grant.id))).size).toBe(1)
  for (const { id } of again.slice(0, 3)) expect((await (await world.access.of((await world.row(id)).connection)).applied()).bearer).toMatch(/^canary-page/)
})

test('a connection that moved to a new grant in the middle of a run goes on with the new one', async () => {
  const world = worldOf()
  const [first] = await world.connect()
  const accessed = await world.access.of((await world.row(first?.id ?? '')).connection)
  const used = await accessed.applied()
  await finish(world, await begin(world, { reconnect: first?.id }), 'ann')
  expect(await accessed.renew(used)).toBe(true)
  expect((await accessed.applied()).bearer).not.toBe(used.bearer)
})

test('remove revokes at the platform, and the credentials cannot be opened any more', async () => {
  const world = worldOf()
  const [one] = await world.connect()
  const { grant, connection } = await world.row(one?.id ?? '')
  expect(await world.connections.remove({ tenant: 't1', id: one?.id ?? '' })).toEqual({ revocation: 'confirmed' })
  expect(world.platform.seen.filter(({ path }) => path === '/oauth/revoke').map(({ body }) => body.token?.split('-')[1])).toEqual(['refresh', 'access'])
  expect(await world.storage.connections.grant('t1', grant.id)).toBeUndefined()
  expect((await failure(world.access.of(connection))).message).toMatch(/no such connection/)
  expect((await failure(world.connections.remove({ tenant: 't1', id: one?.id ?? '' }))).message).toMatch(/no such connection/)
})

test.each([
  ['does not answer', lost],
  ['is down', status(503)],
] as const)('remove deletes all the same when the platform %s, and says so', async (_, fault) => {
  const world = worldOf()
  const [one] = await world.connect()
  world.platform.fault('/oauth/revoke', fault)
  expect(await world.connections.remove({ tenant: 't1', id: one?.id ?? '' })).toEqual({ revocation: 'unconfirmed' })
  expect((await world.connections.list({ tenant: 't1' })).connections).toEqual([])
})

test('remove of one page leaves the consent to its sisters; with the last one it ends', async () => {
  const world = worldOf()
  const [a, b] = await world.connect('pages')
  await world.connections.keep({ tenant: 't1', ids: [a?.id ?? '', b?.id ?? ''] })
  expect(await world.connections.remove({ tenant: 't1', id: a?.id ?? '' })).toEqual({ revocation: 'in-use' })
  expect(world.platform.calls('/oauth/revoke')).toBe(0)
  expect(await world.connections.remove({ tenant: 't1', id: b?.id ?? '' })).toEqual({ revocation: 'confirmed' })
  expect((await world.connections.list({ tenant: 't1' })).connections).toEqual([])
})

test('an account that was connected again while its removal waited for the platform stays connected', async () => {
  const world = worldOf()
  const [one] = await world.connect()
  const again: unknown[] = []
  world.platform.fault('/oauth/revoke', async (_, answer) => {
    again.push(...(await world.connect()))
    return answer()
  })
  await world.connections.remove({ tenant: 't1', id: one?.id ?? '' })
  expect(again).toMatchObject([{ id: one?.id, state: 'active' }])
  expect(await world.connections.verify({ tenant: 't1', id: one?.id ?? '' })).toMatchObject({ state: 'active' })
})

test('what was offered and is kept while its consent ends is not deleted behind the back of who kept it', async () => {
  const world = worldOf()
  const [a, b, c] = await world.connect('pages')
  await world.connections.keep({ tenant: 't1', ids: [a?.id ?? ''] })
  world.platform.fault('/oauth/revoke', async (_, answer) => {
    await world.connections.keep({ tenant: 't1', ids: [b?.id ?? ''] })
    return answer()
  })
  expect(await world.connections.remove({ tenant: 't1', id: a?.id ?? '' })).toEqual({ revocation: 'confirmed' })
  expect((await world.connections.list({ tenant: 't1' })).connections).toMatchObject([{ id: b?.id, state: 'revoked' }])
  expect((await failure(world.connections.get({ tenant: 't1', id: c?.id ?? '' }))).code).toBe('gone')
})

test('remove works for a grant whose key is lost', async () => {
  const world = worldOf()
  const [one] = await world.connect()
  const { connections } = world.process({ keys: [Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')] })
  expect(await connections.remove({ tenant: 't1', id: one?.id ?? '' })).toEqual({ revocation: 'unconfirmed' })
})

test('a session is closed at the platform when it is removed; keys cannot be', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  const [one] = await world.connections.open({ tenant: 't1', platform: 'acme', fields: { user: 'ann', password: 'canary-password-of-ann' } })
  expect(await world.connections.remove({ tenant: 't1', id: one?.id ?? '' })).toEqual({ revocation: 'confirmed' })
  expect(world.platform.calls('/api/close')).toBe(1)

  const keys = worldOf({ adapters: [adapterWith(keysAuth)] })
  const [two] = await keys.connections.open({ tenant: 't1', platform: 'acme', fields: { token: 'canary-key-of-ann-0123456789' } })
  expect(await keys.connections.remove({ tenant: 't1', id: two?.id ?? '' })).toEqual({ revocation: 'unsupported' })
})

test('verify reads the account again, and says needs_reauth when the consent is over', async () => {
  const world = worldOf()
  const [one] = await world.connect()
  world.platform.accounts.set('ann', [{ id: '1', name: '@anna', url: 'https://acme.test/anna' }])
  expect(await world.connections.verify({ tenant: 't1', id: one?.id ?? '' })).toMatchObject({ name: '@anna', url: 'https://acme.test/anna', state: 'active' })
  world.platform.endConsent()
  expect(await world.connections.verify({ tenant: 't1', id: one?.id ?? '' })).toMatchObject({ state: 'needs_reauth' })
})

test('verify of an account that the consent does not open any more is an error, and changes nothing', async () => {
  const world = worldOf()
  const [one] = await world.connect()
  world.platform.accounts.set('ann', [{ id: '77', name: '@other' }])
  expect((await failure(world.connections.verify({ tenant: 't1', id: one?.id ?? '' }))).code).toBe('permission')
  expect(await world.connections.get({ tenant: 't1', id: one?.id ?? '' })).toMatchObject({ accountId: '1', state: 'active' })
})

test("another tenant's connection is the same as none, for every call", async () => {
  const world = worldOf()
  const [one] = await world.connect('ann', 't1')
  const id = one?.id ?? ''
  const before = await world.row(id)
  const calls = (tenant: string, at: string) => [
    () => world.connections.get({ tenant, id: at }),
    () => world.connections.verify({ tenant, id: at }),
    () => world.connections.remove({ tenant, id: at }),
    () => world.connections.keep({ tenant, ids: [at] }),
    () => world.connections.begin({ tenant, platform: 'acme', redirectUri: callback, reconnect: at }),
  ]
  for (const call of calls('t2', id))
    expect((await failure(call())).message).toBe(`There is no such connection: "${id}". Look at \`connections.list({ tenant })\` for the ones of this tenant.`)
  for (const call of calls('t2', 'none')) expect((await failure(call())).message).toContain('There is no such connection: "none".')
  expect((await world.connections.list({ tenant: 't2' })).connections).toEqual([])
  expect(await world.row(id)).toEqual(before)
  expect(await world.connect('ann', 't2')).toMatchObject([{ tenant: 't2', accountId: '1', state: 'active' }])
  expect(await world.row(id)).toEqual(before)
})

test('list goes page by page, oldest first, without missing or repeating one', async () => {
  const world = worldOf()
  for (let n = 0; n < 7; n++) {
    world.platform.accounts.set(`user-${n}`, [{ id: `id-${n}`, name: `@${n}` }])
    await world.connect(`user-${n}`)
    await world.clock.advance(1)
  }
  const names: string[] = []
  let after: string | undefined
  do {
    const page = await world.connections.list({ tenant: 't1', limit: 3, ...(after !== undefined && { after }) })
    names.push(...page.connections.map(({ name }) => name))
    after = page.next
  } while (after !== undefined)
  expect(names).toEqual(['@0', '@1', '@2', '@3', '@4', '@5', '@6'])
  for (const limit of [0, 201, 1.5, Number.NaN]) await expect(world.connections.list({ tenant: 't1', limit })).rejects.toThrow(/`limit` must be/)
})

test('a plain JavaScript host that gets a call wrong is told which option', async () => {
  const world = worldOf()
  const wrong = { tenant: 't1', platform: 'acme', redirectUri: callback }
  for (const [option, value] of [
    ['tenant', {}],
    ['platform', undefined],
    ['session', 7],
  ] as const)
    await expect(world.connections.begin({ ...wrong, [option]: value } as never)).rejects.toThrow(`\`${option}\` must be a string that is not empty`)
  await expect(world.connections.begin({ ...wrong, server: 7 } as never)).rejects.toThrow('`server` must be a string')
  await expect(world.connections.open({ tenant: 't1', fields: {} } as never)).rejects.toThrow('`platform` must be')
  for (const ids of [undefined, 'one', { 0: 'one' }])
    await expect(world.connections.keep({ tenant: 't1', ids: ids as never })).rejects.toThrow('`ids` must be a list')
})

test('fields are checked all at once, and no value shows in the error', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  const error = await failure(world.connections.open({ tenant: 't1', platform: 'acme', fields: { password: 'canary', pasword: 'canary-typo' } }))
  expect(error.problems.map(({ code, pointer }) => [code, pointer]).sort()).toEqual([
    ['field-invalid', '/fields/password'],
    ['field-missing', '/fields/user'],
    ['unknown-field', '/fields/pasword'],
  ])
  expect(error.message).toContain('The fields are: user, password.')
  await world.expectNoSecret(error, error.problems)
  expect(world.platform.seen).toEqual([])
  for (const fields of [undefined, null, 'text', []])
    expect((await failure(world.connections.open({ tenant: 't1', platform: 'acme', fields: fields as never }))).code).toBe('invalid')
})

test('a wrong password is an auth error without the password, and nothing is stored', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  const error = await failure(world.connections.open({ tenant: 't1', platform: 'acme', fields: { user: 'ann', password: 'canary-wrong-password' } }))
  expect(error.code).toBe('auth')
  expect(error.message).toContain('Invalid password [secret]')
  await world.expectNoSecret(error)
  expect((await world.connections.list({ tenant: 't1' })).connections).toEqual([])
})

test('a log-in is never repeated behind the back of the user', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  world.platform.fault('/api/login', status(503))
  expect((await failure(world.connections.open({ tenant: 't1', platform: 'acme', fields: { user: 'ann', password: 'canary-password-of-ann' } }))).code).toBe(
    'transient',
  )
  expect(world.platform.calls('/api/login')).toBe(1)
})

test('a log-in that is throttled advises the person who connects', async () => {
  const world = worldOf({ adapters: [adapterWith(sessionAuth)] })
  world.platform.fault('/api/login', async () => json({ error: 'RateLimitExceeded', message: 'Too many' }, 429))
  const fields = { user: 'ann', password: 'canary-password-of-ann' }
  const error = await failure(world.connections.open({ tenant: 't1', platform: 'acme', fields }))
  expect([error.code, error.message]).toEqual(['rate', 'Acme answered 429 to POST /api/login: Too many. Start again later.'])
})
