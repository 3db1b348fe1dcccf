// A queue with a horizon is told of everything that comes due within it, before it comes due, whoever scheduled it and whatever the queue lost.

import { expect, test } from 'vitest'
import type { Hint, Queue } from '../../src/contract/queue.ts'
import { inProcessQueue } from '../../src/queue/in-process.ts'
import { hour, minute, openRig, refusal } from './rig.ts'

const horizonMs = 10 * minute

/** The in-process queue, with a horizon, and all that it was told. */
const hearing = (more: Partial<Queue> = {}) => {
  const told: (readonly Hint[])[] = []
  const inner = inProcessQueue()
  const queue: Queue = {
    horizonMs,
    hint: async (hints) => {
      told.push(hints)
      await inner.hint(hints)
    },
    run: inner.run,
    ...more,
  }
  return { queue, told, ids: () => told.flat().map(({ id }) => id) }
}

test('what is scheduled for later than the horizon is told once it comes nearer, at least half a horizon ahead', async () => {
  const { queue, told, ids } = hearing()
  const rig = await openRig({ settings: { queue } })
  const id = await rig.schedule('later', hour)
  expect(ids()).toEqual([])
  const working = rig.syndikit.start()
  await rig.clock.pass(hour - 10 * minute - 1)
  expect(ids()).toEqual([])
  await rig.clock.pass(5 * minute + 2)
  expect(told.flat()[0]).toMatchObject({ id, rev: 1, at: expect.any(Number) })
  await rig.clock.drive(working.stop())
})

test('what is due within the horizon is told when it is stored, and again when it was put off', async () => {
  const { queue, told } = hearing()
  const rig = await openRig({ settings: { queue } })
  rig.platform.script.push(refusal('rate', { retryAfterMs: minute }))
  const id = await rig.publish('now')
  expect(told.flat()).toEqual([{ id, rev: 1, at: expect.any(Number) }])
  const working = rig.syndikit.start()
  await rig.clock.pass(1_000)
  const put = told.flat().filter((hint) => hint.rev === 3)
  expect(put).toEqual([{ id, rev: 3, at: expect.any(Number) }])
  expect((put[0]?.at ?? 0) - rig.clock.now()).toBeGreaterThan(50_000)
  await rig.clock.drive(working.stop())
})

test('of two workers on one database one tells, and the other goes on when it is gone', async () => {
  const first = hearing()
  const second = hearing()
  const rig = await openRig({ settings: { queue: first.queue } })
  const other = rig.process({ queue: second.queue })
  const one = rig.syndikit.start()
  const two = other.start()
  await rig.clock.pass(1)
  const id = await rig.schedule('later', 30 * minute)
  await rig.clock.pass(26 * minute)
  expect([...first.ids(), ...second.ids()]).toEqual([id])
  const late = await rig.schedule('much later', 60 * minute)
  await rig.clock.drive(one.stop())
  await rig.clock.pass(56 * minute)
  expect(second.ids()).toContain(late)
  await rig.clock.drive(two.stop())
})

test('more than a page of rows is told whole, each once per pass', async () => {
  const { queue, told } = hearing()
  const rig = await openRig({ settings: { queue } })
  for (let n = 0; n < 1_050; n++) await rig.schedule(`post ${n}`, 9 * minute + (n % 7))
  told.length = 0
  const working = rig.syndikit.start()
  await rig.clock.pass(1)
  const ids = told.flat().map(({ id }) => id)
  expect(ids).toHaveLength(1_050)
  expect(new Set(ids).size).toBe(1_050)
  expect(Math.max(...told.map(({ length }) => length))).toBe(500)
  await rig.clock.drive(working.stop())
})

test('a queue that takes nothing is told again, and deliveries go out all the same', async () => {
  let refuses = true
  const { queue, ids } = hearing()
  const hint = queue.hint
  const rig = await openRig({
    settings: {
      queue: {
        ...queue,
        hint: async (hints) => {
          if (refuses) throw new Error('away')
          await hint(hints)
        },
      },
    },
  })
  const id = await rig.schedule('soon', 5 * minute)
  const working = rig.syndikit.start()
  await rig.clock.pass(minute)
  expect(ids()).toEqual([])
  refuses = false
  await rig.clock.pass(10_000)
  expect(ids()).toEqual([id])
  refuses = true
  await rig.clock.pass(5 * minute)
  expect(rig.platform.posts).toHaveLength(1)
  await rig.clock.drive(working.stop())
})

test('a queue whose server loses hints by its settings is refused at open and at start; one that is away is not', async () => {
  const logged: string[] = []
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: object, text: string) => void logged.push(text),
    error: (_: object, text: string) => void logged.push(text),
  }
  const evicting = hearing({ open: () => Promise.reject(new TypeError('This Redis evicts.')) })
  const rig = await openRig({ settings: { queue: evicting.queue, logger } })
  await expect(rig.syndikit.open()).rejects.toThrow('This Redis evicts.')
  await rig.publish('waits')
  const working = rig.syndikit.start()
  await rig.clock.pass(minute)
  expect(rig.platform.posts).toEqual([])
  expect(logged).toContain('The database or the queue cannot be used; nothing goes out.')
  await rig.clock.drive(working.stop())

  const away = rig.process({ queue: hearing({ open: () => Promise.reject(new Error('connect ECONNREFUSED')) }).queue })
  await away.open()
  const other = away.start()
  await rig.clock.pass(minute)
  expect(rig.platform.posts).toHaveLength(1)
  await rig.clock.drive(other.stop())
})
