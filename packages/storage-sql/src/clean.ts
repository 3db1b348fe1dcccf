// Forgets what is over: finished publications with all that hangs on them, callbacks that never came, windows that ended.

import type { Work } from './connector.ts'
import { checkLimit } from './cursor.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

/** Deliveries of those publications are final, so nobody holds them. */
function* forget(sql: Sql, publications: readonly { tenant: string; id: string }[]): Work<void> {
  const columns = sql.dialect.rows('rows', { tenant: 'text', id: 'text' })
  const found = yield sql(`select d.id from ${columns} u join syndikit_deliveries d on d.tenant = u.tenant and d.publication_id = u.id`, {
    rows: toJson(publications),
  })
  const deliveries = toJson(found.map(({ id }) => id))
  const subjects = toJson([...found.map(({ id }) => id), ...publications.map(({ id }) => id)])
  const list = sql.dialect.list('ids')
  yield sql(`delete from syndikit_attempts where delivery_id in ${list}`, { ids: deliveries })
  yield sql(`delete from syndikit_placements where delivery_id in ${list}`, { ids: deliveries })
  yield sql(`delete from syndikit_events where subject_id in ${list}`, { ids: subjects })
  yield sql(`delete from syndikit_deliveries where id in ${list}`, { ids: deliveries })
  yield sql(`delete from syndikit_publications where id in ${list}`, { ids: toJson(publications.map(({ id }) => id)) })
}

export function* clean(sql: Sql, before: number, limit: number): Work<number> {
  const most = checkLimit(limit)
  const rows = yield sql(
    `select id, tenant from syndikit_publications where finished_at is not null and finished_at < :before order by finished_at limit :most${sql.dialect.lock}`,
    { before, most },
  )
  if (rows.length > 0)
    yield* forget(
      sql,
      rows.map(({ id, tenant }) => ({ id: String(id), tenant: String(tenant) })),
    )
  const ended = yield sql('select id from syndikit_oauth_states where expires_at <= :now order by expires_at limit :most', { most })
  if (ended.length > 0) yield sql(`delete from syndikit_oauth_states where id in ${sql.dialect.list('ids')}`, { ids: toJson(ended.map(({ id }) => id)) })
  const windows = yield sql('select tenant, bucket, window_ms from syndikit_quotas where ends_at <= :now order by ends_at limit :most', { most })
  if (windows.length > 0) {
    const columns = sql.dialect.rows('rows', { tenant: 'text', bucket: 'text', window_ms: 'int' })
    yield sql(
      `delete from syndikit_quotas where ends_at <= :now and (tenant, bucket, window_ms) in (select u.tenant, u.bucket, u.window_ms from ${columns} u)`,
      { rows: toJson(windows) },
    )
  }
  return rows.length
}
