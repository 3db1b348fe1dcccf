// What follows when deliveries reach a final state or have something to tell: events, and the publication's counter.

import type { NewEvent } from '@syndikit/core'
import type { Work } from './connector.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

export interface Told {
  readonly tenant: string
  readonly subjectId: string
  readonly rev: number
  readonly event: NewEvent
}

export function* tell(sql: Sql, told: readonly Told[]): Work<void> {
  if (told.length === 0) return
  const rows = sql.dialect.rows('rows', { tenant: 'text', subject: 'text', rev: 'int', type: 'text', data: 'text' })
  yield sql(
    `insert into syndikit_events (tenant, subject_id, rev, type, data, at) select u.tenant, u.subject, u.rev, u.type, u.data, :now from ${rows} u order by u.n`,
    { rows: toJson(told.map(({ tenant, subjectId, rev, event }) => ({ tenant, subject: subjectId, rev, type: event.type, data: event.data }))) },
  )
}

/** Counts deliveries that became final, by publication; the one that makes a counter 0 stores `publication:finished` with it. */
export function* finish(sql: Sql, publicationIds: readonly string[]): Work<void> {
  if (publicationIds.length === 0) return
  const finals = new Map<string, number>()
  for (const id of publicationIds) finals.set(id, (finals.get(id) ?? 0) + 1)
  const ids = toJson([...finals.keys()])
  // In order of id, so that two batches over the same publications never wait for each other crosswise.
  const found = yield sql(`select id, tenant, pending from syndikit_publications where id in ${sql.dialect.list('ids')} order by id${sql.dialect.lock}`, {
    ids,
  })
  const left = found.map((row) => ({ id: String(row.id), tenant: String(row.tenant), pending: Number(row.pending) - (finals.get(String(row.id)) ?? 0) }))
  const rows = sql.dialect.rows('rows', { id: 'text', pending: 'int' })
  const sets = { pending: 'u.pending', finished_at: 'case when u.pending = 0 then :now end' }
  yield sql(sql.dialect.update('syndikit_publications', sets, rows, 'd.id = u.id'), { rows: toJson(left) })
  const ended = left.filter(({ pending }) => pending === 0)
  yield* tell(
    sql,
    ended.map(({ id, tenant }) => ({ tenant, subjectId: id, rev: 1, event: { type: 'publication:finished', data: '{}' } })),
  )
}
