// Claim: reads who is due, one probe of the index per priority; takes who was picked; and tells when to look again.

import { type Claim, type ClaimQuery, headStartMs, type PriorityLevel } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { type Candidate, createPicker } from './pick.ts'
import { park } from './platforms.ts'
import { deliveryColumns, toClaim } from './rows.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

const levels = Object.keys(headStartMs).map(Number) as PriorityLevel[]
/** Seen per priority, so that the caps of one tenant leave room for others. More would cost every claim; who needs more gets another round. */
const candidatesFor = (limit: number) => limit * 2 + 20
/** After a pause was met, so that what came due on the platform is soon out of the way; and so many are parked by one claim. */
const parkAtOnce = 500
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
  select id, tenant, connection_id, platform, starts, next_at - ${headStartMs[level]} as rank_at,
    case when exists (select 1 from syndikit_pauses p where p.platform = d.platform and p.resuming = 0) then 1 else 0 end as is_paused
  from syndikit_deliveries d where priority = ${level} and next_at <= :now - :lateByMs
  ${skip.tenants.length > 0 ? `and tenant not in ${sql.dialect.list('tenants')}` : ''}
  ${skip.connections.length > 0 ? `and connection_id not in ${sql.dialect.list('connections')}` : ''}
  order by next_at limit :candidates) as level_${level}`

/** `next_at` is asked again because another claimer may have moved the row since the probe. */
const lockPicked = (sql: Sql): string => `select ${deliveryColumns}, p.body, :now as now
  from syndikit_deliveries d join syndikit_publications p on p.id = d.publication_id
  where d.id in ${sql.dialect.list('ids')} and d.next_at <= :now - :lateByMs${sql.dialect.lockFree}`

const take = (sql: Sql): string =>
  `update syndikit_deliveries set state = 'running', fence = fence + 1, rev = rev + 1, starts = starts + 1, next_at = :leaseEndsAt where id in ${sql.dialect.list('ids')}`

const toCandidate = (row: Row): Candidate => ({
  id: String(row.id),
  tenant: String(row.tenant),
  connectionId: String(row.connection_id),
  platform: String(row.platform),
  isPaused: row.is_paused === 1,
  starts: Number(row.starts),
  rankAt: Number(row.rank_at),
})

function* takePicked(sql: Sql, picked: readonly Candidate[], lateByMs: number, leaseMs: number): Work<Claim[]> {
  if (picked.length === 0) return []
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

function* look(sql: Sql, skip: Skip, lateByMs: number, candidates: number): Work<Candidate[]> {
  const seen = yield sql(levels.map((level) => probe(sql, level, skip)).join(' union all '), {
    lateByMs,
    tenants: toJson(skip.tenants),
    connections: toJson(skip.connections),
    candidates,
  })
  return seen.map(toCandidate)
}

export function* claim(sql: Sql, query: ClaimQuery): Work<Claimed> {
  const lateByMs = query.lateByMs ?? 0
  const [next] = yield sql(wake, { lateByMs })
  const picker = createPicker(query)
  let candidates = candidatesFor(query.limit)
  const claims: Claim[] = []
  let more = false
  let parked = 0
  let sawAll = true
  for (let round = 0; round < mostRounds && parked < parkAtOnce && !picker.isFull(); round++) {
    const full = picker.full()
    const skip = { tenants: [...query.skipTenants, ...full.tenants], connections: [...query.skipConnections, ...full.connections] }
    const seen = yield* look(sql, skip, lateByMs, candidates)
    const open = seen.filter(({ isPaused }) => !isPaused)
    const picked = picker.pick(open)
    more ||= open.length > picked.length
    claims.push(...(yield* takePicked(sql, picked, lateByMs, query.leaseMs)))
    const shut = seen.filter(({ isPaused }) => isPaused)
    const out = shut.length > 0 ? yield* park(sql, shut, lateByMs) : 0
    parked += out
    // Behind rows of a paused platform there may be others that could have been given out.
    sawAll = seen.length < candidates ? out === shut.length : shut.length === 0
    if (seen.length < candidates || (picked.length === 0 && shut.length === 0)) break
    if (shut.length > 0) candidates = Math.max(candidates, parkAtOnce)
  }
  return { claims, wakeInMs: sawAll ? ((next?.wake_in ?? null) as number | null) : 0, more }
}
