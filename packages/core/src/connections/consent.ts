// The three ways in: begin and complete an OAuth consent, or open with what the user typed.

import type { Adapter } from '../contract/adapter.ts'
import type { Tokens } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import { adopt, targetOf } from './adopt.ts'
import { appliedOf } from './applied.ts'
import { authorizationUrl, callbackParameters, checkRedirect, codeOf, single } from './authorize.ts'
import type { Clients } from './clients.ts'
import type { Connections } from './connections.ts'
import { adapterOf, authOf, type ConnectionsDeps } from './deps.ts'
import { newToken } from './ids.ts'
import { checkFields, exchangeCode, logIn } from './login.ts'
import { type PendingOAuth, rememberOAuth, sessionHash, takeOAuth } from './oauth-state.ts'
import { serverOf } from './server.ts'
import type { Credentials } from './stored.ts'
import { mustBeText } from './words.ts'

const again = 'Start again with `connections.begin`.'

const pendingOf = async (deps: ConnectionsDeps, tenant: string, state: string | undefined, session: string | undefined): Promise<PendingOAuth> => {
  const from = sessionHash(session)
  if (state === undefined) throw new PublishError('invalid', `The callback has no \`state\`, so nobody here asked for it. ${again}`)
  const pending = await takeOAuth(deps, tenant, state)
  if (pending === 'unknown') throw new PublishError('invalid', `This callback was used already, or was never asked for by this tenant. ${again}`)
  if (pending === 'expired') throw new PublishError('invalid', `This callback comes too late: a consent must be given within ten minutes. ${again}`)
  if (pending.session !== from) {
    throw new PublishError(
      'invalid',
      `This callback comes from another browser session than the one that began. Pass the same \`session\` to \`begin\` and \`complete\`. ${again}`,
    )
  }
  return pending
}

/** OAuth servers have the registration under the server's name. */
const needsServer = (adapter: Adapter): boolean => typeof authOf(adapter, 'oauth2').client === 'function'

/** Nobody has settings to look at: the next `begin` registers anew. */
const orForgotten =
  (adapter: Adapter) =>
  (error: unknown): never => {
    if (!needsServer(adapter) || !PublishError.is(error) || error.platformCode !== 'invalid_client') throw error
    throw new PublishError('setup', `${adapter.name}: this server does not know our registration any more. Nothing was connected. ${again}`, {
      platform: adapter.id,
    })
  }

const typedAuth = (adapter: Adapter, method: 'session' | 'keys' | undefined) =>
  authOf(adapter, method ?? (adapter.auth.find(({ type }) => type !== 'oauth2')?.type === 'keys' ? 'keys' : 'session'))

type Ask<Name extends keyof Connections> = Parameters<Connections[Name]>[0]

const begin = async (deps: ConnectionsDeps, clients: Clients, { tenant, platform, redirectUri, server: named, session, reconnect }: Ask<'begin'>) => {
  mustBeText(tenant, 'tenant')
  const adapter = adapterOf(deps, mustBeText(platform, 'platform'))
  const auth = authOf(adapter, 'oauth2')
  checkRedirect(redirectUri)
  const from = sessionHash(session)
  const server = serverOf(adapter, named, needsServer(adapter))
  await targetOf(deps, tenant, platform, reconnect)
  const client = await clients.forConsent(adapter, auth, { tenant, server, redirectUri })
  const verifier = auth.pkce === false ? undefined : newToken(deps.random)
  const state = await rememberOAuth(deps, tenant, { platform, redirectUri, server, session: from, verifier, reconnect })
  return { url: authorizationUrl({ auth, client, redirectUri, state, verifier }), state }
}

const complete = async (deps: ConnectionsDeps, clients: Clients, { tenant, callbackUrl, session }: Ask<'complete'>) => {
  mustBeText(tenant, 'tenant')
  const parameters = callbackParameters(callbackUrl)
  const { platform, redirectUri, server, verifier, reconnect } = await pendingOf(deps, tenant, single(parameters, 'state'), session)
  const adapter = adapterOf(deps, platform)
  const auth = authOf(adapter, 'oauth2')
  const client = await clients.of(adapter, auth, { tenant, server, redirectUri })
  const code = codeOf(adapter, client, parameters)
  const tokens = await exchangeCode(deps, adapter, { auth, client, code, redirectUri, verifier }).catch(orForgotten(adapter))
  const data = { method: 'oauth2' as const, server: tokens.server ?? server, loginServer: server, redirectUri }
  return adopt(deps, {
    tenant,
    adapter,
    credentials: credentialsOf(tokens, {}),
    applied: { bearer: tokens.access },
    data,
    expiresInMs: tokens.expiresInMs,
    reconnect,
  })
}

const credentialsOf = ({ access, refresh }: Tokens, fields: Credentials['fields']): Credentials => ({
  access,
  fields,
  ...(refresh !== undefined && { refresh }),
})

const open = async (deps: ConnectionsDeps, { tenant, platform, fields, server: named, method, reconnect }: Ask<'open'>) => {
  mustBeText(tenant, 'tenant')
  const adapter = adapterOf(deps, mustBeText(platform, 'platform'))
  const auth = typedAuth(adapter, method)
  const server = serverOf(adapter, named, false)
  const typed = checkFields(adapter, auth, fields)
  await targetOf(deps, tenant, platform, reconnect)
  if (auth.type === 'keys') {
    const data = { method: 'keys' as const, server }
    const applied = appliedOf({ adapter, data: { ...data, issuedAt: 0, readAt: 0 }, credentials: { fields: typed } })
    return adopt(deps, { tenant, reconnect, adapter, credentials: { fields: typed }, applied, data })
  }
  const tokens = await logIn(deps, adapter, auth, typed, server)
  const data = { method: 'session' as const, server: tokens.server ?? server, loginServer: server }
  return adopt(deps, {
    tenant,
    adapter,
    credentials: credentialsOf(tokens, typed),
    applied: { bearer: tokens.access },
    data,
    expiresInMs: tokens.expiresInMs,
    reconnect,
  })
}

export const createConsent = (deps: ConnectionsDeps, clients: Clients): Pick<Connections, 'begin' | 'complete' | 'open'> => ({
  begin: (request) => begin(deps, clients, request),
  complete: (request) => complete(deps, clients, request),
  open: (request) => open(deps, request),
})
