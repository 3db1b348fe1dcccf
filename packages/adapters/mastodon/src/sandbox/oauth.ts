// OAuth of an emulated Mastodon server: apps, consent, tokens without an end, revocation (A2, auth; Doorkeeper as Mastodon sets it up).

import { createHash } from 'node:crypto'
import { codePage, consentPage, errorPage } from './page.ts'
import { list, type Params, paramsOf, text } from './params.ts'
import { type Call, invalid, json, Refused } from './reply.ts'
import type { App, Code, Token } from './state.ts'

const codeLifeMs = 600_000
const oob = 'urn:ietf:wg:oauth:2.0:oob'

const names = {
  read: 'accounts blocks bookmarks favourites filters follows lists mutes notifications search statuses',
  write: 'accounts blocks bookmarks conversations favourites filters follows lists media mutes notifications reports statuses',
}
const scopesKnown = [
  'read',
  'write',
  'follow',
  'push',
  'profile',
  ...Object.entries(names).flatMap(([top, all]) => all.split(' ').map((name) => `${top}:${name}`)),
]

const descriptions = {
  invalid_client: 'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
  invalid_grant:
    'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.',
  invalid_scope: 'The requested scope is invalid, unknown, or malformed.',
  invalid_redirect_uri: 'The redirect uri included is not valid.',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server.',
  unsupported_response_type: 'The authorization server does not support this response type.',
  invalid_code_challenge_method: 'The code_challenge_method must be S256.',
  access_denied: 'The resource owner or authorization server denied the request.',
}
type OAuthError = keyof typeof descriptions

const refused = (error: OAuthError): Refused => new Refused(error === 'invalid_client' ? 401 : 400, error, descriptions[error])

const isRedirect = (uri: string): boolean => uri === oob || (URL.canParse(uri) && !/^(javascript|data|vbscript):/i.test(uri) && !uri.includes('#'))

export const discover = ({ host, profile }: Call): Response => {
  const base = `https://${host}`
  return json({
    issuer: `${base}/`,
    authorization_endpoint: `${base}/oauth/authorize`,
    token_endpoint: `${base}/oauth/token`,
    revocation_endpoint: `${base}/oauth/revoke`,
    ...(profile.userinfo && { userinfo_endpoint: `${base}/oauth/userinfo` }),
    scopes_supported: scopesKnown,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
    service_documentation: 'https://docs.joinmastodon.org/',
    app_registration_endpoint: `${base}/api/v1/apps`,
  })
}

// Real servers take five registrations in ten minutes from one address; here that would only be in the way.
export const registerApp = async ({ stage, server, request }: Call): Promise<Response> => {
  const params = await paramsOf(request)
  const name = text(params, 'client_name')?.trim() ?? ''
  const uris = [...list(params, 'redirect_uris'), ...(text(params, 'redirect_uris')?.split(/\s+/) ?? [])].filter(Boolean)
  const scopes = (text(params, 'scopes') ?? 'read').split(/\s+/).filter(Boolean)
  const problems = [
    name === '' && "Application name can't be blank",
    uris.length === 0 && "Redirect URI can't be blank",
    !uris.every(isRedirect) && 'Redirect URI must be an absolute URI.',
    !scopes.every((scope) => scopesKnown.includes(scope)) && "Scopes doesn't match configured on the server.",
  ].filter((problem) => problem !== false)
  if (problems.length > 0) throw invalid(...problems)
  const app: App = {
    id: String(server.apps.length + 1),
    name,
    website: text(params, 'website') || null,
    redirectUris: uris,
    scopes,
    clientId: stage.id('masto-client-'),
    clientSecret: stage.id('masto-secret-'),
  }
  server.apps.push(app)
  return json({
    id: app.id,
    name,
    website: app.website,
    scopes,
    redirect_uri: uris.join('\n'),
    redirect_uris: uris,
    client_id: app.clientId,
    client_secret: app.clientSecret,
    client_secret_expires_at: 0,
  })
}

