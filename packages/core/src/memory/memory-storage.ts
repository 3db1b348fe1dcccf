// A whole storage in this process's memory, for tests and simulations: every verb is one synchronous turn, so it is atomic.

import type { Storage } from '../contract/storage.ts'
import { systemClock } from '../ports/system.ts'
import { memoryConnections } from './connections.ts'
import { memoryDeliveries } from './deliveries.ts'
import { memoryEvents } from './events.ts'
import { memoryLeases } from './leases.ts'
import { memoryOAuth } from './oauth.ts'
import { checkLimit } from './pages.ts'
import { memoryPlatforms } from './platforms.ts'
import { memoryPublications } from './publications.ts'
import { memoryQuotas } from './quotas.ts'
import { keyOf, newTables, type Tables } from './tables.ts'

const open = (tables: Tables, deployment: string): void => {
  if (typeof deployment !== 'string' || deployment === '') throw new TypeError('syndikit: `deployment` must be a text that is not empty.')
  tables.deployment ??= deployment
  if (tables.deployment !== deployment)
    throw new TypeError(`syndikit: this storage belongs to the deployment "${tables.deployment}", not to "${deployment}". Make a new one, or keep the name.`)
}

const clean = (tables: Tables, before: number, limit: number): number => {
  checkLimit(limit)
  const over = [...tables.publications.values()].filter(({ finishedAt }) => finishedAt !== null && finishedAt < before).slice(0, limit)
  const gone = new Set(over.map(({ id }) => id))
  for (const { tenant, idempotencyKey } of over) if (idempotencyKey !== null) tables.idempotencyKeys.delete(keyOf(tenant, idempotencyKey))
  for (const delivery of tables.deliveries.values()) if (gone.has(delivery.publicationId)) gone.add(delivery.id)
  for (const id of gone) {
    tables.publications.delete(id)
    tables.deliveries.delete(id)
  }
  for (const [id, { deliveryId }] of tables.attempts) if (gone.has(deliveryId)) tables.attempts.delete(id)
  for (const [key, deliveryId] of tables.placements) if (gone.has(deliveryId)) tables.placements.delete(key)
  for (const [seq, { subjectId }] of tables.events) if (gone.has(subjectId)) tables.events.delete(seq)
  const now = tables.now()
  for (const [id, { expiresAt }] of tables.oauthStates) if (expiresAt <= now) tables.oauthStates.delete(id)
  for (const [key, { endsAt }] of tables.quotas) if (endsAt <= now) tables.quotas.delete(key)
  return over.length
}

/** Durable as long as the object is: hand the same one to a second `createSyndikit` to play a restart. `clock` defaults to the machine's. */
export const memoryStorage = ({ clock = systemClock }: { readonly clock?: { now(): number } | undefined } = {}): Storage<never> => {
  const tables = newTables(clock)
  return {
    open: async (deployment) => open(tables, deployment),
    now: async () => tables.now(),
    within: () => {
      throw new TypeError('memoryStorage has no transactions of yours: leave `tx` out, or use a storage on a database.')
    },
    connections: memoryConnections(tables),
    oauth: memoryOAuth(tables),
    publications: memoryPublications(tables),
    deliveries: memoryDeliveries(tables),
    events: memoryEvents(tables),
    quotas: memoryQuotas(tables),
    leases: memoryLeases(tables),
    platforms: memoryPlatforms(tables),
    clean: async (before, limit) => clean(tables, before, limit),
    close: async () => {},
  }
}
