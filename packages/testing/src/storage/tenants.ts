// Rules about tenants: no verb shows or moves another tenant's row, and no key of one stands in the way of another.

import assert from 'node:assert/strict'
import type { Connection, Delivery, Grant, State, Storage } from '@syndikit/core'
import { aMinuteMs, type Rule, type Scene } from './scene.ts'

interface Owned {
  readonly connection: Connection
  readonly grant: Grant
  readonly delivery: Delivery
  readonly stateId: string
}

/** Something of tenant-a's for every verb. */
const owned = async (scene: Scene): Promise<Owned> => {
  const connection = await scene.connect('tenant-a')
  const grant = await scene.storage.connections.grant('tenant-a', connection.grantId)
  assert.ok(grant)
  const delivery = await scene.scheduleOne({ connectionId: connection.id })
  await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'uncertain', placements: ['post'] })])
  const stateId = scene.id('state')
  const expiresAt = (await scene.storage.now()) + aMinuteMs
  await scene.storage.oauth.putState({ id: stateId, tenant: 'tenant-a', keyId: 'key-1', sealed: '{}', expiresAt })
  const at = { tenant: 'tenant-a', platform: 'm', server: 'https://s.example', redirectUri: 'https://app.example/cb' }
  await scene.storage.oauth.putClient({ ...at, keyId: 'key-1', sealed: '{"of":"a"}' })
  return { connection, grant, delivery: await scene.get(delivery), stateId }
}

type Trespass = (storage: Storage, of: Owned, scene: Scene) => Promise<unknown>

const none: Record<State, number> = { scheduled: 0, running: 0, published: 0, failed: 0, canceled: 0, missed: 0, uncertain: 0, needs_action: 0 }

/** What tenant-b tries with tenant-a's ids, and what it must be told. */
const trespasses: Readonly<Record<string, readonly [attempt: Trespass, answer: unknown]>> = {
  'publications.get': [({ publications }, { delivery }) => publications.get('tenant-b', delivery.publicationId), undefined],
  'deliveries.get': [({ deliveries }, { delivery }) => deliveries.get('tenant-b', delivery.id), undefined],
  'deliveries.attempts': [({ deliveries }, { delivery }) => deliveries.attempts('tenant-b', delivery.id), []],
  'deliveries.list': [({ deliveries }) => deliveries.list('tenant-b', { limit: 10 }), { items: [] }],
  'deliveries.list of a publication': [
    ({ deliveries }, { delivery }) => deliveries.list('tenant-b', { limit: 10, publicationId: delivery.publicationId, state: 'uncertain' }),
    { items: [] },
  ],
  'deliveries.counts': [({ deliveries }) => deliveries.counts('tenant-b'), none],
  'deliveries.claimed': [({ deliveries }, { connection }) => deliveries.claimed('tenant-b', connection.id, 'another', ['post']), []],
  'deliveries.cancel': [({ deliveries }, { delivery }) => deliveries.cancel('tenant-b', delivery.id), 'not-found'],
  'deliveries.reschedule': [({ deliveries }, { delivery }) => deliveries.reschedule('tenant-b', delivery.id, 1), 'not-found'],
  'deliveries.resolve': [
    ({ deliveries }, { delivery }, scene) => {
      const { id, fence, to, ...verdict } = scene.verdict(delivery)
      return deliveries.resolve('tenant-b', id, delivery.rev, { ...verdict, to: 'published' })
    },
    'stale',
  ],
  'connections.get': [({ connections }, { connection }) => connections.get('tenant-b', connection.id), undefined],
  'connections.inUse': [({ connections }, { connection }) => connections.inUse([{ tenant: 'tenant-b', id: connection.id }]), [undefined]],
  'connections.byAccount': [({ connections }, { connection }) => connections.byAccount('tenant-b', connection.platform, connection.accountId), undefined],
  'connections.grant': [({ connections }, { grant }) => connections.grant('tenant-b', grant.id), undefined],
  'connections.ofGrant': [({ connections }, { grant }) => connections.ofGrant('tenant-b', grant.id), []],
  'connections.list': [({ connections }) => connections.list('tenant-b', { limit: 10 }), { items: [] }],
  'connections.update': [({ connections }, { connection }) => connections.update('tenant-b', connection.id, { name: 'Mine' }), false],
  'connections.remove': [({ connections }, { connection }) => connections.remove('tenant-b', connection.id), 'not-found'],
  'connections.replaceGrant': [({ connections }, { grant }) => connections.replaceGrant('tenant-b', grant.id, 1, { sealed: '{"mine":1}' }), false],
  'connections.lease': [({ connections }, { grant }) => connections.lease('tenant-b', grant.id, 1, 'thief', aMinuteMs), false],
  'oauth.client': [({ oauth }) => oauth.client('tenant-b', 'm', 'https://s.example', 'https://app.example/cb'), undefined],
  'oauth.takeState': [({ oauth }, { stateId }) => oauth.takeState('tenant-b', stateId), undefined],
}

