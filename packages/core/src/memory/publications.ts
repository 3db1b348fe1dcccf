// Publications in memory: decided whole before anything is stored.

import type { AddResult, NewDelivery, NewPublication, PublicationStore } from '../contract/storage.ts'
import { type DeliveryRow, keyOf, ofTenant, type PublicationRow, type Tables, tell } from './tables.ts'

type Refused = Exclude<AddResult, { status: 'added' }>
type Stored = Extract<AddResult, { status: 'added' }>['publications'][number]

interface Keyed {
  readonly id: string
  readonly requestHash: string
}

const byIdempotencyKey = (tables: Tables, publications: readonly NewPublication[]): readonly Stored[] | Refused => {
  const fresh = new Map<string, Keyed>()
  const stored: Stored[] = []
  for (const [index, publication] of publications.entries()) {
    const key = publication.idempotencyKey === null ? undefined : keyOf(publication.tenant, publication.idempotencyKey)
    const before = key === undefined ? undefined : (tables.publications.get(tables.idempotencyKeys.get(key) ?? '') ?? fresh.get(key))
    if (before && before.requestHash !== publication.requestHash) return { status: 'key-reused', index, publicationId: before.id }
    if (key !== undefined && !before) fresh.set(key, publication)
    stored.push(before ? { status: 'replayed', publicationId: before.id } : { status: 'added', publicationId: publication.id })
  }
  return stored
}

interface Indexed {
  readonly index: number
  readonly publication: NewPublication
  readonly delivery: NewDelivery
}

const missingConnection = (tables: Tables, fresh: readonly Indexed[]): Refused | undefined => {
  const missing = fresh.find(({ publication, delivery }) => ofTenant(tables.connections.get(delivery.connectionId), publication.tenant)?.state !== 'active')
  return missing && { status: 'no-connection', index: missing.index, connectionId: missing.delivery.connectionId }
}

const alreadyActive = (tables: Tables, fresh: readonly Indexed[]): Refused | undefined => {
  const holders = new Map<string, string>()
  const conflicts = fresh.flatMap(({ index, publication, delivery }) => {
    const key = keyOf(publication.tenant, delivery.activeKey)
    const holder = tables.active.get(key) ?? holders.get(key)
    if (holder === undefined) holders.set(key, delivery.id)
    return holder === undefined ? [] : [{ index, holder }]
  })
  const [first] = conflicts
  return first && { status: 'active', index: first.index, deliveryIds: conflicts.filter(({ index }) => index === first.index).map(({ holder }) => holder) }
}

const newRow = ({ publication, delivery }: Indexed, now: number): DeliveryRow => ({
  id: delivery.id,
  tenant: publication.tenant,
  publicationId: publication.id,
  connectionId: delivery.connectionId,
  platform: delivery.platform,
  action: delivery.action,
  state: 'scheduled',
  priority: delivery.priority,
  dueAt: delivery.dueAt,
  nextAt: delivery.dueAt,
  fence: 0,
  rev: 1,
  starts: 0,
  tries: 0,
  steps: '{}',
  marker: null,
  result: null,
  createdAt: now,
  activeKey: keyOf(publication.tenant, delivery.activeKey),
  parked: false,
  lane: delivery.serialize ? keyOf(publication.tenant, delivery.connectionId) : null,
})

const store = (tables: Tables, publications: readonly NewPublication[], fresh: readonly Indexed[]): void => {
  const now = tables.now()
  const taken = [...publications.map(({ id }) => tables.publications.has(id)), ...fresh.map(({ delivery }) => tables.deliveries.has(delivery.id))]
  if (taken.includes(true)) throw new Error('syndikit: a publication or delivery of this id is stored already.')
  for (const { id, tenant, idempotencyKey, requestHash, body, deliveries } of publications) {
    const row: PublicationRow = { id, tenant, idempotencyKey, requestHash, body, pending: deliveries.length, createdAt: now, finishedAt: null }
    if (row.pending === 0) row.finishedAt = now
    tables.publications.set(id, row)
    if (idempotencyKey !== null) tables.idempotencyKeys.set(keyOf(tenant, idempotencyKey), id)
  }
  for (const entry of fresh) {
    const row = newRow(entry, now)
    tables.deliveries.set(row.id, row)
    tables.active.set(row.activeKey, row.id)
    const data = JSON.stringify({ dueAt: entry.delivery.dueAt })
    tell(tables, entry.publication.tenant, entry.delivery.id, 1, { type: 'delivery:scheduled', data })
  }
}

const add = (tables: Tables, publications: readonly NewPublication[]): AddResult => {
  const stored = byIdempotencyKey(tables, publications)
  if ('status' in stored) return stored
  const added = publications.filter((_, index) => stored[index]?.status === 'added')
  const fresh = publications.flatMap((publication, index) =>
    stored[index]?.status === 'added' ? publication.deliveries.map((delivery): Indexed => ({ index, publication, delivery })) : [],
  )
  const refused = missingConnection(tables, fresh) ?? alreadyActive(tables, fresh)
  if (refused) return refused
  store(tables, added, fresh)
  return { status: 'added', publications: stored }
}

export const memoryPublications = (tables: Tables): PublicationStore => ({
  add: async (publications) => {
    return add(tables, publications)
  },
  get: async (tenant, id) => {
    const row = ofTenant(tables.publications.get(id), tenant)
    return row && { id: row.id, tenant: row.tenant, body: row.body, pending: row.pending, createdAt: row.createdAt }
  },
  byKey: async (tenant, idempotencyKey) => {
    const row = tables.publications.get(tables.idempotencyKeys.get(keyOf(tenant, idempotencyKey)) ?? '')
    return row && { id: row.id, requestHash: row.requestHash }
  },
})
