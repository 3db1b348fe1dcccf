// Rules about the writes of a worker that holds a delivery: only under its fence, each row by itself, and the same again is no harm.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule, type Scene, shortMs } from './scene.ts'

/** One delivery in the hands of two workers: the first one's lease ended. */
const stolen = async (scene: Scene) => {
  const delivery = await scene.scheduleOne()
  const late = await scene.claimOne({ leaseMs: shortMs })
  await scene.passed()
  return { delivery, late, holder: await scene.claimOne() }
}

export const holdingRules: readonly Rule[] = [
  {
    name: 'a worker whose lease was taken over can no longer extend, save or settle',
    run: async (scene) => {
      const { delivery, late, holder } = await stolen(scene)
      const before = await scene.get(delivery)
      assert.deepEqual(await scene.storage.deliveries.extend([late], aMinuteMs), ['stale'])
      assert.deepEqual(await scene.storage.deliveries.save([{ ...late, steps: '{"mine":1}', marker: '{"m":1}' }]), ['stale'])
      assert.deepEqual(await scene.storage.deliveries.settle([scene.verdict(late, { to: 'failed' })]), ['stale'])
      assert.deepEqual(await scene.get(delivery), before)
      assert.deepEqual(await scene.storage.deliveries.settle([scene.verdict(holder)]), ['done'])
    },
  },
  {
    name: 'extend keeps a delivery from other claimers',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const held = await scene.claimOne({ leaseMs: shortMs })
      const before = await scene.storage.now()
      assert.deepEqual(await scene.storage.deliveries.extend([held], aMinuteMs), ['done'])
      await scene.passed()
      assert.deepEqual((await scene.claim()).claims, [])
      const { nextAt } = await scene.get(delivery)
      assert.ok(nextAt !== null && nextAt >= before + aMinuteMs)
    },
  },
  {
    name: 'save stores steps and marker, and can take the marker away again',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const held = await scene.claimOne()
      for (const [steps, marker] of [
        ['{"a":1}', '{"sent":1}'],
        ['{"a":1,"b":2}', null],
      ] as const) {
        assert.deepEqual(await scene.storage.deliveries.save([{ ...held, steps, marker }]), ['done'])
        const row = await scene.get(delivery)
        assert.deepEqual([row.steps, row.marker, row.state], [steps, marker, 'running'])
      }
    },
  },
  {
    name: 'rows of one call are decided one by one: a bad row never fails its neighbours',
    run: async (scene) => {
      const { late } = await stolen(scene)
      await scene.schedule({}, {}, {})
      const { claims } = await scene.claim()
      const unknown = { id: 'nobody', fence: 1 }
      const rows = [claims[0], late, unknown, claims[1], claims[2]].map((row) => row ?? unknown)
      const expected = ['done', 'stale', 'stale', 'done', 'done']
      assert.deepEqual(await scene.storage.deliveries.extend(rows, aMinuteMs), expected)
      assert.deepEqual(await scene.storage.deliveries.save(rows.map((row) => ({ ...row, steps: '{"s":1}', marker: null }))), expected)
      assert.deepEqual(await scene.storage.deliveries.settle(rows.map((row) => scene.verdict(row))), expected)
      for (const { id } of claims) assert.equal((await scene.get(id)).state, 'published')
    },
  },
  {
    name: 'two saves of one delivery in one call end with the later one',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const held = await scene.claimOne()
      const saves = ['{"a":1}', '{"a":1,"b":2}'].map((steps) => ({ ...held, steps, marker: null }))
      assert.deepEqual(await scene.storage.deliveries.save(saves), ['done', 'done'])
      assert.equal((await scene.get(delivery)).steps, '{"a":1,"b":2}')
    },
  },
  {
    name: 'the same save and the same extend again answer done: their first reply was lost',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const held = await scene.claimOne()
      const saved = { ...held, steps: '{"a":1}', marker: '{"sent":1}' }
      for (let again = 0; again < 3; again++) {
        assert.deepEqual(await scene.storage.deliveries.save([saved]), ['done'])
        assert.deepEqual(await scene.storage.deliveries.extend([held], aMinuteMs), ['done'])
      }
      const row = await scene.get(delivery)
      assert.deepEqual([row.fence, row.rev, row.marker], [held.fence, held.rev, '{"sent":1}'])
    },
  },
  {
    name: 'nobody saves, extends or settles what nobody claimed',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const before = await scene.get(delivery)
      for (const fence of [0, 1]) {
        assert.deepEqual(await scene.storage.deliveries.extend([{ id: delivery, fence }], aMinuteMs), ['stale'])
        assert.deepEqual(await scene.storage.deliveries.save([{ id: delivery, fence, steps: '{}', marker: '{"m":1}' }]), ['stale'])
        assert.deepEqual(await scene.storage.deliveries.settle([scene.verdict({ id: delivery, fence })]), ['stale'])
      }
      assert.deepEqual(await scene.get(delivery), before)
    },
  },
  {
    name: 'a hundred saves at once, one call each, all arrive',
    run: async (scene) => {
      await scene.schedule(...Array.from({ length: 100 }, () => ({})))
      const { claims } = await scene.claim()
      const written = await atOnce(claims.length, (n) => {
        const { id, fence } = claims[n] ?? { id: '', fence: 0 }
        return scene.storage.deliveries.save([{ id, fence, steps: JSON.stringify({ n }), marker: null }])
      })
      assert.ok(written.every(([one]) => one === 'done'))
      for (const [n, { id }] of claims.entries()) assert.equal((await scene.get(id)).steps, JSON.stringify({ n }))
    },
  },
  {
    name: 'a placement belongs to the first delivery that named it, on its connection',
    run: async (scene) => {
      const [first, second] = await scene.schedule({}, {})
      const { claims } = await scene.claim()
      for (const id of [first, second]) {
        const claim = claims.find((one) => one.id === id)
        assert.ok(claim)
        await scene.storage.deliveries.settle([scene.verdict(claim, { placements: id === first ? ['p1', 'p2'] : ['p2', 'p3'] })])
      }
      const connection = await scene.connectionFor('tenant-a')
      const others = (delivery = '') => scene.storage.deliveries.claimed('tenant-a', connection, delivery, ['p1', 'p2', 'p3', 'p4'])
      assert.deepEqual([await others(first), await others(second)], [['p3'], ['p1', 'p2']])
      assert.deepEqual(await scene.storage.deliveries.claimed('tenant-a', (await scene.connect()).id, 'another', ['p1']), [])
    },
  },
  {
    name: 'a placement that a save names belongs to the delivery at once, unless another one has it, or the lease is lost',
    run: async (scene) => {
      const { late, holder, delivery } = await stolen(scene)
      const other = await scene.scheduleOne()
      const otherHolder = await scene.claimOne()
      const save = (held: typeof late, placements: readonly string[]) => scene.storage.deliveries.save([{ ...held, steps: '{}', marker: null, placements }])
      assert.deepEqual(await save(late, ['p0']), ['stale'])
      assert.deepEqual([await save(holder, ['p1']), await save(otherHolder, ['p1', 'p2'])], [['done'], ['done']])
      const connection = await scene.connectionFor('tenant-a')
      const claimed = (of: string) => scene.storage.deliveries.claimed('tenant-a', connection, of, ['p0', 'p1', 'p2'])
      assert.deepEqual([await claimed(delivery), await claimed(other)], [['p2'], ['p1']])
    },
  },
]
