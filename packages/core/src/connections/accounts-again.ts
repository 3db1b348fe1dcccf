// Reads a grant's accounts again: plans, limits and permissions change, and account tokens are renewed with it.

import type { Account, Applied } from '../contract/auth.ts'
import type { Connection, Grant } from '../contract/connection-store.ts'
import { createHttp } from '../http/client.ts'
import { columnsOf, readAccounts } from './accounts.ts'
import { appliedOf } from './applied.ts'
import type { ConnectionsDeps } from './deps.ts'
import type { Opened } from './open-grant.ts'
import type { Refresh } from './refresh.ts'
import { dataOf, type GrantData } from './stored.ts'

const factsLifeMs = 86_400_000
/** After a reading that failed. */
const readAgainMs = 3_600_000

type Deps = ConnectionsDeps & { readonly refresh: Refresh }

/** Calls in the name of the grant itself. A refused credential that cannot be renewed is an `auth` error. */
const grantHttp = ({ refresh, fetch, clock, random }: Deps, first: Opened) => {
  let opened = first
  const renew = async (used: Applied): Promise<boolean> => {
    if (opened.renewal.by === 'none') return false
    const renewed = await refresh.fresh(opened.grant.tenant, opened.grant.id, { is: 'refused', access: used.bearer })
    if (renewed) opened = renewed
    return renewed !== undefined
  }
  return createHttp({ adapter: first.adapter, server: first.data.server, fetch, clock, random, credentials: async () => appliedOf(opened), renew })
}

const markRead = async ({ storage }: Deps, grant: Grant, readAt: number): Promise<void> => {
  const change: GrantData = { ...dataOf(grant), readAt }
  await storage.connections.replaceGrant(grant.tenant, grant.id, grant.version, { data: JSON.stringify(change) })
}

/** A token that is still the same is not written: the connection may be moving to another grant, whose seal must not be overwritten. */
const changesOf = ({ vault }: Deps, { grant }: Opened, { sealed, accountId }: Connection, account: Account) => {
  const columns = columnsOf(vault, grant, account)
  const same = sealed !== null && vault.openAccount(grant, accountId, sealed).reveal() === account.token
  return same ? { name: columns.name, data: columns.data } : columns
}

/** Asks the platform and stores what has changed. Answers the ids of the accounts that the grant opens now. */
export const readAgain = async (deps: Deps, opened: Opened): Promise<ReadonlySet<string>> => {
  const { storage } = deps
  const { grant, adapter, data, credentials } = opened
  const accounts = await readAccounts(adapter, { http: grantHttp(deps, opened), server: data.server, fields: credentials.fields })
  const byId = new Map(accounts.map((account) => [account.id, account]))
  for (const connection of await storage.connections.ofGrant(grant.tenant, grant.id)) {
    const account = byId.get(connection.accountId)
    if (account) await storage.connections.update(connection.tenant, connection.id, changesOf(deps, opened, connection, account))
  }
  const now = await storage.connections.grant(grant.tenant, grant.id)
  if (now) await markRead(deps, now, await storage.now())
  return new Set(byId.keys())
}

/** The same, at most once a day per grant; a platform that does not answer is asked again in an hour. Answers the connection as it is stored now. */
export const readDaily = async (deps: Deps, connection: Connection, stored?: Grant): Promise<Connection> => {
  const { storage, logger, clock } = deps
  const { tenant, id, grantId } = connection
  const grant = stored ?? (await storage.connections.grant(tenant, grantId))
  // Every delivery comes by here: most of the time our own clock is enough to say that it is not time yet.
  if (!grant || clock.now() - dataOf(grant).readAt < factsLifeMs) return connection
  const now = await storage.now()
  if (now - dataOf(grant).readAt < factsLifeMs) return connection
  try {
    // Before the call, so that of many workers few ask.
    await markRead(deps, grant, now)
    const fresh = await deps.refresh.fresh(tenant, grantId, { is: 'use' })
    if (fresh) await readAgain(deps, fresh)
  } catch (error) {
    logger.warn({ grantId, platform: grant.platform }, `Accounts could not be read again: ${error instanceof Error ? error.name : 'unknown'}.`)
    const current = await storage.connections.grant(tenant, grantId)
    if (current) await markRead(deps, current, now - factsLifeMs + readAgainMs)
  }
  return (await storage.connections.get(tenant, id)) ?? connection
}
