// Rules about opening a database, and about its clock.

import assert from 'node:assert/strict'
import { atOnce, type Rule } from './scene.ts'

/** Seconds since 1970 come to this in the year 5138, milliseconds came in 1973. */
const secondsEnd = 100_000_000_000

export const openingRules: readonly Rule[] = [
  {
    name: 'opening again, and twenty times at once, keeps what is stored',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      await atOnce(20, () => scene.storage.open('suite'))
      assert.equal((await scene.get(delivery)).state, 'scheduled')
    },
  },
  {
    name: 'a database of another deployment is refused with a TypeError that names both',
    run: async (scene) => {
      for (const storage of scene.storages)
        await assert.rejects(storage.open('staging-copy'), (error: unknown) => {
          assert.ok(error instanceof TypeError)
          assert.match(error.message, /suite/)
          assert.match(error.message, /staging-copy/)
          return true
        })
    },
  },
  {
    name: 'the clock tells epoch milliseconds and goes forward',
    run: async (scene) => {
      const before = await scene.storage.now()
      await scene.wait(20)
      const after = await scene.storage.now()
      assert.ok(Number.isSafeInteger(before) && Number.isSafeInteger(after))
      assert.ok(before > secondsEnd, `${before} are no milliseconds since 1970: are they seconds?`)
      assert.ok(after > before, `${after} should be after ${before}`)
    },
  },
]
