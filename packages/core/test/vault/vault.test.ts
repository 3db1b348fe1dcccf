// The vault over a database: cells that were moved, keys that changed, and rotation while everything runs.

import { expect, test } from 'vitest'
import { generateKey } from '../../src/vault/keys.ts'
import { adapterWith, callback, oauth2 } from '../connections/platform.ts'
import { failure, worldOf } from '../connections/world.ts'

const hour = 3_600_000

test('no two sealed cells can be swapped: not between fields, grants, tenants, versions or deployments', async () => {
  const world = worldOf()
  const [a] = await world.connect('ann', 't1')
  const [b] = await world.connect('bob', 't1')
  const [c] = await world.connect('ann', 't2')
  const [one, two, three] = [(await world.row(a?.id ?? '')).grant, (await world.row(b?.id ?? '')).grant, (await world.row(c?.id ?? '', 't2')).grant]
  expect((await world.vault.open(one)).access?.reveal()).toMatch(/^canary-access/)
  const fields = JSON.parse(one.sealed) as Record<string, string>
  const swapped = JSON.stringify({ access: fields.refresh, refresh: fields.access })
  const renamed = JSON.stringify({ ...fields, 'field:token': fields.refresh })
  const moves = [
    { ...one, sealed: swapped },
    { ...one, sealed: renamed },
    { ...one, sealed: two.sealed },
    { ...one, dataKey: two.dataKey },
    { ...one, dataKey: two.dataKey, sealed: two.sealed },
    { ...one, dataKey: three.dataKey, sealed: three.sealed },
    { ...one, tenant: 't2' },
    { ...one, id: two.id },
    { ...one, version: 2 },
    { ...one, sealed: '{"access":"plain-token"}' },
    { ...one, sealed: 'plain-token' },
    { ...one, sealed: JSON.stringify(one.dataKey) },
    { ...one, dataKey: '' },
  ]
  for (const moved of moves) {
    const error = await failure(world.vault.open(moved))
    expect(error.code).toBe('setup')
    expect(error.message).toContain(moved.id)
    await world.expectNoSecret(error)
  }
  const { vault } = world.process({ deployment: 'staging' })
  expect((await failure(vault.open(one))).message).toMatch(/another deployment/)
})

test('credentials of an older version pasted back are refused', async () => {
  const world = worldOf()
  const [info] = await world.connect()
  const { grant: old } = await world.row(info?.id ?? '')
  await world.clock.advance(3 * hour)
  await world.access.of((await world.row(info?.id ?? '')).connection)
  const { grant: now } = await world.row(info?.id ?? '')
  expect(now.version).toBe(old.version + 1)
  expect((await failure(world.vault.open({ ...now, sealed: old.sealed }))).message).toMatch(/another version of the row/)
})

test('a key that is not in the ring is named, and the row with it', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const world = worldOf({ keys: [old] })
  const [info] = await world.connect()
  const { grant, connection } = await world.row(info?.id ?? '')
  const { vault, access } = world.process({ keys: [next] })
  const { message } = await failure(vault.open(grant))
  expect(message).toBe(
    `Vault: the data key of grant ${grant.id} cannot be opened: it is sealed under the key "${grant.keyId}", which is not in \`keys\`. Add that key again.`,
  )
  expect((await failure(access.of(connection))).code).toBe('setup')
  expect(await vault.report()).toEqual([
    { keyId: expect.any(String), role: 'seals', rows: 0 },
    { keyId: grant.keyId, role: 'missing', rows: 1 },
  ])
})

test('rotation moves every grant and client to the first key, in pieces, and the old key is then not needed', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const client = async () => ({ id: 'dynamic', secret: 'canary-client-secret', authorizeUrl: 'https://acme.test/a', tokenUrl: 'https://acme.test/oauth/token' })
  const server = adapterWith({ ...oauth2, client }, { http: { base: 'https://acme.test/api/', hosts: ['acme.test'] } })
  const world = worldOf({ keys: [old], adapters: [server] })
  const ids: string[] = []
  for (let n = 0; n < 25; n++) {
    world.platform.accounts.set(`u${n}`, [{ id: `a${n}`, name: `@${n}`, token: `canary-page-${n}` }])
    const { url } = await world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, server: 'acme.test' })
    const [info] = await world.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url, `u${n}`) })
    ids.push(info?.id ?? '')
  }
  const both = world.process({ keys: [next, old] })
  const steps: { rewrapped: number; remaining: number }[] = []
  do steps.push(await both.vault.rotate({ limit: 10 }))
  while ((steps.at(-1)?.rewrapped ?? 0) > 0)
  expect(steps).toEqual([
    { rewrapped: 10, remaining: 16 },
    { rewrapped: 10, remaining: 6 },
    { rewrapped: 6, remaining: 0 },
    { rewrapped: 0, remaining: 0 },
  ])
  expect((await both.vault.report()).map(({ role, rows }) => [role, rows])).toEqual([
    ['seals', 26],
    ['opens', 0],
  ])

  const only = world.process({ keys: [next] })
  for (const id of ids) expect((await (await only.access.of((await world.row(id)).connection)).applied()).bearer).toMatch(/^canary-page/)
  await only.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback, server: 'acme.test' })
  await world.expectNoSecret()
})

