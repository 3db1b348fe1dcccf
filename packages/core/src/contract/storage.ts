// What a database driver has to do. All instants are epoch milliseconds of the database's clock; every verb is atomic.
// A verb that takes an array may be called with the rows of many deliveries at once (group commit): each row is decided by itself.

import type { ConnectionStore, OAuthStore } from './connection-store.ts'
import type { EventStore } from './event-store.ts'
import type { LeaseStore } from './lease-store.ts'
import type { PlatformStats } from './platform-stats.ts'
import type { PlatformStore } from './platform-store.ts'
import type { QuotaStore } from './quota-store.ts'

/** `running` and `scheduled` move by themselves, `uncertain` and `needs_action` wait for somebody, the rest is final. */
export const states = ['scheduled', 'running', 'published', 'failed', 'canceled', 'missed', 'uncertain', 'needs_action'] as const
/** See `states`; which follows which is drawn in `docs/how-it-works.md`. */
export type State = (typeof states)[number]
/** Final: no write ever changes such a row again. */
export const terminalStates = ['published', 'failed', 'canceled', 'missed'] as const satisfies readonly State[]
/** See `terminalStates`. */
export type Terminal = (typeof terminalStates)[number]

/** What a delivery does. Each but `publish` is about a placement that an earlier delivery left. */
export type Action = 'publish' | 'update' | 'unpublish' | 'refresh'
/** Serialised by core; storage never looks inside. */
export type JsonText = string

/** A head start in the order of claims, never a reason to go out before its time: urgent an hour, high ten minutes, low ten minutes back. */
export const priorities = { low: 0, normal: 1, high: 2, urgent: 3 } as const
/** See `priorities`. */
export type Priority = keyof typeof priorities
/** A priority as it is stored. */
export type PriorityLevel = (typeof priorities)[Priority]
/** By level: how much earlier than its due time a due row is treated as due when rows compete. So an old low post still wins over new urgent ones: nothing starves. */
export const headStartMs: Readonly<Record<PriorityLevel, number>> = { 0: -600_000, 1: 0, 2: 600_000, 3: 3_600_000 }

/** `done`, or `stale`: the row is no longer in the state and fence that the caller holds; nothing was changed. */
export type Written = 'done' | 'stale'

/** Newest or oldest first as the verb says; `after` is the cursor of the last row seen. */
export interface Page {
  readonly limit: number
  readonly after?: string | undefined
}
/** `next` is there when more rows may follow. */
export interface Paged<T> {
  readonly items: readonly T[]
  readonly next?: string
}

/** Stored with the write that it tells of. */
export interface NewEvent {
  readonly type: string
  readonly data: JsonText
}

// ---- publications and deliveries

/** A delivery before it is stored: `scheduled`, due at `dueAt`, fence 0. */
export interface NewDelivery {
  readonly id: string
  readonly connectionId: string
  readonly platform: string
  readonly action: Action
  /** Unique among active deliveries: of content key, connection and action. */
  readonly activeKey: string
  readonly priority: PriorityLevel
  readonly dueAt: number
  /** At most one delivery of its connection with this set runs at a time, across all processes. Default false. */
  readonly serialize?: boolean | undefined
}
/** A publication before it is stored, with all of its deliveries. `body` is frozen here: later runs read nothing else. */
export interface NewPublication {
  readonly id: string
  readonly tenant: string
  readonly idempotencyKey: string | null
  /** Of what the user wrote, in canonical form. */
  readonly requestHash: string
  readonly body: JsonText
  readonly deliveries: readonly NewDelivery[]
}
/** Per publication, in order: `added`, or `replayed` (same key, same hash; nothing new is stored for it). */
export type AddResult =
  | { readonly status: 'added'; readonly publications: readonly { readonly status: 'added' | 'replayed'; readonly publicationId: string }[] }
  /** Same idempotency key, other hash; or one active delivery per content key, connection and action. Nothing at all was stored. */
  | { readonly status: 'key-reused'; readonly index: number; readonly publicationId: string }
  | { readonly status: 'active'; readonly index: number; readonly deliveryIds: readonly string[] }
  /** A connection that is not this tenant's, or not `active`. Nothing at all was stored. */
  | { readonly status: 'no-connection'; readonly index: number; readonly connectionId: string }

/** A stored publication. */
export interface Publication {
  readonly id: string
  readonly tenant: string
  readonly body: JsonText
  /** Deliveries not yet in a final state. */
  readonly pending: number
  readonly createdAt: number
}

