// Lanes: of the deliveries that a connection takes one at a time, one runs. A row per lane that is taken; its primary key decides between two claimers, and
// neither is told of an error.

import type { Row, Work } from './connector.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

/** Of these locked deliveries the ones that may run: those without a lane, and those that hold theirs from now on, or did before. */
export function* enterLanes(sql: Sql, found: readonly Row[]): Work<readonly Row[]> {
  const laned = found.filter(({ lane }) => lane !== null)
  if (laned.length === 0) return found
  // In one order for everybody, as whoever comes second waits for the first one's transaction.
  const wanted = laned
    .map(({ tenant, lane, id }) => ({ tenant: String(tenant), lane: String(lane), delivery: String(id) }))
    .sort((a, b) => (a.lane < b.lane ? -1 : 1))
  const columns = sql.dialect.rows('rows', { tenant: 'text', lane: 'text', delivery: 'text' })
  const rows = toJson(wanted)
  yield sql(
    `insert into syndikit_lanes (tenant, lane, delivery_id) select u.tenant, u.lane, u.delivery from ${columns} u${sql.dialect.ignore(['tenant', 'lane'])}`,
    { rows },
  )
  const entered = yield sql(
    `select l.delivery_id from ${columns} u join syndikit_lanes l on l.tenant = u.tenant and l.lane = u.lane where l.delivery_id = u.delivery`,
    { rows },
  )
  const ids = new Set(entered.map((row) => row.delivery_id))
  return found.filter(({ lane, id }) => lane === null || ids.has(id ?? null))
}

export function* leaveLanes(sql: Sql, settled: readonly Row[]): Work<void> {
  const ids = settled.filter(({ lane }) => lane !== null).map(({ id }) => id)
  if (ids.length > 0) yield sql(`delete from syndikit_lanes where delivery_id in ${sql.dialect.list('ids')}`, { ids: toJson(ids) })
}
