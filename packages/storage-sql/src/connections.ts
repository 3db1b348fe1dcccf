// Connections: what a consent opened, found by id and by account. A reconnect moves the row to the new grant and keeps its id.

import type { Connection, ConnectionInUse, ConnectionState, Grant, NewEvent, Page, Paged } from '@syndikit/core'
import type { Work } from './connector.ts'
import { checkLimit, fromCursor } from './cursor.ts'
import { tell } from './finish.ts'
import { wake } from './hands.ts'
import { toPage } from './lists.ts'
import { connectionColumns, grantColumns, prefixed, toConnection, toInUse } from './rows.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

type NewConnection = Omit<Connection, 'createdAt'>

function* insertGrant(sql: Sql, grant: Grant): Work<void> {
  const row = {
    id: grant.id,
    tenant: grant.tenant,
    platform: grant.platform,
    state: grant.state,
    version: grant.version,
    rev: grant.rev,
    data_key: grant.dataKey,
    key_id: grant.keyId,
    sealed: grant.sealed,
    data: grant.data,
    expires_at: grant.expiresAt,
    refresh_started_at: grant.refreshStartedAt,
  }
  const names = Object.keys(row)
  yield sql(`insert into syndikit_grants (${names.join(', ')}) values (${names.map((name) => `:${name}`).join(', ')})`, row)
}

function* putConnection(sql: Sql, grantId: string, given: NewConnection): Work<Connection> {
  const { id, tenant, platform, accountId, state, name, data, sealed } = given
  yield sql(
    `insert into syndikit_connections (id, tenant, platform, account_id, grant_id, state, name, data, sealed, created_at)
    select u.id, u.tenant, u.platform, u.account, u.grant_id, u.state, u.name, u.data, u.sealed, :now
    from ${sql.dialect.rows('rows', { id: 'text', tenant: 'text', platform: 'text', account: 'text', grant_id: 'text', state: 'text', name: 'text', data: 'text', sealed: 'text' })} u
    ${sql.dialect.ignore(['tenant', 'platform', 'account_id'])}`,
    { rows: toJson([{ id, tenant, platform, account: accountId, grant_id: grantId, state, name, data, sealed }]) },
  )
  // An account that was there before keeps its id and its age, and stays active if it was.
  yield sql(
    `update syndikit_connections set grant_id = :grantId, name = :name, data = :data, sealed = :sealed, state = case when state = 'active' then state else :state end
    where tenant = :tenant and platform = :platform and account_id = :accountId`,
    { tenant, platform, accountId, grantId, name, data, sealed, state },
  )
  const [row] = yield sql(`select ${connectionColumns} from syndikit_connections where tenant = :tenant and platform = :platform and account_id = :accountId`, {
    tenant,
    platform,
    accountId,
  })
  if (!row) throw new Error('syndikit: a connection that was just stored is missing.')
  return toConnection(row)
}

/** Which of these accounts are connected and kept already. */
function* activeOf(sql: Sql, { tenant, platform }: Grant, connections: readonly NewConnection[]): Work<string[]> {
  const rows = yield sql(
    `select id from syndikit_connections where tenant = :tenant and platform = :platform and state = 'active' and account_id in ${sql.dialect.list('accounts')}${sql.dialect.lock}`,
    { tenant, platform, accounts: toJson(connections.map(({ accountId }) => accountId)) },
  )
  return rows.map(({ id }) => String(id))
}

export function* put(sql: Sql, grant: Grant, connections: readonly NewConnection[], restored: NewEvent | undefined): Work<Connection[]> {
  const foreign = connections.find(({ tenant }) => tenant !== grant.tenant)
  if (foreign) throw new TypeError(`syndikit: connection ${foreign.id} is of another tenant than its grant ${grant.id}.`)
  const active = restored ? yield* activeOf(sql, grant, connections) : []
  const rev = grant.rev + (active.length > 0 ? 1 : 0)
  yield* insertGrant(sql, { ...grant, rev })
  const stored: Connection[] = []
  for (const connection of connections) stored.push(yield* putConnection(sql, grant.id, connection))
  yield sql(
    `delete from syndikit_grants where tenant = :tenant and id <> :id
    and not exists (select 1 from syndikit_connections c where c.grant_id = syndikit_grants.id)`,
    { tenant: grant.tenant, id: grant.id },
  )
  if (restored && active.length > 0) {
    yield* tell(sql, [{ tenant: grant.tenant, subjectId: grant.id, rev, event: restored }])
    yield* wake(sql, grant.tenant, active)
  }
  return stored
}

