// What Syndikit tells the host, typed. Stored in the transaction of what it tells; delivered at least once.

import type { ErrorCode } from './error.ts'
import type { Placement, Proof } from './kind.ts'
import type { Action } from './storage.ts'

/** On every event. The same event after a crash has the same `id`; `rev` grows with every event of one subject. */
export interface EventBase {
  readonly id: string
  readonly rev: number
  readonly tenant: string
  readonly at: Date
}
/** On every event of a delivery. */
export interface DeliveryEvent extends EventBase {
  readonly deliveryId: string
  readonly publicationId: string
  readonly connectionId: string
  readonly platform: string
  readonly action: Action
}
/** Why a delivery is where it is, for people. */
export interface Reason {
  readonly code: ErrorCode | 'partial' | 'ask' | 'reconnect' | 'gave-up' | 'poison' | 'late' | 'lease-lost' | 'unknown-outcome'
  /** Without secrets, bodies or query strings. */
  readonly message: string
}
/** What each type of event carries. */
export interface EventMap {
  'delivery:scheduled': DeliveryEvent & { readonly dueAt: Date }
  'delivery:rescheduled': DeliveryEvent & { readonly dueAt: Date }
  'delivery:canceled': DeliveryEvent
  /** Goes out later than planned: a retry, a platform's limit, an account that must be connected again. */
  'delivery:postponed': DeliveryEvent & { readonly reason: Reason; readonly nextAt: Date }
  'delivery:published': DeliveryEvent & { readonly placement: Placement; readonly parts: readonly Placement[]; readonly proof: Proof; readonly lagMs: number }
  /** Not on the platform. */
  'delivery:failed': DeliveryEvent & { readonly reason: Reason }
  'delivery:missed': DeliveryEvent & { readonly lateMs: number }
  /** It may be on the platform or not; see `resolve`. */
  'delivery:uncertain': DeliveryEvent & { readonly reason: Reason }
  'delivery:needs-action': DeliveryEvent & { readonly reason: Reason; readonly parts: readonly Placement[] }
  /** Every delivery of the publication is in a final state. */
  'publication:finished': EventBase & { readonly publicationId: string }
  /** A refresh has an unknown outcome: the live token is in use, but the tenant should reconnect soon. */
  'grant:at-risk': EventBase & { readonly grantId: string; readonly platform: string }
  'grant:needs-reauth': EventBase & { readonly grantId: string; readonly platform: string; readonly reason: string }
  'grant:restored': EventBase & { readonly grantId: string; readonly platform: string }
}
/** A key of `EventMap`. */
export type EventType = keyof EventMap
/** Any event; `type` tells which. */
export type SyndikitEvent = { [T in EventType]: { readonly type: T } & EventMap[T] }[EventType]
