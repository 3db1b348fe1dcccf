// Rules about connections: reconnecting, changing, removing, listing, and what key rotation sees.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule } from './scene.ts'

export const connectionRules: readonly Rule[] = [
  {
    name: 'what runs ask of their connections comes in the order of the keys, as it is stored, with the wait that the platform asked for',
    run: async (scene) => {
      const { connections, quotas } = scene.storage
      const [first, second] = [await scene.connect('tenant-a'), await scene.connect('tenant-b', { sealed: '{"own":1}' })]
      await connections.replaceGrant('tenant-b', second.grantId, 1, { sealed: '{"new":1}', expiresAt: 42 })
      await quotas.slot('tenant-a', first.id, 1000)
      await quotas.hold('tenant-b', second.id, 77)
      const keys = [second, first, { tenant: 'tenant-a', id: 'nobody' }, second].map(({ tenant, id }) => ({ tenant, id }))
      const ofFirst = { connection: first, grant: await connections.grant('tenant-a', first.grantId), holdUntil: 0 }
      const ofSecond = { connection: second, grant: await connections.grant('tenant-b', second.grantId), holdUntil: 77 }
      assert.equal(ofSecond.grant?.version, 2)
      assert.deepEqual(await connections.inUse(keys), [ofSecond, ofFirst, undefined, ofSecond])
      assert.deepEqual(await connections.inUse([]), [])
    },
  },
  {
    name: 'put stores a grant with its connections and answers them in the given order',
    run: async (scene) => {
      const grant = scene.grantOf('tenant-a', { version: 3, expiresAt: 42, data: '{"scopes":["write"]}' })
      const given = [scene.connectionOf(grant, { name: 'Page' }), scene.connectionOf(grant, { state: 'offered', sealed: '{"own":1}' })]
      const before = await scene.storage.now()
      const stored = await scene.storage.connections.put(grant, given)
      assert.deepEqual(
        stored.map(({ createdAt: _, ...connection }) => connection),
        given,
      )
      assert.ok(stored.every(({ createdAt }) => createdAt >= before))
      assert.deepEqual(await scene.storage.connections.grant('tenant-a', grant.id), grant)
      assert.deepEqual(await scene.storage.connections.ofGrant('tenant-a', grant.id), stored)
      for (const connection of stored) {
        assert.deepEqual(await scene.storage.connections.get('tenant-a', connection.id), connection)
        assert.deepEqual(await scene.storage.connections.byAccount('tenant-a', 'x', connection.accountId), connection)
      }
    },
  },
  {
    name: 'a reconnect moves the account to the new grant, keeps id, age and activity, and removes the grant that opens nothing',
    run: async (scene) => {
      const old = scene.grantOf('tenant-a')
      const [active, offered, kept] = await scene.storage.connections.put(old, [
        scene.connectionOf(old),
        scene.connectionOf(old, { state: 'offered' }),
        scene.connectionOf(old),
      ])
      assert.ok(active && offered && kept)
      const bystander = await scene.connect('tenant-b', { accountId: active.accountId })
      const renew = async (accountIds: readonly string[]) => {
        const grant = scene.grantOf('tenant-a')
        const given = accountIds.map((accountId) => scene.connectionOf(grant, { accountId, state: 'offered', name: 'New name', sealed: '{"new":1}' }))
        return { grant, stored: await scene.storage.connections.put(grant, given) }
      }
      const { grant, stored } = await renew([offered.accountId, active.accountId])
      const moved = { grantId: grant.id, name: 'New name', sealed: '{"new":1}' }
      assert.deepEqual(stored, [
        { ...offered, ...moved },
        { ...active, ...moved },
      ])
      assert.ok(await scene.storage.connections.grant('tenant-a', old.id), 'one account still rests on the old grant')
      await renew([kept.accountId])
      assert.equal(await scene.storage.connections.grant('tenant-a', old.id), undefined)
      assert.ok(await scene.storage.connections.grant('tenant-a', grant.id))
      assert.deepEqual(await scene.storage.connections.get('tenant-b', bystander.id), bystander)
      assert.ok(await scene.storage.connections.grant('tenant-b', bystander.grantId))
    },
  },
  {
    name: 'a reconnect tells of it and makes due what waited for the account, in one write; a first connection does neither',
    run: async (scene) => {
      const event = { type: 'grant:restored', data: '{"platform":"x"}' }
      const [first, other] = [await scene.connect(), await scene.connect()]
      const [putOff, elsewhere, resting] = await scene.schedule({ connectionId: first.id }, { connectionId: other.id }, { connectionId: first.id })
      const { claims } = await scene.claim()
      const nextAt = (await scene.storage.now()) + aMinuteMs
      await scene.storage.deliveries.settle(claims.map((claim) => scene.verdict(claim, { to: claim.id === resting ? 'uncertain' : 'scheduled', nextAt })))
      const future = await scene.scheduleOne({ connectionId: first.id, dueInMs: aMinuteMs })
      await scene.events()
      const fresh = scene.grantOf('tenant-a')
      const offered = await scene.storage.connections.put(fresh, [scene.connectionOf(fresh, { state: 'offered' })], event)
      const again = scene.grantOf('tenant-a')
      await scene.storage.connections.put(again, [scene.connectionOf(again, { accountId: offered[0]?.accountId ?? '', state: 'offered' })], event)
      assert.deepEqual([await scene.events(), (await scene.get(putOff ?? '')).nextAt], [[], nextAt])
      const grant = scene.grantOf('tenant-a')
      await scene.storage.connections.put(grant, [scene.connectionOf(grant, { accountId: first.accountId }), scene.connectionOf(grant)], event)
      assert.equal((await scene.storage.connections.grant('tenant-a', grant.id))?.rev, 1)
      const told = (await scene.events()).map(({ seq: _, at: __, ...rest }) => rest)
      assert.deepEqual(told, [{ ...event, tenant: 'tenant-a', subjectId: grant.id, rev: 1 }])
      assert.equal((await scene.claimOne()).id, putOff)
      for (const id of [elsewhere, resting]) assert.equal((await scene.get(id ?? '')).nextAt, nextAt)
      assert.equal((await scene.get(future)).state, 'scheduled')
    },
  },
  {
    name: 'a grant that is restored makes due what waited for its connections where that is asked for',
    run: async (scene) => {
      const [first, other] = [await scene.connect(), await scene.connect()]
      const [putOff, elsewhere] = await scene.schedule({ connectionId: first.id }, { connectionId: other.id })
      const nextAt = (await scene.storage.now()) + aMinuteMs
      const { claims } = await scene.claim()
      await scene.storage.deliveries.settle(claims.map((claim) => scene.verdict(claim, { to: 'scheduled', nextAt })))
      const restore = (version: number, wake: boolean) =>
        scene.storage.connections.replaceGrant('tenant-a', first.grantId, version, { state: 'active' }, { wake })
      assert.deepEqual([await restore(2, true), await restore(1, false)], [false, true])
      assert.equal((await scene.get(putOff ?? '')).nextAt, nextAt)
      assert.equal(await restore(1, true), true)
      assert.equal((await scene.claimOne()).id, putOff)
      assert.equal((await scene.get(elsewhere ?? '')).nextAt, nextAt)
    },
  },
  {
    name: 'fifty reconnects of one account at once leave one connection and one grant',
    run: async (scene) => {
      const results = await atOnce(50, () => scene.connect('tenant-a', { accountId: 'one' }))
      assert.equal(new Set(results.map(({ id }) => id)).size, 1)
      const { items } = await scene.storage.connections.list('tenant-a', { limit: 10 })
      assert.equal(items.length, 1)
      assert.deepEqual(await scene.storage.connections.countsByKey().then((counts) => ({ ...counts })), { 'key-1': 1 })
    },
  },
  {
    name: 'update changes what is given and nothing else',
    run: async (scene) => {
      const connection = await scene.connect('tenant-a', { state: 'offered', sealed: '{"own":1}' })
      assert.equal(await scene.storage.connections.update('tenant-a', connection.id, { state: 'active' }), true)
      assert.deepEqual(await scene.storage.connections.get('tenant-a', connection.id), { ...connection, state: 'active' })
      assert.equal(await scene.storage.connections.update('tenant-a', connection.id, { name: 'N', data: '{"d":1}', sealed: null }), true)
      assert.deepEqual(await scene.storage.connections.get('tenant-a', connection.id), {
        ...connection,
        state: 'active',
        name: 'N',
        data: '{"d":1}',
        sealed: null,
      })
      assert.equal(await scene.storage.connections.update('tenant-a', 'nobody', { name: 'N' }), false)
    },
  },
  {
    name: 'the last connection takes its grant along, and its deliveries stay',
    run: async (scene) => {
      const grant = scene.grantOf('tenant-a')
      const [first, second] = await scene.storage.connections.put(grant, [scene.connectionOf(grant), scene.connectionOf(grant)])
      assert.ok(first && second)
      const delivery = await scene.scheduleOne({ connectionId: second.id })
      assert.equal(await scene.storage.connections.remove('tenant-a', first.id), 'done')
      assert.ok(await scene.storage.connections.grant('tenant-a', grant.id))
      assert.equal(await scene.storage.connections.remove('tenant-a', second.id), 'done')
      assert.equal(await scene.storage.connections.grant('tenant-a', grant.id), undefined)
      assert.equal(await scene.storage.connections.remove('tenant-a', second.id), 'not-found')
      assert.equal((await scene.claimOne()).id, delivery)
    },
  },
  {
    name: 'connections are listed oldest first, by platform and state, page by page',
    run: async (scene) => {
      const grant = scene.grantOf('tenant-a')
      const given = Array.from({ length: 9 }, (_, n) =>
        scene.connectionOf(grant, { platform: n % 3 === 0 ? 'y' : 'x', state: n % 2 === 0 ? 'active' : 'offered' }),
      )
      const stored = await scene.storage.connections.put(grant, given)
      const all = async (filter: object) => {
        const ids: string[] = []
        let after: string | undefined
        do {
          const page = await scene.storage.connections.list('tenant-a', { limit: 2, after, ...filter })
          assert.ok(page.items.length <= 2)
          ids.push(...page.items.map(({ id }) => id))
          after = page.next
        } while (after !== undefined)
        return ids
      }
      const idsOf = (keep: (n: number) => boolean) => stored.filter((_, n) => keep(n)).map(({ id }) => id)
      assert.deepEqual(
        await all({}),
        idsOf(() => true),
      )
      assert.deepEqual(
        await all({ platform: 'y' }),
        idsOf((n) => n % 3 === 0),
      )
      assert.deepEqual(
        await all({ platform: 'x', state: 'offered' }),
        idsOf((n) => n % 3 !== 0 && n % 2 === 1),
      )
    },
  },
  {
    name: 'key rotation sees every row that the key ring sealed, by key',
    run: async (scene) => {
      const connections = [await scene.connect('tenant-a'), await scene.connect('tenant-b'), await scene.connect('tenant-c')]
      const expiresAt = (await scene.storage.now()) + aMinuteMs
      await scene.storage.oauth.putState({ id: scene.id('state'), tenant: 'tenant-a', keyId: 'key-1', sealed: '{}', expiresAt })
      const client = { tenant: 'tenant-a', platform: 'm', server: 'https://s.example', redirectUri: 'https://app.example', keyId: 'key-2', sealed: '{}' }
      await scene.storage.oauth.putClient(client)
      const ids = connections.map(({ grantId }) => grantId)
      const stale = async (limit: number) => (await scene.storage.connections.grantsNotUnder('key-2', limit)).map(({ id }) => id)
      assert.deepEqual([await stale(2), await stale(10)], [ids.slice(0, 2), ids])
      assert.equal(await scene.storage.connections.replaceGrant('tenant-a', ids[0] ?? '', 1, { dataKey: '{"wrapped":2}', keyId: 'key-2' }), true)
      assert.deepEqual(await stale(10), ids.slice(1))
      assert.deepEqual({ ...(await scene.storage.connections.countsByKey()) }, { 'key-1': 3, 'key-2': 2 })
      assert.deepEqual(await scene.storage.oauth.clientsNotUnder('key-2', 10), [])
      assert.deepEqual(await scene.storage.oauth.clientsNotUnder('key-3', 10), [client])
    },
  },
]
