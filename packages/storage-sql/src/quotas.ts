// Counting windows and paced slots. A window begins with its first take, or ends when the platform said it does.

import type { Bucket } from '@syndikit/core'
import type { Row, Work } from './connector.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

const keyOf = ({ tenant, key, windowMs }: Bucket) => JSON.stringify([tenant, key, windowMs])

/** Makes sure every bucket has a row, and locks the rows in one order for everybody. */
function* lockBuckets(sql: Sql, buckets: readonly Bucket[]): Work<Map<string, Row>> {
  const columns = sql.dialect.rows('rows', { tenant: 'text', bucket: 'text', window_ms: 'int' })
  const rows = toJson(buckets.map(({ tenant, key, windowMs }) => ({ tenant, bucket: key, window_ms: windowMs })))
  const unique = sql.dialect.ignore(['tenant', 'bucket', 'window_ms'])
  yield sql(`insert into syndikit_quotas (tenant, bucket, window_ms, used, ends_at) select u.tenant, u.bucket, u.window_ms, 0, 0 from ${columns} u${unique}`, {
    rows,
  })
  const found = yield sql(
    `select q.tenant, q.bucket, q.window_ms, q.used, q.ends_at, :now as now from ${columns} u
    join syndikit_quotas q on q.tenant = u.tenant and q.bucket = u.bucket and q.window_ms = u.window_ms order by q.tenant, q.bucket, q.window_ms${sql.dialect.lock}`,
    { rows },
  )
  return new Map(found.map((row) => [keyOf({ tenant: String(row.tenant), key: String(row.bucket), windowMs: Number(row.window_ms), limit: 0 }), row]))
}

interface Counted {
  readonly bucket: Bucket
  readonly used: number
  readonly endsAt: number
}

const counted = (buckets: readonly Bucket[], stored: ReadonlyMap<string, Row>): Counted[] => {
  const byKey = new Map<string, Counted>()
  return buckets.map((bucket) => {
    const key = keyOf(bucket)
    const row = stored.get(key)
    const now = Number(row?.now)
    const open = Number(row?.ends_at) > now
    const before = byKey.get(key) ?? { bucket, used: open ? Number(row?.used) : 0, endsAt: open ? Number(row?.ends_at) : now + bucket.windowMs }
    const after = { bucket, used: before.used + 1, endsAt: before.endsAt }
    byKey.set(key, after)
    return after
  })
}

export function* take(sql: Sql, buckets: readonly Bucket[]): Work<{ ok: true } | { ok: false; retryAt: number }> {
  if (buckets.length === 0) return { ok: true }
  const taken = counted(buckets, yield* lockBuckets(sql, buckets))
  const full = taken.filter(({ bucket, used }) => used > bucket.limit)
  if (full.length > 0) return { ok: false, retryAt: Math.max(...full.map(({ endsAt }) => endsAt)) }
  const rows = sql.dialect.rows('rows', { tenant: 'text', bucket: 'text', window_ms: 'int', used: 'int', ends_at: 'int' })
  const last = new Map(taken.map((entry) => [keyOf(entry.bucket), entry]))
  yield sql(
    sql.dialect.update(
      'syndikit_quotas',
      { used: 'u.used', ends_at: 'u.ends_at' },
      rows,
      'd.tenant = u.tenant and d.bucket = u.bucket and d.window_ms = u.window_ms',
    ),
    {
      rows: toJson(
        [...last.values()].map(({ bucket: { tenant, key, windowMs }, used, endsAt }) => ({ tenant, bucket: key, window_ms: windowMs, used, ends_at: endsAt })),
      ),
    },
  )
  return { ok: true }
}

export function* correct(sql: Sql, bucket: Bucket, used: number, endsAt: number): Work<void> {
  yield* lockBuckets(sql, [bucket])
  yield sql('update syndikit_quotas set used = :used, ends_at = :endsAt where tenant = :tenant and bucket = :key and window_ms = :windowMs', {
    tenant: bucket.tenant,
    key: bucket.key,
    windowMs: bucket.windowMs,
    used,
    endsAt,
  })
}

function* lockSlot(sql: Sql, tenant: string, connectionId: string): Work<{ now: number; freeAt: number; holdUntil: number }> {
  yield sql(
    `insert into syndikit_slots (tenant, connection_id, free_at, hold_until) select :tenant, :connectionId, 0, 0${sql.dialect.ignore(['tenant', 'connection_id'])}`,
    {
      tenant,
      connectionId,
    },
  )
  const [row] = yield sql(
    `select free_at, hold_until, :now as now from syndikit_slots where tenant = :tenant and connection_id = :connectionId${sql.dialect.lock}`,
    {
      tenant,
      connectionId,
    },
  )
  return { now: Number(row?.now), freeAt: Number(row?.free_at), holdUntil: Number(row?.hold_until) }
}

export function* slot(sql: Sql, tenant: string, connectionId: string, intervalMs: number): Work<number> {
  const { now, freeAt, holdUntil } = yield* lockSlot(sql, tenant, connectionId)
  const at = Math.max(now, freeAt, holdUntil)
  yield sql('update syndikit_slots set free_at = :freeAt where tenant = :tenant and connection_id = :connectionId', {
    tenant,
    connectionId,
    freeAt: at + intervalMs,
  })
  return at
}

export function* hold(sql: Sql, tenant: string, connectionId: string, until: number): Work<void> {
  yield* lockSlot(sql, tenant, connectionId)
  yield sql('update syndikit_slots set hold_until = :until where tenant = :tenant and connection_id = :connectionId and hold_until < :until', {
    tenant,
    connectionId,
    until,
  })
}
