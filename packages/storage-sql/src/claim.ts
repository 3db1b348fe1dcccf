// Claim: who goes next, and when to look again. One probe of the index per priority, merged by due time less head start; fair within the batch.

import { type Claim, type ClaimQuery, headStartMs, type PriorityLevel } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { deliveryColumns, toClaim } from './rows.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

const levels = Object.keys(headStartMs).map(Number) as PriorityLevel[]
/** Candidates looked at per row wanted, so that the caps of one tenant leave room for others. */
const breadth = 4
/** A tenant with thousands of rows fills the candidates by itself; then its rows are passed over and the next ones are looked at, at most this often. */
const mostRounds = 4

interface Skip {
  readonly tenants: readonly string[]
  readonly connections: readonly string[]
}
interface Claimed {
  readonly claims: Claim[]
  readonly wakeInMs: number | null
  readonly more: boolean
}

const probe = (sql: Sql, level: PriorityLevel, skip: Skip): string => `select * from (
  select id, tenant, connection_id, starts, next_at - ${headStartMs[level]} as rank_at from syndikit_deliveries
  where priority = ${level} and next_at <= :now - :lateByMs
  ${skip.tenants.length > 0 ? `and tenant not in ${sql.dialect.list('tenants')}` : ''}
  ${skip.connections.length > 0 ? `and connection_id not in ${sql.dialect.list('connections')}` : ''}
  order by next_at limit :candidates) as level_${level}`

/** `seen` is the number of candidates. A row that took its workers down (`starts`) comes alone or not at all; `next_at` is asked again because another claimer may have moved the row. */
const select = (sql: Sql, skip: Skip): string => `
  with due as (${levels.map((level) => probe(sql, level, skip)).join(' union all ')}),
  placed as (select due.*, row_number() over (order by rank_at, id) as place, first_value(starts) over (order by rank_at, id) as first_starts, count(*) over () as seen from due),
  steady as (select placed.*, row_number() over (partition by connection_id order by place) as of_connection from placed
    where starts < 2 and (first_starts < 2 or :alone = 0) or starts >= 2 and place = 1 and :alone = 1),
  fair as (select steady.*, row_number() over (partition by tenant order by place) as of_tenant from steady where of_connection <= :perConnection)
  select ${deliveryColumns}, p.body, fair.seen, :now as now
  from fair join syndikit_deliveries d on d.id = fair.id join syndikit_publications p on p.id = d.publication_id
  where fair.of_tenant <= :perTenant and d.next_at <= :now - :lateByMs
  order by fair.place limit :limit${sql.dialect.lockFree}`

/** Keeps the caps over all rounds of one claim. A row that is over them is left as it is. */
const tally = (query: ClaimQuery) => {
  const tenants = new Map<unknown, number>()
  const connections = new Map<unknown, number>()
  const full = (counts: Map<unknown, number>, cap: number) => [...counts].filter(([, count]) => count >= cap).map(([key]) => String(key))
  return {
    admits: (row: Row): boolean => {
      const ofTenant = tenants.get(row.tenant) ?? 0
      const ofConnection = connections.get(row.connection_id) ?? 0
      if (ofTenant >= query.perTenant || ofConnection >= query.perConnection) return false
      tenants.set(row.tenant, ofTenant + 1)
      connections.set(row.connection_id, ofConnection + 1)
      return true
    },
    skip: (): Skip => ({
      tenants: [...query.skipTenants, ...full(tenants, query.perTenant)],
      connections: [...query.skipConnections, ...full(connections, query.perConnection)],
    }),
  }
}

/** Read before anything is taken, so that the leases given now do not count. */
const wake = `select min(next_at) - (:now - :lateByMs) as wake_in from (
  ${levels.map((level) => `select (select next_at from syndikit_deliveries where priority = ${level} and next_at > :now - :lateByMs order by next_at limit 1) as next_at`).join(' union all ')}
) as nexts`

const take = (sql: Sql): string =>
  `update syndikit_deliveries set state = 'running', fence = fence + 1, rev = rev + 1, starts = starts + 1, next_at = :now + :leaseMs where id in ${sql.dialect.list('ids')}`

export function* claim(sql: Sql, query: ClaimQuery): Work<Claimed> {
  const lateByMs = query.lateByMs ?? 0
  const [next] = yield sql(wake, { lateByMs })
  const claims: Claim[] = []
  const counts = tally(query)
  const candidates = query.limit * breadth
  let more = false
  for (let round = 0; round < mostRounds && claims.length < query.limit; round++) {
    const skip = counts.skip()
    const found = yield sql(select(sql, skip), {
      lateByMs,
      tenants: toJson(skip.tenants),
      connections: toJson(skip.connections),
      candidates,
      alone: round === 0 ? 1 : 0,
      perConnection: query.perConnection,
      perTenant: query.perTenant,
      limit: query.limit - claims.length,
    })
    const rows = found.filter(counts.admits)
    if (rows.length === 0) break
    yield sql(take(sql), { leaseMs: query.leaseMs, ids: toJson(rows.map(({ id }) => id)) })
    claims.push(...rows.map((row) => toClaim(row, query.leaseMs)))
    const seen = Number(found[0]?.seen)
    more ||= seen > rows.length
    if (seen < candidates || Number(rows[0]?.starts) >= 2) break
  }
  return { claims, wakeInMs: (next?.wake_in ?? null) as number | null, more }
}
