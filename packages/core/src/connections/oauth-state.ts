// What is remembered between `begin` and the callback: sealed, for ten minutes, taken once.

import type { ConnectionsDeps } from './deps.ts'
import { hashOf, newToken } from './ids.ts'
import { mustBeText } from './words.ts'

export interface PendingOAuth {
  readonly platform: string
  readonly redirectUri: string
  readonly server?: string | undefined
  /** Hash of the browser session that began; the callback must come from the same one. */
  readonly session: string | null
  /** PKCE. */
  readonly verifier?: string | undefined
  readonly reconnect?: string | undefined
}

const stateLifeMs = 600_000

const placeOf = (tenant: string, row: string) => ({ table: 'oauth-state', tenant, row })
/** An empty text would be the same for every browser. */
export const sessionHash = (session: string | undefined): string | null => (session === undefined ? null : hashOf(`session\0${mustBeText(session, 'session')}`))

type Deps = Pick<ConnectionsDeps, 'storage' | 'vault' | 'random'>

/** Answers `state`. The database knows only its hash, so reading the table does not let anybody finish a log-in. */
export const rememberOAuth = async ({ storage, vault, random }: Deps, tenant: string, pending: PendingOAuth): Promise<string> => {
  const state = newToken(random)
  const id = hashOf(state)
  const expiresAt = (await storage.now()) + stateLifeMs
  await storage.oauth.putState({ id, tenant, expiresAt, ...vault.sealRow(placeOf(tenant, id), JSON.stringify(pending)) })
  return state
}

/** Of many callers with one `state` one gets it; it is gone afterwards, whatever becomes of the log-in. */
export const takeOAuth = async ({ storage, vault }: Deps, tenant: string, state: string): Promise<PendingOAuth | 'unknown' | 'expired'> => {
  const taken = await storage.oauth.takeState(tenant, hashOf(state))
  if (!taken) return 'unknown'
  if (taken.expired) return 'expired'
  return JSON.parse(vault.openRow(placeOf(tenant, taken.state.id), taken.state.sealed)) as PendingOAuth
}
