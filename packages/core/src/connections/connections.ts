// The host's calls on connections: consent given, looked at, kept and ended.

import { type InTransaction, within } from '../calls/within.ts'
import type { Connection, ConnectionState } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Access } from './access.ts'
import { createClients } from './clients.ts'
import { createConsent } from './consent.ts'
import type { ConnectionsDeps } from './deps.ts'
import { type ConnectionInfo, infoOf } from './info.ts'
import { type Removed, removeConnection } from './remove.ts'
import { mustBeText, noSuchConnection } from './words.ts'

/** A consent to begin. */
export interface BeginRequest {
  readonly tenant: string
  readonly platform: string
  /** Your callback, exactly as registered with the platform. */
  readonly redirectUri: string
  /** On platforms with many servers: the one the user named. */
  readonly server?: string | undefined
  /** Something only this browser has, such as a session id. The callback must then bring the same: it stops links that connect somebody else's account. */
  readonly session?: string | undefined
  /** The connection to connect again. Another account is refused. */
  readonly reconnect?: string | undefined
}
/** A callback as it came. */
export interface CompleteRequest {
  readonly tenant: string
  /** The address that the platform sent the browser to, with its query. */
  readonly callbackUrl: string | URL
  readonly session?: string | undefined
}
/** What a user typed, for platforms without a consent page. */
export interface OpenRequest {
  readonly tenant: string
  readonly platform: string
  /** What the user typed, as the adapter's `fields` want it. */
  readonly fields: Readonly<Record<string, string | undefined>>
  readonly server?: string | undefined
  /** Default: the adapter's first way that is not OAuth. */
  readonly method?: 'session' | 'keys' | undefined
  readonly reconnect?: string | undefined
}
/** One connection of a tenant. */
export interface OneConnection {
  readonly tenant: string
  readonly id: string
}
/** A page, oldest first. */
export interface ConnectionPage {
  readonly connections: readonly ConnectionInfo[]
  /** Pass it as `after` for the next page. */
  readonly next?: string
}

/** Every failure is a `PublishError` that says what to do; a connection of another tenant is the same as none. */
export interface Connections {
  /** Where to send the user's browser. Valid for ten minutes, for one callback. */
  begin(request: BeginRequest): Promise<{ readonly url: string; readonly state: string }>
  /** One account found: `active`. Several: all `offered`, until `keep`. */
  complete(request: CompleteRequest): Promise<readonly ConnectionInfo[]>
  /** Connects with what the user typed: an app password, a portal's key. */
  open(request: OpenRequest): Promise<readonly ConnectionInfo[]>
  /** Makes offered connections `active`; none of them where one does not exist. The others stay offered. A call that a crash cut off is simply made again. */
  keep(request: { readonly tenant: string; readonly ids: readonly string[] }, more?: InTransaction): Promise<readonly ConnectionInfo[]>
  get(one: OneConnection): Promise<ConnectionInfo>
  /** Oldest first, at most `limit` (default 50, most 200). `state` is `offered`, or `active` for every connection that was kept. */
  list(request: { tenant: string; platform?: string; state?: ConnectionState; limit?: number; after?: string }): Promise<ConnectionPage>
  /** Asks the platform whether the account still answers, and reads its facts again. */
  verify(one: OneConnection): Promise<ConnectionInfo>
  /** Revokes the consent at the platform as far as possible, then deletes the credentials and their data key. Deliveries stay. */
  remove(one: OneConnection): Promise<Removed>
}

const mostPerPage = 200

const checkLimit = (limit: number): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= mostPerPage) return limit
  throw new TypeError(`connections.list: \`limit\` must be a whole number from 1 to ${mostPerPage}.`)
}

export interface ConnectionsOptions extends ConnectionsDeps {
  readonly access: Access
}

const find = async ({ storage }: ConnectionsDeps, tenant: string, id: string): Promise<Connection> => {
  const found = await storage.connections.get(mustBeText(tenant, 'tenant'), mustBeText(id, 'id'))
  if (!found) throw noSuchConnection(id)
  return found
}

const infosOf = async ({ storage }: ConnectionsDeps, rows: readonly Connection[]): Promise<ConnectionInfo[]> => {
  const ids = [...new Set(rows.map(({ grantId }) => grantId))]
  const grants = new Map(await Promise.all(ids.map(async (id) => [id, await storage.connections.grant(rows[0]?.tenant ?? '', id)] as const)))
  return rows.map((row) => infoOf(row, grants.get(row.grantId)))
}

const get = async (deps: ConnectionsDeps, { tenant, id }: OneConnection): Promise<ConnectionInfo> => {
  const row = await find(deps, tenant, id)
  return infoOf(row, await deps.storage.connections.grant(tenant, row.grantId))
}

const keep = async (deps: ConnectionsDeps, { tenant, ids }: Parameters<Connections['keep']>[0]): Promise<ConnectionInfo[]> => {
  if (!Array.isArray(ids)) throw new TypeError('connections.keep: `ids` must be a list of connection ids.')
  const rows = await Promise.all(ids.map((id) => find(deps, tenant, id)))
  for (const { id, state } of rows) {
    if (state === 'offered' && !(await deps.storage.connections.update(tenant, id, { state: 'active' }))) throw noSuchConnection(id)
  }
  return infosOf(
    deps,
    rows.map((row) => ({ ...row, state: 'active' as const })),
  )
}

const list = async (deps: ConnectionsDeps, { tenant, limit = 50, ...rest }: Parameters<Connections['list']>[0]): Promise<ConnectionPage> => {
  const { after, platform, state } = rest
  const { items, next } = await deps.storage.connections.list(mustBeText(tenant, 'tenant'), { limit: checkLimit(limit), after, platform, state })
  return { connections: await infosOf(deps, items), ...(next !== undefined && { next }) }
}

const verify = async (deps: ConnectionsOptions, one: OneConnection): Promise<ConnectionInfo> => {
  const row = await find(deps, one.tenant, one.id)
  try {
    const opens = await deps.access.read(row)
    if (!opens.has(row.accountId))
      throw new PublishError('permission', `${row.name} is not among the accounts of this consent any more. Give access to it again.`, {
        platform: row.platform,
      })
  } catch (error) {
    const now = await get(deps, one)
    if (!PublishError.is(error) || error.code !== 'auth' || now.state !== 'needs_reauth') throw error
    return now
  }
  return get(deps, one)
}

export const createConnections = (deps: ConnectionsOptions): Connections => {
  const clients = createClients(deps)
  return {
    ...createConsent(deps, clients),
    keep: async (request, more) => keep(within(deps, more), request),
    get: (one) => get(deps, one),
    list: (request) => list(deps, request),
    verify: (one) => verify(deps, one),
    remove: async ({ tenant, id }) => removeConnection(deps, clients, await find(deps, tenant, id)),
  }
}
