// Puts the pieces of the engine together: batched writes, worker, queue, events, housekeeping.

import type { Connection } from '../contract/connection-store.ts'
import type { Queue, QueueRun } from '../contract/queue.ts'
import type { Claim, Held, Settle } from '../contract/storage.ts'
import { type DeliverDeps, deliver, type Writes } from './deliver.ts'
import type { Deps } from './deps.ts'
import { groupCommit } from './group-commit.ts'
import { keepHorizon } from './horizon.ts'
import type { Lease } from './lease.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { createPace } from './pace.ts'
import { createWorker, type Worker } from './worker.ts'

/** What this process does, in numbers. */
export interface WorkerHealth {
  /** Whether it was started and not stopped. */
  readonly working: boolean
  /** Deliveries at a time, at most. */
  readonly slots: number
  /** Deliveries under way now. */
  readonly running: number
  /** Runs that this process has ended, by the state they led to. A retry counts each time. */
  readonly settled: Readonly<Record<Settle['to'], number>>
}

export interface Engine {
  readonly outbox: Outbox
  health(): WorkerHealth
  /** After rows were stored in this process. */
  stored(deliveries: readonly { id: string; rev: number; at: number }[]): void
  /** Something may be due: the workers of this process look. */
  wake(): void
  start(): { stop(): Promise<void> }
  /** Works for about `budgetMs` and returns with nothing under way. */
  tick(budgetMs: number): Promise<void>
}

export interface EngineOptions extends Deps {
  readonly queue: Queue
  readonly retentionMs: number
  newId(): string
}

const hourMs = 3_600_000
const cleanAtOnce = 500
/** Between two looks of a tick, so that a slot that stays full is not asked for without a pause. */
const leastTickMs = 5

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'error')

const batchesOf = ({ storage, settings }: Deps) => {
  const { save, settle, extend } = storage.deliveries
  const isDataError = (error: unknown) => storage.isDataError?.(error) ?? false
  const writes: Writes = { save: groupCommit(save, isDataError), settle: groupCommit(settle, isDataError) }
  const inUse = groupCommit((keys: readonly Pick<Connection, 'tenant' | 'id'>[]) => storage.connections.inUse(keys), isDataError)
  return { writes, inUse, extend: groupCommit((held: readonly Held[]) => extend(held, settings.leaseMs), isDataError) }
}

/** Tells the queue what is due soon. A queue that fails costs delay and nothing else. */
const hinted = async ({ queue, clock, logger }: EngineOptions, deliveries: Parameters<Engine['stored']>[0]): Promise<void> => {
  const soon = deliveries.filter(({ at }) => at < clock.now() + Math.max(queue.horizonMs, 1_000))
  try {
    if (soon.length > 0) await queue.hint(soon)
  } catch (error) {
    logger.warn({ error: nameOf(error) }, 'The queue took no hint; the database is asked instead.')
  }
}

const clean = async ({ storage, clock, retentionMs }: EngineOptions, stop: AbortSignal): Promise<void> => {
  const before = (await storage.now()) - retentionMs
  while (!stop.aborted && (await storage.clean(before, cleanAtOnce)) > 0) await clock.sleep(50, stop)
}

const houseKeeping = async (options: EngineOptions, stop: AbortSignal): Promise<void> => {
  while (!stop.aborted) {
    await clean(options, stop).catch((error: unknown) =>
      options.logger.warn({ error: nameOf(error) }, 'Old rows could not be removed; it is tried again in an hour.'),
    )
    await options.clock.sleep(hourMs, stop)
  }
}

const startWith = (options: EngineOptions, worker: Worker, outbox: Outbox, run: QueueRun, stopped: () => void) => {
  const stopping = new AbortController()
  outbox.start()
  const kept = Promise.all([houseKeeping(options, stopping.signal), keepHorizon({ ...options, owner: options.newId() }, stopping.signal)])
  const stop = async () => {
    await run.stop()
    await worker.drain()
    stopping.abort()
    await kept
    await outbox.stop()
    stopped()
  }
  let ending: Promise<void> | undefined
  return {
    stop: () => {
      ending ??= stop()
      return ending
    },
  }
}

/** Works off what is due, and looks again whenever a slot becomes free or the next delivery is due; ends when nothing is under way and nothing due. */
const tickWith = async ({ clock, settings }: EngineOptions, workerOf: (freed: () => void) => Worker, outbox: Outbox, budgetMs: number): Promise<void> => {
  let freed = new AbortController()
  const worker = workerOf(() => freed.abort())
  // A run may take as long as a request: what is begun in the first half has time to end.
  const until = clock.elapsed() + budgetMs / 2
  while (clock.elapsed() < until) {
    freed = new AbortController()
    const { wakeInMs } = await worker.work(settings.slots)
    if (worker.running === 0 && wakeInMs > 0) break
    await clock.sleep(Math.max(leastTickMs, Math.min(wakeInMs, until - clock.elapsed())), freed.signal)
  }
  await worker.drain()
  await outbox.flush()
}

const noneSettled = (): Record<Settle['to'], number> => ({ scheduled: 0, published: 0, failed: 0, missed: 0, uncertain: 0, needs_action: 0 })

export const createEngine = (options: EngineOptions): Engine => {
  const { storage, clock, logger, queue, settings } = options
  const { writes, inUse, extend } = batchesOf(options)
  const deps: DeliverDeps = { ...options, writes, inUse, pace: createPace(storage, queue) }
  const outbox = createOutbox({ storage, clock, logger, owner: options.newId() })
  const settled = noneSettled()
  let working: { readonly run: QueueRun; readonly worker: Worker } | undefined
  const deliverOne = async (claim: Claim, lease: Lease): Promise<void> => {
    const row = await deliver(deps, claim, lease)
    if (!row) return
    settled[row.to] += 1
    outbox.wake()
    if (row.nextAt !== null) void hinted(options, [{ id: row.id, rev: claim.rev + 1, at: row.nextAt }])
  }
  const { leaseMs, slots, perConnection } = settings
  const lost = { until: 0 }
  const platforms = [...options.adapters.keys()]
  const workerOf = (freed: () => void) =>
    createWorker({ storage, clock, logger, leaseMs, slots, perConnection, platforms, extend, lost, deliver: deliverOne, freed })
  return {
    outbox,
    health: () => ({ working: working !== undefined, slots, running: working?.worker.running ?? 0, settled: { ...settled } }),
    stored: (deliveries) => {
      outbox.wake()
      void hinted(options, deliveries)
    },
    wake: () => working?.run.wake(),
    start: () => {
      if (working) throw new TypeError('This Syndikit works already: stop it before you start it again.')
      const worker = workerOf(() => working?.run.wake())
      const run = queue.run((n) => worker.work(n), { clock, logger })
      working = { run, worker }
      return startWith(options, worker, outbox, run, () => {
        working = undefined
      })
    },
    tick: (budgetMs) => tickWith(options, workerOf, outbox, budgetMs),
  }
}
