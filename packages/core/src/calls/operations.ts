// What people who run Syndikit ask and say: how it goes, what is wrong, and that a platform shall wait.

import type { PlatformStats } from '../contract/platform-stats.ts'
import type { QueueHealth } from '../contract/queue.ts'
import type { WorkerHealth } from '../engine/engine.ts'
import type { TokenVault } from '../vault/vault.ts'
import type { Calls } from './accept.ts'
import { type Finding, findings } from './doctor.ts'

/** The deliveries of one platform, of all tenants. */
export interface PlatformHealth extends Omit<PlatformStats, 'oldestDueAt'> {
  readonly paused: boolean
  /** Whether this process has its adapter. */
  readonly served: boolean
  /** How late the oldest delivery is that is due and not running; 0 where none is. */
  readonly oldestLagMs: number
}

/** How it goes, in numbers: of the whole database, of this process, of the queue. */
export interface Health {
  /** By the database's clock. */
  readonly at: Date
  /** Every platform that has deliveries or an adapter here, by name. */
  readonly platforms: readonly PlatformHealth[]
  readonly worker: WorkerHealth
  /** Absent: the queue holds nothing of its own. */
  readonly queue?: QueueHealth
}

/** For operators: `health` for a dashboard, `doctor` for a person, `pause` and `resume` for the day on which a platform is down. */
export interface Operations {
  /**
   * No process begins a delivery of this platform until `resume`; what is under way ends. Nothing is lost and nothing is `missed` while it waits; after `resume`
   * what is later than `maxLateness` is.
   */
  pause(platform: string): Promise<void>
  /** What waited becomes due at once, oldest first. */
  resume(platform: string): Promise<void>
  /** The database's clock. Rejects while the database cannot be reached: what a readiness probe asks. */
  ping(): Promise<Date>
  /** Counts in the database: ask every few seconds, not for every request. */
  health(): Promise<Health>
  /** Everything that somebody should look at, each with what to do. Empty: all is well. */
  doctor(): Promise<Finding[]>
}

export interface OperationsDeps extends Calls {
  readonly vault: Pick<TokenVault, 'report'>
  readonly queue: { health?(): Promise<QueueHealth>; open?(): Promise<void> }
  /** Wakes the workers of this process. */
  readonly woken: () => void
  readonly worker: () => WorkerHealth
}

const nothingOf = (platform: string): PlatformStats => ({
  platform,
  waiting: 0,
  due: 0,
  oldestDueAt: null,
  running: 0,
  uncertain: 0,
  needsAction: 0,
  failed: 0,
  parked: 0,
})

const platformsOf = async ({ storage, adapters }: OperationsDeps, now: number): Promise<PlatformHealth[]> => {
  const [stats, paused] = await Promise.all([storage.deliveries.stats(), storage.platforms.paused()])
  const all = new Map([...adapters.keys(), ...paused].map((id) => [id, nothingOf(id)]))
  for (const one of stats) all.set(one.platform, one)
  return [...all.values()]
    .map(({ oldestDueAt, ...counts }) => ({
      ...counts,
      paused: paused.includes(counts.platform),
      served: adapters.has(counts.platform),
      oldestLagMs: oldestDueAt === null ? 0 : Math.max(0, now - oldestDueAt),
    }))
    .toSorted((a, b) => (a.platform < b.platform ? -1 : 1))
}

const healthOf = async (deps: OperationsDeps): Promise<Health> => {
  const now = await deps.storage.now()
  const [platforms, queue] = await Promise.all([platformsOf(deps, now), deps.queue.health?.()])
  return { at: new Date(now), platforms, worker: deps.worker(), ...(queue && { queue }) }
}

/** What is wrong with the queue, in its own words; undefined: nothing. */
const refusalOf = async ({ queue }: OperationsDeps): Promise<string | undefined> => {
  try {
    await queue.open?.()
    return undefined
  } catch (error) {
    return error instanceof TypeError ? error.message : undefined
  }
}

/** A name that is misspelt would pause nothing, and nobody would see it. */
const known = ({ adapters }: OperationsDeps, platform: string): string => {
  if (adapters.has(platform)) return platform
  throw new TypeError(`No adapter of this process is called \`${String(platform)}\`. Use one of ${[...adapters.keys()].join(', ')}.`)
}

export const createOperations = (deps: OperationsDeps): Operations => ({
  pause: async (platform) => deps.storage.platforms.pause(known(deps, platform)),
  resume: async (platform) => {
    await deps.storage.platforms.resume(known(deps, platform))
    deps.woken()
  },
  ping: async () => new Date(await deps.storage.now()),
  health: () => healthOf(deps),
  doctor: async () => {
    const [health, keys, refusal] = await Promise.all([healthOf(deps), deps.vault.report(), refusalOf(deps)])
    return findings({ health, keys, refusal })
  },
})
