// The shell around deliveries: claims what is due, bounds what runs, keeps leases alive, drains on stop.

import type { Clock, Logger } from '../contract/ports.ts'
import type { Worked } from '../contract/queue.ts'
import type { Claim, Held, Storage, Written } from '../contract/storage.ts'
import { type InFlight, keepLeases, sharesOf } from './in-flight.ts'
import { createLease, type Lease, type Moment, moment } from './lease.ts'
import { isSuspect, suspectStarts } from './suspect.ts'

export interface WorkerOptions {
  readonly storage: Pick<Storage, 'deliveries'>
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseMs: number
  readonly slots: number
  readonly perConnection: number
  /** Served here; absent: all. */
  readonly platforms?: readonly string[] | undefined
  readonly deliver: (claim: Claim, lease: Lease) => Promise<void>
  readonly extend: (held: Held) => Promise<Written>
  /** Claims whose answer was lost count as starts of rows that nobody ran. Shared by the workers of a process. */
  readonly lost: { until: number }
  /** A slot became free. */
  readonly freed: () => void
}

/** How many leases long a lost claim may explain that a row was claimed and not run. */
const lostForLeases = 6
const longestPauseMs = 1_000

export interface Worker {
  /** Claims up to `n` due deliveries, never more than there are free slots, and starts them. Never rejects. */
  work(n: number): Promise<Worked>
  /** Deliveries under way. */
  readonly running: number
  /** Takes nothing new; resolves when everything under way is settled. */
  drain(): Promise<void>
}

interface State {
  readonly options: WorkerOptions
  readonly held: Map<string, InFlight>
  readonly leases: ReturnType<typeof keepLeases>
  /** Set while a suspect delivery is held, which must take nobody down with it. */
  alone: boolean
  stopping: boolean
  /** One claim at a time: shares are counted from what is held. */
  turn: Promise<unknown>
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'error')

const othersOf = ({ held }: State, claim: Claim): Promise<unknown> =>
  Promise.all([...held.values()].filter((one) => one.claim.id !== claim.id).map(({ done }) => done))

const release = ({ held, leases, options }: State, claim: Claim): void => {
  // A worker whose lease ended may have claimed the same row anew.
  if (held.get(claim.id)?.claim === claim) held.delete(claim.id)
  if (held.size === 0) leases.end()
  options.freed()
}

const run = async (state: State, claim: Claim, lease: Lease): Promise<void> => {
  const { deliver, logger } = state.options
  try {
    if (isSuspect(claim)) await othersOf(state, claim)
    await deliver(claim, lease)
  } catch (error) {
    logger.error({ deliveryId: claim.id, error: nameOf(error) }, 'A delivery ended in a fault of Syndikit itself; its lease ends and it is taken up again.')
  } finally {
    if (isSuspect(claim)) state.alone = false
    release(state, claim)
  }
}

const start = (state: State, claim: Claim, from: Moment): Promise<void> => {
  const { clock, leaseMs } = state.options
  const lease = createLease(clock, from, leaseMs)
  if (isSuspect(claim)) state.alone = true
  let resolve = (): void => undefined
  const done = new Promise<void>((ended) => {
    resolve = ended
  })
  state.held.set(claim.id, { claim, lease, done })
  void run(state, claim, lease).then(resolve)
  return done
}

const nothing = (): Worked => ({ wakeInMs: longestPauseMs, settled: Promise.resolve() })

/** After an outage nothing is condemned for claims that nobody heard of: what is suspect runs alone, once more. */
const cleared = ({ lost, clock }: WorkerOptions, claim: Claim): Claim =>
  clock.elapsed() < lost.until ? { ...claim, starts: Math.min(claim.starts, suspectStarts) } : claim

const claim = async (state: State, n: number): Promise<Worked> => {
  const { clock, logger, storage, leaseMs, slots, perConnection, platforms } = state.options
  const limit = state.stopping || state.alone ? 0 : Math.min(n, slots - state.held.size)
  if (limit <= 0) return nothing()
  const from = moment(clock)
  const shares = sharesOf(state.held, { perTenant: Math.max(1, Math.floor(slots * 0.8)), perConnection })
  try {
    const { claims, wakeInMs, more } = await storage.deliveries.claim({ limit, leaseMs, platforms, ...shares })
    const started = claims.map((one) => start(state, cleared(state.options, one), from))
    if (started.length > 0) state.leases.begin()
    const again = claims.length > 0 && (more || claims.length === limit)
    return { wakeInMs: again ? 0 : Math.min(wakeInMs ?? longestPauseMs, longestPauseMs), settled: Promise.all(started).then(() => undefined) }
  } catch (error) {
    state.options.lost.until = clock.elapsed() + lostForLeases * leaseMs
    logger.error({ error: nameOf(error) }, 'The database could not be asked for due deliveries.')
    return nothing()
  }
}

const drain = async (state: State): Promise<void> => {
  state.stopping = true
  await state.turn
  while (state.held.size > 0) await Promise.all([...state.held.values()].map(({ done }) => done))
}

export const createWorker = (options: WorkerOptions): Worker => {
  const held = new Map<string, InFlight>()
  const { clock, logger, leaseMs, extend } = options
  const leases = keepLeases({ held, clock, logger, leaseMs, extend })
  const state: State = { options, held, leases, alone: false, stopping: false, turn: Promise.resolve() }
  return {
    work: (n) => {
      const worked = state.turn.then(() => claim(state, n))
      state.turn = worked
      return worked
    },
    get running() {
      return held.size
    },
    drain: () => drain(state),
  }
}
