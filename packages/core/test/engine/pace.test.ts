// Limits of platforms: windows, slots and holds in storage, and how many calls of one connection run side by side.

import { beforeEach, describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/contract/adapter.ts'
import type { Claim } from '../../src/contract/storage.ts'
import { createPace } from '../../src/engine/pace.ts'
import type { RunPorts } from '../../src/engine/run-state.ts'
import { memoryStorage } from '../../src/memory/memory-storage.ts'
import { hour, minute, openRig, quickClock, type Rig, refusal, sendTo, tenant } from './rig.ts'

const sentAfter = ({ platform }: Rig, from: number) => platform.arrived.map(({ at }) => at - from)

describe('a window', () => {
  test('lets its number through and brings the rest back when it ends, each once, without using up tries', async () => {
    const rig = await openRig({ adapter: { rates: [{ on: 'publish', limit: 3, windowMs: hour, per: 'account' }] } })
    const from = rig.clock.now()
    const ids: string[] = []
    for (let n = 0; n < 7; n++) ids.push(await rig.publish(`post ${n}`))
    await rig.work()
    expect(sentAfter(rig, from).map((ms) => Math.floor(ms / hour))).toEqual([0, 0, 0, 1, 1, 1, 2])
    for (const id of ids) expect(await rig.get(id)).toMatchObject({ state: 'published', tries: 0 })
  })

  test('of the app counts all tenants, of an account its own', async () => {
    const rig = await openRig({ adapter: { rates: [{ on: 'publish', limit: 1, windowMs: hour, per: 'app' }] } })
    const other = await rig.connect('bob', 'toy-2')
    await rig.publish('mine')
    await rig.clock.drive(rig.syndikit.publisher.publish({ tenant: 'bob', content: { text: 'his' } as never, to: [other] }))
    await rig.tick()
    expect(rig.platform.posts).toHaveLength(1)
    await rig.clock.pass(hour)
    await rig.tick()
    expect(rig.platform.posts).toHaveLength(2)
  })

  test('counts each part of a thread', async () => {
    const rig = await openRig({ adapter: { rates: [{ on: 'publish', limit: 2, windowMs: hour, per: 'account' }] } })
    const id = await rig.publish('', { content: { text: 'one', thread: [{ text: 'two' }, { text: 'three' }] } })
    await rig.tick()
    expect(await rig.get(id)).toMatchObject({ state: 'scheduled', parts: [{ id: 'id-1' }, { id: 'id-2' }], reason: { code: 'rate' } })
    await rig.work()
    expect(rig.platform.posts.map(({ text }) => text)).toEqual(['one', 'two', 'three'])
  })

  test('that is full when an answer was lost keeps what was frozen for the second send', async () => {
    let runs = 0
    const rig = await openRig({
      adapter: { rates: [{ on: 'publish', limit: 1, windowMs: hour, per: 'account' }] },
      publish: async (_, run, on) => {
        runs += 1
        return run.commit<{ text: string }, { id: string }>('post', {
          request: { text: `frozen in run ${runs}` },
          send: async ({ text }) => sendTo(on.platform, on.clock, run, text),
          find: async () => 'absent',
        })
      },
    })
    rig.platform.script.push('lost-request')
    await rig.publish('hello')
    await rig.work()
    expect(runs).toBeGreaterThan(2)
    expect(rig.platform.posts.map(({ text }) => text)).toEqual(['frozen in run 1'])
  })

  test('what the platform says is left counts from then on', async () => {
    const clock = quickClock()
    const storage = memoryStorage({ clock })
    const pace = createPace(storage)
    const adapter = { id: 'toy', rates: [{ on: 'publish', limit: 100, windowMs: hour, per: 'account' }] } as unknown as Adapter
    const claim = { tenant, connectionId: 'c', action: 'publish' } as Claim
    expect(await pace.take(adapter, claim)).toBeUndefined()
    const resetAt = new Date(clock.now() + 10 * minute)
    pace.told(adapter, { tenant, id: 'c' } as never, 'publish', { remaining: 0, resetAt })
    await clock.pass(0)
    expect(await pace.take(adapter, claim)).toBe(resetAt.getTime())
    await clock.pass(10 * minute)
    expect(await pace.take(adapter, claim)).toBeUndefined()
  })
})

describe('a pace', () => {
  test('keeps the distance between publishes of one connection, each delivery going back at most once', async () => {
    const rig = await openRig({ adapter: { paceMs: minute } })
    const from = rig.clock.now()
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push(await rig.publish(`post ${n}`))
    await rig.work()
    expect(sentAfter(rig, from)).toEqual([0, minute, 2 * minute, 3 * minute, 4 * minute])
    for (const id of ids) expect((await rig.clock.drive(rig.syndikit.scheduler.attempts({ tenant, deliveryId: id }))).length).toBeLessThanOrEqual(2)
  })

  test('a retry takes a slot of its own', async () => {
    const rig = await openRig({ adapter: { paceMs: 10 * minute } })
    const from = rig.clock.now()
    rig.platform.script.push(refusal('transient'))
    for (const text of ['a', 'b', 'c']) await rig.publish(text)
    await rig.work()
    const at = sentAfter(rig, from)
    for (const [i, ms] of at.entries()) if (i > 0) expect(ms - (at[i - 1] as number)).toBeGreaterThanOrEqual(10 * minute)
  })

  test('looks for an open commit do not wait for it', async () => {
    const rig = await openRig({ adapter: { paceMs: hour } })
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello')
    await rig.work(30 * minute)
    expect((await rig.get(id)).state).toBe('published')
  })
})

describe('a platform that says wait', () => {
  test('is left alone by every delivery of the connection, and by no other', async () => {
    const rig = await openRig()
    const other = await rig.connect('bob', 'toy-2')
    const from = rig.clock.now()
    rig.platform.script.push(refusal('rate', { retryAfterMs: hour }))
    const first = await rig.publish('first')
    await rig.tick()
    const second = await rig.publish('second')
    await rig.clock.drive(rig.syndikit.publisher.publish({ tenant: 'bob', content: { text: 'his' } as never, to: [other] }))
    await rig.tick()
    expect(rig.platform.posts.map(({ text }) => text)).toEqual(['his'])
    expect((await rig.get(second)).reason?.code).toBe('rate')
    await rig.work()
    expect(rig.platform.arrived.slice(1).every(({ at }) => at - from >= hour)).toBe(true)
    for (const id of [first, second]) expect(await rig.get(id)).toMatchObject({ state: 'published', tries: 0 })
  })

  test('also when it says so to the second send of an open commit', async () => {
    const rig = await openRig({ recovery: { class: 'idempotent' } })
    rig.platform.script.push('lost-request', refusal('rate', { retryAfterMs: hour / 2 }))
    await rig.publish('first')
    await rig.work(minute)
    await rig.publish('second')
    await rig.tick()
    expect(rig.platform.posts).toEqual([])
    await rig.work()
    expect(rig.platform.posts).toHaveLength(2)
  })
})

describe('side by side', () => {
  let most: Record<string, number>
  let now: Record<string, number>
  const limiter = createPace({} as never).limiter('c')
  const call = (mode: 'read' | 'prepare' | 'commit') =>
    limiter(mode, async () => {
      now[mode] = (now[mode] ?? 0) + 1
      most[mode] = Math.max(most[mode] ?? 0, now[mode])
      await new Promise((resolve) => setTimeout(resolve, 5))
      now[mode] -= 1
      return mode
    })
  beforeEach(() => {
    most = {}
    now = {}
  })

  test('two reads, four uploads; commits never wait', async () => {
    const calls = (['read', 'prepare', 'commit'] as const).flatMap((mode) => Array.from({ length: 12 }, () => call(mode)))
    await Promise.all(calls)
    expect(most).toEqual({ read: 2, prepare: 4, commit: 12 })
  })

  test('a call that fails frees its place', async () => {
    const failing = Array.from({ length: 20 }, () =>
      limiter('read', async () => {
        throw new Error('no')
      }).catch(() => 'failed'),
    )
    expect(await Promise.all(failing)).toEqual(Array.from({ length: 20 }, () => 'failed'))
    expect(await call('read')).toBe('read')
  })
})

test('where the queue bounds reads across processes, they go through its bound under the name of the connection, and nothing else does', async () => {
  const through: string[] = []
  const limiter = (name: string, atATime: number) => ({
    schedule: async <T>(work: () => Promise<T>) => {
      through.push(`${name} ${atATime}`)
      return work()
    },
  })
  const run = createPace({} as never, { limiter }).limiter('c')
  expect(await Promise.all([run('read', async () => 1), run('prepare', async () => 2), run('commit', async () => 3)])).toEqual([1, 2, 3])
  expect(through).toEqual(['reads-c 2'])
})

test('a wait without end or sense is a wait of at most a month', async () => {
  const clock = quickClock()
  const storage = memoryStorage({ clock })
  const pace = createPace(storage)
  const claim = { tenant, connectionId: 'c', action: 'publish' } as Claim
  await pace.hold(claim, Number.POSITIVE_INFINITY)
  const ports = { open: null, journal: { paced: false }, now: () => clock.now() } as RunPorts
  const held = () => storage.quotas.slot(tenant, 'c', 0)
  const ending = await pace.before({} as Adapter, claim, ports, await held())
  expect(ending?.kind === 'paced' && ending.until - clock.now()).toBe(15 * minute)
  await pace.hold(claim, 1e15)
  const longer = await pace.before({} as Adapter, claim, ports, await held())
  expect(longer?.kind === 'paced' && longer.until - clock.now()).toBe(30 * 24 * hour)
})
