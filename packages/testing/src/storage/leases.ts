// Rules about leases by name: one owner at a time, and no name in another one's way.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule, shortMs } from './scene.ts'

export const leaseRules: readonly Rule[] = [
  {
    name: 'of twenty that take one lease at once, one gets it',
    run: async (scene) => {
      const taken = await atOnce(20, (n) => scene.storage.leases.take('horizon', `process-${n}`, aMinuteMs))
      assert.equal(taken.filter(Boolean).length, 1)
    },
  },
  {
    name: 'a lease is held until its owner lets go, or its time is over',
    run: async (scene) => {
      const take = (owner: string, leaseMs = aMinuteMs) => scene.storage.leases.take('horizon', owner, leaseMs)
      assert.deepEqual([await take('one'), await take('two')], [true, false])
      await scene.storage.leases.release('horizon', 'two')
      assert.equal(await take('two'), false, 'only the owner can let go')
      await scene.storage.leases.release('horizon', 'one')
      assert.deepEqual([await take('two', shortMs), await take('two', shortMs)], [true, true])
      await scene.passed()
      assert.deepEqual([await take('one'), await take('two')], [true, false])
      await scene.storage.leases.release('a name that nobody took', 'one')
    },
  },
  {
    name: 'its owner keeps a lease by taking it again, and may shorten it',
    run: async (scene) => {
      const take = (owner: string, leaseMs: number) => scene.storage.leases.take('horizon', owner, leaseMs)
      assert.equal(await take('one', shortMs), true)
      assert.equal(await take('one', aMinuteMs), true)
      await scene.passed()
      assert.equal(await take('two', aMinuteMs), false)
      assert.equal(await take('one', shortMs), true)
      await scene.passed()
      assert.equal(await take('two', aMinuteMs), true)
    },
  },
  {
    name: 'leases of two names, and the reader of events, are apart',
    run: async (scene) => {
      await scene.scheduleOne()
      for (const name of ['horizon', 'clean', 'events', '']) assert.equal(await scene.storage.leases.take(name, 'one', aMinuteMs), true, name)
      assert.equal((await scene.storage.events.read('two', 10, aMinuteMs)).length, 1)
      await scene.storage.leases.release('horizon', 'one')
      assert.equal(await scene.storage.leases.take('horizon', 'two', aMinuteMs), true)
      assert.equal(await scene.storage.leases.take('clean', 'two', aMinuteMs), false)
    },
  },
]
