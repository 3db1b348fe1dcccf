// Rows as the host sees them: instants as `Date`, JSON read, nothing internal.

import type { Reason } from '../contract/events.ts'
import type { Placement, Proof } from '../contract/kind.ts'
import { type Action, type Attempt, type Delivery, type Priority, priorities, type State } from '../contract/storage.ts'
import type { AttemptData } from '../engine/attempt.ts'
import { readResult } from '../engine/body.ts'

/** A delivery as the host sees it, as of one read. */
export interface DeliveryInfo {
  readonly id: string
  readonly tenant: string
  readonly publicationId: string
  readonly connectionId: string
  readonly platform: string
  readonly action: Action
  readonly state: State
  readonly priority: Priority
  readonly dueAt: Date
  /** When a worker looks at it next. */
  readonly nextAt?: Date
  readonly tries: number
  /** Grows with every change. */
  readonly rev: number
  /** There once it is on the platform. */
  readonly placement?: Placement
  /** What its commits left, in order: a thread's parts. Also of one that is only half there. */
  readonly parts: readonly Placement[]
  readonly proof?: Proof
  readonly publishedAt?: Date
  /** Why it is not further. */
  readonly reason?: Reason
}

const priorityOf = (level: number): Priority => (Object.keys(priorities) as Priority[]).find((name) => priorities[name] === level) ?? 'normal'

export const deliveryInfo = (row: Delivery): DeliveryInfo => {
  const result = readResult(row.result)
  return {
    id: row.id,
    tenant: row.tenant,
    publicationId: row.publicationId,
    connectionId: row.connectionId,
    platform: row.platform,
    action: row.action,
    state: row.state,
    priority: priorityOf(row.priority),
    dueAt: new Date(row.dueAt),
    ...(row.nextAt !== null && { nextAt: new Date(row.nextAt) }),
    tries: row.tries,
    rev: row.rev,
    ...(result?.placement && { placement: result.placement }),
    parts: result?.parts ?? [],
    ...(result?.proof && { proof: result.proof }),
    ...(result?.at !== undefined && { publishedAt: new Date(result.at) }),
    ...(result?.reason && { reason: result.reason }),
  }
}

/** One try: what was called, what came back, what was decided. No credential, no content, no query string. */
export interface AttemptInfo extends Omit<AttemptData, 'v' | 'startedAt' | 'nextAt' | 'open'> {
  readonly id: string
  /** When it was written down. */
  readonly at: Date
  readonly startedAt: Date
  readonly nextAt?: Date
  readonly open?: { readonly name: string; readonly sends: number; readonly sentAt?: Date }
}

export const attemptInfo = (row: Attempt): AttemptInfo => {
  const { v: _, startedAt, nextAt, open, ...data } = JSON.parse(row.data) as AttemptData
  return {
    ...data,
    id: row.id,
    at: new Date(row.at),
    startedAt: new Date(startedAt),
    ...(nextAt !== null && { nextAt: new Date(nextAt) }),
    ...(open && { open: { name: open.name, sends: open.sends, ...(open.sentAt !== null && { sentAt: new Date(open.sentAt) }) } }),
  }
}
