// The outbox: one reader at a time, oldest first, gone once handled. Never "after the last seen": numbers are given before they are committed.

import type { StoredEvent } from '@syndikit/core'
import type { Work } from './connector.ts'
import { checkLimit } from './cursor.ts'
import { releaseLease, takeLease } from './leases.ts'
import { toEvent } from './rows.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

const reader = 'events'

export function* readEvents(sql: Sql, owner: string, limit: number, leaseMs: number): Work<StoredEvent[]> {
  const most = checkLimit(limit)
  // An idle reader looks often, so finding nothing must not write.
  const any = yield sql('select seq from syndikit_events order by seq limit 1')
  if (any.length === 0 || !(yield* takeLease(sql, reader, owner, leaseMs))) return []
  const rows = yield sql('select seq, tenant, subject_id, rev, type, data, at from syndikit_events order by seq limit :most', { most })
  return rows.map(toEvent)
}

export function* ackEvents(sql: Sql, seqs: readonly number[]): Work<void> {
  if (seqs.length > 0) yield sql(`delete from syndikit_events where seq in ${sql.dialect.list('seqs', 'int')}`, { seqs: toJson(seqs) })
}

export const releaseReader = (sql: Sql, owner: string): Work<void> => releaseLease(sql, reader, owner)
