// What a verdict, of a worker or of a human, writes into its delivery.

import { type Settle, type State, terminalStates } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

export const isTerminal = (state: State): boolean => (terminalStates as readonly State[]).includes(state)

/** Only these are ever looked at again; a date on any other would bring a finished row back. */
const nextAtOf = (to: State, nextAt: number | null): number | null => (to === 'scheduled' || to === 'uncertain' ? nextAt : null)

const sets = {
  state: 'u.state',
  next_at: `case when u.state = 'scheduled' then coalesce(u.next_at, :now) else u.next_at end`,
  parked: 'null',
  tries: 'u.tries',
  steps: 'u.steps',
  marker: 'u.marker',
  result: 'u.result',
  starts: '0',
  rev: 'd.rev + 1',
} as const
const keySets = {
  released_key: 'case when u.frees = 1 then coalesce(d.active_key, d.released_key) else d.released_key end',
  active_key: 'case when u.frees = 1 then null else d.active_key end',
} as const
const columns = {
  id: 'text',
  state: 'text',
  next_at: 'int',
  tries: 'int',
  steps: 'text',
  marker: 'text',
  result: 'text',
  frees: 'int',
} as const

/** A final row whose key stays with it is passed over by `freeKeys`. */
const verdictOf = ({ dialect }: Sql, id: string, row: Omit<Settle, 'id' | 'fence'>) => ({
  id,
  state: row.to,
  next_at: nextAtOf(row.to, row.nextAt),
  tries: row.tries,
  steps: row.steps,
  marker: row.marker,
  result: row.result,
  frees: (isTerminal(row.to) && !dialect.keepsKeys) || (row.to === 'uncertain' && row.release === true) ? 1 : 0,
})

/** Writes verdicts into their rows. The keys are named only where one is given up: a column that is named is written into its index, changed or not. */
export function* judge(sql: Sql, verdicts: readonly { readonly id: string; readonly row: Omit<Settle, 'id' | 'fence'> }[]): Work<void> {
  const rows = verdicts.map(({ id, row }) => verdictOf(sql, id, row))
  const written = rows.some(({ frees }) => frees === 1) ? { ...sets, ...keySets } : sets
  yield sql(sql.dialect.update('syndikit_deliveries', written, sql.dialect.rows('rows', columns), 'd.id = u.id'), { rows: toJson(rows) })
}

/** The first delivery that names a placement keeps it. */
export function* place(sql: Sql, placed: readonly { before: Row; id: string; placements: readonly string[] }[]): Work<void> {
  const rows = placed.flatMap(({ before, id, placements }) =>
    placements.map((placement) => ({ tenant: before.tenant, connection: before.connection_id, placement, delivery: id })),
  )
  if (rows.length === 0) return
  const placements = sql.dialect.rows('rows', { tenant: 'text', connection: 'text', placement: 'text', delivery: 'text' })
  const key = sql.dialect.ignore(['tenant', 'connection_id', 'placement_id'])
  yield sql(
    `insert into syndikit_placements (tenant, connection_id, placement_id, delivery_id) select u.tenant, u.connection, u.placement, u.delivery from ${placements} u${key}`,
    { rows: toJson(rows) },
  )
}

/** Takes these active keys from final rows that still have them, so that another delivery can have them. */
export function* freeKeys(sql: Sql, wanted: readonly { readonly tenant: string; readonly key: string }[]): Work<void> {
  if (!sql.dialect.keepsKeys) return
  const rows = sql.dialect.rows('rows', { tenant: 'text', key: 'text' })
  const final = terminalStates.map((state) => `'${state}'`).join(', ')
  yield sql(sql.dialect.update('syndikit_deliveries', { active_key: 'null' }, rows, `d.tenant = u.tenant and d.active_key = u.key and d.state in (${final})`), {
    rows: toJson(wanted),
  })
}
