// Platform limits: windows and pacing in storage, and how many calls of one connection run side by side.

import Bottleneck from 'bottleneck'
import PQueue from 'p-queue'
import type { Adapter } from '../contract/adapter.ts'
import type { Connection } from '../contract/connection-store.ts'
import type { Limiter, Queue } from '../contract/queue.ts'
import type { Bucket } from '../contract/quota-store.ts'
import type { Action, Claim, Storage } from '../contract/storage.ts'
import type { CallMode } from '../http/client.ts'
import type { Ending } from './next-step.ts'
import type { RunPorts } from './run-state.ts'

export interface Pace {
  /** Before a run that is to send: a slot where the adapter paces, and whatever the platform asked this connection to wait for. */
  before(adapter: Adapter, claim: Claim, ports: RunPorts, holdUntil: number): Promise<Ending | undefined>
  /** Takes every window of the action; the instant to come back at where one is full. */
  take(adapter: Adapter, claim: Claim): Promise<number | undefined>
  /** The platform throttled this connection. */
  hold(claim: Claim, afterMs: number | undefined): Promise<void>
  /** What a reply's headers said is left. */
  told(adapter: Adapter, connection: Connection, action: Action, rate: { remaining: number; resetAt: Date }): void
  /** At most a few calls of one connection at a time: reads in one lane, uploads in another, commits never wait. */
  limiter(connectionId: string): <T>(mode: CallMode, work: () => Promise<T>) => Promise<T>
}

const defaultHoldMs = 15 * 60_000
const longestHoldMs = 30 * 24 * 3_600_000
const readsAtATime = 2
const uploadsAtATime = 4

const bucketsOf = (adapter: Adapter, tenant: string, connectionId: string, action: Action): Bucket[] =>
  (adapter.rates ?? [])
    .filter(({ on }) => on === action)
    .map(({ on, limit, windowMs, per }) => ({
      tenant: per === 'app' ? '' : tenant,
      key: `${adapter.id}|${on}|${windowMs}|${per === 'app' ? 'app' : connectionId}`,
      limit,
      windowMs,
    }))

interface Lane {
  readonly reads: Limiter
  readonly uploads: PQueue
  users: number
}

const laneOf = (connectionId: string, queue: Pick<Queue, 'limiter'>): Lane => ({
  reads: queue.limiter?.(`reads-${connectionId}`, readsAtATime) ?? new Bottleneck({ maxConcurrent: readsAtATime }),
  uploads: new PQueue({ concurrency: uploadsAtATime }),
  users: 0,
})

interface Lanes {
  readonly open: Map<string, Lane>
  readonly queue: Pick<Queue, 'limiter'>
}

/** A lane lives as long as somebody uses it. */
const inLane = async <T>({ open: lanes, queue }: Lanes, connectionId: string, mode: CallMode, work: () => Promise<T>): Promise<T> => {
  if (mode === 'commit') return work()
  const lane = lanes.get(connectionId) ?? laneOf(connectionId, queue)
  lanes.set(connectionId, lane)
  lane.users += 1
  try {
    return await (mode === 'read' ? lane.reads.schedule(work) : lane.uploads.add(work))
  } finally {
    lane.users -= 1
    if (lane.users === 0) lanes.delete(connectionId)
  }
}

/** `queue`: where it spans processes, so does the bound on reads. */
export const createPace = (storage: Storage, queue: Pick<Queue, 'limiter'> = {}): Pace => {
  const lanes: Lanes = { open: new Map(), queue }
  return {
    before: async (adapter, claim, ports, holdUntil) => {
      if (ports.open) return undefined
      const interval = ports.journal.paced || claim.action !== 'publish' ? 0 : (adapter.paceMs ?? 0)
      const until = interval > 0 ? await storage.quotas.slot(claim.tenant, claim.connectionId, interval) : holdUntil
      ports.journal.paced = interval > 0 || ports.journal.paced
      return until > ports.now() ? { kind: 'paced', until } : undefined
    },
    take: async (adapter, claim) => {
      const buckets = bucketsOf(adapter, claim.tenant, claim.connectionId, claim.action)
      if (buckets.length === 0) return undefined
      const taken = await storage.quotas.take(buckets)
      return taken.ok ? undefined : taken.retryAt
    },
    hold: async (claim, afterMs = defaultHoldMs) => {
      const forMs = Number.isFinite(afterMs) ? Math.min(Math.max(afterMs, 0), longestHoldMs) : defaultHoldMs
      await storage.quotas.hold(claim.tenant, claim.connectionId, (await storage.now()) + Math.ceil(forMs))
    },
    told: (adapter, connection, action, { remaining, resetAt }) => {
      if (remaining > 0) return
      const [bucket] = bucketsOf(adapter, connection.tenant, connection.id, action).filter(({ tenant }) => tenant !== '')
      if (bucket) void storage.quotas.correct(bucket, bucket.limit - remaining, resetAt.getTime()).catch(() => undefined)
    },
    limiter: (connectionId) => (mode, work) => inLane(lanes, connectionId, mode, work),
  }
}