/** Takes publications in, and gives them back to their tenant. */
export interface PublicationStore {
  /**
   * All publications or none; also in a host's transaction, where a refusal takes nothing else along. Each delivery gets its
   * `delivery:scheduled` event here (rev 0 → 1), with `data` `{"dueAt":…}`.
   */
  add(publications: readonly NewPublication[]): Promise<AddResult>
  get(tenant: string, id: string): Promise<Publication | undefined>
  /** What a call with this idempotency key would replay. */
  byKey(tenant: string, idempotencyKey: string): Promise<{ readonly id: string; readonly requestHash: string } | undefined>
}

/** A stored delivery, as every verb answers it. */
export interface Delivery {
  readonly id: string
  readonly tenant: string
  readonly publicationId: string
  readonly connectionId: string
  readonly platform: string
  readonly action: Action
  readonly state: State
  readonly priority: PriorityLevel
  /** When it should go out. */
  readonly dueAt: number
  /** When a worker looks at it next: due, retry, lease end. Null: it waits for nothing, or, while `scheduled` or `running`, for its paused platform. */
  readonly nextAt: number | null
  readonly fence: number
  readonly rev: number
  /** Claims since the last saved step or settle: a run that kills its worker shows here, a worker that is killed now and then does not. */
  readonly starts: number
  readonly tries: number
  readonly steps: JsonText
  /** Not null: something may be on the platform. */
  readonly marker: JsonText | null
  readonly result: JsonText | null
  readonly createdAt: number
}
/** A delivery that was given out, with all that its run needs: no further read stands between claim and run. */
export interface Claim extends Delivery {
  /** Of its publication. */
  readonly body: JsonText
  /** The state it was claimed from: `running` means that an earlier holder's lease ended. */
  readonly from: 'scheduled' | 'running' | 'uncertain'
  readonly claimedAt: number
}
/** A worker that has not the adapter for a due row leaves it to one that has, for so long. */
export const leftToOthersMs = 5 * 60_000

/** How much a worker can take, and of whom. */
export interface ClaimQuery {
  readonly limit: number
  readonly leaseMs: number
  /** Tenants and connections that already hold their share in this process: passed over, stay due. */
  readonly skipTenants: readonly string[]
  readonly skipConnections: readonly string[]
  readonly perTenant: number
  readonly perConnection: number
  /**
   * Those that this process has adapters for; absent: all. Rows of others are left to others for `leftToOthersMs` after they come due; then they are given out too, so that somebody
   * says what is missing.
   */
  readonly platforms?: readonly string[] | undefined
}
/** A delivery under the fence of the claim that gave it out: every write of a worker carries it. */
export interface Held {
  readonly id: string
  readonly fence: number
}
/** What a run has got done so far. */
export interface Saved extends Held {
  readonly steps: JsonText
  readonly marker: JsonText | null
  /** Ids on the platform that belong to this delivery from now on, except those that another one named first: `claimed` tells. */
  readonly placements?: readonly string[]
}
/** One try as evidence: written once, never changed, kept also where the write that brought it came too late. */
export interface Attempt {
  readonly id: string
  readonly fence: number
  readonly at: number
  readonly data: JsonText
}
/** The end of a run. */
export interface Settle extends Saved {
  readonly to: Exclude<State, 'running' | 'canceled'>
  /** Set for `scheduled` (later, retry) and for an `uncertain` that will be looked at again; null for what waits for nothing. */
  readonly nextAt: number | null
  readonly tries: number
  readonly result: JsonText | null
  /** `uncertain` under the policy `drop`: no longer active, so the same content may be scheduled anew. */
  readonly release?: boolean
  readonly attempt: { readonly id: string; readonly data: JsonText }
  readonly event?: NewEvent | undefined
  /** Ids on the platform that belong to this delivery from now on. */
  readonly placements: readonly string[]
}
/** What came of a change that races with the workers. `too-late`: nothing was changed. */
export type Raced = 'done' | 'too-late' | 'not-found'

/** What is left out matches everything. */
export interface DeliveryFilter {
  readonly state?: State | readonly State[] | undefined
  readonly platform?: string | undefined
  readonly connectionId?: string | undefined
  readonly publicationId?: string | undefined
  readonly action?: Action | undefined
  /** Due at or after / before. */
  readonly from?: number | undefined
  readonly until?: number | undefined
}

