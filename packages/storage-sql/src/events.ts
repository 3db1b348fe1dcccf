// The outbox: one reader at a time, oldest first, gone once handled. Never "after the last seen": numbers are given before they are committed.

import type { StoredEvent } from '@syndikit/core'
import type { Work } from './connector.ts'
import { checkLimit } from './cursor.ts'
import { toEvent } from './rows.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

const reader = 'events'

function* holdsLease(sql: Sql, owner: string, leaseMs: number): Work<boolean> {
  // The row must exist before it can be locked.
  yield sql(`insert into syndikit_leases (name, owner, ends_at) select :name, :owner, 0${sql.dialect.ignore(['name'])}`, { name: reader, owner })
  const [row] = yield sql(`select owner, case when ends_at > :now then 1 else 0 end as stands from syndikit_leases where name = :name${sql.dialect.lock}`, {
    name: reader,
  })
  if (row?.stands === 1 && row.owner !== owner) return false
  yield sql('update syndikit_leases set owner = :owner, ends_at = :now + :leaseMs where name = :name', { name: reader, owner, leaseMs })
  return true
}

export function* readEvents(sql: Sql, owner: string, limit: number, leaseMs: number): Work<StoredEvent[]> {
  const most = checkLimit(limit)
  // An idle reader looks often, so finding nothing must not write.
  const any = yield sql('select seq from syndikit_events order by seq limit 1')
  if (any.length === 0 || !(yield* holdsLease(sql, owner, leaseMs))) return []
  const rows = yield sql('select seq, tenant, subject_id, rev, type, data, at from syndikit_events order by seq limit :most', { most })
  return rows.map(toEvent)
}

export function* ackEvents(sql: Sql, seqs: readonly number[]): Work<void> {
  if (seqs.length > 0) yield sql(`delete from syndikit_events where seq in ${sql.dialect.list('seqs', 'int')}`, { seqs: toJson(seqs) })
}

export function* releaseReader(sql: Sql, owner: string): Work<void> {
  yield sql('update syndikit_leases set ends_at = 0 where name = :name and owner = :owner', { name: reader, owner })
}
