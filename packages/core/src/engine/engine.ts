// Puts the pieces of the engine together: batched writes, worker, queue, events, housekeeping.

import type { Queue, QueueRun } from '../contract/queue.ts'
import { type DeliverDeps, deliver, type Writes } from './deliver.ts'
import type { Deps } from './deps.ts'
import { groupCommit } from './group-commit.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { createPace } from './pace.ts'
import { createWorker, type Worker } from './worker.ts'

export interface Engine {
  readonly outbox: Outbox
  /** After rows were stored in this process. */
  stored(deliveries: readonly { id: string; rev: number; at: number }[]): void
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

const writesOf = ({ storage, settings }: Deps) => {
  const { save, settle, extend } = storage.deliveries
  const writes: Writes = { save: groupCommit(save), settle: groupCommit(settle) }
  return { writes, extend: groupCommit<Parameters<typeof extend>[0][number], 'done' | 'stale'>((held) => extend(held, settings.leaseMs)) }
}

export const createEngine = (options: EngineOptions): Engine => {
  const { storage, clock, logger, queue, settings } = options
  const { writes, extend } = writesOf(options)
  const deps: DeliverDeps = { ...options, writes, pace: createPace(storage) }
  const outbox = createOutbox({ storage, clock, logger, owner: options.newId() })
  let run: QueueRun | undefined

  const workerOf = (): Worker =>
    createWorker({
      storage,
      clock,
      logger,
      leaseMs: settings.leaseMs,
      slots: settings.slots,
      perConnection: settings.perConnection,
      extend,
      deliver: async (claim, lease) => {
        await deliver(deps, claim, lease)
        outbox.wake()
      },
      freed: () => run?.wake(),
    })

  const stored: Engine['stored'] = (deliveries) => {
    outbox.wake()
    const soon = deliveries.filter(({ at }) => at < clock.now() + Math.max(queue.horizonMs, 1_000))
    if (soon.length > 0)
      void queue
        .hint(soon)
        .catch((error: unknown) =>
          logger.warn({ error: error instanceof Error ? error.name : 'error' }, 'The queue took no hint; the database is asked instead.'),
        )
  }

  const clean = async (): Promise<void> => {
    const before = (await storage.now()) - options.retentionMs
    while ((await storage.clean(before, cleanAtOnce)) > 0) await clock.sleep(50)
  }

  const houseKeeping = async (stop: AbortSignal): Promise<void> => {
    while (!stop.aborted) {
      await clean().catch((error: unknown) =>
        logger.warn({ error: error instanceof Error ? error.name : 'error' }, 'Old rows could not be removed; it is tried again in an hour.'),
      )
      await clock.sleep(hourMs, stop)
    }
  }

  const start = () => {
    if (run) throw new TypeError('This Syndikit works already: stop it before you start it again.')
    const worker = workerOf()
    const stopping = new AbortController()
    run = queue.run((n) => worker.work(n), { clock, logger })
    outbox.start()
    const kept = houseKeeping(stopping.signal)
    let stopped: Promise<void> | undefined
    const stop = async () => {
      await run?.stop()
      await worker.drain()
      stopping.abort()
      await kept
      await outbox.stop()
      run = undefined
    }
    return {
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  }

  const tick = async (budgetMs: number): Promise<void> => {
    const from = clock.elapsed()
    const worker = workerOf()
    // A run may take as long as a request: what is begun in the first half has time to end.
    while (clock.elapsed() - from < budgetMs / 2) {
      const before = worker.running
      const { wakeInMs, settled } = await worker.work(settings.slots)
      if (worker.running === before && before === 0) break
      await (wakeInMs === 0 ? Promise.race([settled, clock.sleep(5)]) : settled)
    }
    await worker.drain()
    while ((await outbox.flush()) > 0);
  }

  return { outbox, stored, start, tick }
}
