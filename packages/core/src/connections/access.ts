// What a run gets of a connection: its account, its credentials, and a way to renew them.

import { isDeepStrictEqual } from 'node:util'
import type { Account, Applied, Secret } from '../contract/auth.ts'
import type { Connection, Grant } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import { readAgain, readDaily } from './accounts-again.ts'
import { appliedOf, shownCredentials } from './applied.ts'
import { createClients } from './clients.ts'
import type { ConnectionsDeps } from './deps.ts'
import { accountOf } from './info.ts'
import { type Opened, openGrant, standingOf } from './open-grant.ts'
import { createRefresh, type Refresh } from './refresh.ts'
import { nextMove } from './renewal.ts'
import { noSuchConnection, reconnectNeeded } from './words.ts'

export interface Accessed {
  readonly account: Account
  readonly credentials: Readonly<Record<string, Secret>>
  /** What goes onto the next call; renewed first where it is about to end. */
  applied(): Promise<Applied>
  /** After the platform refused `used`. True: there are others now, or these were found good after all. Throws `auth` when the account must be connected again. */
  renew(used: Applied): Promise<boolean>
}

export interface Access {
  /** Throws `auth` when the account must be connected again; `transient`, `rate`, `not-ready` or `setup` when it cannot be used now. Nothing was published then. `grant`: its row, where the caller has just read it. */
  of(connection: Connection, grant?: Grant): Promise<Accessed>
  /** Reads plans, limits and permissions again where that was last done a day ago. Never throws for a platform that does not answer. */
  daily(connection: Connection, grant?: Grant): Promise<Connection>
  /** Reads them now. Answers the ids of the accounts that the grant still opens. */
  read(connection: Connection): Promise<ReadonlySet<string>>
  /** Waits for refreshes that are out; for `stop`. */
  drain(): Promise<void>
}

interface Held {
  readonly connection: Connection
  readonly opened: Opened
  /** The account's own token. */
  readonly token: string | undefined
}

const appliedBy = ({ opened, token }: Held): Applied => (token === undefined ? appliedOf(opened) : { bearer: token })

type Deps = ConnectionsDeps & { readonly refresh: Refresh }

const hold = ({ vault }: Deps, connection: Connection, opened: Opened): Held => {
  const { sealed, accountId } = connection
  return { connection, opened, token: sealed === null ? undefined : vault.openAccount(opened.grant, accountId, sealed).reveal() }
}

/** A reconnect may have moved the connection to another grant: then its row knows. */
const load = async (deps: Deps, given: Connection, grant?: Grant): Promise<Held> => {
  for (let connection: Connection | undefined = given, n = 0; connection && n < 3; n++) {
    const stored = grant?.id === connection.grantId ? grant : undefined
    const opened = await deps.refresh.fresh(connection.tenant, connection.grantId, { is: 'use' }, stored)
    if (opened) return hold(deps, connection, opened)
    connection = await deps.storage.connections.get(given.tenant, given.id)
  }
  throw noSuchConnection(given.id)
}

const giveUp = async ({ refresh }: Deps, { opened }: Held): Promise<never> => {
  await refresh.giveUp(opened, 'refused')
  throw reconnectNeeded(opened.adapter, 'refused')
}

/** As stored now, whoever stored it; without renewing anything. */
const again = async (deps: Deps, held: Held): Promise<Held> => {
  const connection = await deps.storage.connections.get(held.connection.tenant, held.connection.id)
  const opened = connection && (await openGrant(deps, connection.tenant, connection.grantId))
  if (!opened) throw noSuchConnection(held.connection.id)
  return hold(deps, connection, opened)
}

/** For what no refresh renews: keys, tokens without refresh, an account's own token. Reading the accounts is the second opinion. */
const secondOpinion = async (deps: Deps, held: Held, used: Applied): Promise<Held> => {
  const stored = await again(deps, held)
  if (!isDeepStrictEqual(appliedBy(stored), used)) return stored
  try {
    await readAgain(deps, stored.opened)
  } catch (error) {
    if (!PublishError.is(error)) throw error
    if (error.code === 'auth') return giveUp(deps, stored)
    throw new PublishError(error.code === 'unknown' ? 'transient' : error.code, error.message, {
      platform: error.platform,
      retryAfterMs: error.retryAfterMs,
      outcome: 'not-published',
    })
  }
  const read = await again(deps, stored)
  return read.token !== undefined && read.token === used.bearer ? giveUp(deps, read) : read
}

const renewed = async (deps: Deps, held: Held, used: Applied): Promise<Held> => {
  if (held.token !== undefined || held.opened.renewal.by === 'none') return secondOpinion(deps, held, used)
  const opened = await deps.refresh.fresh(held.connection.tenant, held.opened.grant.id, { is: 'refused', access: used.bearer })
  return opened ? hold(deps, held.connection, opened) : load(deps, held.connection)
}

const accessTo = async (deps: Deps, given: Connection, grant?: Grant): Promise<Accessed> => {
  let held = await load(deps, given, grant)
  return {
    account: accountOf(held.connection, held.opened.grant),
    credentials: shownCredentials(() => held.opened),
    applied: async () => {
      if (nextMove(standingOf(held.opened), { is: 'use' }, deps.clock.now()).do !== 'use') held = await load(deps, held.connection)
      return appliedBy(held)
    },
    renew: async (used) => {
      held = await renewed(deps, held, used)
      return true
    },
  }
}

export const createAccess = (given: ConnectionsDeps): Access => {
  const refresh = createRefresh(given, createClients(given))
  const deps: Deps = { ...given, refresh }
  return {
    of: (connection, grant) => accessTo(deps, connection, grant),
    read: async (connection) => readAgain(deps, (await load(deps, connection)).opened),
    daily: (connection, grant) => readDaily(deps, connection, grant),
    drain: refresh.drain,
  }
}
