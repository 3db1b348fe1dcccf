// What people and late evidence do to a delivery that no worker holds: cancel, reschedule, resolve, wake.

import type { DeliveryStore, Raced, Written } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { finish, tell } from './finish.ts'
import { postponed } from './schema.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'
import { freeKeys, isTerminal, judge, place } from './verdict.ts'

type Resolution = Parameters<DeliveryStore['resolve']>[3]

function* lockOne(sql: Sql, tenant: string, id: string): Work<Row | undefined> {
  const [row] = yield sql(
    `select id, tenant, publication_id, connection_id, state, fence, rev, marker, released_key from syndikit_deliveries where id = :id and tenant = :tenant${sql.dialect.lock}`,
    { tenant, id },
  )
  return row
}

/** State alone is not enough: after a `later` or a retry a scheduled row may have put a part on the platform. */
const raced = (row: Row | undefined): Raced => (row === undefined ? 'not-found' : row.state === 'scheduled' && row.marker === null ? 'done' : 'too-late')

export function* cancel(sql: Sql, tenant: string, id: string): Work<Raced> {
  const row = yield* lockOne(sql, tenant, id)
  const answer = raced(row)
  if (answer !== 'done' || !row) return answer
  yield sql(`update syndikit_deliveries set state = 'canceled', next_at = null, parked = null, active_key = null, rev = rev + 1 where id = :id`, { id })
  yield* tell(sql, [{ tenant, subjectId: id, rev: Number(row.rev) + 1, event: { type: 'delivery:canceled', data: '{}' } }])
  yield* finish(sql, [String(row.publication_id)])
  return 'done'
}

export function* reschedule(sql: Sql, tenant: string, id: string, dueAt: number): Work<Raced> {
  const row = yield* lockOne(sql, tenant, id)
  const answer = raced(row)
  if (answer !== 'done' || !row) return answer
  yield sql('update syndikit_deliveries set due_at = :dueAt, next_at = :dueAt, parked = null, rev = rev + 1 where id = :id', { id, dueAt })
  yield* tell(sql, [{ tenant, subjectId: id, rev: Number(row.rev) + 1, event: { type: 'delivery:rescheduled', data: JSON.stringify({ dueAt }) } }])
  return 'done'
}

/** A released delivery that is to go out after all must be the only active one of its key again; if another took its place, it has lost it. */
function* regainsKey(sql: Sql, row: Row): Work<boolean> {
  if (row.released_key === null) return true
  yield* freeKeys(sql, [{ tenant: String(row.tenant), key: String(row.released_key) }])
  const taken = yield sql('select id from syndikit_deliveries where tenant = :tenant and active_key = :key', {
    tenant: row.tenant ?? null,
    key: row.released_key ?? null,
  })
  if (taken.length > 0) return false
  yield sql('update syndikit_deliveries set active_key = released_key, released_key = null where id = :id', { id: row.id ?? null })
  return true
}

export function* resolve(sql: Sql, tenant: string, id: string, rev: number, verdict: Resolution): Work<Written> {
  const row = yield* lockOne(sql, tenant, id)
  if (!row || row.rev !== rev || (row.state !== 'uncertain' && row.state !== 'needs_action')) return 'stale'
  if (verdict.to === 'scheduled' && !(yield* regainsKey(sql, row))) return 'stale'
  yield* judge(sql, [{ id, row: verdict }])
  yield sql('insert into syndikit_attempts (id, delivery_id, fence, at, settled_to, data) values (:attempt, :id, :fence, :now, :state, :data)', {
    attempt: verdict.attempt.id,
    id,
    fence: row.fence ?? null,
    state: verdict.to,
    data: verdict.attempt.data,
  })
  yield* place(sql, [{ before: row, id, placements: verdict.placements }])
  if (verdict.event) yield* tell(sql, [{ tenant, subjectId: id, rev: rev + 1, event: verdict.event }])
  if (isTerminal(verdict.to)) yield* finish(sql, [String(row.publication_id)])
  return 'done'
}

/** After a reconnect: what waited for these connections becomes due. */
export function* wake(sql: Sql, tenant: string, connectionIds: readonly string[]): Work<void> {
  const rows = yield sql(
    `select id from syndikit_deliveries where tenant = :tenant and connection_id in ${sql.dialect.list('connections')}
    and ${postponed} and due_at <= :now and next_at > :now order by id${sql.dialect.lock}`,
    { tenant, connections: toJson(connectionIds) },
  )
  if (rows.length > 0)
    yield sql(`update syndikit_deliveries set next_at = :now, rev = rev + 1 where id in ${sql.dialect.list('ids')}`, { ids: toJson(rows.map(({ id }) => id)) })
}