export const tenantRules: readonly Rule[] = [
  ...Object.entries(trespasses).map(
    ([verb, [attempt, answer]]): Rule => ({
      name: `${verb} keeps to its tenant`,
      run: async (scene) => {
        const of = await owned(scene)
        assert.deepEqual(await attempt(scene.storage, of, scene), answer)
        assert.deepEqual(await scene.get(of.delivery.id), of.delivery)
        assert.deepEqual(await scene.storage.connections.get('tenant-a', of.connection.id), of.connection)
        assert.deepEqual(await scene.storage.connections.grant('tenant-a', of.grant.id), of.grant)
        assert.ok(await scene.storage.oauth.takeState('tenant-a', of.stateId))
      },
    }),
  ),
  {
    name: 'a reconnect wakes only deliveries of the tenant that asks',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const nextAt = (await scene.storage.now()) + aMinuteMs
      await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'scheduled', nextAt })])
      const ofA = await scene.storage.connections.get('tenant-a', await scene.connectionFor('tenant-a'))
      const same = { accountId: ofA?.accountId ?? '' }
      const grant = scene.grantOf('tenant-b')
      await scene.connect('tenant-b', same)
      await scene.storage.connections.put(grant, [scene.connectionOf(grant, same)], { type: 'grant:restored', data: '{}' })
      await scene.storage.connections.replaceGrant('tenant-b', ofA?.grantId ?? '', 1, {}, { wake: true })
      await scene.storage.connections.replaceGrant('tenant-b', grant.id, 1, {}, { wake: true })
      assert.equal((await scene.get(delivery)).nextAt, nextAt)
    },
  },
  {
    name: 'only the tenant itself ends its refresh lease',
    run: async (scene) => {
      const { grantId } = await scene.connect('tenant-a')
      assert.equal(await scene.storage.connections.lease('tenant-a', grantId, 1, 'owner', aMinuteMs), true)
      await scene.storage.connections.unlease('tenant-b', grantId, 'owner')
      assert.equal(await scene.storage.connections.lease('tenant-a', grantId, 1, 'another', aMinuteMs), false)
    },
  },
  {
    name: 'clients of two tenants on one server are apart',
    run: async (scene) => {
      const at = { platform: 'm', server: 'https://s.example', redirectUri: 'https://app.example/cb', keyId: 'key-1' }
      const clients = ['tenant-a', 'tenant-b'].map((tenant) => ({ ...at, tenant, sealed: JSON.stringify({ tenant }) }))
      for (const client of clients) assert.deepEqual(await scene.storage.oauth.putClient(client), client)
      const [mine, theirs] = clients
      assert.ok(mine && theirs)
      await scene.storage.oauth.putClient({ ...mine, sealed: '{"new":1}' }, mine.sealed)
      assert.deepEqual(await scene.storage.oauth.client('tenant-b', at.platform, at.server, at.redirectUri), theirs)
      assert.deepEqual(await scene.storage.oauth.clientsNotUnder('key-2', 10), [{ ...mine, sealed: '{"new":1}' }, theirs])
    },
  },
  {
    name: 'the same idempotency key, active key and account of two tenants do not meet',
    run: async (scene) => {
      const accounts = await Promise.all(['tenant-a', 'tenant-b'].map((tenant) => scene.connect(tenant, { accountId: 'shared' })))
      assert.notEqual(accounts[0]?.id, accounts[1]?.id)
      const now = await scene.storage.now()
      for (const { tenant, id } of accounts) {
        const publication = scene.publicationOf(tenant, [scene.draft(now, id, { activeKey: 'same' })], { idempotencyKey: 'same', requestHash: tenant })
        assert.deepEqual(await scene.storage.publications.add([publication]), {
          status: 'added',
          publications: [{ status: 'added', publicationId: publication.id }],
        })
      }
    },
  },
  {
    name: 'a dropped delivery takes its active key again, whatever another tenant does under the same key',
    run: async (scene) => {
      const delivery = await scene.scheduleOne({ activeKey: 'same' })
      await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'uncertain', release: true })])
      await scene.scheduleOne({ tenant: 'tenant-b', activeKey: 'same', dueInMs: aMinuteMs })
      const { rev } = await scene.get(delivery)
      const { id, fence, ...verdict } = scene.verdict({ id: delivery, fence: 0 }, { nextAt: 1 })
      assert.equal(await scene.storage.deliveries.resolve('tenant-a', id, rev, { ...verdict, to: 'scheduled' }), 'done')
    },
  },
  {
    name: 'a grant that opens nothing is removed by its own tenant only',
    run: async (scene) => {
      const grants = ['tenant-a', 'tenant-b'].map((tenant) => scene.grantOf(tenant))
      for (const grant of grants) await scene.storage.connections.put(grant, [])
      await scene.connect('tenant-a')
      const kept = await Promise.all(grants.map(({ tenant, id }) => scene.storage.connections.grant(tenant, id)))
      assert.deepEqual(kept, [undefined, grants[1]])
    },
  },
  {
    name: 'windows, slots and holds of two tenants are apart',
    run: async (scene) => {
      const bucket = (tenant: string) => [{ tenant, key: 'posts', limit: 1, windowMs: aMinuteMs }]
      const now = await scene.storage.now()
      for (const tenant of ['tenant-a', 'tenant-b']) {
        assert.equal((await scene.storage.quotas.take(bucket(tenant))).ok, true)
        assert.ok((await scene.storage.quotas.slot(tenant, 'connection', aMinuteMs)) < now + aMinuteMs)
      }
      await scene.storage.quotas.hold('tenant-a', 'connection', now + 9 * aMinuteMs)
      assert.ok((await scene.storage.quotas.slot('tenant-b', 'connection', 1)) < now + 2 * aMinuteMs)
    },
  },
]