/** Everything about deliveries. Verbs of a worker carry a fence, verbs of a host the tenant. */
export interface DeliveryStore {
  /**
   * Due rows (`nextAt` ≤ now, any of `scheduled`, `running`, `uncertain`) that compete by `nextAt - headStartMs[priority]`, within the limits; fence + 1, rev + 1, starts + 1, state `running`,
   * `nextAt` = now + lease. And how long until the next row that is not due yet: same statement, same snapshot. Two claimers never get one row.
   * Of the deliveries that a connection takes one at a time (`serialize`) one is given out, and none while another one is `running`: also not after its lease ended, until it is
   * taken up again itself. What waits behind it does not count as `more`.
   * What is due on a paused platform is parked instead (`PlatformStore`); where a claim meets so much of it that it cannot see behind it, `wakeInMs` is 0; where it loses a row to another claimer, it is short.
   * `starts` ≥ 2 on a row, before this claim counts, means that it took its worker down before: it is given out only alone (`limit` 1 of it, nothing beside it).
   */
  claim(
    query: ClaimQuery,
  ): Promise<{ readonly claims: Claim[]; readonly wakeInMs: number | null /** More was due than was given out. */; readonly more: boolean }>
  /** Keeps leases alive. `stale` = lost: stop before the next commit. */
  extend(held: readonly Held[], leaseMs: number): Promise<Written[]>
  /** Steps and commit marker, before the bytes leave, and placements that were found; starts back to 0. The same input again answers `done`. */
  save(rows: readonly Saved[]): Promise<Written[]>
  /**
   * From `running` under this fence: state, attempt, event, placements and publication counter in one transaction; starts back to 0, rev + 1. The attempt is stored even when `stale`. The same input again:
   * `done`. When the counter reaches 0 a `publication:finished` event (subject the publication, rev 1) is stored with it.
   */
  settle(rows: readonly Settle[]): Promise<Written[]>
  /** To `canceled`, with attempt-less event `delivery:canceled`. `too-late`: not `scheduled`, or a marker exists. */
  cancel(tenant: string, id: string): Promise<Raced>
  /** Moves `dueAt` and `nextAt`, with event `delivery:rescheduled`. `too-late` as in `cancel`. */
  reschedule(tenant: string, id: string, dueAt: number): Promise<Raced>
  /**
   * A human's or a late reconcile's verdict: compare-and-set on `rev`, only from `uncertain` and `needs_action`. To `scheduled`, a delivery that was released
   * takes its active key again; `stale` when another one holds it by now.
   */
  resolve(
    tenant: string,
    id: string,
    rev: number,
    row: Omit<Settle, 'id' | 'fence' | 'to'> & { readonly to: 'published' | 'failed' | 'scheduled' },
  ): Promise<Written>
  get(tenant: string, id: string): Promise<Delivery | undefined>
  /** Oldest first. */
  attempts(tenant: string, id: string): Promise<Attempt[]>
  /** Newest due first. */
  list(tenant: string, page: Page & DeliveryFilter): Promise<Paged<Delivery>>
  counts(tenant?: string): Promise<Record<State, number>>
  /** Per platform, all tenants, in order of name; it counts, so it is for people and not for a loop. */
  stats(): Promise<PlatformStats[]>
  /** Of these ids on the platform, the ones that belong to a delivery other than `deliveryId`. */
  claimed(tenant: string, connectionId: string, deliveryId: string, placementIds: readonly string[]): Promise<string[]>
  /** For queues with a horizon: ids due before `until`, keyset by (nextAt, id). */
  upcoming(until: number, after: { readonly nextAt: number; readonly id: string } | null, limit: number): Promise<{ id: string; rev: number; nextAt: number }[]>
}

/** A database as core needs it. Held to its rules by `testStorage` of @syndikit/testing. */
export interface Storage<Tx = unknown> {
  /** Creates or migrates the tables. Refuses, with a `TypeError` that says what to do, a database of a newer schema or of another deployment. Safe to call from many processes at once. */
  open(deployment: string): Promise<void>
  /** The database's clock. */
  now(): Promise<number>
  readonly connections: ConnectionStore
  readonly oauth: OAuthStore
  readonly publications: PublicationStore
  readonly deliveries: DeliveryStore
  readonly events: EventStore
  readonly quotas: QuotaStore
  readonly leases: LeaseStore
  readonly platforms: PlatformStore
  /**
   * Deletes at most `limit` publications that were finished before `before`, with deliveries, attempts, events and placements; and ended OAuth states.
   * Returns how many publications; call again until 0.
   */
  clean(before: number, limit: number): Promise<number>
  /**
   * The same verbs inside the host's open transaction: they see what it wrote, and what they write is stored or dropped with it. What is refused leaves it usable.
   * @throws TypeError, at once or from each verb, for what is no open transaction on this database; also where a storage knows no transactions of a host.
   */
  within(tx: Tx): Pick<Storage<Tx>, 'now' | 'connections' | 'publications' | 'deliveries'>
  /** Whether an error says that one row's data cannot be stored, and nothing was: a batch is then tried in halves. Absent: no error says so. */
  isDataError?(error: unknown): boolean
  close(): Promise<void>
}
