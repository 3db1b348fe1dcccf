// The shell around deliveries: what is claimed, how much runs at once, whose turn it is, what happens when the database goes away.

import { beforeEach, describe, expect, test } from 'vitest'
import type { Claim, DeliveryStore, Storage, Written } from '../../src/contract/storage.ts'
import type { Lease } from '../../src/engine/lease.ts'
import { createWorker, type Worker } from '../../src/engine/worker.ts'
import { memoryStorage } from '../../src/memory/memory-storage.ts'
import { quickClock } from './rig.ts'

const leaseMs = 60_000
let clock: ReturnType<typeof quickClock>
let storage: Storage
let runs: Map<string, { claim: Claim; lease: Lease; end: () => void }>
let freed: number
let logs: string[]
let mostAtOnce: { all: number; tenant: number; connection: number }
let made: number

const count = (of: (claim: Claim) => string): number => {
  const counts = new Map<string, number>()
  for (const { claim } of runs.values()) counts.set(of(claim), (counts.get(of(claim)) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}

const settle = async ({ id, fence, tries }: Claim): Promise<void> => {
  await storage.deliveries.settle([
    {
      id,
      fence,
      tries,
      to: 'published',
      nextAt: null,
      steps: '{}',
      marker: null,
      result: null,
      placements: [],
      attempt: { id: `attempt-${id}-${fence}`, data: '{}' },
    },
  ])
}

const workerOf = (more: Partial<Parameters<typeof createWorker>[0]> = {}): Worker =>
  createWorker({
    storage,
    clock,
    leaseMs,
    slots: 10,
    lost: { until: 0 },
    perConnection: 2,
    logger: { debug: () => undefined, info: () => undefined, warn: (_, text) => void logs.push(text), error: (_, text) => void logs.push(text) },
    extend: async (held) => ((await storage.deliveries.extend([held], leaseMs)) as [Written])[0],
    freed: () => {
      freed += 1
    },
    deliver: async (claim, lease) => {
      await new Promise<void>((end) => {
        runs.set(claim.id, { claim, lease, end })
        mostAtOnce = {
          all: Math.max(mostAtOnce.all, runs.size),
          tenant: Math.max(
            mostAtOnce.tenant,
            count(({ tenant }) => tenant),
          ),
          connection: Math.max(
            mostAtOnce.connection,
            count(({ connectionId }) => connectionId),
          ),
        }
      })
      runs.delete(claim.id)
      await settle(claim)
    },
    ...more,
  })

/** `number` deliveries of each tenant, over so many connections. */
const fill = async (tenants: readonly string[], number: number, connections = 1): Promise<void> => {
  for (const tenant of tenants) {
    const grant = `grant-${tenant}`
    await storage.connections.put(
      {
        id: grant,
        tenant,
        platform: 'x',
        state: 'active',
        version: 1,
        rev: 0,
        dataKey: '',
        keyId: 'k',
        sealed: '',
        data: '{}',
        expiresAt: null,
        refreshStartedAt: null,
      },
      Array.from({ length: connections }, (_, i) => ({
        id: `${tenant}-${i}`,
        tenant,
        platform: 'x',
        accountId: `${tenant}-${i}`,
        grantId: grant,
        state: 'active' as const,
        name: '',
        data: '{}',
        sealed: null,
      })),
    )
    for (let n = 0; n < number; n++) {
      made += 1
      const id = String(made).padStart(6, '0')
      await storage.publications.add([
        {
          id: `p-${id}`,
          tenant,
          idempotencyKey: null,
          requestHash: '',
          body: '{}',
          deliveries: [
            { id, connectionId: `${tenant}-${n % connections}`, platform: 'x', action: 'publish', activeKey: id, priority: 1, dueAt: clock.now() - 1_000 },
          ],
        },
      ])
    }
  }
}
const endAll = async (): Promise<void> => {
  for (const { end } of [...runs.values()]) end()
  await clock.pass(0)
}
/** Works until nothing is due any more, ending runs one by one. */
const workAll = async (worker: Worker): Promise<void> => {
  for (let rounds = 0; rounds < 1_000; rounds++) {
    let look = await worker.work(100)
    while (look.wakeInMs === 0) look = await worker.work(100)
    if (runs.size === 0) return
    const [first] = runs.values()
    first?.end()
    await clock.pass(0)
  }
  throw new Error('It never ended.')
}

beforeEach(async () => {
  clock = quickClock()
  storage = memoryStorage({ clock })
  await storage.open('test')
  runs = new Map()
  freed = 0
  logs = []
  made = 0
  mostAtOnce = { all: 0, tenant: 0, connection: 0 }
})

describe('how much runs at once', () => {
  test('never more than there are slots, and everything gets its turn', async () => {
    await fill(['a', 'b', 'c'], 20, 10)
    await workAll(workerOf())
    expect(mostAtOnce.all).toBe(10)
    expect(await storage.deliveries.counts()).toMatchObject({ published: 60, running: 0, scheduled: 0 })
  })

  test('a tenant gets at most four fifths, also when it has some already and others come and go', async () => {
    await fill(['noisy'], 60, 30)
    await fill(['quiet'], 5, 5)
    await workAll(workerOf())
    expect(mostAtOnce.tenant).toBe(8)
  })

  test('a quiet tenant’s delivery does not wait behind a noisy one’s herd', async () => {
    await fill(['noisy'], 200, 100)
    const worker = workerOf()
    while ((await worker.work(100)).wakeInMs === 0);
    expect(runs.size).toBe(8)
    await fill(['quiet'], 1)
    await worker.work(100)
    expect([...runs.values()].some(({ claim }) => claim.tenant === 'quiet')).toBe(true)
    await endAll()
  })

  test('a connection gets no more than its share, also on top of what it has', async () => {
    await fill(['a'], 9, 3)
    await workAll(workerOf({ perConnection: 2 }))
    expect(mostAtOnce.connection).toBe(2)
  })

  test('also when looks come side by side', async () => {
    await fill(['a', 'b'], 30, 3)
    const worker = workerOf({ slots: 5, perConnection: 1 })
    await Promise.all(Array.from({ length: 20 }, () => worker.work(3)))
    expect(mostAtOnce).toMatchObject({ connection: 1 })
    expect(mostAtOnce.all).toBeLessThanOrEqual(5)
    await workAll(worker)
    expect(mostAtOnce.connection).toBe(1)
  })

  test('one slot serves everybody in turn', async () => {
    await fill(['a', 'b'], 3)
    await workAll(workerOf({ slots: 1 }))
    expect(mostAtOnce.all).toBe(1)
    expect((await storage.deliveries.counts()).published).toBe(6)
  })

  test('a freed slot is told', async () => {
    await fill(['a'], 2)
    await workAll(workerOf())
    expect(freed).toBe(2)
  })
})

describe('a delivery that may have taken its workers down', () => {
  const crash = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      await storage.deliveries.claim({ limit: 1, leaseMs: 1, perTenant: 9, perConnection: 9, skipTenants: [], skipConnections: [] })
      await clock.pass(2)
    }
  }

  test('runs alone: what was there before it ends first, and nothing begins beside it', async () => {
    await fill(['a'], 1)
    await crash(2)
    const worker = workerOf()
    await fill(['b'], 1)
    await storage.deliveries.reschedule('a', '000001', clock.now() + 60_000)
    // b is under way when the suspect becomes due.
    const [suspect] = (await storage.deliveries.list('a', { limit: 1 })).items
    expect(suspect?.starts).toBe(2)
    await clock.pass(1)
    const { claims } = await storage.deliveries.claim({ limit: 0, leaseMs: 1, perTenant: 9, perConnection: 9, skipTenants: [], skipConnections: [] })
    expect(claims).toEqual([])
    await worker.work(10)
    await worker.work(10)
    await fill(['c'], 3)
    const beside = new Set<string>()
    for (let n = 0; n < 12; n++) {
      await worker.work(10)
      if (runs.has('000001')) for (const id of runs.keys()) if (id !== '000001') beside.add(id)
      const [first] = runs.values()
      first?.end()
      await clock.pass(0)
    }
    await workAll(worker)
    expect([...beside]).toEqual([])
    expect((await storage.deliveries.counts()).published).toBe(5)
  })
})

