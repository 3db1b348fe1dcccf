// Events reach the listeners at least once, in the order of `rev` per subject, by one reader at a time.

import { beforeEach, describe, expect, test } from 'vitest'
import type { StoredEvent } from '../../src/contract/event-store.ts'
import type { SyndikitEvent } from '../../src/contract/events.ts'
import type { Storage } from '../../src/contract/storage.ts'
import { createOutbox, type Outbox } from '../../src/engine/outbox.ts'
import { around, quickClock } from './rig.ts'

type Ports = Parameters<typeof createOutbox>[0]
let clock: ReturnType<typeof quickClock>
let stored: Map<number, StoredEvent>
let reader: { owner: string; until: number }
let logs: { fields: Record<string, unknown>; text: string }[]
let seq: number

const tell = (subjectId: string, rev: number, type = 'delivery:scheduled', data: object = {}): void => {
  seq += 1
  stored.set(seq, { seq, tenant: 'ann', subjectId, rev, type, data: JSON.stringify(data), at: clock.now() })
}
/** The outbox needs no more of a storage than this. */
const storage = (): Storage =>
  ({
    events: {
      read: async (owner: string, limit: number, leaseMs: number) => {
        if (reader.until > clock.now() && reader.owner !== owner) return []
        if (stored.size === 0) return []
        reader = { owner, until: clock.now() + leaseMs }
        return [...stored.values()].slice(0, limit)
      },
      ack: async (seqs: readonly number[]) => {
        for (const one of seqs) stored.delete(one)
      },
      release: async (owner: string) => {
        if (reader.owner === owner) reader = { owner: '', until: 0 }
      },
    },
    deliveries: { get: async (_: string, id: string) => ({ publicationId: `p-${id}`, connectionId: 'c', platform: 'toy', action: 'publish' }) },
  }) as unknown as Storage

const outboxOf = (more: Partial<Ports> = {}): Outbox => {
  const log = (fields: object, text: string) => void logs.push({ fields: fields as Record<string, unknown>, text })
  return createOutbox({ storage: storage(), clock, logger: { debug: log, info: log, warn: log, error: log }, owner: 'one', ...more })
}
const flush = (outbox: Outbox) => clock.drive(outbox.flush())
const ids = (events: readonly SyndikitEvent[]) => events.map(({ id }) => id)

beforeEach(() => {
  clock = quickClock()
  stored = new Map()
  reader = { owner: '', until: 0 }
  logs = []
  seq = 0
})

test('an event carries the delivery it is about, instants as dates, and an identity of its own', async () => {
  const heard: SyndikitEvent[] = []
  const outbox = outboxOf()
  outbox.on('*', (event) => heard.push(event))
  tell('d1', 3, 'delivery:postponed', { nextAt: 5, reason: { code: 'rate', message: 'm' } })
  tell('p1', 1, 'publication:finished')
  tell('g1', 2, 'grant:at-risk', { platform: 'toy' })
  await flush(outbox)
  const base = { tenant: 'ann', at: new Date(clock.now()) }
  expect(heard.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    {
      ...base,
      type: 'delivery:postponed',
      id: 'd1.3',
      rev: 3,
      nextAt: new Date(5),
      reason: { code: 'rate', message: 'm' },
      deliveryId: 'd1',
      publicationId: 'p-d1',
      connectionId: 'c',
      platform: 'toy',
      action: 'publish',
    },
    { ...base, type: 'grant:at-risk', id: 'g1.2', rev: 2, grantId: 'g1', platform: 'toy' },
    { ...base, type: 'publication:finished', id: 'p1.1', rev: 1, publicationId: 'p1' },
  ])
  expect(stored.size).toBe(0)
})

test('the events of one subject come in order, one after the other, however slow the listener', async () => {
  const heard: string[] = []
  const outbox = outboxOf()
  let inside = 0
  outbox.on('*', async (event) => {
    inside += 1
    expect(inside).toBeLessThanOrEqual(2)
    await clock.sleep(event.id.startsWith('a') ? 50 : 7)
    heard.push(event.id)
    inside -= 1
  })
  for (let rev = 1; rev <= 5; rev++) {
    tell('a', rev)
    tell('b', rev)
  }
  await flush(outbox)
  expect(heard.filter((id) => id.startsWith('a'))).toEqual(['a.1', 'a.2', 'a.3', 'a.4', 'a.5'])
  expect(heard.filter((id) => id.startsWith('b'))).toEqual(['b.1', 'b.2', 'b.3', 'b.4', 'b.5'])
})

test('only the types that were asked for are heard; what nobody here asked for is done with', async () => {
  const heard: SyndikitEvent[] = []
  const outbox = outboxOf()
  outbox.on('delivery:failed', (event) => heard.push(event))
  tell('a', 1)
  tell('a', 2, 'delivery:failed')
  await flush(outbox)
  expect(ids(heard)).toEqual(['a.2'])
  expect(stored.size).toBe(0)
})

test('where nobody listens, events wait', async () => {
  tell('a', 1)
  await flush(outboxOf())
  expect(stored.size).toBe(1)
})

