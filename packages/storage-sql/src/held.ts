// Writes of a worker while it holds deliveries: extend and save. Each locks its rows, decides row by row, and writes all that it decided at once.

import type { Held, Saved, Written } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'
import { place } from './verdict.ts'

export function* locked(sql: Sql, ids: readonly string[]): Work<Map<string, Row>> {
  const rows = yield sql(
    `select id, tenant, publication_id, connection_id, lane, state, fence, rev from syndikit_deliveries where id in ${sql.dialect.list('ids')} order by id${sql.dialect.lock}`,
    { ids: toJson([...new Set(ids)]) },
  )
  return new Map(rows.map((row) => [String(row.id), row]))
}

export const holds = (row: Row | undefined, { fence }: Held): row is Row => row !== undefined && row.state === 'running' && row.fence === fence

export function* extend(sql: Sql, held: readonly Held[], leaseMs: number): Work<Written[]> {
  const stored = yield* locked(
    sql,
    held.map(({ id }) => id),
  )
  const written = held.map((row): Written => (holds(stored.get(row.id), row) ? 'done' : 'stale'))
  const ids = held.filter((_, i) => written[i] === 'done').map(({ id }) => id)
  if (ids.length > 0)
    yield sql(`update syndikit_deliveries set next_at = :now + :leaseMs, parked = null where id in ${sql.dialect.list('ids')}`, { leaseMs, ids: toJson(ids) })
  return written
}

export function* save(sql: Sql, saved: readonly Saved[]): Work<Written[]> {
  const stored = yield* locked(
    sql,
    saved.map(({ id }) => id),
  )
  const written = saved.map((row): Written => (holds(stored.get(row.id), row) ? 'done' : 'stale'))
  // Two steps of one run may end in the same moment: the later text holds both.
  const last = new Map(saved.filter((_, i) => written[i] === 'done').map(({ id, steps, marker }) => [id, { id, steps, marker }]))
  if (last.size > 0) {
    const rows = sql.dialect.rows('rows', { id: 'text', steps: 'text', marker: 'text' })
    yield sql(sql.dialect.update('syndikit_deliveries', { steps: 'u.steps', marker: 'u.marker', starts: '0' }, rows, 'd.id = u.id'), {
      rows: toJson([...last.values()]),
    })
  }
  yield* place(
    sql,
    saved.flatMap(({ id, placements = [] }, i) => {
      const before = stored.get(id)
      return before && written[i] === 'done' ? [{ before, id, placements }] : []
    }),
  )
  return written
}
