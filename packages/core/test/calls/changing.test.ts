// Changing what is scheduled, and reading what there is: each race has its answer, and every answer is true.

import { beforeEach, describe, expect, test } from 'vitest'
import type { Placed, Post } from '../../src/index.ts'
import { around, hour, inParts, minute, openRig, type Rig, refusal, tenant } from '../engine/rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
const one = (deliveryId: string) => ({ tenant, deliveryId })
const cancel = (id: string) => rig.clock.drive(rig.syndikit.scheduler.cancel(one(id)))
const reschedule = (id: string, inMs: number) => rig.clock.drive(rig.syndikit.scheduler.reschedule({ ...one(id), at: new Date(rig.clock.now() + inMs) }))
const executeNow = (id: string) => rig.clock.drive(rig.syndikit.scheduler.executeNow(one(id)))
const retry = (id: string) => rig.clock.drive(rig.syndikit.scheduler.retry(one(id)))

describe('cancel', () => {
  test('keeps it from going out, for ever, and frees its content', async () => {
    const id = await rig.schedule('hello', hour)
    expect(await cancel(id)).toEqual({ status: 'done' })
    await rig.work()
    expect([rig.platform.posts, (await rig.get(id)).state]).toEqual([[], 'canceled'])
    expect(rig.told('delivery:canceled')).toHaveLength(1)
    expect(rig.told('publication:finished')).toHaveLength(1)
    await rig.publish('hello')
  })

  test('twice is too late, of nothing is not found, of what is published is too late', async () => {
    const id = await rig.schedule('hello', hour)
    await cancel(id)
    expect(await cancel(id)).toEqual({ status: 'too-late' })
    expect(await cancel('nobody')).toEqual({ status: 'not-found' })
    const other = await rig.publish('other')
    await rig.work()
    expect(await cancel(other)).toEqual({ status: 'too-late' })
  })

  test('in a race with a worker: either it was canceled and never sent, or it was too late and went out', async () => {
    const states = new Set<string>()
    for (let turns = 0; turns < 60; turns++) {
      rig = await openRig({
        // Each call of the database takes a while, so that the two meet everywhere.
        wrap: (storage) => around(storage, async (_, call) => rig.clock.sleep(1).then(call)),
      })
      const id = await rig.publish('hello')
      const working = rig.clock.sleep(30).then(() => rig.syndikit.tick({ budgetMs: 1_000 }))
      const canceling = rig.clock.sleep(turns).then(() => rig.syndikit.scheduler.cancel(one(id)))
      const [{ status }] = await rig.clock.drive(Promise.all([canceling, working]))
      await rig.work()
      const { state } = await rig.get(id)
      expect([status, state, rig.platform.posts.length]).toEqual(status === 'done' ? ['done', 'canceled', 0] : ['too-late', 'published', 1])
      states.add(state)
    }
    expect([...states].sort()).toEqual(['canceled', 'published'])
  })
})

describe('reschedule and executeNow', () => {
  test('move it: it goes out at its last moment, once', async () => {
    const id = await rig.schedule('hello', hour)
    expect(await reschedule(id, 5 * hour)).toEqual({ status: 'done' })
    await rig.clock.pass(2 * hour)
    await rig.tick()
    expect(rig.platform.posts).toEqual([])
    expect(await executeNow(id)).toEqual({ status: 'done' })
    await rig.work()
    expect(rig.platform.posts).toHaveLength(1)
    expect(rig.told('delivery:rescheduled')).toHaveLength(2)
    expect(await reschedule(id, hour)).toEqual({ status: 'too-late' })
    expect(await executeNow('nobody')).toEqual({ status: 'not-found' })
  })

  test('refuse what is no time to come', async () => {
    const id = await rig.schedule('hello', hour)
    await expect(reschedule(id, -1)).rejects.toThrow('in-the-past at /at')
    await expect(rig.clock.drive(rig.syndikit.scheduler.reschedule({ ...one(id), at: '2026-12-01T09:00' }))).rejects.toThrow('time-without-zone')
    await expect(rig.clock.drive(rig.syndikit.scheduler.reschedule(one(id) as never))).rejects.toThrow('no-such-time')
    expect(rig.told('delivery:rescheduled')).toEqual([])
  })

  test('take a wall time in its zone', async () => {
    const id = await rig.schedule('hello', hour)
    await rig.clock.drive(rig.syndikit.scheduler.reschedule({ ...one(id), at: '2026-12-01T09:00', timeZone: 'Asia/Dubai' }))
    expect((await rig.get(id)).dueAt).toEqual(new Date('2026-12-01T05:00:00Z'))
  })

  test('of two people at once one wins and the row is one of theirs', async () => {
    const id = await rig.schedule('hello', hour)
    const both = await Promise.all([reschedule(id, 2 * hour), cancel(id), reschedule(id, 3 * hour)])
    expect(both.map(({ status }) => status)).toContain('done')
    const { state } = await rig.get(id)
    expect(state).toBe('canceled')
  })
})

