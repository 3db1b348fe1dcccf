// The one call that renews a grant's tokens. Prepared first, so that nothing but the call itself stands between the lease and the platform.

import type { Session, Tokens } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Clients } from './clients.ts'
import { authOf, type ConnectionsDeps } from './deps.ts'
import { loginHttp, openSession, sessionTokens } from './login.ts'
import type { Opened } from './open-grant.ts'
import { requestTokens } from './token-endpoint.ts'

type Ports = Pick<ConnectionsDeps, 'fetch' | 'clock' | 'random'>

const renewSession = async (ports: Ports, { adapter, credentials, data }: Opened, auth: Session): Promise<Tokens> => {
  const { refresh, fields } = credentials
  const logInAgain = () => openSession(ports, adapter, auth, fields, data.loginServer ?? data.server)
  if (!auth.renew || refresh === undefined) return logInAgain()
  try {
    return sessionTokens(adapter, await auth.renew(loginHttp(ports, adapter, data.server, { bearer: refresh })))
  } catch (error) {
    if (!PublishError.is(error) || error.code !== 'auth') throw error
    return logInAgain()
  }
}

/** Throws what `requestTokens` and the adapter's log-in throw: `auth` means that the platform refuses for good. */
export const prepareRenewal = async (ports: Ports, clients: Clients, opened: Opened): Promise<() => Promise<Tokens>> => {
  const { grant, adapter, credentials, data } = opened
  if (data.method === 'session') {
    const auth = authOf(adapter, 'session')
    return () => renewSession(ports, opened, auth)
  }
  const auth = authOf(adapter, 'oauth2')
  const client = await clients.of(adapter, auth, { tenant: grant.tenant, server: data.loginServer ?? data.server, redirectUri: data.redirectUri ?? '' })
  const call = auth.refresh || undefined
  const old = credentials.refresh ?? credentials.access ?? ''
  const parameters = { [call?.tokenParam ?? 'refresh_token']: old }
  return () => requestTokens(ports, { platform: adapter, client, auth, call, grantType: call?.grantType ?? 'refresh_token', parameters })
}
