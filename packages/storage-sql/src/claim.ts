// Claim: reads who is due, one probe of the index per priority; takes who was picked; and tells when to look again.

import { type Claim, type ClaimQuery, headStartMs, type PriorityLevel } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { type Candidate, createPicker } from './pick.ts'
import { deliveryColumns, toClaim } from './rows.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

const levels = Object.keys(headStartMs).map(Number) as PriorityLevel[]
/** Seen per priority, so that the caps of one tenant leave room for others. More would cost every claim; who needs more gets another round. */
const candidatesFor = (limit: number) => limit * 2 + 20
/** A tenant with thousands of rows fills the candidates by itself; then it is passed over and the next ones are looked at, at most this often. */
const mostRounds = 4

interface Claimed {
  readonly claims: Claim[]
  readonly wakeInMs: number | null
  readonly more: boolean
}
interface Skip {
  readonly tenants: readonly string[]
  readonly connections: readonly string[]
}

/** Read before anything is taken, so that the leases given now do not count. */
const wake = `select min(next_at) - (:now - :lateByMs) as wake_in from (
  ${levels.map((level) => `select (select next_at from syndikit_deliveries where priority = ${level} and next_at > :now - :lateByMs order by next_at limit 1) as next_at`).join(' union all ')}
) as nexts`

const probe = (sql: Sql, level: PriorityLevel, skip: Skip): string => `select * from (
  select id, tenant, connection_id, starts, next_at - ${headStartMs[level]} as rank_at from syndikit_deliveries
  where priority = ${level} and next_at <= :now - :lateByMs
  ${skip.tenants.length > 0 ? `and tenant not in ${sql.dialect.list('tenants')}` : ''}
  ${skip.connections.length > 0 ? `and connection_id not in ${sql.dialect.list('connections')}` : ''}
  order by next_at limit :candidates) as level_${level}`

/** Without a join, or the publications would be locked as well. `next_at` is asked again because another claimer may have moved the row since the probe. */
const lockPicked = (
  sql: Sql,
): string => `select ${deliveryColumns}, (select p.body from syndikit_publications p where p.id = d.publication_id) as body, :now as now
  from syndikit_deliveries d where d.id in ${sql.dialect.list('ids')} and d.next_at <= :now - :lateByMs${sql.dialect.lockFree}`

const take = (sql: Sql): string =>
  `update syndikit_deliveries set state = 'running', fence = fence + 1, rev = rev + 1, starts = starts + 1, next_at = :leaseEndsAt where id in ${sql.dialect.list('ids')}`

const toCandidate = (row: Row): Candidate => ({
  id: String(row.id),
  tenant: String(row.tenant),
  connectionId: String(row.connection_id),
  starts: Number(row.starts),
  rankAt: Number(row.rank_at),
})

function* takePicked(sql: Sql, picked: readonly Candidate[], lateByMs: number, leaseMs: number): Work<Claim[]> {
  const found = yield sql(lockPicked(sql), { ids: toJson(picked.map(({ id }) => id)), lateByMs })
  // By the moment that the claim tells: between two statements the database's clock goes on.
  const claimedAt = Number(found[0]?.now)
  if (found.length > 0) yield sql(take(sql), { ids: toJson(found.map(({ id }) => id)), leaseEndsAt: claimedAt + leaseMs })
  const rows = new Map(found.map((row) => [row.id, row]))
  return picked.flatMap(({ id }) => {
    const row = rows.get(id)
    return row ? [toClaim(row, leaseMs)] : []
  })
}

export function* claim(sql: Sql, query: ClaimQuery): Work<Claimed> {
  const lateByMs = query.lateByMs ?? 0
  const [next] = yield sql(wake, { lateByMs })
  const picker = createPicker(query)
  const candidates = candidatesFor(query.limit)
  const claims: Claim[] = []
  let more = false
  for (let round = 0; round < mostRounds && !picker.isFull(); round++) {
    const full = picker.full()
    const skip = { tenants: [...query.skipTenants, ...full.tenants], connections: [...query.skipConnections, ...full.connections] }
    const seen = yield sql(levels.map((level) => probe(sql, level, skip)).join(' union all '), {
      lateByMs,
      tenants: toJson(skip.tenants),
      connections: toJson(skip.connections),
      candidates,
    })
    const picked = picker.pick(seen.map(toCandidate))
    more ||= seen.length > picked.length
    if (picked.length === 0) break
    claims.push(...(yield* takePicked(sql, picked, lateByMs, query.leaseMs)))
    if (seen.length < candidates) break
  }
  return { claims, wakeInMs: (next?.wake_in ?? null) as number | null, more }
}