test('rotation under load: refreshes run meanwhile, nothing fails, nothing is lost', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const world = worldOf({ keys: [old] })
  const ids: string[] = []
  for (let n = 0; n < 30; n++) {
    world.platform.accounts.set(`u${n}`, [{ id: `a${n}`, name: `@${n}` }])
    ids.push((await world.connect(`u${n}`))[0]?.id ?? '')
  }
  const rows = await Promise.all(ids.map(async (id) => (await world.row(id)).connection))
  const [one, two] = [world.process({ keys: [old, next] }), world.process({ keys: [next, old] })]
  for (let round = 0; round < 4; round++) {
    await world.clock.advance(3 * hour)
    const using = rows.flatMap((row) => [one.access.of(row), two.access.of(row)])
    const rotating = [two.vault.rotate({ limit: 7 }), two.vault.rotate({ limit: 7 }), one.vault.rotate({ limit: 3 })]
    await world.clock.until(Promise.all([...using, ...rotating]))
  }
  while ((await two.vault.rotate()).remaining > 0);
  expect(world.platform.refreshes()).toBe(30 * 4)
  const only = world.process({ keys: [next] })
  for (const row of rows) {
    const { grant } = await world.row(row.id)
    expect(grant).toMatchObject({ version: 5, state: 'active' })
    expect((await only.vault.open(grant)).refresh?.reveal()).toMatch(/^canary-refresh/)
  }
})

test('a rotation that dies in the middle is simply called again', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const world = worldOf({ keys: [old] })
  for (let n = 0; n < 9; n++) {
    world.platform.accounts.set(`u${n}`, [{ id: `a${n}`, name: `@${n}` }])
    await world.connect(`u${n}`)
  }
  const { connections } = world.storage
  let left = 4
  const dying: typeof connections.replaceGrant = async (...args) => {
    if (left-- === 0) throw new Error('killed')
    return connections.replaceGrant(...args)
  }
  const killed = world.process({ keys: [next, old], storage: { ...world.storage, connections: { ...connections, replaceGrant: dying } } })
  await expect(killed.vault.rotate()).rejects.toThrow('killed')
  expect(await world.process({ keys: [next, old] }).vault.rotate()).toEqual({ rewrapped: 5, remaining: 0 })
})

test('rows that do not open never stop a rotation: they are skipped, counted and logged by id', async () => {
  const [lost, old, next] = [generateKey(), generateKey(), generateKey()]
  const world = worldOf({ keys: [lost] })
  for (let n = 0; n < 12; n++) {
    world.platform.accounts.set(`u${n}`, [{ id: `a${n}`, name: `@${n}` }])
    await world.connect(`u${n}`, 't1', n % 2 ? world.connections : world.process({ keys: [old] }).connections)
  }
  const { vault } = world.process({ keys: [next, old] })
  expect(await vault.rotate({ limit: 2 })).toEqual({ rewrapped: 2, remaining: 10 })
  expect(await vault.rotate({ limit: 2 })).toEqual({ rewrapped: 2, remaining: 8 })
  expect(await vault.rotate()).toEqual({ rewrapped: 2, remaining: 6 })
  expect(await vault.rotate()).toEqual({ rewrapped: 0, remaining: 6 })
  expect(JSON.stringify(world.said)).toContain('is not in `keys`')
  expect((await vault.report()).find(({ role }) => role === 'missing')?.rows).toBe(6)
  for (const limit of [0, -1, 1.5]) await expect(vault.rotate({ limit })).rejects.toThrow(TypeError)
})

test('an OAuth consent that began before a rotation is finished after it', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const world = worldOf({ keys: [old] })
  const { url } = await world.connections.begin({ tenant: 't1', platform: 'acme', redirectUri: callback })
  const after = world.process({ keys: [next, old] })
  expect(await after.vault.rotate()).toEqual({ rewrapped: 0, remaining: 1 })
  expect(await after.connections.complete({ tenant: 't1', callbackUrl: world.platform.agree(url) })).toHaveLength(1)
  expect((await after.vault.rotate()).remaining).toBe(0)
})
