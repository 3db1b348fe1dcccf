// What waits for a callback, taken once; and the clients registered on servers that users named.

import type { OAuthState, StoredClient } from '@syndikit/core'
import type { Work } from './connector.ts'
import { toClient, toOAuthState } from './rows.ts'
import type { Sql } from './sql.ts'

export function* putState(sql: Sql, state: OAuthState): Work<void> {
  const { id, tenant, keyId, sealed, expiresAt } = state
  yield sql('insert into syndikit_oauth_states (id, tenant, key_id, sealed, expires_at) values (:id, :tenant, :keyId, :sealed, :expiresAt)', {
    id,
    tenant,
    keyId,
    sealed,
    expiresAt,
  })
}

export function* takeState(sql: Sql, tenant: string, id: string): Work<{ state: OAuthState; expired: boolean } | undefined> {
  const [row] = yield sql(
    `select id, tenant, key_id, sealed, expires_at, case when expires_at <= :now then 1 else 0 end as expired
    from syndikit_oauth_states where id = :id and tenant = :tenant${sql.dialect.lock}`,
    { tenant, id },
  )
  if (!row) return undefined
  yield sql('delete from syndikit_oauth_states where id = :id', { id })
  return { state: toOAuthState(row), expired: row.expired === 1 }
}

const columns = 'tenant, platform, server, redirect_uri, key_id, sealed'
const isThis = 'tenant = :tenant and platform = :platform and server = :server and redirect_uri = :redirectUri'
const client = `select ${columns} from syndikit_oauth_clients where ${isThis}`

export function* storedClient(sql: Sql, tenant: string, platform: string, server: string, redirectUri: string): Work<StoredClient | undefined> {
  const [row] = yield sql(client, { tenant, platform, server, redirectUri })
  return row && toClient(row)
}

export function* putClient(sql: Sql, given: StoredClient, replacing: string | undefined): Work<StoredClient> {
  const { tenant, platform, server, redirectUri, keyId, sealed } = given
  const key = { tenant, platform, server, redirectUri }
  if (replacing !== undefined)
    yield sql(`update syndikit_oauth_clients set key_id = :keyId, sealed = :sealed where ${isThis} and sealed = :replacing`, {
      ...key,
      keyId,
      sealed,
      replacing,
    })
  yield sql(
    `insert into syndikit_oauth_clients (${columns})
    select :tenant, :platform, :server, :redirectUri, :keyId, :sealed${sql.dialect.ignore(['tenant', 'platform', 'server', 'redirect_uri'])}`,
    { ...key, keyId, sealed },
  )
  const [row] = yield sql(client, key)
  return row ? toClient(row) : given
}

export function* clientsNotUnder(sql: Sql, keyId: string, limit: number): Work<StoredClient[]> {
  const rows = yield sql(`select ${columns} from syndikit_oauth_clients where key_id <> :keyId order by tenant, platform, server, redirect_uri limit :limit`, {
    keyId,
    limit,
  })
  return rows.map(toClient)
}
