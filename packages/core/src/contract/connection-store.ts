// The part of a storage that holds consents: grants with their sealed credentials, the connections they open, OAuth states and clients.

import type { JsonText, NewEvent, Page, Paged } from './storage.ts'

/**
 * `at_risk`: the live token works, but a refresh had an unknown outcome. `needs_reauth`: nothing goes out until the tenant connects again. `revoked`: it is
 * being removed.
 */
export type GrantState = 'active' | 'at_risk' | 'needs_reauth' | 'revoked'

/** One consent: its credentials, sealed, with their lease. */
export interface Grant {
  readonly id: string
  readonly tenant: string
  readonly platform: string
  readonly state: GrantState
  /** Grows by one with every stored credential; part of the seal's additional data. */
  readonly version: number
  /** Grows with every event about this grant. */
  readonly rev: number
  /** The data key, wrapped by the key ring. */
  readonly dataKey: JsonText
  /** Id of the key that wrapped it, for rotation. */
  readonly keyId: string
  readonly sealed: JsonText
  /** Open data: server, method, scopes; never a secret. */
  readonly data: JsonText
  /** When the access token ends; null: unknown or never. */
  readonly expiresAt: number | null
  /** Set while a refresh is out, and left standing when its outcome is unknown. */
  readonly refreshStartedAt: number | null
}
/** What a compare-and-set may change of a grant; its tenant, platform and id never. */
export type GrantChange = Partial<Pick<Grant, 'state' | 'sealed' | 'dataKey' | 'keyId' | 'data' | 'expiresAt' | 'refreshStartedAt'>>

/** `offered`: found by a consent that opened several, not kept yet; nothing is published to it. */
export type ConnectionState = 'offered' | 'active'

/** One account that a grant opens. `state` is its own; whether it can publish also depends on the grant's. */
export interface Connection {
  readonly id: string
  readonly tenant: string
  readonly platform: string
  readonly accountId: string
  readonly grantId: string
  readonly state: ConnectionState
  readonly name: string
  /** The account as the adapter gave it, without its token. */
  readonly data: JsonText
  /** The account's own token, sealed; null where the grant's serves. */
  readonly sealed: JsonText | null
  readonly createdAt: number
}

/** All that a run asks of its connection, as it is stored at one moment. */
export interface ConnectionInUse {
  readonly connection: Connection
  /** Undefined while a reconnect moves the connection. */
  readonly grant: Grant | undefined
  /** The platform asked to wait until then; 0 or past: it did not. */
  readonly holdUntil: number
}

/** Grants and connections. Every verb but the two of key rotation names the tenant, and sees no row of another. */
export interface ConnectionStore {
  /**
   * One transaction. Inserts the grant and its connections. A connection whose (tenant, platform, account) exists is moved to this grant, keeps its id and creation time,
   * and stays `active` if it was. Grants of the same tenant that no connection points to any more are removed, sealed key and all. Answers the connections as stored, in the given order.
   *
   * `restored` is stored as the grant's event, with `rev + 1`, where one of the connections was `active` before; deliveries that wait for those become due now, as with `wake` of `replaceGrant`.
   */
  put(grant: Grant, connections: readonly Omit<Connection, 'createdAt'>[], restored?: NewEvent): Promise<Connection[]>
  get(tenant: string, id: string): Promise<Connection | undefined>
  /** Of many deliveries at once, in the order of the keys; undefined for a connection that is gone or another tenant's. A key may be named several times. */
  inUse(keys: readonly Pick<Connection, 'tenant' | 'id'>[]): Promise<(ConnectionInUse | undefined)[]>
  /** By account, to find what a reconnect would replace. */
  byAccount(tenant: string, platform: string, accountId: string): Promise<Connection | undefined>
  grant(tenant: string, id: string): Promise<Grant | undefined>
  ofGrant(tenant: string, grantId: string): Promise<Connection[]>
  /** Oldest first. */
  list(tenant: string, page: Page & { readonly platform?: string | undefined; readonly state?: ConnectionState | undefined }): Promise<Paged<Connection>>
  /** `offered` ↔ `active`, new account data or account token. False: no such row. */
  update(tenant: string, id: string, change: Partial<Pick<Connection, 'state' | 'name' | 'data' | 'sealed'>>): Promise<boolean>
  /**
   * Compare-and-set on the grant's `version`; `version + 1` when `sealed` is in the change, `rev + 1` and the event stored when one is given. False: somebody moved it; re-read.
   * With `leaseOwner`, also only while that owner's lease stands, and the lease ends with it. With `wake`, due deliveries of its connections that wait for a later moment
   * (`scheduled`, `dueAt` ≤ now < `nextAt`) become due now.
   */
  replaceGrant(
    tenant: string,
    id: string,
    version: number,
    change: GrantChange,
    more?: { event?: NewEvent | undefined; leaseOwner?: string | undefined; wake?: boolean | undefined },
  ): Promise<boolean>
  /** Refresh lease: sets `refreshStartedAt` before the call leaves. False: another holder whose lease has not ended, or the version moved. */
  lease(tenant: string, id: string, version: number, owner: string, leaseMs: number): Promise<boolean>
  /** Ends the lease and clears `refreshStartedAt`: for a refresh that certainly changed nothing. */
  unlease(tenant: string, id: string, owner: string): Promise<void>
  /** Removes the connection; the grant too, with its data key, once nothing points to it. Deliveries stay. */
  remove(tenant: string, id: string): Promise<'done' | 'not-found'>
  /** Grants whose `keyId` is not `keyId`, any tenant, by id; for key rotation. */
  grantsNotUnder(keyId: string, limit: number): Promise<Grant[]>
  /** Rows per key id, over everything sealed by the key ring: grants, OAuth states and clients. */
  countsByKey(): Promise<Record<string, number>>
}

/** What waits for a callback. */
export interface OAuthState {
  readonly id: string
  readonly tenant: string
  readonly keyId: string
  readonly sealed: JsonText
  readonly expiresAt: number
}
/** An OAuth client registered on a server that a user named: each tenant has its own, so that no consent hangs on another tenant's. */
export interface StoredClient {
  readonly tenant: string
  readonly platform: string
  readonly server: string
  readonly redirectUri: string
  readonly keyId: string
  readonly sealed: JsonText
}
/** Consents under way, and the clients that tenants have registered on servers. */
export interface OAuthStore {
  putState(state: OAuthState): Promise<void>
  /** Takes once: the second of two racing calls gets undefined. `expired` is taken too, and says so. Another tenant's is left alone and looks missing. */
  takeState(tenant: string, id: string): Promise<{ readonly state: OAuthState; readonly expired: boolean } | undefined>
  client(tenant: string, platform: string, server: string, redirectUri: string): Promise<StoredClient | undefined>
  /** First one wins; answers the one that is stored. With `replacing`, only if the stored `sealed` is still that. */
  putClient(client: StoredClient, replacing?: JsonText): Promise<StoredClient>
  /** Of any tenant; for key rotation. */
  clientsNotUnder(keyId: string, limit: number): Promise<StoredClient[]>
}
