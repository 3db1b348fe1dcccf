// Rules about what people do to a delivery: cancel, reschedule, resolve.

import assert from 'node:assert/strict'
import type { Settle } from '@syndikit/core'
import { aMinuteMs, atOnce, type Rule, type Scene } from './scene.ts'

/** A delivery that waits for a retry, with or without something on the platform. */
const postponed = async (scene: Scene, marker: string | null) => {
  const delivery = await scene.scheduleOne()
  const nextAt = (await scene.storage.now()) + aMinuteMs
  await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'scheduled', nextAt, marker })])
  return delivery
}

const resolution = (scene: Scene, to: 'published' | 'failed' | 'scheduled', more: Partial<Settle> = {}) => {
  const { id, fence, to: _, ...verdict } = scene.verdict({ id: '', fence: 0 }, more)
  return { ...verdict, to }
}

export const handsRules: readonly Rule[] = [
  {
    name: 'cancel ends a scheduled delivery and tells it',
    run: async (scene) => {
      const { id, rev, publicationId } = await scene.inState('scheduled')
      await scene.events()
      assert.equal(await scene.storage.deliveries.cancel('tenant-a', id), 'done')
      const row = await scene.get(id)
      assert.deepEqual([row.state, row.nextAt, row.rev], ['canceled', null, rev + 1])
      assert.deepEqual(
        (await scene.events()).map((event) => [event.subjectId, event.rev, event.type]),
        [
          [id, rev + 1, 'delivery:canceled'],
          [publicationId, 1, 'publication:finished'],
        ],
      )
      assert.deepEqual(await scene.storage.deliveries.attempts('tenant-a', id), [])
      assert.equal(await scene.storage.deliveries.cancel('tenant-a', 'nobody'), 'not-found')
    },
  },
  {
    name: 'reschedule moves a delivery and tells it',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      await scene.events()
      const dueAt = (await scene.storage.now()) + aMinuteMs
      assert.equal(await scene.storage.deliveries.reschedule('tenant-a', delivery, dueAt), 'done')
      const row = await scene.get(delivery)
      assert.deepEqual([row.state, row.dueAt, row.nextAt], ['scheduled', dueAt, dueAt])
      assert.deepEqual((await scene.claim()).claims, [])
      const [event] = await scene.events()
      assert.deepEqual([event?.type, event?.rev, JSON.parse(event?.data ?? '{}').dueAt], ['delivery:rescheduled', row.rev, dueAt])
      assert.equal(await scene.storage.deliveries.reschedule('tenant-a', delivery, dueAt - 2 * aMinuteMs), 'done')
      assert.equal((await scene.claimOne()).id, delivery)
      assert.equal(await scene.storage.deliveries.reschedule('tenant-a', 'nobody', dueAt), 'not-found')
    },
  },
  {
    name: 'a scheduled delivery that may have something on the platform is neither canceled nor rescheduled',
    run: async (scene) => {
      const [clean, partly] = [await postponed(scene, null), await postponed(scene, '{"sent":1}')]
      const before = await scene.get(partly)
      assert.equal(await scene.storage.deliveries.cancel('tenant-a', partly), 'too-late')
      assert.equal(await scene.storage.deliveries.reschedule('tenant-a', partly, 1), 'too-late')
      assert.deepEqual(await scene.get(partly), before)
      assert.equal(await scene.storage.deliveries.cancel('tenant-a', clean), 'done')
    },
  },
  {
    name: 'a delivery is either canceled or claimed, however close they race',
    run: async (scene) => {
      const ids = await scene.schedule(...Array.from({ length: 120 }, () => ({})))
      const claimed = new Set<string>()
      const claimers = atOnce(12, async () => {
        for (const { id } of (await scene.claim({ limit: 10 })).claims) claimed.add(id)
      })
      const canceled = new Set<string>()
      await atOnce(ids.length, async (n) => {
        const id = ids[ids.length - 1 - n] ?? ''
        if ((await scene.storage.deliveries.cancel('tenant-a', id)) === 'done') canceled.add(id)
      })
      await claimers
      assert.deepEqual(
        ids.filter((id) => claimed.has(id) && canceled.has(id)),
        [],
      )
      for (const id of ids) assert.equal((await scene.get(id)).state, canceled.has(id) ? 'canceled' : claimed.has(id) ? 'running' : 'scheduled')
    },
  },
  ...(['uncertain', 'needs_action'] as const).map(
    (state): Rule => ({
      name: `a delivery that is ${state} is resolved by one of twenty, with attempt, event, placement and counter`,
      run: async (scene) => {
        const before = await scene.inState(state)
        await scene.events()
        const written = await atOnce(20, () =>
          scene.storage.deliveries.resolve(
            'tenant-a',
            before.id,
            before.rev,
            resolution(scene, 'published', { tries: 4, result: '{"id":"p"}', placements: ['p'], event: { type: 'delivery:published', data: '{}' } }),
          ),
        )
        assert.equal(written.filter((one) => one === 'done').length, 1)
        const row = await scene.get(before.id)
        assert.deepEqual([row.state, row.nextAt, row.rev, row.tries, row.result], ['published', null, before.rev + 1, 4, '{"id":"p"}'])
        assert.equal((await scene.storage.deliveries.attempts('tenant-a', before.id)).length, 2)
        assert.deepEqual(await scene.storage.deliveries.claimed('tenant-a', before.connectionId, 'another', ['p']), ['p'])
        assert.deepEqual(
          (await scene.events()).map(({ subjectId, rev, type }) => [subjectId, rev, type]),
          [
            [before.id, before.rev + 1, 'delivery:published'],
            [before.publicationId, 1, 'publication:finished'],
          ],
        )
        assert.equal((await scene.storage.publications.get('tenant-a', before.publicationId))?.pending, 0)
      },
    }),
  ),
  {
    name: 'a delivery that is resolved to be sent again is claimed again',
    run: async (scene) => {
      const { id, rev } = await scene.inState('uncertain')
      assert.equal(await scene.storage.deliveries.resolve('tenant-a', id, rev - 1, resolution(scene, 'scheduled', { nextAt: 1 })), 'stale')
      const nextAt = await scene.storage.now()
      assert.equal(await scene.storage.deliveries.resolve('tenant-a', id, rev, resolution(scene, 'scheduled', { nextAt })), 'done')
      assert.equal((await scene.claimOne()).id, id)
    },
  },
  {
    name: 'a dropped delivery that is to be sent after all is the only active one of its content, or stays',
    run: async (scene) => {
      const dropped = async (activeKey: string) => {
        const delivery = await scene.scheduleOne({ activeKey })
        await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'uncertain', release: true })])
        return await scene.get(delivery)
      }
      const [free, taken] = [await dropped('free'), await dropped('taken')]
      await scene.scheduleOne({ activeKey: 'taken', dueInMs: aMinuteMs })
      const resolve = ({ id, rev }: { id: string; rev: number }) =>
        scene.storage.deliveries.resolve('tenant-a', id, rev, resolution(scene, 'scheduled', { nextAt: 1 }))
      assert.deepEqual([await resolve(free), await resolve(taken)], ['done', 'stale'])
      assert.equal((await scene.get(taken.id)).state, 'uncertain')
      const now = await scene.storage.now()
      const again = scene.publicationOf('tenant-a', [scene.draft(now, free.connectionId, { activeKey: 'free' })])
      assert.deepEqual(await scene.storage.publications.add([again]), { status: 'active', index: 0, deliveryIds: [free.id] })
    },
  },
]
