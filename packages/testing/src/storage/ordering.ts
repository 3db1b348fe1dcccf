// Rules about who goes first: priority as a head start, fairness among tenants and connections, and what is passed over.

import assert from 'node:assert/strict'
import { headStartMs, type PriorityLevel } from '@syndikit/core'
import { aMinuteMs, type Rule } from './scene.ts'

const count = <T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1
  return counts
}

export const orderingRules: readonly Rule[] = [
  {
    name: 'due rows compete by due time less head start, so an old low post wins over a new urgent one',
    run: async (scene) => {
      const wanted: { level: PriorityLevel; lateMs: number }[] = [
        { level: 0, lateMs: 2 * 60 * aMinuteMs },
        { level: 3, lateMs: 1000 },
        { level: 1, lateMs: 30 * aMinuteMs },
        { level: 2, lateMs: 25 * aMinuteMs },
        { level: 1, lateMs: 5 * aMinuteMs },
        { level: 2, lateMs: 2 * aMinuteMs },
        { level: 0, lateMs: 8 * aMinuteMs },
      ]
      const ids = await scene.schedule(...wanted.map(({ level, lateMs }) => ({ priority: level, dueInMs: -lateMs })))
      const expected = wanted
        .map(({ level, lateMs }, n) => ({ id: ids[n], rank: -lateMs - headStartMs[level] }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ id }) => id)
      const seen: string[] = []
      for (let left = ids.length; left > 0; left--) seen.push(...(await scene.claim({ limit: 1 })).claims.map(({ id }) => id))
      assert.deepEqual(seen, expected)
    },
  },
  {
    name: 'an unending stream of urgent posts does not starve an old low one',
    run: async (scene) => {
      const low = await scene.scheduleOne({ priority: 0, dueInMs: -71 * aMinuteMs })
      for (let round = 0; round < 5; round++) {
        await scene.schedule(...Array.from({ length: 10 }, () => ({ priority: 3 as const, dueInMs: 0 })))
        const { claims } = await scene.claim({ limit: 2 })
        if (claims.some(({ id }) => id === low)) return
      }
      assert.fail('the low post never had its turn')
    },
  },
  {
    name: 'a batch takes no more of one tenant and of one connection than it may',
    run: async (scene) => {
      const [first, second] = [await scene.connect('tenant-a'), await scene.connect('tenant-a')]
      const noisy = (connectionId: string, length: number) => Array.from({ length }, () => ({ connectionId, dueInMs: -2 * aMinuteMs }))
      await scene.schedule(...noisy(first.id, 20), ...noisy(second.id, 20), ...Array.from({ length: 3 }, () => ({ tenant: 'tenant-b' })))
      const { claims, more } = await scene.claim({ limit: 10, perTenant: 5, perConnection: 3 })
      assert.deepEqual(
        count(claims, ({ tenant }) => tenant),
        { 'tenant-a': 5, 'tenant-b': 3 },
      )
      assert.ok(Object.values(count(claims, ({ connectionId }) => connectionId)).every((held) => held <= 3))
      assert.equal(more, true)
    },
  },
  {
    name: 'a tenant with hundreds of rows in front does not hide the next tenant from a small batch',
    run: async (scene) => {
      await scene.schedule(...Array.from({ length: 400 }, (_, n) => ({ dueInMs: -aMinuteMs - n })))
      const quiet = await scene.scheduleOne({ tenant: 'tenant-b', dueInMs: 0 })
      const { claims } = await scene.claim({ limit: 4, perTenant: 2 })
      assert.deepEqual(
        count(claims, ({ tenant }) => tenant),
        { 'tenant-a': 2, 'tenant-b': 1 },
      )
      assert.ok(claims.some(({ id }) => id === quiet))
    },
  },
  {
    name: 'tenants and connections that hold their share are passed over and stay due',
    run: async (scene) => {
      const busy = await scene.connect('tenant-b')
      const [ofTenant, ofConnection, free] = await scene.schedule(
        { tenant: 'tenant-a' },
        { tenant: 'tenant-b', connectionId: busy.id },
        { tenant: 'tenant-b', connectionId: await scene.connectionFor('tenant-b') },
      )
      const passing = { skipTenants: ['tenant-a'], skipConnections: [busy.id] }
      const first = await scene.claim(passing)
      assert.deepEqual(
        first.claims.map(({ id }) => id),
        [free],
      )
      assert.equal(first.more, false, 'what is passed over is no reason to look again at once')
      assert.deepEqual((await scene.claim(passing)).claims, [])
      const rest = await scene.claim()
      assert.deepEqual(new Set(rest.claims.map(({ id }) => id)), new Set([ofTenant, ofConnection]))
    },
  },
  {
    name: 'a claim takes no more than its limit and says whether more is due',
    run: async (scene) => {
      await scene.schedule(...Array.from({ length: 25 }, () => ({})))
      const seen = []
      for (let round = 0; round < 3; round++) {
        const { claims, more } = await scene.claim({ limit: 10 })
        seen.push([claims.length, more])
      }
      assert.deepEqual(seen, [
        [10, true],
        [10, true],
        [5, false],
      ])
    },
  },
]
