// Tells a queue ahead of time what comes due within its horizon. One process at a time does it, for all.

import type { Clock, Logger } from '../contract/ports.ts'
import type { Queue } from '../contract/queue.ts'
import type { Storage } from '../contract/storage.ts'

interface Horizon {
  readonly storage: Pick<Storage, 'leases' | 'deliveries' | 'now'>
  readonly queue: Queue
  readonly clock: Clock
  readonly logger: Logger
  /** Of this process. */
  readonly owner: string
}

const leaseName = 'horizon'
const atOnce = 500
/** After a pass that failed: the queue or the database was away. */
const againAfterMs = 10_000

const tellAll = async ({ storage, queue }: Horizon, stop: AbortSignal): Promise<void> => {
  const until = (await storage.now()) + queue.horizonMs
  let after: Parameters<Storage['deliveries']['upcoming']>[1] = null
  while (!stop.aborted) {
    const rows = await storage.deliveries.upcoming(until, after, atOnce)
    if (rows.length > 0) await queue.hint(rows.map(({ id, rev, nextAt }) => ({ id, rev, at: nextAt })))
    const last = rows.at(-1)
    if (last === undefined || rows.length < atOnce) return
    after = { nextAt: last.nextAt, id: last.id }
  }
}

/** Answers how long until the next pass. */
const pass = async (horizon: Horizon, everyMs: number, stop: AbortSignal): Promise<number> => {
  try {
    // Held for less than the time between two tries, so that another process comes before the horizon ends when this one is gone.
    if (await horizon.storage.leases.take(leaseName, horizon.owner, Math.ceil(everyMs / 2))) await tellAll(horizon, stop)
    return everyMs
  } catch (error) {
    horizon.logger.warn({ error: error instanceof Error ? error.name : 'error' }, 'The queue could not be told what comes due; it is tried again.')
    return Math.min(againAfterMs, everyMs)
  }
}

/**
 * At once and then twice per horizon, so that what comes due is known to the queue at least half a horizon before, also after the queue lost everything.
 * Ends when `stop` aborts, and lets another process go on at once.
 */
export const keepHorizon = async (horizon: Horizon, stop: AbortSignal): Promise<void> => {
  const everyMs = horizon.queue.horizonMs / 2
  if (!(everyMs > 0)) return
  while (!stop.aborted) await horizon.clock.sleep(await pass(horizon, everyMs, stop), stop)
  await horizon.storage.leases.release(leaseName, horizon.owner).catch(() => undefined)
}
