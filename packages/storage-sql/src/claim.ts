// Claim: reads who is due, one probe of the index per priority; takes who was picked; and tells when to look again.

import { type Claim, type ClaimQuery, headStartMs, leftToOthersMs, type PriorityLevel } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import { enterLanes } from './lanes.ts'
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
/** Until it is looked again where others were faster: at once would ask without a pause while a transaction of the host holds a row. */
const contendedMs = 20
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
const wake = `select min(next_at) - :now as wake_in from (
  ${levels.map((level) => `select (select next_at from syndikit_deliveries where priority = ${level} and next_at > :now order by next_at limit 1) as next_at`).join(' union all ')}
) as nexts`

const candidateColumns = (rankAt: string) => `d.id, d.tenant, d.connection_id, d.platform, d.starts, d.lane, ${rankAt} as rank_at,
    (select l.delivery_id from syndikit_lanes l where l.tenant = d.tenant and l.lane = d.lane) as lane_holder,
    case when exists (select 1 from syndikit_pauses p where p.platform = d.platform and p.resuming = 0) then 1 else 0 end as is_paused`

/** What one look asks for. */
interface Look {
  /** Undefined: all. */
  readonly platforms: readonly string[] | undefined
  readonly skip: Skip
  readonly candidates: number
}

const probe = (sql: Sql, level: PriorityLevel, { platforms, skip }: Look): string => `select * from (
  select ${candidateColumns(`d.next_at - ${headStartMs[level]}`)}
  from syndikit_deliveries d where d.priority = ${level} and d.next_at <= :now
  ${platforms ? `and (d.platform in ${sql.dialect.list('platforms')} or d.next_at <= :now - ${leftToOthersMs})` : ''}
  ${skip.tenants.length > 0 ? `and d.tenant not in ${sql.dialect.list('tenants')}` : ''}
  ${skip.connections.length > 0 ? `and d.connection_id not in ${sql.dialect.list('connections')}` : ''}
  order by d.next_at limit :candidates) as level_${level}`

const headStart = `case d.priority ${levels.map((level) => `when ${level} then ${headStartMs[level]}`).join(' ')} else 0 end`
/** Who is in a lane goes on before those who wait for it, however many of them were due before. */
const holders = (sql: Sql): string => `select ${candidateColumns(`d.next_at - ${headStart}`)}
  from syndikit_deliveries d where d.id in ${sql.dialect.list('ids')} and d.next_at <= :now`

/** Without a join, or the publications would be locked as well. `next_at` is asked again because another claimer may have moved the row since the probe. */
const lockPicked = (
  sql: Sql,
): string => `select ${deliveryColumns}, d.lane, (select p.body from syndikit_publications p where p.id = d.publication_id) as body, :now as now
  from syndikit_deliveries d where d.id in ${sql.dialect.list('ids')} and d.next_at <= :now${sql.dialect.lockFree}`

const take = (sql: Sql): string =>
  `update syndikit_deliveries set state = 'running', fence = fence + 1, rev = rev + 1, starts = starts + 1, next_at = :leaseEndsAt where id in ${sql.dialect.list('ids')}`

const toCandidate = (row: Row): Candidate => ({
  id: String(row.id),
  tenant: String(row.tenant),
  connectionId: String(row.connection_id),
  platform: String(row.platform),
  isPaused: row.is_paused === 1,
  lane: row.lane === null ? null : String(row.lane),
  laneHolder: row.lane_holder === null ? null : String(row.lane_holder),
  starts: Number(row.starts),
  rankAt: Number(row.rank_at),
})

function* takePicked(sql: Sql, picked: readonly Candidate[], leaseMs: number): Work<Claim[]> {
  if (picked.length === 0) return []
  const found = yield* enterLanes(sql, yield sql(lockPicked(sql), { ids: toJson(picked.map(({ id }) => id)) }))
  // By the moment that the claim tells: between two statements the database's clock goes on.
  const claimedAt = Number(found[0]?.now)
  if (found.length > 0) yield sql(take(sql), { ids: toJson(found.map(({ id }) => id)), leaseEndsAt: claimedAt + leaseMs })
  const rows = new Map(found.map((row) => [row.id, row]))
  return picked.flatMap(({ id }) => {
    const row = rows.get(id)
    return row ? [toClaim(row, leaseMs)] : []
  })
}

function* look(sql: Sql, asked: Look): Work<{ found: readonly Candidate[]; isAll: boolean }> {
  const { platforms, skip, candidates } = asked
  const seen = yield sql(levels.map((level) => probe(sql, level, asked)).join(' union all '), {
    platforms: toJson(platforms ?? []),
    tenants: toJson(skip.tenants),
    connections: toJson(skip.connections),
    candidates,
  })
  const found = seen.map(toCandidate)
  const known = new Set(found.map(({ id }) => id))
  const ids = [...new Set(found.flatMap(({ laneHolder }) => (laneHolder === null || known.has(laneHolder) ? [] : [laneHolder])))]
  const others = ids.length > 0 ? yield sql(holders(sql), { ids: toJson(ids) }) : []
  return { found: [...found, ...others.map(toCandidate)], isAll: found.length < candidates }
}

export function* claim(sql: Sql, query: ClaimQuery): Work<Claimed> {
  const [next] = yield sql(wake)
  const picker = createPicker(query)
  let candidates = candidatesFor(query.limit)
  const claims: Claim[] = []
  let more = false
  let parked = 0
  let sawAll = true
  let lost = false
  for (let round = 0; round < mostRounds && parked < parkAtOnce && !picker.isFull(); round++) {
    const full = picker.full()
    const skip = { tenants: [...query.skipTenants, ...full.tenants], connections: [...query.skipConnections, ...full.connections] }
    const { found, isAll } = yield* look(sql, { platforms: query.platforms, skip, candidates })
    const { picked, isBehind, ...left } = picker.pick(found.filter(({ isPaused }) => !isPaused))
    more ||= left.more
    const taken = yield* takePicked(sql, picked, query.leaseMs)
    claims.push(...taken)
    // Others were faster, and may not have taken what stands behind it.
    lost ||= taken.length < picked.length
    const shut = found.filter(({ isPaused }) => isPaused)
    const out = shut.length > 0 ? yield* park(sql, shut) : 0
    parked += out
    // Behind rows of a paused platform there may be others that could have been given out.
    sawAll = isAll ? out === shut.length : shut.length === 0
    if (isAll || (picked.length === 0 && shut.length === 0 && !isBehind)) break
    if (shut.length > 0) candidates = Math.max(candidates, parkAtOnce)
  }
  const wakeInMs = (next?.wake_in ?? null) as number | null
  if (!sawAll) return { claims, wakeInMs: 0, more }
  return { claims, wakeInMs: lost ? Math.min(wakeInMs ?? contendedMs, contendedMs) : wakeInMs, more }
}