export function* connection(sql: Sql, tenant: string, id: string): Work<Connection | undefined> {
  const [row] = yield sql(`select ${connectionColumns} from syndikit_connections where id = :id and tenant = :tenant`, { tenant, id })
  return row && toConnection(row)
}

/** Each connection once, however often it is named. */
export function* inUse(sql: Sql, keys: readonly Pick<Connection, 'tenant' | 'id'>[]): Work<(ConnectionInUse | undefined)[]> {
  if (keys.length === 0) return []
  const found = yield sql(
    `select ${prefixed('c', connectionColumns)}, ${prefixed('g', grantColumns)}, s.hold_until from syndikit_connections c
    left join syndikit_grants g on g.id = c.grant_id and g.tenant = c.tenant
    left join syndikit_slots s on s.tenant = c.tenant and s.connection_id = c.id where c.id in ${sql.dialect.list('ids')}`,
    { ids: toJson([...new Set(keys.map(({ id }) => id))]) },
  )
  const byId = new Map(found.map((row) => [row.c_id, row]))
  return keys.map(({ tenant, id }) => {
    const row = byId.get(id)
    return row && row.c_tenant === tenant ? toInUse(row) : undefined
  })
}

export function* byAccount(sql: Sql, tenant: string, platform: string, accountId: string): Work<Connection | undefined> {
  const [row] = yield sql(`select ${connectionColumns} from syndikit_connections where tenant = :tenant and platform = :platform and account_id = :accountId`, {
    tenant,
    platform,
    accountId,
  })
  return row && toConnection(row)
}

export function* ofGrant(sql: Sql, tenant: string, grantId: string): Work<Connection[]> {
  const rows = yield sql(`select ${connectionColumns} from syndikit_connections where grant_id = :grantId and tenant = :tenant order by created_at, id`, {
    tenant,
    grantId,
  })
  return rows.map(toConnection)
}

export function* listConnections(
  sql: Sql,
  tenant: string,
  page: Page & { readonly platform?: string | undefined; readonly state?: ConnectionState | undefined },
): Work<Paged<Connection>> {
  const limit = checkLimit(page.limit)
  const after = fromCursor('connections', page.after)
  const rows = yield sql(
    `select ${connectionColumns} from syndikit_connections where tenant = :tenant
    ${page.platform === undefined ? '' : 'and platform = :platform'} ${page.state === undefined ? '' : 'and state = :state'}
    ${after ? 'and (created_at, id) > (:afterAt, :afterId)' : ''} order by created_at, id limit :most`,
    { tenant, platform: page.platform ?? null, state: page.state ?? null, afterAt: after?.[0] ?? null, afterId: after?.[1] ?? null, most: limit + 1 },
  )
  return toPage('connections', rows, limit, toConnection, ({ createdAt, id }) => [createdAt, id])
}

type ConnectionChange = Partial<Pick<Connection, 'state' | 'name' | 'data' | 'sealed'>>

export function* updateConnection(sql: Sql, tenant: string, id: string, change: ConnectionChange): Work<boolean> {
  const [row] = yield sql(`select id from syndikit_connections where id = :id and tenant = :tenant${sql.dialect.lock}`, { tenant, id })
  if (!row) return false
  const { state, name, data, sealed } = change
  const given = Object.entries({ state, name, data, sealed }).filter((entry): entry is [string, string | null] => entry[1] !== undefined)
  if (given.length > 0)
    yield sql(`update syndikit_connections set ${given.map(([column]) => `${column} = :${column}`).join(', ')} where id = :id`, {
      ...Object.fromEntries(given),
      id,
    })
  return true
}

export function* removeConnection(sql: Sql, tenant: string, id: string): Work<'done' | 'not-found'> {
  const [row] = yield sql(`select grant_id from syndikit_connections where id = :id and tenant = :tenant${sql.dialect.lock}`, { tenant, id })
  if (!row) return 'not-found'
  yield sql('delete from syndikit_connections where id = :id', { id })
  yield sql('delete from syndikit_slots where tenant = :tenant and connection_id = :id', { tenant, id })
  yield sql('delete from syndikit_grants where id = :grantId and not exists (select 1 from syndikit_connections c where c.grant_id = syndikit_grants.id)', {
    grantId: row.grant_id ?? null,
  })
  return 'done'
}
