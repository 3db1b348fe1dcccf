// Deliveries in memory: the verbs that read, and where the others are.

import { toPlatformStats } from '../contract/platform-stats.ts'
import { type Attempt, type DeliveryFilter, type DeliveryStore, type State, states } from '../contract/storage.ts'
import { claim } from './claim.ts'
import { checkLimit, page } from './pages.ts'
import { cancel, extend, reschedule, resolve, save, settle } from './settle.ts'
import { byText, type DeliveryRow, keyOf, ofTenant, type Tables, toDelivery } from './tables.ts'

const matches = (row: DeliveryRow, filter: DeliveryFilter): boolean =>
  (filter.state === undefined || [filter.state].flat().includes(row.state)) &&
  (filter.platform === undefined || row.platform === filter.platform) &&
  (filter.connectionId === undefined || row.connectionId === filter.connectionId) &&
  (filter.publicationId === undefined || row.publicationId === filter.publicationId) &&
  (filter.action === undefined || row.action === filter.action) &&
  (filter.from === undefined || row.dueAt >= filter.from) &&
  (filter.until === undefined || row.dueAt < filter.until)

const attempts = (tables: Tables, tenant: string, deliveryId: string): Attempt[] =>
  ofTenant(tables.deliveries.get(deliveryId), tenant) === undefined
    ? []
    : [...tables.attempts.values()]
        .filter((attempt) => attempt.deliveryId === deliveryId)
        .sort((a, b) => a.at - b.at || a.fence - b.fence || byText(a.id, b.id))
        .map(({ id, fence, at, data }) => ({ id, fence, at, data }))

const counts = (tables: Tables, tenant: string | undefined): Record<State, number> => {
  const found = Object.fromEntries(states.map((state) => [state, 0])) as Record<State, number>
  for (const row of tables.deliveries.values()) if (tenant === undefined || row.tenant === tenant) found[row.state]++
  return found
}

const upcoming = (tables: Tables, until: number, after: { readonly nextAt: number; readonly id: string } | null, limit: number) =>
  [...tables.deliveries.values()]
    .flatMap(({ id, rev, nextAt }) => (nextAt !== null && nextAt < until ? [{ id, rev, nextAt }] : []))
    .sort((a, b) => a.nextAt - b.nextAt || byText(a.id, b.id))
    .filter(({ nextAt, id }) => after === null || nextAt > after.nextAt || (nextAt === after.nextAt && id > after.id))
    .slice(0, checkLimit(limit))

const counted = (tables: Tables) => {
  const now = tables.now()
  return [...tables.deliveries.values()]
    .filter(({ state }) => !['published', 'canceled', 'missed'].includes(state))
    .map(({ platform, state, nextAt, parked }) => ({
      platform,
      state,
      isDue: nextAt !== null && nextAt <= now,
      isParked: parked && nextAt === null,
      amount: 1,
      oldestAt: nextAt,
    }))
}

export const memoryDeliveries = (tables: Tables): DeliveryStore => ({
  claim: async (query) => claim(tables, query),
  extend: async (held, leaseMs) => held.map((one) => extend(tables, one, leaseMs)),
  save: async (rows) => rows.map((row) => save(tables, row)),
  settle: async (rows) => rows.map((row) => settle(tables, row)),
  cancel: async (tenant, id) => cancel(tables, tenant, id),
  reschedule: async (tenant, id, dueAt) => reschedule(tables, tenant, id, dueAt),
  resolve: async (tenant, id, rev, verdict) => resolve(tables, tenant, id, rev, verdict),
  get: async (tenant, id) => {
    const row = ofTenant(tables.deliveries.get(id), tenant)
    return row && toDelivery(row)
  },
  attempts: async (tenant, id) => attempts(tables, tenant, id),
  list: async (tenant, query) => {
    const rows = [...tables.deliveries.values()].filter((row) => row.tenant === tenant && matches(row, query))
    rows.sort((a, b) => b.dueAt - a.dueAt || byText(b.id, a.id))
    return page('deliveries', rows, query, ({ dueAt, id }) => [dueAt, id], 'down', toDelivery)
  },
  counts: async (tenant) => counts(tables, tenant),
  stats: async () => toPlatformStats(counted(tables)),
  claimed: async (tenant, connectionId, deliveryId, placementIds) =>
    placementIds.filter((id) => {
      const holder = tables.placements.get(keyOf(tenant, connectionId, id))
      return holder !== undefined && holder !== deliveryId
    }),
  upcoming: async (until, after, limit) => upcoming(tables, until, after, limit),
})