const parameters = ['response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'code_challenge', 'code_challenge_method'] as const
type Asked = Record<(typeof parameters)[number], string>

const askedOf = (from: Params): Asked => Object.fromEntries(parameters.map((name) => [name, text(from, name) ?? ''])) as Asked

const scopeOf = ({ scope }: Asked): string => scope.split(/\s+/).filter(Boolean).join(' ') || 'read'

const wrongIn = (asked: Asked, app: App): OAuthError | undefined => {
  if (asked.response_type !== 'code') return 'unsupported_response_type'
  if (
    !scopeOf(asked)
      .split(' ')
      .every((scope) => app.scopes.includes(scope))
  )
    return 'invalid_scope'
  if (asked.code_challenge !== '' && asked.code_challenge_method !== 'S256') return 'invalid_code_challenge_method'
  return undefined
}

const backTo = (asked: Asked, result: Record<string, string>): Response => {
  if (asked.redirect_uri === oob) return result.code === undefined ? errorPage(result.error_description ?? 'denied') : codePage(result.code)
  const back = new URL(asked.redirect_uri)
  for (const [name, value] of Object.entries(result)) back.searchParams.set(name, value)
  if (asked.state !== '') back.searchParams.set('state', asked.state)
  return new Response(null, { status: 302, headers: { location: back.href, 'cache-control': 'no-store' } })
}

const withError = (asked: Asked, error: OAuthError): Response => backTo(asked, { error, error_description: descriptions[error] })

/** Nothing is sent to an address that was not registered. */
const appFor = ({ server }: Call, asked: Asked): App | Response => {
  const app = server.apps.find(({ clientId }) => clientId === asked.client_id)
  if (!app) return errorPage(descriptions.invalid_client, 401)
  return app.redirectUris.includes(asked.redirect_uri) ? app : errorPage(descriptions.invalid_redirect_uri)
}

export const showConsent = async (call: Call): Promise<Response> => {
  const asked = askedOf(await paramsOf(call.request))
  const app = appFor(call, asked)
  if (app instanceof Response) return app
  const wrong = wrongIn(asked, app)
  if (wrong) return withError(asked, wrong)
  return consentPage({ app: app.name, host: call.host, scopes: scopeOf(asked).split(' '), choices: call.server.accounts, hidden: asked })
}

export const decideConsent = async (call: Call): Promise<Response> => {
  const { stage, server, request, host } = call
  const form = await paramsOf(request)
  const asked = askedOf(form)
  const app = appFor(call, asked)
  if (app instanceof Response) return app
  const wrong = wrongIn(asked, app)
  if (wrong) return withError(asked, wrong)
  const decision = text(form, 'decision')
  if (decision === 'deny') return withError(asked, 'access_denied')
  const name = text(form, 'account')
  const account = server.accounts.find(({ id, username }) => [id, username, `${username}@${host}`].includes(name ?? ''))
  if (decision !== 'approve' || !account) return errorPage('decision must be approve or deny, and account one of this server')
  const code = stage.id('masto-code-')
  server.codes[code] = {
    app: app.id,
    account: account.id,
    redirectUri: asked.redirect_uri,
    scope: scopeOf(asked),
    challenge: asked.code_challenge,
    expiresAt: stage.now() + codeLifeMs,
    used: false,
  }
  return backTo(asked, { code })
}

const clientOf = ({ server, request }: Call, params: Params): App | undefined => {
  const encoded = /^Basic +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  const [basicId, basicSecret] = encoded === undefined ? [] : Buffer.from(encoded, 'base64').toString().split(':')
  const id = basicId ?? text(params, 'client_id')
  const secret = basicSecret ?? text(params, 'client_secret')
  return server.apps.find(({ clientId, clientSecret }) => clientId === id && clientSecret === secret)
}

const issued = ({ stage, server }: Call, token: Omit<Token, 'createdAt'>): Response => {
  // Mastodon gives the same token again for the same app, account and scopes.
  const same = Object.entries(server.tokens).find(
    ([, held]) => held.app === token.app && held.account === token.account && held.scope === token.scope && held.ended === undefined,
  )
  const access = same?.[0] ?? stage.id('masto-token-')
  const held = same?.[1] ?? { ...token, createdAt: stage.now() }
  server.tokens[access] = held
  return json({ access_token: access, token_type: 'Bearer', scope: held.scope, created_at: Math.floor(held.createdAt / 1000) })
}

const exchange = (call: Call, app: App, params: Params): Response => {
  const given = text(params, 'code') ?? ''
  const code: Code | undefined = Object.hasOwn(call.server.codes, given) ? call.server.codes[given] : undefined
  const verifier = text(params, 'code_verifier') ?? ''
  const fits = code?.challenge === '' || createHash('sha256').update(verifier).digest('base64url') === code?.challenge
  if (!code || code.used || code.app !== app.id || code.expiresAt <= call.stage.now() || code.redirectUri !== text(params, 'redirect_uri') || !fits)
    throw refused('invalid_grant')
  code.used = true
  return issued(call, { app: app.id, account: code.account, scope: code.scope })
}

export const answerToken = async (call: Call): Promise<Response> => {
  const params = await paramsOf(call.request)
  const grant = text(params, 'grant_type')
  if (grant === undefined) throw new Refused(400, 'invalid_request', 'Missing required parameter: grant_type.')
  if (grant !== 'authorization_code' && grant !== 'client_credentials') throw refused('unsupported_grant_type')
  const app = clientOf(call, params)
  if (!app) throw refused('invalid_client')
  if (grant === 'authorization_code') return exchange(call, app, params)
  const scope = (text(params, 'scope') ?? 'read').split(/\s+/).filter(Boolean)
  if (!scope.every((name) => app.scopes.includes(name))) throw refused('invalid_scope')
  return issued(call, { app: app.id, scope: scope.join(' ') })
}

export const answerRevoke = async (call: Call): Promise<Response> => {
  const params = await paramsOf(call.request)
  const app = clientOf(call, params)
  const given = text(params, 'token') ?? ''
  const token = Object.hasOwn(call.server.tokens, given) ? call.server.tokens[given] : undefined
  if (!app || token?.app !== app.id) throw new Refused(403, 'unauthorized_client', 'You are not authorized to revoke this token')
  token.ended = 'revoked'
  return json({})
}