describe('a listener that throws', () => {
  test('is called again with the same event, and the others hear it once', async () => {
    const [heard, calm]: [string[], string[]] = [[], []]
    const outbox = outboxOf()
    outbox.on('*', (event) => {
      heard.push(event.id)
      if (heard.length < 3) throw new Error('canary-in-an-error')
    })
    outbox.on('*', (event) => void calm.push(event.id))
    tell('a', 1)
    tell('a', 2)
    await flush(outbox)
    expect(heard).toEqual(['a.1', 'a.1', 'a.1', 'a.2'])
    expect(calm).toEqual(['a.1', 'a.2'])
    expect(JSON.stringify(logs)).not.toContain('canary')
  })

  test('for ever is left behind after four calls, and says so', async () => {
    let calls = 0
    const outbox = outboxOf()
    outbox.on('*', async () => {
      calls += 1
      throw new Error('never')
    })
    tell('a', 1)
    await flush(outbox)
    expect(calls).toBe(4)
    expect(logs.at(-1)).toMatchObject({ fields: { event: 'delivery:scheduled', eventId: 'a.1' }, text: expect.stringContaining('dropped for it') })
    expect(stored.size).toBe(0)
  })
})

test('a crash before the event was done with brings the same event again, with the same id', async () => {
  const heard: string[] = []
  let dead = false
  const crashing = around(storage(), async (verb, call) => {
    if (verb === 'events.ack') dead = true
    if (dead) throw new Error('gone')
    return call()
  })
  const first = outboxOf({ storage: crashing })
  first.on('*', ({ id }) => heard.push(`first ${id}`))
  tell('a', 1)
  await expect(flush(first)).rejects.toThrow('gone')
  clock.jump(31_000)
  const second = outboxOf({ owner: 'two' })
  second.on('*', ({ id }) => heard.push(`second ${id}`))
  await flush(second)
  expect(heard).toEqual(['first a.1', 'second a.1'])
})

test('of two processes one reads; when it stops, the other goes on at once', async () => {
  const heard: string[] = []
  const [one, two] = [outboxOf({ owner: 'one' }), outboxOf({ owner: 'two' })]
  one.on('*', ({ id }) => heard.push(`one ${id}`))
  two.on('*', ({ id }) => heard.push(`two ${id}`))
  one.start()
  await clock.pass(0)
  tell('a', 1)
  one.wake()
  await clock.pass(10)
  two.start()
  for (let rev = 2; rev <= 5; rev++) {
    tell('a', rev)
    one.wake()
    two.wake()
    await clock.pass(20)
  }
  await clock.drive(one.stop())
  tell('a', 6)
  two.wake()
  await clock.pass(20)
  await clock.drive(two.stop())
  expect(heard).toEqual(['one a.1', 'one a.2', 'one a.3', 'one a.4', 'one a.5', 'two a.6'])
})

test('a reader whose lease is about to end hands out nothing more: no later event overtakes an earlier one at another reader', async () => {
  const heard: string[] = []
  const [slow, quick] = [outboxOf({ owner: 'slow' }), outboxOf({ owner: 'quick' })]
  slow.on('*', async ({ id }) => {
    heard.push(`slow ${id}`)
    await clock.sleep(35_000)
  })
  quick.on('*', ({ id }) => heard.push(`quick ${id}`))
  for (let rev = 1; rev <= 3; rev++) tell('a', rev)
  slow.start()
  await clock.pass(31_000)
  quick.start()
  await clock.pass(10_000)
  await clock.drive(slow.stop())
  await clock.drive(quick.stop())
  // What was in the slow one's hands is heard twice; nothing is heard out of order.
  expect(heard).toEqual(['slow a.1', 'quick a.1', 'quick a.2', 'quick a.3'])
})

test('after a flush other processes may read at once', async () => {
  const outbox = outboxOf()
  outbox.on('*', () => undefined)
  tell('a', 1)
  await flush(outbox)
  expect(reader.until).toBe(0)
})

test('a database that cannot be read is asked again; what was begun is ended before', async () => {
  const heard: string[] = []
  let broken = true
  const outbox = outboxOf({
    storage: around(storage(), async (verb, call, args) => {
      if (broken && verb === 'deliveries.get' && args[1] === 'a') throw new Error('down')
      if (verb === 'deliveries.get') await clock.sleep(100)
      return call()
    }),
  })
  outbox.on('*', ({ id }) => heard.push(id))
  tell('a', 1)
  tell('b', 1)
  await expect(flush(outbox)).rejects.toThrow('down')
  expect(heard).toEqual(['b.1'])
  broken = false
  await flush(outbox)
  expect(heard).toEqual(['b.1', 'a.1'])
})

test('a listener can be stopped, one of two that are the same function too', async () => {
  const heard: string[] = []
  const outbox = outboxOf()
  const listener = ({ id }: SyndikitEvent) => void heard.push(id)
  const [stopFirst] = [outbox.on('*', listener), outbox.on('*', listener)]
  tell('a', 1)
  await flush(outbox)
  stopFirst()
  stopFirst()
  tell('a', 2)
  await flush(outbox)
  expect(heard).toEqual(['a.1', 'a.1', 'a.2'])
})

test('more events than one read holds all come', async () => {
  const heard: string[] = []
  const outbox = outboxOf()
  outbox.on('*', ({ id }) => void heard.push(id))
  for (let n = 0; n < 250; n++) tell(`d${n}`, 1)
  await flush(outbox)
  expect(new Set(heard).size).toBe(250)
})