describe('leases', () => {
  test('are extended while work goes on, three times per lease', async () => {
    await fill(['a'], 1)
    const worker = workerOf()
    await worker.work(1)
    await clock.pass(10 * leaseMs)
    const other = workerOf()
    await other.work(10)
    expect(runs.size).toBe(1)
    expect([...runs.values()][0]?.lease.covers(30_000)).toBe(true)
    expect((await storage.deliveries.get('a', '000001'))?.fence).toBe(1)
    await endAll()
    expect(worker.running).toBe(0)
  })

  test('a lease that another worker took is lost, and stays so', async () => {
    await fill(['a'], 1)
    let answer: Written = 'done'
    const worker = workerOf({ extend: async () => answer })
    await worker.work(1)
    const lease = [...runs.values()][0]?.lease
    answer = 'stale'
    await clock.pass(leaseMs / 3)
    expect(lease?.lost).toBe(true)
    answer = 'done'
    await clock.pass(leaseMs / 3)
    expect(lease?.lost).toBe(true)
    await endAll()
  })

  test('a database that does not answer lets it run out: nothing may be sent any more', async () => {
    await fill(['a'], 1)
    const worker = workerOf({ extend: async () => Promise.reject(new Error('down')) })
    await worker.work(1)
    const lease = [...runs.values()][0]?.lease
    await clock.pass(leaseMs / 3)
    expect(lease?.covers(20_000)).toBe(true)
    await clock.pass(leaseMs / 3)
    expect(lease?.covers(20_000)).toBe(false)
    expect(logs.some((line) => line.includes('could not be extended'))).toBe(true)
    await endAll()
  })

  test('a row that the same worker claimed anew after its lease had ended stays held when the first run ends', async () => {
    const ends: (() => void)[] = []
    const worker = workerOf({ extend: () => Promise.reject(new Error('away')), deliver: () => new Promise<void>((end) => void ends.push(end)) })
    await fill(['a'], 1)
    await worker.work(10)
    await clock.pass(leaseMs + 1)
    await worker.work(10)
    expect(ends).toHaveLength(2)
    ends[0]?.()
    await clock.pass(0)
    expect(worker.running).toBe(1)
    let isDrained = false
    const draining = worker.drain().then(() => {
      isDrained = true
    })
    await clock.pass(0)
    expect(isDrained).toBe(false)
    ends[1]?.()
    await clock.drive(draining)
  })

  test('no timer is left when nothing is held', async () => {
    await fill(['a'], 1)
    const worker = workerOf()
    let extensions = 0
    const counting = workerOf({
      extend: async () => {
        extensions += 1
        return 'done'
      },
    })
    await counting.work(1)
    await clock.pass(leaseMs)
    const before = extensions
    await endAll()
    await clock.pass(5 * leaseMs)
    expect(extensions).toBe(before)
    expect(worker.running).toBe(0)
  })
})

