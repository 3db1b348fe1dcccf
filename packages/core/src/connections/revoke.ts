// Ends a grant at the platform, as far as the platform lets us.

import * as oauth from 'oauth4webapi'
import type { Clients } from './clients.ts'
import { authOf, type ConnectionsDeps } from './deps.ts'
import { loginHttp } from './login.ts'
import type { Opened } from './open-grant.ts'
import { late, patiently } from './patient.ts'
import { asFetch, clientAuthOf } from './token-endpoint.ts'

/**
 * `confirmed`: the platform says that the consent is over. `unconfirmed`: it was asked, without a clear answer: the user should look there. `unsupported`: it has no way to ask;
 * the user may end the consent there. `in-use`: other connections live on the same consent, so it stands.
 */
export type Revocation = 'confirmed' | 'unconfirmed' | 'unsupported' | 'in-use'

const longestMs = 30_000

const byOAuth = async (deps: ConnectionsDeps, clients: Clients, { grant, adapter, data, credentials }: Opened): Promise<Revocation> => {
  const auth = authOf(adapter, 'oauth2')
  const client = await clients.of(adapter, auth, { tenant: grant.tenant, server: data.loginServer ?? data.server, redirectUri: data.redirectUri ?? '' })
  if (client.revokeUrl === undefined) return 'unsupported'
  const endpoint = { issuer: client.issuer ?? new URL(client.revokeUrl).origin, revocation_endpoint: client.revokeUrl }
  const revoke = async (token: string): Promise<boolean> => {
    const response = await oauth.revocationRequest(endpoint, { client_id: client.id }, clientAuthOf(client), token, {
      [oauth.customFetch]: asFetch(deps.fetch),
    })
    await response.body?.cancel()
    return response.ok
  }
  // RFC 7009: with the refresh token its access tokens end too. Not every platform does that.
  const [first, ...rest] = [credentials.refresh, credentials.access].filter((token) => token !== undefined)
  if (first === undefined) return 'unsupported'
  const confirmed = await revoke(first)
  for (const token of rest) await revoke(token).catch(() => false)
  return confirmed ? 'confirmed' : 'unconfirmed'
}

const bySession = async (deps: ConnectionsDeps, { adapter, data, credentials }: Opened): Promise<Revocation> => {
  const { close } = authOf(adapter, 'session')
  if (!close || credentials.refresh === undefined) return 'unsupported'
  await close(loginHttp(deps, adapter, data.server, { bearer: credentials.refresh }))
  return 'confirmed'
}

/** Never throws: a platform that is down does not keep a tenant from deleting. */
export const revokeAtPlatform = async (deps: ConnectionsDeps, clients: Clients, opened: Opened): Promise<Revocation> => {
  if (opened.data.method === 'keys') return 'unsupported'
  try {
    const call = opened.data.method === 'session' ? bySession(deps, opened) : byOAuth(deps, clients, opened)
    const answer = await patiently(deps.clock, call, longestMs)
    return answer === late ? 'unconfirmed' : answer
  } catch {
    return 'unconfirmed'
  }
}
