// Rules about claims: due rows only, each to one claimer, leases that end, and when to look again.

import assert from 'node:assert/strict'
import { leftToOthersMs } from '@syndikit/core'
import { aMinuteMs, atOnce, type Rule, shortMs } from './scene.ts'

const rows = 3000
const claimers = 8

export const claimingRules: readonly Rule[] = [
  {
    name: 'a claim is given with its body, under the next fence, until its lease ends',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const before = await scene.get(delivery)
      const claim = await scene.claimOne()
      const { body, from, claimedAt, ...row } = claim
      assert.deepEqual({ body, from }, { body: '{"text":"hello"}', from: 'scheduled' })
      assert.deepEqual(row, { ...before, state: 'running', fence: before.fence + 1, rev: before.rev + 1, starts: 1, nextAt: claimedAt + aMinuteMs })
      assert.deepEqual(await scene.get(delivery), row)
      assert.deepEqual((await scene.claim()).claims, [])
    },
  },
  {
    name: 'nothing is claimed before its time, whatever its priority',
    run: async (scene) => {
      await scene.schedule({ dueInMs: aMinuteMs, priority: 3 }, { dueInMs: 30 * aMinuteMs, priority: 3 }, { dueInMs: aMinuteMs, priority: 0 })
      const { claims, more } = await scene.claim()
      assert.deepEqual({ claims, more }, { claims: [], more: false })
    },
  },
  {
    name: 'of eight claimers racing over thousands of rows, each row goes to one',
    run: async (scene) => {
      const connections = await Promise.all(
        ['tenant-a', 'tenant-b', 'tenant-c'].map(async (tenant) => ({ tenant, connectionId: await scene.connectionFor(tenant) })),
      )
      for (let batch = 0; batch < rows; batch += 500)
        await scene.schedule(...Array.from({ length: 500 }, (_, n) => ({ ...connections[n % 3], priority: (n % 4) as 0 | 1 | 2 | 3, dueInMs: -n })))
      const timesClaimed = new Map<string, number>()
      await atOnce(claimers, async () => {
        const { storage } = scene
        for (let idle = 0; idle < 2; ) {
          const { claims } = await storage.deliveries.claim(scene.query({ limit: 25 }))
          if (claims.length === 0) idle++
          for (const { id } of claims) timesClaimed.set(id, (timesClaimed.get(id) ?? 0) + 1)
        }
      })
      assert.equal([...timesClaimed.values()].filter((times) => times > 1).length, 0, 'no row may be claimed twice')
      assert.equal(timesClaimed.size, rows, 'no row may be left')
    },
  },
  {
    name: 'a row whose lease ended is due again, and says so',
    run: async (scene) => {
      await scene.scheduleOne()
      const first = await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      const second = await scene.claimOne()
      assert.deepEqual([first.from, second.from], ['scheduled', 'running'])
      assert.deepEqual([second.fence, second.rev, second.starts], [first.fence + 1, first.rev + 1, 2])
    },
  },
  {
    name: 'an uncertain delivery is claimed when it is to be looked at again, and never without a date',
    run: async (scene) => {
      const [, again] = await scene.schedule({}, {})
      const { claims } = await scene.claim()
      const now = await scene.storage.now()
      await scene.storage.deliveries.settle(claims.map((claim) => scene.verdict(claim, { to: 'uncertain', nextAt: claim.id === again ? now : null })))
      const claim = await scene.claimOne()
      assert.deepEqual([claim.id, claim.from], [again, 'uncertain'])
    },
  },
  {
    name: 'a delivery that two runs in a row left behind is given out alone, in its turn',
    run: async (scene) => {
      const poison = await scene.scheduleOne({ dueInMs: -5000 })
      await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      const [older, newer] = await scene.schedule({ dueInMs: -30 * aMinuteMs }, { dueInMs: 0 })
      const first = await scene.claim()
      assert.deepEqual(
        first.claims.map(({ id }) => id),
        [older, newer],
      )
      assert.equal(first.more, true)
      await scene.passed()
      const [later] = await scene.schedule({ dueInMs: 0 })
      const second = await scene.claim()
      assert.deepEqual(
        second.claims.map(({ id, starts }) => [id, starts]),
        [[poison, 3]],
      )
      assert.equal((await scene.claimOne()).id, later)
    },
  },
  {
    name: 'an orderly settle forgets how often a delivery was started',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      const claim = await scene.claimOne()
      await scene.storage.deliveries.settle([scene.verdict(claim, { to: 'scheduled', nextAt: await scene.storage.now(), tries: 1 })])
      assert.deepEqual([(await scene.get(delivery)).starts, (await scene.claimOne()).starts], [0, 1])
    },
  },
  {
    name: 'a saved step forgets how often a delivery was started: its runs get somewhere',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      const { id, fence } = await scene.claimOne({ leaseMs: shortMs })
      await scene.storage.deliveries.save([{ id, fence, steps: '{"v":1}', marker: null }])
      assert.equal((await scene.get(delivery)).starts, 0)
      await scene.passed()
      assert.equal((await scene.claimOne()).starts, 1)
    },
  },
  {
    name: 'wakeInMs is the time to the next row that is not due, in any priority and however it waits',
    run: async (scene) => {
      assert.equal((await scene.claim()).wakeInMs, null)
      const near = async (expected: number) => {
        const before = await scene.storage.now()
        const { wakeInMs } = await scene.claim()
        const took = (await scene.storage.now()) - before
        assert.ok(wakeInMs !== null && wakeInMs <= expected && wakeInMs >= expected - took - 2000, `${wakeInMs} should be about ${expected}`)
      }
      await scene.schedule({ dueInMs: 50 * aMinuteMs, priority: 3 })
      await near(50 * aMinuteMs)
      await scene.schedule({ dueInMs: 40 * aMinuteMs, priority: 0 })
      await near(40 * aMinuteMs)
      await scene.scheduleOne()
      const held = await scene.claimOne({ leaseMs: 30 * aMinuteMs })
      await near(30 * aMinuteMs)
      await scene.storage.deliveries.settle([scene.verdict(held)])
      await near(40 * aMinuteMs)
    },
  },
  {
    name: 'a claimer leaves platforms that it does not serve to others for five minutes, however many of their rows are due, and then takes them too',
    run: async (scene) => {
      const [forgotten] = await scene.schedule({ platform: 'bluesky', dueInMs: -leftToOthersMs - aMinuteMs })
      await scene.schedule(...Array.from({ length: 300 }, () => ({ platform: 'bluesky', dueInMs: -2 * aMinuteMs })))
      const own = await scene.scheduleOne({ platform: 'mastodon', dueInMs: -1000 })
      const { claims, more } = await scene.claim({ platforms: ['mastodon', 'x'], limit: 10 })
      assert.deepEqual(
        claims.map(({ id }) => id),
        [forgotten, own],
      )
      assert.equal(more, false)
      assert.equal((await scene.claim({ limit: 10 })).claims.length, 10, 'who names no platforms takes all')
      assert.equal((await scene.claim({ platforms: ['bluesky'], limit: 10 })).claims.length, 10, 'who serves them takes them')
      assert.deepEqual((await scene.claim({ platforms: [], limit: 10 })).claims, [], 'who serves nothing takes what is forgotten alone')
    },
  },
]