describe('retry', () => {
  const failed = async () => {
    rig.platform.script.push(refusal('invalid'))
    const id = await rig.publish('hello')
    await rig.work()
    expect((await rig.get(id)).state).toBe('failed')
    return id
  }

  test('is a new delivery with the same content, and called again it is the same one', async () => {
    const id = await failed()
    const results = await Promise.all(Array.from({ length: 20 }, () => retry(id)))
    expect(new Set(results.map((result) => 'deliveries' in result && result.deliveries[0]?.id)).size).toBe(1)
    await rig.work()
    expect(rig.platform.posts.map(({ text }) => text)).toEqual(['hello'])
    expect((await rig.get(id)).state).toBe('failed')
    expect((await retry(id)).status).toBe('replayed')
  })

  test('of what was canceled or missed goes out now', async () => {
    const canceled = await rig.schedule('canceled', hour)
    await cancel(canceled)
    const missed = await rig.schedule('missed', hour, { maxLatenessMs: 1 })
    await rig.clock.pass(2 * hour)
    await rig.work()
    for (const id of [canceled, missed]) expect((await retry(id)).status).toBe('scheduled')
    await rig.work()
    expect(rig.platform.posts.map(({ text }) => text).sort()).toEqual(['canceled', 'missed'])
  })

  test('of anything else is refused, with what to do', async () => {
    const id = await rig.publish('hello')
    await expect(retry(id)).rejects.toThrow('is scheduled: only one that failed, was missed or canceled')
    await rig.work()
    await expect(retry(id)).rejects.toThrow('is published')
    await expect(retry('nobody')).rejects.toThrow('There is no delivery `nobody`')
  })

  test('while the same content is on its way is told so', async () => {
    const id = await failed()
    const other = await rig.schedule('hello', hour)
    expect(await retry(id)).toEqual({ status: 'active', deliveryIds: [other] })
  })
})

