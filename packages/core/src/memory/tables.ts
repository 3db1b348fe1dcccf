// What the in-memory storage holds, and the small moves that several verbs share.

import type { Connection, Grant, OAuthState, StoredClient } from '../contract/connection-store.ts'
import type { StoredEvent } from '../contract/event-store.ts'
import type { Bucket } from '../contract/quota-store.ts'
import type { Attempt, Delivery, NewEvent, State } from '../contract/storage.ts'
import { terminalStates } from '../contract/storage.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export interface DeliveryRow extends Mutable<Delivery> {
  /** Of tenant, content key, connection and action. */
  readonly activeKey: string
  /** Came due while its platform was paused; every write of `nextAt` ends it. */
  parked: boolean
  /** Of tenant and connection, where one runs at a time. */
  readonly lane: string | null
}
export interface PublicationRow {
  readonly id: string
  readonly tenant: string
  readonly idempotencyKey: string | null
  readonly requestHash: string
  readonly body: string
  pending: number
  readonly createdAt: number
  finishedAt: number | null
}
interface AttemptRow extends Attempt {
  readonly deliveryId: string
  /** Null: it came from a run that no longer held the delivery. */
  readonly settledTo: State | null
}
export interface GrantRow extends Mutable<Grant> {
  leaseOwner: string | null
  leaseUntil: number
}

export interface Tables {
  /** Whole milliseconds, as a database has them. */
  readonly now: () => number
  deployment: string | undefined
  readonly grants: Map<string, GrantRow>
  readonly connections: Map<string, Mutable<Connection>>
  readonly oauthStates: Map<string, OAuthState>
  readonly clients: Map<string, StoredClient>
  readonly publications: Map<string, PublicationRow>
  /** Publication by tenant and idempotency key. */
  readonly idempotencyKeys: Map<string, string>
  readonly deliveries: Map<string, DeliveryRow>
  /** Delivery by active key. */
  readonly active: Map<string, string>
  readonly attempts: Map<string, AttemptRow>
  /** Delivery by placement. */
  readonly placements: Map<string, string>
  readonly events: Map<number, StoredEvent>
  lastSeq: number
  readonly leases: Map<string, { readonly owner: string; readonly until: number }>
  readonly quotas: Map<string, { used: number; endsAt: number }>
  readonly paused: Set<string>
  readonly slots: Map<string, { freeAt: number; holdUntil: number }>
}

export const newTables = (clock: { now(): number }): Tables => ({
  now: () => Math.floor(clock.now()),
  deployment: undefined,
  grants: new Map(),
  connections: new Map(),
  oauthStates: new Map(),
  clients: new Map(),
  publications: new Map(),
  idempotencyKeys: new Map(),
  deliveries: new Map(),
  active: new Map(),
  attempts: new Map(),
  placements: new Map(),
  events: new Map(),
  lastSeq: 0,
  leases: new Map(),
  quotas: new Map(),
  paused: new Set(),
  slots: new Map(),
})

/** One key of several parts that no other parts can give. */
export const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts)
export const bucketKey = ({ tenant, key, windowMs }: Bucket): string => keyOf(tenant, key, windowMs)

export const isTerminal = (state: State): boolean => (terminalStates as readonly State[]).includes(state)

export const tell = (tables: Tables, tenant: string, subjectId: string, rev: number, event: NewEvent): void => {
  const seq = ++tables.lastSeq
  tables.events.set(seq, { seq, tenant, subjectId, rev, type: event.type, data: event.data, at: tables.now() })
}

/** Counts a delivery that became final. */
export const finish = (tables: Tables, publicationId: string): void => {
  const publication = tables.publications.get(publicationId)
  if (!publication || --publication.pending > 0) return
  publication.finishedAt = tables.now()
  tell(tables, publication.tenant, publication.id, 1, { type: 'publication:finished', data: '{}' })
}

/** From now on the same content may be scheduled again. */
export const release = (tables: Tables, { id, activeKey }: DeliveryRow): void => {
  if (tables.active.get(activeKey) === id) tables.active.delete(activeKey)
}

export const ofTenant = <T extends { readonly tenant: string }>(row: T | undefined, tenant: string): T | undefined => (row?.tenant === tenant ? row : undefined)

export const toDelivery = ({ activeKey, parked, lane, ...delivery }: DeliveryRow): Delivery => delivery

export const toGrant = ({ leaseOwner, leaseUntil, ...grant }: GrantRow): Grant => grant

/** In the order of code points of UTF-16, whatever the locale. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
