// Rules about storing publications: all or none, one per idempotency key, one active delivery per content.

import assert from 'node:assert/strict'
import type { NewPublication } from '@syndikit/core'
import { aMinuteMs, atOnce, type Rule, type Scene } from './scene.ts'

const total = async (scene: Scene) => Object.values(await scene.storage.deliveries.counts()).reduce((sum, count) => sum + count, 0)

/** The refused call must leave no trace: neither of its good publications nor of the bad one. */
const refusedWhole = async (scene: Scene, publications: readonly NewPublication[], expected: object) => {
  const before = await total(scene)
  assert.deepEqual(await scene.storage.publications.add(publications), expected)
  assert.equal(await total(scene), before)
  for (const { tenant, id } of publications) assert.equal(await scene.storage.publications.get(tenant, id), undefined)
}

export const addingRules: readonly Rule[] = [
  {
    name: 'a publication is stored with its deliveries, each with an event that it was scheduled',
    run: async (scene) => {
      const [first, second] = [await scene.connect(), await scene.connect()]
      const now = await scene.storage.now()
      const deliveries = [scene.draft(now, first.id, { dueInMs: 5000, priority: 3 }), scene.draft(now, second.id, { action: 'update' })]
      const publication = scene.publicationOf('tenant-a', deliveries)
      assert.deepEqual(await scene.storage.publications.add([publication]), {
        status: 'added',
        publications: [{ status: 'added', publicationId: publication.id }],
      })
      const stored = await scene.storage.publications.get('tenant-a', publication.id)
      assert.ok(stored && stored.createdAt >= now)
      assert.deepEqual(stored, { id: publication.id, tenant: 'tenant-a', body: publication.body, pending: 2, createdAt: stored.createdAt })
      const delivery = await scene.get(deliveries[0]?.id ?? '')
      assert.deepEqual(delivery, {
        id: deliveries[0]?.id,
        tenant: 'tenant-a',
        publicationId: publication.id,
        connectionId: first.id,
        platform: 'x',
        action: 'publish',
        state: 'scheduled',
        priority: 3,
        dueAt: now + 5000,
        nextAt: now + 5000,
        fence: 0,
        rev: 1,
        starts: 0,
        tries: 0,
        steps: delivery.steps,
        marker: null,
        result: null,
        createdAt: delivery.createdAt,
      })
      const told = (await scene.events()).map(({ subjectId, rev, type, data }) => ({ subjectId, rev, type, dueAt: JSON.parse(data).dueAt }))
      assert.deepEqual(
        told,
        deliveries.map(({ id, dueAt }) => ({ subjectId: id, rev: 1, type: 'delivery:scheduled', dueAt })),
      )
    },
  },
  {
    name: 'one refused publication refuses the whole call, and nothing of it is stored',
    run: async (scene) => {
      const connection = await scene.connectionFor('tenant-a')
      const now = await scene.storage.now()
      const publication = (more: Partial<NewPublication> = {}, due = {}) => scene.publicationOf('tenant-a', [scene.draft(now, connection, due)], more)
      const keyed = publication({ idempotencyKey: 'key', requestHash: 'one' }, { activeKey: 'taken' })
      await scene.storage.publications.add([keyed])
      const reused = publication({ idempotencyKey: 'key', requestHash: 'two' })
      await refusedWhole(scene, [publication(), reused], { status: 'key-reused', index: 1, publicationId: keyed.id })
      await refusedWhole(scene, [publication(), publication(), publication({}, { activeKey: 'taken' })], {
        status: 'active',
        index: 2,
        deliveryIds: [keyed.deliveries[0]?.id],
      })
      await refusedWhole(scene, [publication({}, { connectionId: 'nobody' }), publication()], { status: 'no-connection', index: 0, connectionId: 'nobody' })
      assert.equal((await scene.events()).length, 1, 'only the first call may have told something')
    },
  },
  {
    name: 'the same idempotency key with the same request answers the first publication and stores nothing',
    run: async (scene) => {
      const connection = await scene.connectionFor('tenant-a')
      const now = await scene.storage.now()
      const again = () =>
        scene.publicationOf('tenant-a', [scene.draft(now, connection, { activeKey: 'one-content', dueInMs: aMinuteMs })], {
          idempotencyKey: 'k',
          requestHash: 'h',
        })
      const [first, second, third, other] = [again(), again(), again(), scene.publicationOf('tenant-a', [scene.draft(now, connection)])]
      await scene.storage.publications.add([first])
      assert.deepEqual(await scene.storage.publications.add([second, other, third]), {
        status: 'added',
        publications: [
          { status: 'replayed', publicationId: first.id },
          { status: 'added', publicationId: other.id },
          { status: 'replayed', publicationId: first.id },
        ],
      })
      assert.equal(await total(scene), 2)
      assert.deepEqual(await scene.storage.publications.byKey('tenant-a', 'k'), { id: first.id, requestHash: 'h' })
      assert.equal(await scene.storage.publications.byKey('tenant-a', 'another'), undefined)
      assert.equal(await scene.storage.publications.byKey('tenant-b', 'k'), undefined)
    },
  },
  {
    name: 'of a hundred calls at once with one idempotency key, one stores',
    run: async (scene) => {
      const connection = await scene.connectionFor('tenant-a')
      const now = await scene.storage.now()
      const results = await atOnce(100, () =>
        scene.storage.publications.add([scene.publicationOf('tenant-a', [scene.draft(now, connection)], { idempotencyKey: 'k', requestHash: 'h' })]),
      )
      const answers = results.map((result) => {
        assert.equal(result.status, 'added')
        return result.publications[0]
      })
      assert.equal(answers.filter((answer) => answer?.status === 'added').length, 1)
      assert.equal(new Set(answers.map((answer) => answer?.publicationId)).size, 1)
      assert.equal(await total(scene), 1)
    },
  },
  {
    name: 'of a hundred calls at once with one active key, one stores and the others are told its delivery',
    run: async (scene) => {
      const connection = await scene.connectionFor('tenant-a')
      const now = await scene.storage.now()
      const results = await atOnce(100, () =>
        scene.storage.publications.add([scene.publicationOf('tenant-a', [scene.draft(now, connection, { activeKey: 'one-content' })])]),
      )
      assert.equal(results.filter(({ status }) => status === 'added').length, 1)
      const told = results.flatMap((result) => (result.status === 'active' ? result.deliveryIds : []))
      assert.equal(told.length, 99)
      assert.deepEqual([...new Set(told)], [(await scene.storage.deliveries.list('tenant-a', { limit: 2 })).items[0]?.id])
    },
  },
  {
    name: 'a delivery holds its active key until it is final, also while it waits for somebody',
    run: async (scene) => {
      const connection = await scene.connectionFor('tenant-a')
      const isFree = async (activeKey: string) => {
        const now = await scene.storage.now()
        const result = await scene.storage.publications.add([
          scene.publicationOf('tenant-a', [scene.draft(now, connection, { activeKey, dueInMs: aMinuteMs })]),
        ])
        return result.status === 'added'
      }
      const after = async (more: object) => {
        const activeKey = scene.id('content')
        await scene.scheduleOne({ activeKey })
        await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), more)])
        return await isFree(activeKey)
      }
      const free: Record<string, boolean> = {}
      for (const to of ['published', 'failed', 'missed', 'uncertain', 'needs_action']) free[to] = await after({ to })
      free.retry = await after({ to: 'scheduled', nextAt: (await scene.storage.now()) + aMinuteMs })
      free.dropped = await after({ to: 'uncertain', release: true })
      const [canceled] = await scene.schedule({ activeKey: 'canceled', dueInMs: aMinuteMs })
      await scene.storage.deliveries.cancel('tenant-a', canceled ?? '')
      free.canceled = await isFree('canceled')
      assert.deepEqual(free, {
        published: true,
        failed: true,
        missed: true,
        uncertain: false,
        needs_action: false,
        retry: false,
        dropped: true,
        canceled: true,
      })
    },
  },
  {
    name: 'a connection that is unknown, of another tenant, only offered or removed takes no publication',
    run: async (scene) => {
      const [foreign, offered, removed] = [await scene.connect('tenant-b'), await scene.connect('tenant-a', { state: 'offered' }), await scene.connect()]
      await scene.storage.connections.remove('tenant-a', removed.id)
      const now = await scene.storage.now()
      for (const connectionId of ['unknown', foreign.id, offered.id, removed.id])
        await refusedWhole(scene, [scene.publicationOf('tenant-a', [scene.draft(now, connectionId)])], { status: 'no-connection', index: 0, connectionId })
    },
  },
]
