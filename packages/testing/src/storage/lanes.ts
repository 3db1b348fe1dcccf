// Rules about lanes: of the deliveries that a connection takes one at a time one runs, whoever claims.

import assert from 'node:assert/strict'
import type { Claim } from '@syndikit/core'
import { aMinuteMs, atOnce, type Rule, type Scene, shortMs } from './scene.ts'

const claimers = 8
const inLane = (length: number, dueInMs = -1000) => Array.from({ length }, () => ({ serialize: true, dueInMs }))
const settle = (scene: Scene, claim: Claim) => scene.storage.deliveries.settle([scene.verdict(claim)])

export const laneRules: readonly Rule[] = [
  {
    name: 'of a lane one delivery is given out, and the next one when it is settled',
    run: async (scene) => {
      const ids = await scene.schedule(...[3, 2, 1].map((n) => ({ serialize: true, dueInMs: -n * 1000 })))
      for (const id of ids) {
        const { claims, more } = await scene.claim()
        assert.deepEqual([claims.map((claim) => claim.id), more], [[id], false], 'what waits for the lane cannot be given out')
        const again = await scene.claim()
        assert.deepEqual([again.claims, again.more], [[], false])
        assert.ok(again.wakeInMs !== null && again.wakeInMs > 0)
        await scene.storage.deliveries.settle([scene.verdict(claims[0] as Claim, { to: id === ids[1] ? 'uncertain' : 'published' })])
      }
    },
  },
  {
    name: 'lanes of two connections, and what has no lane, run side by side',
    run: async (scene) => {
      const { id: other } = await scene.connect('tenant-a')
      const [first, , second, ...free] = await scene.schedule(...inLane(2), { serialize: true, connectionId: other }, {}, {})
      assert.deepEqual((await scene.claim()).claims.map(({ id }) => id).sort(), [first, second, ...free])
    },
  },
  {
    name: 'of eight claimers racing in one lane never two hold a delivery, and each goes out once',
    run: async (scene) => {
      const ids = await scene.schedule(...inLane(40), ...Array.from({ length: 40 }, () => ({})))
      const laned = new Set(ids.slice(0, 40))
      const given: string[] = []
      let running = 0
      await atOnce(claimers, async () => {
        while (given.length < ids.length) {
          const { claims } = await scene.claim({ limit: 3 })
          given.push(...claims.map(({ id }) => id))
          const mine = claims.filter(({ id }) => laned.has(id))
          running += mine.length
          assert.ok(running <= 1, 'two of one lane run')
          await scene.wait(1)
          running -= mine.length
          await Promise.all(claims.map((claim) => settle(scene, claim)))
          if (claims.length === 0) await scene.wait(1)
        }
      })
      assert.deepEqual(given.sort(), ids)
    },
  },
  {
    name: 'claimers that race for many lanes at once lose nothing else of their batch',
    run: async (scene) => {
      const connections = await Promise.all(Array.from({ length: 5 }, () => scene.connect('tenant-a')))
      const ids = await scene.schedule(...connections.flatMap(({ id }) => inLane(10).map((row) => ({ ...row, connectionId: id }))), ...inLane(0), {}, {}, {})
      const batches = await atOnce(claimers, async () => (await scene.claim({ limit: 50 })).claims)
      const claims = batches.flat()
      assert.equal(new Set(claims.map(({ id }) => id)).size, claims.length)
      assert.deepEqual(
        claims
          .map(({ connectionId }) => connectionId)
          .filter((id) => connections.some((one) => one.id === id))
          .sort(),
        connections.map(({ id }) => id).sort(),
      )
      assert.equal(claims.filter(({ id }) => ids.slice(-3).includes(id)).length, 3)
    },
  },
  {
    name: 'a delivery whose lease ended keeps its lane until it is taken up again, however many were due before it',
    run: async (scene) => {
      const holder = await scene.scheduleOne({ serialize: true, dueInMs: 0 })
      await scene.claimOne({ leaseMs: shortMs })
      await scene.schedule(...inLane(300, -aMinuteMs))
      await scene.passed()
      const again = await scene.claimOne({ limit: 2 })
      assert.deepEqual([again.id, again.from], [holder, 'running'])
      assert.deepEqual((await scene.claim()).claims, [])
      await settle(scene, again)
      assert.notEqual((await scene.claimOne()).id, holder)
    },
  },
  {
    name: 'a busy lane hides nothing that is due behind it',
    run: async (scene) => {
      await scene.schedule(...inLane(500, -aMinuteMs))
      const { id: other } = await scene.connect('tenant-a')
      await scene.claimOne({ limit: 1 })
      const [behind] = await scene.schedule({ connectionId: other })
      assert.equal((await scene.claimOne({ limit: 1 })).id, behind)
    },
  },
  {
    name: 'what goes back, is canceled or is rescheduled leaves its lane to the next',
    run: async (scene) => {
      const [first, second, third] = await scene.schedule(...[3, 2, 1].map((n) => ({ serialize: true, dueInMs: -n * 1000 })))
      const held = await scene.claimOne()
      assert.equal(held.id, first)
      await scene.storage.deliveries.settle([scene.verdict(held, { to: 'scheduled', nextAt: (await scene.storage.now()) + aMinuteMs })])
      assert.equal(await scene.storage.deliveries.cancel('tenant-a', second ?? ''), 'done')
      const last = await scene.claimOne()
      assert.equal(last.id, third)
      await scene.storage.deliveries.settle([scene.verdict(last, { to: 'uncertain', nextAt: await scene.storage.now() })])
      await scene.storage.deliveries.reschedule('tenant-a', first ?? '', (await scene.storage.now()) - 1)
      const { claims } = await scene.claim()
      assert.equal(claims.length, 1, 'a look at what is uncertain takes its turn in the lane as well')
    },
  },
  {
    name: 'a stale settle does not free the lane of whoever has it now',
    run: async (scene) => {
      await scene.schedule(...inLane(2))
      const old = await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      const now = await scene.claimOne()
      assert.equal(now.id, old.id)
      assert.deepEqual(await settle(scene, old), ['stale'])
      assert.deepEqual((await scene.claim()).claims, [])
    },
  },
]
