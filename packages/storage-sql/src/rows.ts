// From rows of the database to what the contract calls them.

import type { Attempt, Claim, Connection, ConnectionInUse, Delivery, Grant, OAuthState, StoredClient, StoredEvent } from '@syndikit/core'
import type { Row } from './connector.ts'

/** The columns are this package's own, so their types are known without looking. */
const as = <T>(value: unknown): T => value as T

export const deliveryColumns =
  'd.id, d.tenant, d.publication_id, d.connection_id, d.platform, d.action, d.state, d.priority, d.due_at, d.next_at, d.fence, d.rev, d.starts, d.tries, d.steps, d.marker, d.result, d.created_at'

export const toDelivery = (row: Row): Delivery => ({
  id: as(row.id),
  tenant: as(row.tenant),
  publicationId: as(row.publication_id),
  connectionId: as(row.connection_id),
  platform: as(row.platform),
  action: as(row.action),
  state: as(row.state),
  priority: as(row.priority),
  dueAt: as(row.due_at),
  nextAt: as(row.next_at),
  fence: as(row.fence),
  rev: as(row.rev),
  starts: as(row.starts),
  tries: as(row.tries),
  steps: as(row.steps),
  marker: as(row.marker),
  result: as(row.result),
  createdAt: as(row.created_at),
})

/** The row as the claim's update leaves it, from the row as its select found it. */
export const toClaim = (row: Row, leaseMs: number): Claim => {
  const found = toDelivery(row)
  const claimedAt: number = as(row.now)
  return {
    ...found,
    state: 'running',
    from: as(found.state),
    fence: found.fence + 1,
    rev: found.rev + 1,
    starts: found.starts + 1,
    nextAt: claimedAt + leaseMs,
    body: as(row.body),
    claimedAt,
  }
}

export const toAttempt = (row: Row): Attempt => ({ id: as(row.id), fence: as(row.fence), at: as(row.at), data: as(row.data) })

export const grantColumns = 'id, tenant, platform, state, version, rev, data_key, key_id, sealed, data, expires_at, refresh_started_at'

export const toGrant = (row: Row): Grant => ({
  id: as(row.id),
  tenant: as(row.tenant),
  platform: as(row.platform),
  state: as(row.state),
  version: as(row.version),
  rev: as(row.rev),
  dataKey: as(row.data_key),
  keyId: as(row.key_id),
  sealed: as(row.sealed),
  data: as(row.data),
  expiresAt: as(row.expires_at),
  refreshStartedAt: as(row.refresh_started_at),
})

export const connectionColumns = 'id, tenant, platform, account_id, grant_id, state, name, data, sealed, created_at'

export const toConnection = (row: Row): Connection => ({
  id: as(row.id),
  tenant: as(row.tenant),
  platform: as(row.platform),
  accountId: as(row.account_id),
  grantId: as(row.grant_id),
  state: as(row.state),
  name: as(row.name),
  data: as(row.data),
  sealed: as(row.sealed),
  createdAt: as(row.created_at),
})

/** The same columns of a table that is named `as` in a join, each under a name of its own. */
export const prefixed = (as: string, columns: string): string =>
  columns
    .split(', ')
    .map((column) => `${as}.${column} as ${as}_${column}`)
    .join(', ')

const unprefixed = (as: string, row: Row): Row => {
  const own: Row = {}
  for (const name in row) if (name.startsWith(as)) own[name.slice(as.length)] = row[name] ?? null
  return own
}

export const toInUse = (row: Row): ConnectionInUse => ({
  connection: toConnection(unprefixed('c_', row)),
  grant: row.g_id === null ? undefined : toGrant(unprefixed('g_', row)),
  holdUntil: as(row.hold_until ?? 0),
})

export const toOAuthState = (row: Row): OAuthState => ({
  id: as(row.id),
  tenant: as(row.tenant),
  keyId: as(row.key_id),
  sealed: as(row.sealed),
  expiresAt: as(row.expires_at),
})

export const toClient = (row: Row): StoredClient => ({
  tenant: as(row.tenant),
  platform: as(row.platform),
  server: as(row.server),
  redirectUri: as(row.redirect_uri),
  keyId: as(row.key_id),
  sealed: as(row.sealed),
})

export const toEvent = (row: Row): StoredEvent => ({
  seq: as(row.seq),
  tenant: as(row.tenant),
  subjectId: as(row.subject_id),
  rev: as(row.rev),
  type: as(row.type),
  data: as(row.data),
  at: as(row.at),
})
