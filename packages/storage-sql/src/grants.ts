// Grants: compare-and-set on the version, the refresh lease, and what key rotation needs to see.

import type { ConnectionStore, Grant, GrantChange } from '@syndikit/core'
import type { Value, Work } from './connector.ts'
import { tell } from './finish.ts'
import { wake } from './hands.ts'
import { grantColumns, toGrant } from './rows.ts'
import type { Sql } from './sql.ts'

export function* grant(sql: Sql, tenant: string, id: string): Work<Grant | undefined> {
  const [row] = yield sql(`select ${grantColumns} from syndikit_grants where id = :id and tenant = :tenant`, { tenant, id })
  return row && toGrant(row)
}

interface Lease {
  readonly owner: string | null
  readonly stands: boolean
}

function* lockGrant(sql: Sql, tenant: string, id: string): Work<{ grant: Grant; lease: Lease } | undefined> {
  const [row] = yield sql(
    `select ${grantColumns}, lease_owner, case when lease_until > :now then 1 else 0 end as leased from syndikit_grants where id = :id and tenant = :tenant${sql.dialect.lock}`,
    { tenant, id },
  )
  return row && { grant: toGrant(row), lease: { owner: row.lease_owner as string | null, stands: row.leased === 1 } }
}

const columnOf: Readonly<Record<keyof GrantChange, string>> = {
  state: 'state',
  sealed: 'sealed',
  dataKey: 'data_key',
  keyId: 'key_id',
  data: 'data',
  expiresAt: 'expires_at',
  refreshStartedAt: 'refresh_started_at',
}

export function* replaceGrant(
  sql: Sql,
  tenant: string,
  id: string,
  version: number,
  change: GrantChange,
  more: Parameters<ConnectionStore['replaceGrant']>[4] = {},
): Work<boolean> {
  const held = yield* lockGrant(sql, tenant, id)
  if (held?.grant.version !== version) return false
  if (more.leaseOwner !== undefined && !(held.lease.stands && held.lease.owner === more.leaseOwner)) return false
  const sets = new Map<string, Value>()
  for (const [name, column] of Object.entries(columnOf)) {
    const value = change[name as keyof GrantChange]
    if (value !== undefined) sets.set(column, value)
  }
  if (change.sealed !== undefined) sets.set('version', version + 1)
  if (more.event) sets.set('rev', held.grant.rev + 1)
  if (more.leaseOwner !== undefined) sets.set('lease_owner', null).set('lease_until', 0)
  if (sets.size > 0) {
    const assignments = [...sets.keys()].map((column) => `${column} = :${column}`).join(', ')
    yield sql(`update syndikit_grants set ${assignments} where id = :id`, { ...Object.fromEntries(sets), id })
  }
  if (more.event) yield* tell(sql, [{ tenant, subjectId: id, rev: held.grant.rev + 1, event: more.event }])
  if (more.wake) {
    const rows = yield sql('select id from syndikit_connections where grant_id = :id', { id })
    yield* wake(
      sql,
      tenant,
      rows.map((row) => String(row.id)),
    )
  }
  return true
}

export function* lease(sql: Sql, tenant: string, id: string, version: number, owner: string, leaseMs: number): Work<boolean> {
  const held = yield* lockGrant(sql, tenant, id)
  if (held?.grant.version !== version || (held.lease.stands && held.lease.owner !== owner)) return false
  yield sql('update syndikit_grants set lease_owner = :owner, lease_until = :now + :leaseMs, refresh_started_at = :now where id = :id', { id, owner, leaseMs })
  return true
}

export function* unlease(sql: Sql, tenant: string, id: string, owner: string): Work<void> {
  yield sql(
    'update syndikit_grants set lease_owner = null, lease_until = 0, refresh_started_at = null where id = :id and tenant = :tenant and lease_owner = :owner',
    { tenant, id, owner },
  )
}

export function* grantsNotUnder(sql: Sql, keyId: string, limit: number): Work<Grant[]> {
  const rows = yield sql(`select ${grantColumns} from syndikit_grants where key_id < :keyId or key_id > :keyId order by id limit :limit`, { keyId, limit })
  return rows.map(toGrant)
}

export function* countsByKey(sql: Sql): Work<Record<string, number>> {
  const tables = ['syndikit_grants', 'syndikit_oauth_states', 'syndikit_oauth_clients']
  const rows = yield sql(
    `select key_id, sum(amount) as amount from (${tables.map((table) => `select key_id, count(*) as amount from ${table} group by key_id`).join(' union all ')}) as sealed group by key_id`,
  )
  // No prototype: a key id may be any text.
  return Object.assign(Object.create(null) as Record<string, number>, Object.fromEntries(rows.map((row) => [String(row.key_id), Number(row.amount)])))
}
