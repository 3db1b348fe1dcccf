// From fresh credentials to stored connections: which accounts they open, which of them may be taken over, and what wakes up then.

import type { Adapter } from '../contract/adapter.ts'
import type { Account, Applied } from '../contract/auth.ts'
import type { Connection, Grant } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import { createHttp } from '../http/client.ts'
import { columnsOf, readAccounts } from './accounts.ts'
import type { ConnectionsDeps } from './deps.ts'
import { newId } from './ids.ts'
import { type ConnectionInfo, infoOf } from './info.ts'
import { type Credentials, type GrantData, toSealed } from './stored.ts'
import { noSuchConnection } from './words.ts'

export interface Consent {
  readonly tenant: string
  readonly adapter: Adapter
  readonly credentials: Credentials
  /** How the credentials go onto a call. */
  readonly applied: Applied
  readonly data: Omit<GrantData, 'issuedAt' | 'readAt'>
  readonly expiresInMs?: number | undefined
  /** The connection that is to be connected again. */
  readonly reconnect?: string | undefined
}

interface Known {
  readonly account: Account
  readonly connection: Connection | undefined
  readonly grant: Grant | undefined
}

/** `at_risk` counts as unhealthy: such a tenant was asked to connect again. */
const isHealthy = ({ connection, grant }: Known): boolean => connection?.state === 'active' && grant?.state === 'active'

/**
 * Which accounts move to the new grant. A healthy connection is left alone, unless this is the reconnect of its own grant: live credentials are not replaced by chance. Pure.
 */
const chooseAccounts = (platform: Pick<Adapter, 'id' | 'name'>, known: readonly Known[], target: Connection | undefined): readonly Known[] => {
  if (target && !known.some(({ account }) => account.id === target.accountId)) {
    const found = known.map(({ account }) => account.name).join(', ')
    throw new PublishError(
      'permission',
      `${platform.name}: this is another account (${found}), not ${target.name}. Nothing was changed. Log in as ${target.name}, or connect it without \`reconnect\`.`,
      {
        platform: platform.id,
      },
    )
  }
  const chosen = known.filter((one) => !isHealthy(one) || (target !== undefined && one.connection?.grantId === target.grantId))
  if (chosen.length > 0) return chosen
  const names = known.map(({ account }) => account.name).join(', ')
  throw new PublishError(
    'duplicate',
    `${platform.name}: ${names} is connected already, and works. Nothing was changed. To replace its credentials pass \`reconnect: connectionId\`.`,
    {
      platform: platform.id,
    },
  )
}

type Deps = Pick<ConnectionsDeps, 'storage' | 'vault' | 'clock' | 'random' | 'fetch' | 'woken'>

/** The connection that a reconnect names: this tenant's, of this platform. */
export const targetOf = async (
  { storage }: Pick<Deps, 'storage'>,
  tenant: string,
  platform: string,
  reconnect: string | undefined,
): Promise<Connection | undefined> => {
  if (reconnect === undefined) return undefined
  const target = await storage.connections.get(tenant, reconnect)
  if (target?.platform !== platform) throw noSuchConnection(reconnect)
  return target
}

const lookUp = async ({ storage }: Deps, { tenant, adapter }: Consent, accounts: readonly Account[]): Promise<Known[]> =>
  Promise.all(
    accounts.map(async (account) => {
      const connection = await storage.connections.byAccount(tenant, adapter.id, account.id)
      return { account, connection, grant: connection && (await storage.connections.grant(tenant, connection.grantId)) }
    }),
  )

const newGrant = async ({ storage, vault, random }: Deps, consent: Consent): Promise<Grant> => {
  const { tenant, adapter, credentials, expiresInMs } = consent
  const now = await storage.now()
  const place = { tenant, id: newId(random), version: 1 }
  const data: GrantData = { ...consent.data, issuedAt: now, readAt: now }
  return {
    ...place,
    ...(await vault.seal(place, toSealed(credentials))),
    platform: adapter.id,
    state: 'active',
    rev: 0,
    data: JSON.stringify(data),
    expiresAt: expiresInMs === undefined ? null : now + expiresInMs,
    refreshStartedAt: null,
  }
}

/** Everything is read and checked before anything is written; one write makes the grant and its connections, tells the host, and wakes what waited. */
export const adopt = async (deps: Deps, consent: Consent): Promise<ConnectionInfo[]> => {
  const { storage, vault, clock, random, fetch } = deps
  const { tenant, adapter, applied, credentials, data } = consent
  const target = await targetOf(deps, tenant, adapter.id, consent.reconnect)
  const http = createHttp({ adapter, server: data.server, fetch, clock, random, credentials: async () => applied, connecting: true })
  const accounts = await readAccounts(adapter, { http, server: data.server, fields: credentials.fields })
  const known = await lookUp(deps, consent, accounts)
  const chosen = chooseAccounts(adapter, known, target)
  const grant = await newGrant(deps, consent)
  const rows = chosen.map(({ account }) => ({
    ...{ id: newId(random), tenant, platform: adapter.id, accountId: account.id, grantId: grant.id },
    state: accounts.length === 1 ? ('active' as const) : ('offered' as const),
    ...columnsOf(vault, grant, account),
  }))
  const stored = await storage.connections.put(grant, rows, { type: 'grant:restored', data: JSON.stringify({ platform: adapter.id }) })
  if (chosen.some(({ connection }) => connection?.state === 'active')) deps.woken?.([])
  const now = new Map(stored.map((connection) => [connection.accountId, infoOf(connection, grant)]))
  return known.flatMap(({ account, connection, grant: old }) => now.get(account.id) ?? (connection ? infoOf(connection, old) : []))
}
