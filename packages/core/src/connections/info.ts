// A connection as the host sees it.

import type { Account } from '../contract/auth.ts'
import type { Connection, Grant } from '../contract/connection-store.ts'
import { dataOf } from './stored.ts'

/** `offered`: found, not kept yet. `at_risk`: works, but should be connected again soon. `needs_reauth`: nothing goes out until it is. */
export type ConnectionInfoState = 'offered' | 'active' | 'at_risk' | 'needs_reauth' | 'revoked'

/** Never holds a secret. */
export interface ConnectionInfo {
  readonly id: string
  readonly tenant: string
  readonly platform: string
  /** The consent it lives on: what `grant:*` events name. Another one after a reconnect. */
  readonly grantId: string
  /** The platform's own id of the account. */
  readonly accountId: string
  readonly name: string
  readonly url?: string
  readonly server?: string
  readonly state: ConnectionInfoState
  readonly connectedAt: Date
}

/** The account of a connection, with the server that the log-in found. */
export const accountOf = (connection: Pick<Connection, 'data'>, grant: Pick<Grant, 'data'> | undefined): Account => {
  const account = JSON.parse(connection.data) as Account
  const server = account.server ?? (grant && dataOf(grant).server)
  return server === undefined ? account : { ...account, server }
}

export const infoOf = (connection: Connection, grant: Grant | undefined): ConnectionInfo => {
  const { url, server } = accountOf(connection, grant)
  return {
    id: connection.id,
    tenant: connection.tenant,
    platform: connection.platform,
    grantId: connection.grantId,
    accountId: connection.accountId,
    name: connection.name,
    ...(url !== undefined && { url }),
    ...(server !== undefined && { server }),
    state: connection.state === 'offered' ? 'offered' : (grant?.state ?? 'revoked'),
    connectedAt: new Date(connection.createdAt),
  }
}
