// The shell around deliveries: claims what is due, bounds what runs, keeps leases alive, drains on stop.

import type { Clock, Logger } from '../contract/ports.ts'
import type { Worked } from '../contract/queue.ts'
import type { Claim, ClaimQuery, Held, Storage, Written } from '../contract/storage.ts'
import { createLease, type Lease, moment } from './lease.ts'

export interface WorkerOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseMs: number
  readonly slots: number
  readonly perConnection: number
  readonly deliver: (claim: Claim, lease: Lease) => Promise<void>
  readonly extend: (held: Held) => Promise<Written>
  /** A slot became free. */
  readonly freed: () => void
}

interface InFlight {
  readonly claim: Claim
  readonly lease: Lease
  readonly done: Promise<void>
}

/** Claims no row before its worker has had this many bad endings alone. */
const suspectStarts = 3
const longestPauseMs = 1_000

export interface Worker {
  /** Claims up to `n` due deliveries, never more than there are free slots, and starts them. Never rejects. */
  work(n: number, lateByMs?: number): Promise<Worked>
  /** Deliveries under way. */
  readonly running: number
  /** Takes nothing new; resolves when everything under way is settled. */
  drain(): Promise<void>
}

const counted = (held: Iterable<InFlight>, of: (claim: Claim) => string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { claim } of held) counts.set(of(claim), (counts.get(of(claim)) ?? 0) + 1)
  return counts
}
const atLeast = (counts: Map<string, number>, most: number): string[] => [...counts].filter(([, count]) => count >= most).map(([key]) => key)

export const createWorker = (options: WorkerOptions): Worker => {
  const { storage, clock, logger, leaseMs, slots } = options
  const held = new Map<string, InFlight>()
  /** Set while a suspect delivery runs, which must take nobody down with it. */
  let alone = false
  let stopping = false
  let claiming = 0
  let extending: AbortController | undefined
  const perTenant = Math.max(1, Math.floor(slots * 0.8))

  const query = (limit: number, lateByMs: number | undefined): ClaimQuery => ({
    limit,
    leaseMs,
    perTenant,
    perConnection: options.perConnection,
    skipTenants:
      slots > 1
        ? atLeast(
            counted(held.values(), ({ tenant }) => tenant),
            perTenant,
          )
        : [],
    skipConnections: atLeast(
      counted(held.values(), ({ connectionId }) => connectionId),
      options.perConnection,
    ),
    ...(lateByMs !== undefined && { lateByMs }),
  })

  const extendAll = async (): Promise<void> => {
    const from = moment(clock)
    await Promise.all(
      [...held.values()].map(async ({ claim, lease }) => {
        try {
          if ((await options.extend({ id: claim.id, fence: claim.fence })) === 'stale') lease.lose()
          else lease.renew(from)
        } catch (error) {
          logger.warn({ deliveryId: claim.id, error: nameOf(error) }, 'A lease could not be extended; it runs out unless the next try works.')
        }
      }),
    )
  }

  /** Runs while anything is held. */
  const keepExtending = async (): Promise<void> => {
    if (extending) return
    const own = new AbortController()
    extending = own
    while (held.size > 0) {
      await clock.sleep(Math.floor(leaseMs / 3), own.signal)
      if (own.signal.aborted) return
      await extendAll()
    }
    if (extending === own) extending = undefined
  }

  const release = (claim: Claim): void => {
    held.delete(claim.id)
    if (held.size === 0) {
      extending?.abort()
      extending = undefined
    }
    options.freed()
  }

  const run = async (claim: Claim, lease: Lease): Promise<void> => {
    try {
      if (claim.starts >= suspectStarts) await others(claim)
      await options.deliver(claim, lease)
    } catch (error) {
      logger.error({ deliveryId: claim.id, error: nameOf(error) }, 'A delivery ended in a fault of Syndikit itself; its lease ends and it is taken up again.')
    } finally {
      if (claim.starts >= suspectStarts) alone = false
      release(claim)
    }
  }

  const others = async (claim: Claim): Promise<void> => {
    alone = true
    await Promise.all([...held.values()].filter((one) => one.claim.id !== claim.id).map(({ done }) => done))
  }

  const start = (claim: Claim, from: ReturnType<typeof moment>): Promise<void> => {
    const lease = createLease(clock, from, leaseMs)
    if (claim.starts >= suspectStarts) alone = true
    let begin = (): void => undefined
    const done = new Promise<void>((resolve) => {
      begin = () => void run(claim, lease).then(resolve)
    })
    held.set(claim.id, { claim, lease, done })
    begin()
    return done
  }

  const claim = async (limit: number, lateByMs: number | undefined): Promise<Worked> => {
    const from = moment(clock)
    const { claims, wakeInMs, more } = await storage.deliveries.claim(query(limit, lateByMs))
    const started = claims.map((one) => start(one, from))
    if (started.length > 0) void keepExtending()
    const again = claims.length > 0 && (more || claims.length === limit)
    return { wakeInMs: again ? 0 : Math.min(wakeInMs ?? longestPauseMs, longestPauseMs), settled: Promise.all(started).then(() => undefined) }
  }

  return {
    work: async (n, lateByMs) => {
      const limit = stopping || alone ? 0 : Math.min(n, slots - held.size - claiming)
      if (limit <= 0) return { wakeInMs: longestPauseMs, settled: Promise.resolve() }
      claiming += limit
      try {
        return await claim(limit, lateByMs)
      } catch (error) {
        logger.error({ error: nameOf(error) }, 'The database could not be asked for due deliveries.')
        return { wakeInMs: longestPauseMs, settled: Promise.resolve() }
      } finally {
        claiming -= limit
      }
    },
    get running() {
      return held.size
    },
    drain: async () => {
      stopping = true
      while (held.size > 0 || claiming > 0) {
        await Promise.all([...held.values()].map(({ done }) => done))
        if (claiming > 0) await clock.sleep(5)
      }
    },
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'error')
