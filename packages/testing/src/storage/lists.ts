// Rules about lists: complete, stable while others write, and clear about a cursor that is none.

import assert from 'node:assert/strict'
import { type DeliveryFilter, states } from '@syndikit/core'
import { aMinuteMs, type Rule, type Scene } from './scene.ts'

const walk = async (scene: Scene, limit: number, filter: DeliveryFilter = {}, between: () => Promise<unknown> = async () => {}) => {
  const ids: string[] = []
  let after: string | undefined
  do {
    const page = await scene.storage.deliveries.list('tenant-a', { ...filter, limit, after })
    assert.ok(page.items.length <= limit)
    ids.push(...page.items.map(({ id }) => id))
    after = page.next
    await between()
  } while (after !== undefined)
  return ids
}

const noCursors = [
  '',
  'x',
  '0',
  'null',
  '{}',
  '[]',
  'WzFd',
  '\u202e',
  '\0',
  `' or 1=1 --`,
  'A'.repeat(10_000),
  Buffer.from('["deliveries",1]').toString('base64url'),
]

export const listRules: readonly Rule[] = [
  {
    name: 'pages hold every delivery once, newest due first, also where many are due at one instant',
    run: async (scene) => {
      const dueIn = (n: number) => Math.floor(n / 7) * aMinuteMs
      const ids = await scene.schedule(...Array.from({ length: 40 }, (_, n) => ({ dueInMs: dueIn(n) })))
      const order = new Map(ids.map((id, n) => [id, dueIn(n)]))
      for (const limit of [1, 7, 39, 40, 41]) {
        const seen = await walk(scene, limit)
        assert.equal(new Set(seen).size, 40, `with ${limit} a page`)
        assert.equal(seen.length, 40)
        for (let n = 1; n < seen.length; n++) assert.ok((order.get(seen[n] ?? '') ?? 0) <= (order.get(seen[n - 1] ?? '') ?? 0))
      }
    },
  },
  {
    name: 'pages stay complete while deliveries are added and change their state',
    run: async (scene) => {
      const ids = await scene.schedule(...Array.from({ length: 30 }, (_, n) => ({ dueInMs: -n * 1000 })))
      const seen = await walk(scene, 4, {}, async () => {
        await scene.schedule({ dueInMs: aMinuteMs }, { dueInMs: -5500 }, { dueInMs: -10 * aMinuteMs })
        await scene.claim({ limit: 3 })
      })
      assert.equal(new Set(seen).size, seen.length, 'no delivery may come twice')
      assert.deepEqual(
        ids.filter((id) => !seen.includes(id)),
        [],
      )
    },
  },
  {
    name: 'a list is filtered by state, platform, connection, publication, action and due time',
    run: async (scene) => {
      const other = await scene.connect()
      const now = await scene.storage.now()
      const [due, far, elsewhere] = await scene.schedule(
        {},
        { dueInMs: 10 * aMinuteMs, platform: 'y', action: 'unpublish' },
        { dueInMs: 20 * aMinuteMs, connectionId: other.id },
      )
      await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'failed' })])
      const { publicationId } = await scene.get(far ?? '')
      const expected: readonly (readonly [DeliveryFilter, readonly (string | undefined)[]])[] = [
        [{ state: 'failed' }, [due]],
        [{ state: ['failed', 'scheduled'] }, [elsewhere, far, due]],
        [{ state: ['uncertain', 'needs_action'] }, []],
        [{ state: [] }, []],
        [{ platform: 'y' }, [far]],
        [{ connectionId: other.id }, [elsewhere]],
        [{ publicationId }, [far]],
        [{ action: 'unpublish' }, [far]],
        [{ from: now + 10 * aMinuteMs }, [elsewhere, far]],
        [{ from: now - aMinuteMs, until: now + aMinuteMs }, [due]],
        [{ state: 'scheduled', platform: 'x', action: 'publish', from: now, until: now + 60 * aMinuteMs }, [elsewhere]],
      ]
      for (const [filter, ids] of expected) for (const limit of [1, 10]) assert.deepEqual(await walk(scene, limit, filter), ids, JSON.stringify(filter))
    },
  },
  {
    name: 'what is no cursor of the list, or no limit, is refused with a TypeError',
    run: async (scene) => {
      const grant = scene.grantOf('tenant-a')
      await scene.storage.connections.put(grant, [scene.connectionOf(grant), scene.connectionOf(grant)])
      const foreign = (await scene.storage.connections.list('tenant-a', { limit: 1 })).next
      assert.ok(foreign)
      for (const after of [...noCursors, foreign])
        await assert.rejects(scene.storage.deliveries.list('tenant-a', { limit: 1, after }), TypeError, `${JSON.stringify(after).slice(0, 40)} passed`)
      for (const after of noCursors) await assert.rejects(scene.storage.connections.list('tenant-a', { limit: 1, after }), TypeError)
      for (const limit of [0, -1, 1.5, Number.NaN]) await assert.rejects(scene.storage.deliveries.list('tenant-a', { limit }), TypeError)
    },
  },
  {
    name: 'counts hold every state, of one tenant or of all',
    run: async (scene) => {
      for (const state of states) await scene.inState(state)
      await scene.schedule({ tenant: 'tenant-b', dueInMs: aMinuteMs })
      const one = Object.fromEntries(states.map((state) => [state, 1]))
      assert.deepEqual({ ...(await scene.storage.deliveries.counts('tenant-a')) }, one)
      assert.deepEqual({ ...(await scene.storage.deliveries.counts()) }, { ...one, scheduled: 2 })
    },
  },
  {
    name: 'what is coming up is told once, in order, over all priorities and tenants',
    run: async (scene) => {
      const wanted = Array.from({ length: 24 }, (_, n) => ({
        dueInMs: Math.floor(n / 5) * 1000,
        priority: (n % 4) as 0 | 1 | 2 | 3,
        tenant: n % 2 ? 'tenant-a' : 'tenant-b',
      }))
      const ids = await scene.schedule(...wanted)
      await scene.schedule({ dueInMs: 30 * aMinuteMs })
      const until = (await scene.storage.now()) + 10 * aMinuteMs
      const seen: { id: string; rev: number; nextAt: number }[] = []
      for (;;) {
        const page = await scene.storage.deliveries.upcoming(until, seen.at(-1) ?? null, 4) // pages end among rows of one instant
        if (page.length === 0) break
        seen.push(...page)
      }
      assert.deepEqual(seen.map(({ id }) => id).sort(), ids.toSorted())
      for (let n = 1; n < seen.length; n++) assert.ok((seen[n]?.nextAt ?? 0) >= (seen[n - 1]?.nextAt ?? 0))
      assert.ok(seen.every(({ rev }) => rev === 1))
    },
  },
]
