// What a database driver does with events.

import type { JsonText } from './storage.ts'

/** An event as it waits to be read. */
export interface StoredEvent {
  readonly seq: number
  readonly tenant: string
  /** A delivery, a grant or a publication. With `rev` it is the event's stable identity. */
  readonly subjectId: string
  readonly rev: number
  readonly type: string
  readonly data: JsonText
  readonly at: number
}
/** The outbox: events are in it from the transaction that they tell of until a reader has handled them. */
export interface EventStore {
  /** Oldest unread, if this owner holds or gets the single reader's lease; else nothing. Order per subject is `rev`; across subjects none. */
  read(owner: string, limit: number, leaseMs: number): Promise<StoredEvent[]>
  /** Forgets what was handled. A crash before it means the same event again. */
  ack(seqs: readonly number[]): Promise<void>
  /** Gives the reader's lease back. */
  release(owner: string): Promise<void>
}
