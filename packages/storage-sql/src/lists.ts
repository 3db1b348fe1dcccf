// Reads of deliveries: one, pages of them, counts, and what a queue should know about beforehand.

import { type Attempt, type Delivery, type DeliveryFilter, headStartMs, type Page, type Paged, type State, states } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { checkLimit, fromCursor, type Place, toCursor } from './cursor.ts'
import { deliveryColumns, toAttempt, toDelivery } from './rows.ts'
import { inbox } from './schema.ts'
import type { Params, Sql } from './sql.ts'
import { toJson } from './text.ts'

const waitsForSomebody: readonly State[] = ['uncertain', 'needs_action', 'failed']

export function* delivery(sql: Sql, tenant: string, id: string): Work<Delivery | undefined> {
  const [row] = yield sql(`select ${deliveryColumns} from syndikit_deliveries d where d.id = :id and d.tenant = :tenant`, { tenant, id })
  return row && toDelivery(row)
}

export function* attempts(sql: Sql, tenant: string, id: string): Work<Attempt[]> {
  const rows = yield sql(
    `select a.id, a.fence, a.at, a.data from syndikit_deliveries d join syndikit_attempts a on a.delivery_id = d.id
    where d.id = :id and d.tenant = :tenant order by a.at, a.fence, a.id`,
    { tenant, id },
  )
  return rows.map(toAttempt)
}

/** The page, and whether one row more was found than asked for. */
export const toPage = <T>(list: string, rows: readonly Row[], limit: number, toItem: (row: Row) => T, placeOf: (item: T) => Place): Paged<T> => {
  const items = rows.slice(0, limit).map(toItem)
  const last = items.at(-1)
  return rows.length > limit && last !== undefined ? { items, next: toCursor(list, placeOf(last)) } : { items }
}

interface Condition {
  readonly text: string
  readonly params: Params
}

const conditionsOf = (sql: Sql, filter: DeliveryFilter): Condition[] => {
  const conditions: Condition[] = []
  const equal = (column: string, name: string, value: string | number | undefined, operator = '=') => {
    if (value !== undefined) conditions.push({ text: `d.${column} ${operator} :${name}`, params: { [name]: value } })
  }
  equal('platform', 'platform', filter.platform)
  equal('connection_id', 'connection', filter.connectionId)
  equal('publication_id', 'publication', filter.publicationId)
  equal('action', 'action', filter.action)
  equal('due_at', 'dueFrom', filter.from, '>=')
  equal('due_at', 'dueUntil', filter.until, '<')
  if (filter.state !== undefined) {
    const wanted = [filter.state].flat()
    if (wanted.every((state) => waitsForSomebody.includes(state))) conditions.push({ text: inbox, params: {} })
    conditions.push({ text: `d.state in ${sql.dialect.list('states')}`, params: { states: toJson(wanted) } })
  }
  return conditions
}

export function* list(sql: Sql, tenant: string, page: Page & DeliveryFilter): Work<Paged<Delivery>> {
  const limit = checkLimit(page.limit)
  const after = fromCursor('deliveries', page.after)
  const conditions = conditionsOf(sql, page)
  if (after) conditions.push({ text: 'd.due_at <= :afterAt and (d.due_at, d.id) < (:afterAt, :afterId)', params: { afterAt: after[0], afterId: after[1] } })
  const rows = yield sql(
    `select ${deliveryColumns} from syndikit_deliveries d where d.tenant = :tenant ${conditions.map(({ text }) => `and ${text}`).join(' ')}
    order by d.due_at desc, d.id desc limit :most`,
    Object.assign({ tenant, most: limit + 1 }, ...conditions.map(({ params }) => params)) as Params,
  )
  return toPage('deliveries', rows, limit, toDelivery, ({ dueAt, id }) => [dueAt, id])
}

export function* counts(sql: Sql, tenant: string | undefined): Work<Record<State, number>> {
  const rows = yield sql(
    `select state, count(*) as amount from syndikit_deliveries ${tenant === undefined ? '' : 'where tenant = :tenant'} group by state`,
    tenant === undefined ? {} : { tenant },
  )
  const found = new Map(rows.map((row) => [row.state, Number(row.amount)]))
  return Object.fromEntries(states.map((state) => [state, found.get(state) ?? 0])) as Record<State, number>
}

export function* claimed(sql: Sql, tenant: string, connectionId: string, deliveryId: string, placementIds: readonly string[]): Work<string[]> {
  const rows = yield sql(
    `select placement_id from syndikit_placements
    where tenant = :tenant and connection_id = :connectionId and placement_id in ${sql.dialect.list('placements')} and delivery_id <> :deliveryId`,
    { tenant, connectionId, deliveryId, placements: toJson(placementIds) },
  )
  const others = new Set(rows.map((row) => row.placement_id))
  return placementIds.filter((id) => others.has(id))
}

const upcomingAt = (level: string) => `select * from (select id, rev, next_at from syndikit_deliveries
  where priority = ${level} and next_at >= :afterAt and next_at < :until and (next_at > :afterAt or id > :afterId) order by next_at, id limit :most) as level_${level}`

export function* upcoming(
  sql: Sql,
  until: number,
  after: { readonly nextAt: number; readonly id: string } | null,
  limit: number,
): Work<{ id: string; rev: number; nextAt: number }[]> {
  const rows = yield sql(`${Object.keys(headStartMs).map(upcomingAt).join(' union all ')} order by next_at, id limit :most`, {
    until,
    afterAt: after?.nextAt ?? Number.MIN_SAFE_INTEGER,
    afterId: after?.id ?? '',
    most: checkLimit(limit),
  })
  return rows.map((row) => ({ id: String(row.id), rev: Number(row.rev), nextAt: Number(row.next_at) }))
}
