// Claim in memory: who goes next, fairly, and when to look again.

import { type Claim, type ClaimQuery, type DeliveryStore, headStartMs, leftToOthersMs } from '../contract/storage.ts'
import { isPaused, park } from './platforms.ts'
import { byText, type DeliveryRow, type Tables, toDelivery } from './tables.ts'

const rankAt = ({ nextAt, priority }: DeliveryRow) => (nextAt ?? 0) - headStartMs[priority]

/** Rows that took their worker down twice (`starts`) come alone or not at all. */
const pick = (due: readonly DeliveryRow[], { limit, perTenant, perConnection }: ClaimQuery): DeliveryRow[] => {
  const [first] = due
  if (first && first.starts >= 2) return [first]
  const tenants = new Map<string, number>()
  const connections = new Map<string, number>()
  const lanes = new Set<string>()
  const picked: DeliveryRow[] = []
  for (const row of due) {
    if (picked.length === limit) break
    const ofTenant = tenants.get(row.tenant) ?? 0
    const ofConnection = connections.get(row.connectionId) ?? 0
    if (row.lane !== null && lanes.has(row.lane)) continue
    if (row.starts >= 2 || ofTenant >= perTenant || ofConnection >= perConnection) continue
    tenants.set(row.tenant, ofTenant + 1)
    connections.set(row.connectionId, ofConnection + 1)
    if (row.lane !== null) lanes.add(row.lane)
    picked.push(row)
  }
  return picked
}

/** Which delivery runs in a lane. Also one whose lease ended: it is still to be reconciled. */
const holdersOf = (tables: Tables): Map<string, string> =>
  new Map([...tables.deliveries.values()].flatMap(({ lane, state, id }) => (lane !== null && state === 'running' ? [[lane, id] as const] : [])))

const take = (tables: Tables, row: DeliveryRow, now: number, leaseMs: number): Claim => {
  const from = row.state as Claim['from']
  row.state = 'running'
  row.fence++
  row.rev++
  row.starts++
  row.nextAt = now + leaseMs
  return { ...toDelivery(row), from, claimedAt: now, body: tables.publications.get(row.publicationId)?.body ?? '' }
}

export const claim = (tables: Tables, query: ClaimQuery): Awaited<ReturnType<DeliveryStore['claim']>> => {
  const now = tables.now()
  const platforms = query.platforms && new Set(query.platforms)
  const tenants = new Set(query.skipTenants)
  const connections = new Set(query.skipConnections)
  const due: DeliveryRow[] = []
  const holders = holdersOf(tables)
  const waitsForLane = (row: DeliveryRow) => row.lane !== null && (holders.get(row.lane) ?? row.id) !== row.id
  let next = Number.POSITIVE_INFINITY
  for (const row of tables.deliveries.values()) {
    if (row.nextAt === null) continue
    if (row.nextAt > now) next = Math.min(next, row.nextAt)
    else if (isPaused(tables, row)) park(tables, row)
    else if (platforms && !platforms.has(row.platform) && row.nextAt > now - leftToOthersMs) continue
    else if (!tenants.has(row.tenant) && !connections.has(row.connectionId) && !waitsForLane(row)) due.push(row)
  }
  due.sort((a, b) => rankAt(a) - rankAt(b) || byText(a.id, b.id))
  const picked = pick(due, query)
  const given = new Set(picked.map(({ id }) => id))
  const lanes = new Set(picked.map(({ lane }) => lane))
  return {
    claims: picked.map((row) => take(tables, row, now, query.leaseMs)),
    wakeInMs: next === Number.POSITIVE_INFINITY ? null : next - now,
    more: due.some((row) => !given.has(row.id) && !(row.lane !== null && lanes.has(row.lane))),
  }
}
