// Claim in memory: who goes next, fairly, and when to look again.

import { type Claim, type ClaimQuery, type DeliveryStore, headStartMs } from '../contract/storage.ts'
import { isPaused, park } from './platforms.ts'
import { byText, type DeliveryRow, type Tables, toDelivery } from './tables.ts'

const rankAt = ({ nextAt, priority }: DeliveryRow) => (nextAt ?? 0) - headStartMs[priority]

/** Rows that took their worker down twice (`starts`) come alone or not at all. */
const pick = (due: readonly DeliveryRow[], { limit, perTenant, perConnection }: ClaimQuery): DeliveryRow[] => {
  const [first] = due
  if (first && first.starts >= 2) return [first]
  const tenants = new Map<string, number>()
  const connections = new Map<string, number>()
  const picked: DeliveryRow[] = []
  for (const row of due) {
    if (picked.length === limit) break
    const ofTenant = tenants.get(row.tenant) ?? 0
    const ofConnection = connections.get(row.connectionId) ?? 0
    if (row.starts >= 2 || ofTenant >= perTenant || ofConnection >= perConnection) continue
    tenants.set(row.tenant, ofTenant + 1)
    connections.set(row.connectionId, ofConnection + 1)
    picked.push(row)
  }
  return picked
}

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
  const cutoff = now - (query.lateByMs ?? 0)
  const tenants = new Set(query.skipTenants)
  const connections = new Set(query.skipConnections)
  const due: DeliveryRow[] = []
  let next = Number.POSITIVE_INFINITY
  for (const row of tables.deliveries.values()) {
    if (row.nextAt === null) continue
    if (row.nextAt > cutoff) next = Math.min(next, row.nextAt)
    else if (isPaused(tables, row)) park(tables, row)
    else if (!tenants.has(row.tenant) && !connections.has(row.connectionId)) due.push(row)
  }
  due.sort((a, b) => rankAt(a) - rankAt(b) || byText(a.id, b.id))
  const picked = pick(due, query)
  return {
    claims: picked.map((row) => take(tables, row, now, query.leaseMs)),
    wakeInMs: next === Number.POSITIVE_INFINITY ? null : next - cutoff,
    more: due.length > picked.length,
  }
}
