// Settle: the end of a run. State, attempt, event, placements and the publication's counter in one transaction, each row decided by itself.

import type { Settle, Written } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { finish, tell } from './finish.ts'
import { holds, locked } from './held.ts'
import { leaveLanes } from './lanes.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'
import { isTerminal, judge, place } from './verdict.ts'

/** Of those attempts, the ones that are stored, by id. */
function* known(sql: Sql, rows: readonly Settle[]): Work<Map<string, Row>> {
  if (rows.length === 0) return new Map()
  const found = yield sql(`select id, delivery_id, fence, settled_to, data from syndikit_attempts where id in ${sql.dialect.list('ids')}`, {
    ids: toJson(rows.map(({ attempt }) => attempt.id)),
  })
  return new Map(found.map((row) => [String(row.id), row]))
}

/** The reply to this very settle was lost: what it wanted was done, whatever happened to the row since. */
const replays = (attempt: Row | undefined, row: Settle): boolean =>
  attempt?.delivery_id === row.id && attempt.fence === row.fence && attempt.settled_to === row.to && attempt.data === row.attempt.data

interface Decided {
  readonly row: Settle
  /** As locked; undefined: no such delivery. */
  readonly before: Row | undefined
  readonly moves: boolean
}

const decide = (settles: readonly Settle[], stored: ReadonlyMap<string, Row>): Decided[] => {
  const moved = new Set<string>()
  return settles.map((row) => {
    const before = stored.get(row.id)
    const moves = holds(before, row) && !moved.has(row.id)
    if (moves) moved.add(row.id)
    return { row, before, moves }
  })
}

function* storeAttempts(sql: Sql, decided: readonly Decided[]): Work<void> {
  const attempts = decided.filter(({ before }) => before !== undefined)
  if (attempts.length === 0) return
  const columns = sql.dialect.rows('rows', { id: 'text', delivery: 'text', fence: 'int', settled_to: 'text', data: 'text' })
  yield sql(
    `insert into syndikit_attempts (id, delivery_id, fence, at, settled_to, data) select u.id, u.delivery, u.fence, :now, u.settled_to, u.data from ${columns} u${sql.dialect.ignore(['id'])}`,
    {
      rows: toJson(
        attempts.map(({ row, moves }) => ({
          id: row.attempt.id,
          delivery: row.id,
          fence: row.fence,
          settled_to: moves ? row.to : null,
          data: row.attempt.data,
        })),
      ),
    },
  )
}

/** All that moving rows takes along, in an order in which no two batches can wait for each other crosswise. */
function* move(sql: Sql, moving: readonly { row: Settle; before: Row }[]): Work<void> {
  if (moving.length === 0) return
  yield* judge(
    sql,
    moving.map(({ row }) => ({ id: row.id, row })),
  )
  yield* leaveLanes(
    sql,
    moving.map(({ before }) => before),
  )
  yield* place(
    sql,
    moving.map(({ row, before }) => ({ before, id: row.id, placements: row.placements })),
  )
  yield* tell(
    sql,
    moving.flatMap(({ row, before }) =>
      row.event ? [{ tenant: String(before.tenant), subjectId: row.id, rev: Number(before.rev) + 1, event: row.event }] : [],
    ),
  )
  yield* finish(
    sql,
    moving.filter(({ row }) => isTerminal(row.to)).map(({ before }) => String(before.publication_id)),
  )
}

export function* settle(sql: Sql, settles: readonly Settle[]): Work<Written[]> {
  const stored = yield* locked(
    sql,
    settles.map(({ id }) => id),
  )
  const decided = decide(settles, stored)
  yield* storeAttempts(sql, decided)
  yield* move(
    sql,
    decided.flatMap(({ row, before, moves }) => (moves && before ? [{ row, before }] : [])),
  )
  // Read after the insert, so that the same settle twice in one batch is found too.
  const attempts = yield* known(
    sql,
    decided.filter(({ moves }) => !moves).map(({ row }) => row),
  )
  return decided.map(({ row, moves }): Written => (moves || replays(attempts.get(row.attempt.id), row) ? 'done' : 'stale'))
}
