// The database goes away, or loses its answers, at every call of a whole life: nothing is sent twice, nothing is lost, nothing false is said.

import { describe, expect, test } from 'vitest'
import type { Storage } from '../../src/index.ts'
import { around, hour, minute, openRig, type Rig, tenant } from './rig.ts'

type Break = 'before' | 'after'
interface Outage {
  /** The call of the engine at which it begins. */
  readonly from: number
  readonly calls: number
  readonly how: Break
  readonly verbs?: RegExp
}

const breaking = (outage: () => Outage | undefined, seen: string[]) => {
  let on = false
  let count = 0
  const wrap = (storage: Storage): Storage =>
    around(storage, async (verb, call) => {
      const plan = outage()
      if (!on || !plan || !(plan.verbs ?? /./).test(verb)) return call()
      count += 1
      seen.push(verb)
      if (count < plan.from || count >= plan.from + plan.calls) return call()
      if (plan.how === 'after') await call()
      throw Object.assign(new Error('connection terminated unexpectedly: postgres://user:canary-password@db'), { code: 'ECONNRESET' })
    })
  return {
    wrap,
    begin: () => {
      on = true
    },
  }
}

const aThread = { content: { text: 'one', thread: [{ text: 'two' }] } }

/** A thread with a lost answer in the middle, on a database with an outage; then everything works again. */
const live = async (outage: Outage): Promise<{ rig: Rig; id: string; seen: string[]; calls: number }> => {
  const seen: string[] = []
  const { wrap, begin } = breaking(() => outage, seen)
  const rig = await openRig({ wrap })
  rig.platform.script.push(undefined, 'lost-reply')
  const id = await rig.publish('', aThread)
  begin()
  for (let n = 0; n < 40; n++) {
    await rig.tick().catch(() => undefined)
    await rig.clock.pass(30_000)
  }
  await rig.work()
  return { rig, id, seen, calls: seen.length }
}

const judge = async ({ rig, id }: { rig: Rig; id: string }, what: string): Promise<void> => {
  expect(
    rig.platform.posts.map(({ text }) => text),
    what,
  ).toEqual(['one', 'two'])
  const delivery = await rig.get(id)
  expect(delivery, what).toMatchObject({ state: 'published', parts: [{ id: 'id-1' }, { id: 'id-2' }] })
  expect(JSON.stringify([rig.events, rig.logs, delivery, await rig.clock.drive(rig.syndikit.explain({ tenant, deliveryId: id }))]), what).not.toContain(
    'canary',
  )
}

describe.each(['before', 'after'] as const)('an outage, answers lost %s the effect', (how) => {
  test('of one call, at every call in turn', async () => {
    const { calls } = await live({ from: 0, calls: 0, how })
    expect(calls).toBeGreaterThan(20)
    // Quiet looks follow for ever; the life itself is over long before.
    for (let from = 1; from <= Math.min(calls, 60); from++) await judge(await live({ from, calls: 1, how }), `at call ${from}`)
  }, 60_000)

  test('of twenty calls, from every fifth on', async () => {
    for (let from = 1; from <= 41; from += 5) await judge(await live({ from, calls: 20, how }), `from call ${from}`)
  }, 60_000)
})

describe.each(['save', 'settle', 'extend', 'claim'])('lost answers of %s alone', (verb) => {
  test('once, twice and three times in a row', async () => {
    for (const calls of [1, 2, 3])
      for (const how of ['before', 'after'] as const)
        for (let from = 1; from <= 6; from++)
          await judge(await live({ from, calls, how, verbs: new RegExp(`^deliveries\\.${verb}$`) }), `${calls} × ${verb} ${how}, from ${from}`)
  }, 60_000)
})

test('one lost answer to a batch holds every row of it back, and none is sent or told twice', async () => {
  let broken = true
  const batches: number[] = []
  const rig = await openRig({
    wrap: (storage) =>
      around(storage, async (verb, call, args) => {
        if (verb === 'deliveries.save') batches.push((args[0] as unknown[]).length)
        const result = await call()
        if (verb === 'deliveries.save' && broken && (args[0] as unknown[]).length > 1) {
          broken = false
          throw new Error('connection lost')
        }
        return result
      }),
    settings: { perConnection: 16 },
  })
  const ids: string[] = []
  for (let n = 0; n < 12; n++) ids.push(await rig.publish(`post ${n}`))
  await rig.work()
  expect(broken).toBe(false)
  expect(Math.max(...batches)).toBeGreaterThan(1)
  expect(rig.platform.posts.map(({ text }) => text).sort()).toEqual(ids.map((_, n) => `post ${n}`).sort())
  for (const id of ids) expect(await rig.get(id)).toMatchObject({ state: 'published', tries: 0 })
  for (const id of ids) expect(rig.events.filter((event) => event.type === 'delivery:published' && event.deliveryId === id)).toHaveLength(1)
})

test('a fault of the database is nobody’s try, and says nothing of its address', async () => {
  let down = true
  const rig = await openRig({
    wrap: (storage) =>
      around(storage, async (verb, call) => {
        if (down && verb === 'connections.inUse') throw new Error('connect ECONNREFUSED canary-host:5432')
        return call()
      }),
  })
  down = false
  const id = await rig.publish('hello')
  down = true
  await rig.tick()
  expect(await rig.get(id)).toMatchObject({
    state: 'scheduled',
    tries: 0,
    reason: { code: 'transient', message: 'The database did not answer. Nothing was sent.' },
  })
  down = false
  await rig.work(minute)
  expect((await rig.get(id)).state).toBe('published')
  expect(JSON.stringify([rig.events, rig.logs])).not.toContain('canary')
})

test('a worker started while the database is down begins when it is back; one on a foreign database never does', async () => {
  let down = true
  const rig = await openRig()
  await rig.publish('hello')
  const wrap = (storage: Storage): Storage =>
    around(storage, async (verb, call) => {
      if (verb === 'open' && down) throw new Error('down')
      return call()
    })
  const late = rig.process({}, wrap)
  const worker = late.start()
  await rig.clock.pass(minute)
  expect(rig.platform.posts).toEqual([])
  down = false
  await rig.clock.pass(minute)
  expect(rig.platform.posts).toHaveLength(1)
  await rig.clock.drive(worker.stop())
  const foreign = rig.process({ deployment: 'staging' })
  const idle = foreign.start()
  await rig.publish('again')
  await rig.clock.pass(hour)
  expect(rig.platform.posts).toHaveLength(1)
  expect(rig.logs.some((line) => line.includes('The database or the queue cannot be used'))).toBe(true)
  await rig.clock.drive(idle.stop())
})