describe('the end', () => {
  test('drain takes nothing new, waits for what runs, and for a claim that is on its way', async () => {
    await fill(['a'], 5, 5)
    const claim = storage.deliveries.claim
    let answer = (): void => undefined
    const slow: DeliveryStore['claim'] = async (query) => {
      const result = await claim(query)
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return result
    }
    const worker = workerOf({ slots: 2, storage: { deliveries: { ...storage.deliveries, claim: slow } } })
    const looking = worker.work(10)
    await clock.pass(0)
    let drained = false
    const draining = worker.drain().then(() => {
      drained = true
    })
    answer()
    await looking
    await clock.pass(1_000)
    expect([drained, worker.running]).toEqual([false, 1])
    await worker.work(10)
    expect(worker.running).toBe(1)
    await endAll()
    await draining
    expect((await storage.deliveries.counts()).scheduled).toBe(4)
  })

  test('a fault of the delivery itself frees its slot and rejects nobody', async () => {
    await fill(['a'], 1)
    const worker = workerOf({
      deliver: async () => {
        throw new Error('a bug')
      },
    })
    const { settled } = await worker.work(1)
    await expect(settled).resolves.toBeUndefined()
    expect([worker.running, freed]).toEqual([0, 1])
  })

  test('a database that cannot be asked is asked again within a second', async () => {
    const worker = workerOf({
      storage: {
        deliveries: {
          ...storage.deliveries,
          claim: async () => {
            throw new Error('down')
          },
        },
      },
    })
    expect((await worker.work(5)).wakeInMs).toBe(1_000)
    expect(logs).toHaveLength(1)
  })

  test('it says when to look again: at once after a full batch, when the next is due, within a second at the latest', async () => {
    const worker = workerOf()
    expect((await worker.work(5)).wakeInMs).toBe(1_000)
    await fill(['a'], 3, 3)
    expect((await worker.work(1)).wakeInMs).toBe(0)
    expect((await worker.work(5)).wakeInMs).toBe(1_000)
    await endAll()
  })
})