describe('reading', () => {
  const list = (more: object = {}) => rig.clock.drive(rig.syndikit.scheduler.list({ tenant, ...more }))

  test('pages follow each other without a gap or a repetition, newest due first, while others are added', async () => {
    const ids: string[] = []
    for (let n = 0; n < 23; n++) ids.push(await rig.schedule(`post ${n}`, (n + 1) * minute))
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await list({ limit: 5, ...(after && { after }) })
      seen.push(...page.items.map(({ id }) => id))
      after = page.next
      if (seen.length === 10) await rig.schedule('added later', 99 * minute)
    } while (after)
    expect(seen).toEqual(ids.toReversed())
  })

  test('filters hold together', async () => {
    const early = await rig.schedule('early', minute)
    const late = await rig.schedule('late', hour)
    const gone = await rig.schedule('gone', hour)
    await cancel(gone)
    const at = (ms: number) => new Date(rig.clock.now() + ms)
    const ids = async (more: object) => (await list(more)).items.map(({ id }) => id)
    expect(await ids({ state: 'canceled' })).toEqual([gone])
    expect((await ids({ state: ['canceled', 'scheduled'] })).length).toBe(3)
    expect(await ids({ state: 'scheduled', from: at(hour) })).toEqual([late])
    expect(await ids({ until: at(hour) })).toEqual([early])
    expect(await ids({ publicationId: (await rig.get(late)).publicationId })).toEqual([late])
    expect(await ids({ platform: 'x' })).toEqual([])
    expect(await ids({ connectionId: rig.connectionId, action: 'publish' })).toHaveLength(3)
  })

  test.each([{ limit: 0 }, { limit: 201 }, { limit: 1.5 }, { limit: '5' }, { after: 'nonsense' }])('%j is refused', async (more) =>
    expect(list(more)).rejects.toThrow(TypeError),
  )

  test('counts are of this tenant; without a tenant there are none', async () => {
    await rig.schedule('a', hour)
    const counts = (of: unknown) => rig.clock.drive(rig.syndikit.scheduler.counts({ tenant: of } as never))
    expect(await counts(tenant)).toMatchObject({ scheduled: 1, published: 0 })
    expect(await counts('bob')).toMatchObject({ scheduled: 0 })
    for (const of of [undefined, null, '', 7]) await expect(counts(of)).rejects.toThrow('`tenant` is a text that is not empty')
    await expect(list({ tenant: undefined })).rejects.toThrow('`tenant` is a text')
  })

  test('attempts tell every try; explain tells what happened and what happens next', async () => {
    rig.platform.script.push(refusal('transient'), 'lost-reply')
    const id = await rig.publish('hello')
    await rig.tick()
    const explain = () => rig.clock.drive(rig.syndikit.explain(one(id)))
    expect((await explain())?.next).toMatch(/^A worker takes it up at 2026-11-20T09:05:00\.000Z\. Toy says transient\./)
    await rig.clock.pass(5 * minute)
    await rig.tick()
    const open = await explain()
    expect(open?.sent).toMatchObject([{ name: 'part-0', request: { text: 'hello' }, outcome: 'unknown', sentAt: new Date('2026-11-20T09:05:00Z') }])
    expect(open?.delivery.state).toBe('scheduled')
    await rig.work()
    const done = await explain()
    expect(done?.attempts.map(({ from, to }) => `${from} → ${to}`)).toEqual(['scheduled → scheduled', 'scheduled → scheduled', 'scheduled → published'])
    expect(done?.sent).toEqual([{ name: 'part-0', request: { text: 'hello' }, outcome: 'published' }])
    expect(done?.next).toBe('Nothing: it is published.')
    expect(done?.timeline.split('\n')).toHaveLength(5)
    expect(done?.timeline).toMatch(
      /^toy publish .*: published, due 2026-11-20T09:00:00\.000Z\n2026-11-20T09:00:00\.000Z scheduled → scheduled: Toy says transient\./,
    )
    expect(await rig.clock.drive(rig.syndikit.explain(one('nobody')))).toBeUndefined()
    expect(await rig.clock.drive(rig.syndikit.scheduler.attempts(one('nobody')))).toEqual([])
  })

  test('wait ends when nothing moves by itself any more, or when its time is up', async () => {
    const id = await rig.publish('hello')
    const { publicationId } = await rig.get(id)
    const wait = (timeoutMs?: number) => rig.syndikit.publisher.wait({ tenant, publicationId, timeoutMs })
    const before = rig.clock.now()
    expect(await rig.clock.drive(wait(3_000))).toMatchObject([{ state: 'scheduled' }])
    expect(rig.clock.now() - before).toBe(3_000)
    const [found] = await rig.clock.drive(Promise.all([wait(), rig.syndikit.tick()]))
    expect(found).toMatchObject([{ id, state: 'published', placement: { id: 'id-1' } }])
    expect(await rig.clock.drive(rig.syndikit.publisher.wait({ tenant: 'bob', publicationId }))).toEqual([])
  })

  test('metrics are read in batches, for what is there, with the content as the adapter knows it', async () => {
    const asked: Placed<Post>[][] = []
    rig = await openRig({
      spec: {
        metrics: {
          atOnce: 2,
          read: async (placements) => {
            asked.push([...placements] as Placed<Post>[])
            return new Map(placements.slice(0, 1).map(({ id }) => [id, { likes: Number(id.slice(3)) }]))
          },
        },
      },
    })
    const ids: string[] = []
    for (let n = 1; n <= 3; n++) ids.push(await rig.publish(`post ${n}`))
    const waiting = await rig.schedule('later', hour)
    await rig.work(0)
    const figures = await rig.clock.drive(rig.syndikit.publisher.metrics({ tenant, deliveryIds: [...ids, ids[0] as string, waiting, 'nobody'] }))
    expect([...figures.values()]).toEqual([{ likes: 1 }, { likes: 3 }])
    expect(asked.map(({ length }) => length)).toEqual([2, 1])
    expect(asked[0]?.[0]).toMatchObject({ id: 'id-1', parts: [{ id: 'id-1' }], content: { parts: [{ text: 'post 1', media: [] }] } })
    expect((await rig.clock.drive(rig.syndikit.publisher.metrics({ tenant: 'bob', deliveryIds: ids }))).size).toBe(0)
  })
})

describe('an account that is lost and connected again', () => {
  test('what waited for it goes out at once', async () => {
    let valid = false
    rig = await openRig({
      publish: async (content, run, on) => {
        if (!valid) throw refusal('auth')
        return inParts(true)(content, run, on)
      },
    })
    const id = await rig.publish('hello')
    await rig.tick()
    expect(await rig.get(id)).toMatchObject({ state: 'scheduled', reason: { code: 'reconnect' } })
    await rig.clock.pass(minute)
    valid = true
    await rig.clock.drive(
      rig.syndikit.connections.open({ tenant, platform: 'toy', fields: { token: 'new', user: 'toy-1' }, reconnect: rig.connectionId } as never),
    )
    await rig.tick()
    expect((await rig.get(id)).state).toBe('published')
  })
})
