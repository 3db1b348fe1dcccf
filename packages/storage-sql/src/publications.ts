// Add: publications with their deliveries, all or none; and reading one back.

import type { AddResult, NewDelivery, NewPublication, Publication } from '@syndikit/core'
import type { Work } from './connector.ts'
import { tell } from './finish.ts'
import { apart } from './savepoint.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'
import { freeKeys } from './verdict.ts'

type Refused = Exclude<AddResult, { status: 'added' }>
type Stored = Extract<AddResult, { status: 'added' }>['publications'][number]

const isRefused = (result: readonly Stored[] | Refused): result is Refused => 'status' in result

/** Decided by the unique index, so that of a hundred calls with one key one stores and the others read what it stored. */
function* insertPublications(sql: Sql, publications: readonly NewPublication[]): Work<readonly Stored[] | Refused> {
  const columns = sql.dialect.rows('rows', { id: 'text', tenant: 'text', key: 'text', hash: 'text', body: 'text', pending: 'int' })
  yield sql(
    `insert into syndikit_publications (id, tenant, idempotency_key, request_hash, body, pending, created_at, finished_at)
    select u.id, u.tenant, u.key, u.hash, u.body, u.pending, :now, case when u.pending = 0 then :now end from ${columns} u${sql.dialect.ignore(['tenant', 'idempotency_key'])}`,
    {
      rows: toJson(
        publications.map(({ id, tenant, idempotencyKey, requestHash, body, deliveries }) => ({
          id,
          tenant,
          key: idempotencyKey,
          hash: requestHash,
          body,
          pending: deliveries.length,
        })),
      ),
    },
  )
  const keyed = sql.dialect.rows('rows', { tenant: 'text', key: 'text' })
  const found = yield sql(
    `select u.n, p.id, p.request_hash from ${keyed} u join syndikit_publications p on p.tenant = u.tenant and p.idempotency_key = u.key`,
    { rows: toJson(publications.map(({ tenant, idempotencyKey }) => ({ tenant, key: idempotencyKey }))) },
  )
  const byIndex = new Map(found.map((row) => [Number(row.n), row]))
  const stored: Stored[] = []
  for (const [index, { id, requestHash }] of publications.entries()) {
    const row = byIndex.get(index)
    if (row && row.id !== id && row.request_hash !== requestHash) return { status: 'key-reused', index, publicationId: String(row.id) }
    stored.push(row && row.id !== id ? { status: 'replayed', publicationId: String(row.id) } : { status: 'added', publicationId: id })
  }
  return stored
}

interface Indexed extends NewDelivery {
  readonly index: number
  readonly tenant: string
  readonly publicationId: string
}

function* missingConnection(sql: Sql, deliveries: readonly Indexed[]): Work<Refused | undefined> {
  // By id alone, the rest is compared here: more conditions, planned while the table is empty, would make it the one to walk through.
  const found = yield sql(`select id, tenant, state from syndikit_connections where id in ${sql.dialect.list('ids')}`, {
    ids: toJson([...new Set(deliveries.map(({ connectionId }) => connectionId))]),
  })
  const tenantOf = new Map(found.flatMap(({ id, tenant, state }) => (state === 'active' ? [[id, tenant] as const] : [])))
  const missing = deliveries.find(({ tenant, connectionId }) => tenantOf.get(connectionId) !== tenant)
  return missing && { status: 'no-connection', index: missing.index, connectionId: missing.connectionId }
}

const deliveryColumns = {
  id: 'text',
  tenant: 'text',
  publication: 'text',
  connection: 'text',
  platform: 'text',
  action: 'text',
  key: 'text',
  priority: 'int',
  due_at: 'int',
  lane: 'text',
} as const

const deliveryRow = ({ id, tenant, publicationId, connectionId, platform, action, activeKey, priority, dueAt, serialize }: Indexed) => ({
  id,
  tenant,
  publication: publicationId,
  connection: connectionId,
  platform,
  action,
  key: activeKey,
  priority,
  due_at: dueAt,
  lane: serialize ? connectionId : null,
})

/** Decided by the unique index as well: whoever comes second finds the first one's id under the key. */
function* insertDeliveries(sql: Sql, deliveries: readonly Indexed[]): Work<Refused | undefined> {
  const rows = toJson(deliveries.map(deliveryRow))
  yield* freeKeys(
    sql,
    deliveries.map(({ tenant, activeKey }) => ({ tenant, key: activeKey })),
  )
  yield sql(
    `insert into syndikit_deliveries
      (id, tenant, publication_id, connection_id, platform, action, state, priority, due_at, next_at, active_key, lane, fence, rev, starts, tries, created_at, steps)
    select u.id, u.tenant, u.publication, u.connection, u.platform, u.action, 'scheduled', u.priority, u.due_at, u.due_at, u.key, u.lane, 0, 1, 0, 0, :now, '{}'
    from ${sql.dialect.rows('rows', deliveryColumns)} u${sql.dialect.ignore(['tenant', 'active_key'], 'active_key is not null')}`,
    { rows },
  )
  const keyed = sql.dialect.rows('rows', { id: 'text', tenant: 'text', key: 'text' })
  const others = yield sql(
    `select u.n, d.id from ${keyed} u join syndikit_deliveries d on d.tenant = u.tenant and d.active_key = u.key where d.id <> u.id order by u.n`,
    { rows },
  )
  const indexes = others.map((row) => deliveries[Number(row.n)]?.index ?? 0)
  const [index] = indexes
  if (index === undefined) return undefined
  return { status: 'active', index, deliveryIds: others.filter((_, i) => indexes[i] === index).map((row) => String(row.id)) }
}

function* insert(sql: Sql, publications: readonly NewPublication[]): Work<AddResult> {
  const stored = yield* insertPublications(sql, publications)
  if (isRefused(stored)) return stored
  const deliveries = publications.flatMap(({ id, tenant, deliveries: own }, index) =>
    stored[index]?.status === 'added' ? own.map((delivery): Indexed => ({ ...delivery, index, tenant, publicationId: id })) : [],
  )
  if (deliveries.length > 0) {
    const refused = (yield* missingConnection(sql, deliveries)) ?? (yield* insertDeliveries(sql, deliveries))
    if (refused) return refused
  }
  yield* tell(
    sql,
    deliveries.map(({ tenant, id, dueAt }) => ({ tenant, subjectId: id, rev: 1, event: { type: 'delivery:scheduled', data: JSON.stringify({ dueAt }) } })),
  )
  return { status: 'added', publications: stored }
}

/** What is refused leaves no trace. */
export function* add(sql: Sql, publications: readonly NewPublication[]): Work<AddResult> {
  if (publications.length === 0) return { status: 'added', publications: [] }
  return yield* apart(
    sql,
    'syndikit_add',
    () => insert(sql, publications),
    ({ status }) => status === 'added',
  )
}

export function* publication(sql: Sql, tenant: string, id: string): Work<Publication | undefined> {
  const [row] = yield sql('select id, tenant, body, pending, created_at from syndikit_publications where id = :id and tenant = :tenant', { tenant, id })
  if (!row) return undefined
  return { id: String(row.id), tenant: String(row.tenant), body: String(row.body), pending: Number(row.pending), createdAt: Number(row.created_at) }
}

export function* publicationByKey(sql: Sql, tenant: string, key: string): Work<{ id: string; requestHash: string } | undefined> {
  const [row] = yield sql('select id, request_hash from syndikit_publications where tenant = :tenant and idempotency_key = :key', { tenant, key })
  return row && { id: String(row.id), requestHash: String(row.request_hash) }
}
