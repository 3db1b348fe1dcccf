// Rules about events: none lost, one reader at a time, a stable identity, order within a subject.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule, shortMs } from './scene.ts'

export const eventRules: readonly Rule[] = [
  {
    name: 'one reader at a time, until it lets go or its lease ends',
    run: async (scene) => {
      await scene.schedule({}, {})
      const read = (owner: string, leaseMs = aMinuteMs) => scene.storage.events.read(owner, 10, leaseMs)
      assert.deepEqual([(await read('one')).length, (await read('two')).length, (await read('one')).length], [2, 0, 2])
      await scene.storage.events.release('two')
      assert.equal((await read('two')).length, 0, 'only the holder can let go')
      await scene.storage.events.release('one')
      assert.equal((await read('two', shortMs)).length, 2)
      await scene.passed()
      assert.equal((await read('one')).length, 2)
    },
  },
  {
    name: 'of twenty readers at once, one reads',
    run: async (scene) => {
      await scene.schedule({}, {}, {})
      const read = await atOnce(20, (n) => scene.storage.events.read(`reader-${n}`, 10, aMinuteMs))
      assert.equal(read.filter((events) => events.length > 0).length, 1)
    },
  },
  {
    name: 'an event comes again, the same, until it is acknowledged',
    run: async (scene) => {
      await scene.schedule({}, {}, {})
      const first = await scene.storage.events.read('reader', 2, aMinuteMs)
      assert.equal(first.length, 2)
      assert.deepEqual(await scene.storage.events.read('reader', 2, aMinuteMs), first)
      await scene.storage.events.ack([first[0]?.seq ?? -1])
      const rest = await scene.storage.events.read('reader', 10, aMinuteMs)
      assert.deepEqual(rest[0], first[1])
      assert.equal(rest.length, 2)
      await scene.storage.events.ack([...rest, ...first].map(({ seq }) => seq))
      assert.deepEqual(await scene.storage.events.read('reader', 10, aMinuteMs), [])
      await scene.storage.events.ack([])
    },
  },
  {
    name: 'an acknowledgment that comes late forgets no newer event',
    run: async (scene) => {
      await scene.schedule({}, {})
      const seqs = (await scene.storage.events.read('reader', 10, aMinuteMs)).map(({ seq }) => seq)
      await scene.storage.events.ack(seqs)
      await scene.scheduleOne()
      await scene.storage.events.ack(seqs)
      assert.equal((await scene.storage.events.read('reader', 10, aMinuteMs)).length, 1)
    },
  },
  {
    name: 'events of one delivery come in the order of rev, each rev once',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      for (let tries = 1; tries <= 5; tries++) {
        const nextAt = await scene.storage.now()
        const event = { type: 'delivery:postponed', data: JSON.stringify({ tries }) }
        await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne(), { to: 'scheduled', nextAt, tries, event })])
        await scene.storage.deliveries.reschedule('tenant-a', delivery, nextAt)
      }
      const revs = (await scene.events()).filter(({ subjectId }) => subjectId === delivery).map(({ rev }) => rev)
      assert.equal(revs.length, 11)
      assert.deepEqual(
        revs,
        [...new Set(revs)].sort((a, b) => a - b),
      )
    },
  },
  {
    name: 'a reader that acknowledges while others write loses no event',
    run: async (scene) => {
      const seen = new Set<string>()
      let isOver = false
      const reader = (async () => {
        for (let empty = 0; empty < 2; ) {
          const found = await scene.storage.events.read('reader', 7, aMinuteMs)
          for (const { subjectId } of found) seen.add(subjectId)
          await scene.storage.events.ack(found.map(({ seq }) => seq))
          empty = isOver && found.length === 0 ? empty + 1 : 0
          if (found.length === 0) await scene.wait(1)
        }
      })()
      const written = await atOnce(60, () => scene.scheduleOne())
      isOver = true
      await reader
      assert.deepEqual(
        written.filter((id) => !seen.has(id)),
        [],
      )
    },
  },
  {
    name: 'an event carries its tenant and the moment it was stored',
    run: async (scene) => {
      const before = await scene.storage.now()
      const delivery = await scene.scheduleOne({ tenant: 'tenant-b' })
      const after = await scene.storage.now()
      const [event] = await scene.events()
      assert.deepEqual([event?.tenant, event?.subjectId], ['tenant-b', delivery])
      assert.ok(event && event.at >= before && event.at <= after)
    },
  },
]
