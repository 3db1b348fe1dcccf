// OAuth 2 of the emulated X: consent, codes, tokens that rotate, revocation (platforms-major 1.1).

import { createHash, timingSafeEqual } from 'node:crypto'
import { consentPage, errorPage } from './page.ts'
import { json, Refused } from './reply.ts'
import type { App, Code, State, Token, XStage } from './state.ts'

const codeLifeMs = 30_000
const accessLifeMs = 7_200_000
// Unverified: X does not say how long a refresh token lives; six months is what people quote.
const refreshLifeMs = 180 * 86_400_000

const scopesKnown = new Set(
  `tweet.read tweet.write tweet.moderate.write users.read users.email follows.read follows.write offline.access space.read mute.read mute.write
like.read like.write list.read list.write block.read block.write bookmark.read bookmark.write dm.read dm.write media.write timeline.read
broadcast.read broadcast.write`.split(/\s+/),
)
const parameters = ['response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'code_challenge', 'code_challenge_method'] as const
type Asked = Record<(typeof parameters)[number], string>

const isWebAddress = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

const wrongIn = (asked: Asked, state: State): string[] => {
  const scopes = asked.scope.split(' ').filter(Boolean)
  const unknown = scopes.filter((scope) => !scopesKnown.has(scope))
  const known = state.apps.map(({ id, secret }) => (secret === undefined ? id : `${id} (secret ${secret})`)).join(', ')
  return [
    asked.response_type !== 'code' && 'response_type must be code',
    !state.apps.some(({ id }) => id === asked.client_id) && `client_id is not an app of this sandbox; it has ${known}`,
    !isWebAddress(asked.redirect_uri) && 'redirect_uri must be a whole http or https address',
    scopes.length === 0 && 'scope is missing',
    unknown.length > 0 && `scope has what X does not know: ${unknown.join(' ')}`,
    (asked.state === '' || asked.state.length > 500) && 'state must have 1 to 500 characters',
    // X also takes `plain`; here the stronger one is demanded.
    asked.code_challenge_method !== 'S256' && 'code_challenge_method must be S256',
    !/^[\w-]{43}$/.test(asked.code_challenge) && 'code_challenge must be the base64url SHA-256 of the verifier',
  ].filter((wrong) => wrong !== false)
}

const askedOf = (from: URLSearchParams): Asked => Object.fromEntries(parameters.map((name) => [name, from.get(name) ?? ''])) as Asked

const fieldsOf = async (request: Request): Promise<URLSearchParams> => {
  if (!request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams()
  return new URLSearchParams(await request.text().catch(() => ''))
}

export const showConsent = ({ state }: XStage, url: URL): Response => {
  const asked = askedOf(url.searchParams)
  const problems = wrongIn(asked, state)
  if (problems.length > 0) return errorPage(problems)
  const choices = state.accounts.map(({ id, username, name }) => ({ id, name: username, displayName: name }))
  return consentPage(asked.client_id, asked.scope.split(' '), choices, asked)
}

export const decideConsent = async (stage: XStage, request: Request): Promise<Response> => {
  const form = await fieldsOf(request)
  const asked = askedOf(form)
  const account = stage.state.accounts.find(({ id, username }) => id === form.get('account') || username === form.get('account'))
  const decision = form.get('decision')
  const problems = wrongIn(asked, stage.state)
  if (decision !== 'approve' && decision !== 'deny') problems.push('decision must be approve or deny')
  if (decision === 'approve' && !account) problems.push('account is none of this sandbox')
  if (problems.length > 0) return errorPage(problems)
  const back = new URL(asked.redirect_uri)
  back.searchParams.set('state', asked.state)
  if (decision === 'deny' || !account) back.searchParams.set('error', 'access_denied')
  else back.searchParams.set('code', issueCode(stage, asked, account.id))
  return new Response(null, { status: 302, headers: { location: back.href, 'cache-control': 'no-store' } })
}

const issueCode = ({ state, id, now }: XStage, asked: Asked, account: string): string => {
  const code = id('x-code-')
  state.codes[code] = {
    app: asked.client_id,
    account,
    redirectUri: asked.redirect_uri,
    scope: asked.scope,
    challenge: asked.code_challenge,
    expiresAt: now() + codeLifeMs,
    used: false,
  }
  return code
}

const refuse = (error: string, description: string, status = 400): never => {
  throw new Refused(json({ error, error_description: description }, status))
}

const sameText = (a: string, b: string): boolean => {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}

const basicOf = (request: Request): [id: string, secret: string] | undefined => {
  const encoded = /^Basic +([\w+/=-]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString().split(':')
  try {
    return [decodeURIComponent(id), decodeURIComponent(secret.join(':'))]
  } catch {
    return [id, secret.join(':')]
  }
}

/** A confidential client must use Basic; a public one names itself in the body. */
const clientOf = ({ state }: XStage, request: Request, form: URLSearchParams): App => {
  const basic = basicOf(request)
  const app = state.apps.find(({ id }) => id === (basic?.[0] ?? form.get('client_id')))
  if (!basic && app?.secret !== undefined) return refuse('unauthorized_client', 'Missing valid authorization header', 401)
  if (!basic && form.get('client_id') === null) return refuse('unauthorized_client', 'Missing valid authorization header', 401)
  if (!app) return refuse('invalid_request', 'Value passed for the client id was invalid.')
  if (basic && !(app.secret !== undefined && sameText(app.secret, basic[1]))) return refuse('unauthorized_client', 'Missing valid authorization header', 401)
  return app
}

const issueTokens = ({ state, id, now }: XStage, from: { app: string; account: string; scope: string; family: string }): Response => {
  const add = (kind: Token['kind'], lifeMs: number) => {
    const token = id(`x-${kind}-`)
    state.tokens[token] = { kind, app: from.app, account: from.account, scope: from.scope, family: from.family, expiresAt: now() + lifeMs, spent: false }
    return token
  }
  const access = add('access', accessLifeMs)
  const offline = from.scope.split(' ').includes('offline.access')
  return json({
    token_type: 'bearer',
    expires_in: accessLifeMs / 1000,
    access_token: access,
    scope: from.scope,
    ...(offline && { refresh_token: add('refresh', refreshLifeMs) }),
  })
}

const need = (form: URLSearchParams, name: string): string => form.get(name) || refuse('invalid_request', `Missing required parameter [${name}].`)

const exchange = (stage: XStage, app: App, form: URLSearchParams): Response => {
  const given = need(form, 'code')
  const redirectUri = need(form, 'redirect_uri')
  const verifier = need(form, 'code_verifier')
  const code: Code | undefined = Object.hasOwn(stage.state.codes, given) ? stage.state.codes[given] : undefined
  if (!code || code.used || code.app !== app.id || code.expiresAt <= stage.now())
    return refuse('invalid_request', 'Value passed for the authorization code was invalid.')
  if (code.redirectUri !== redirectUri) return refuse('invalid_request', 'Value passed for the redirect uri did not match the uri of the authorization code.')
  if (createHash('sha256').update(verifier).digest('base64url') !== code.challenge)
    return refuse('invalid_request', 'Value passed for the code verifier did not match the code challenge.')
  code.used = true
  return issueTokens(stage, { app: app.id, account: code.account, scope: code.scope, family: stage.id('x-family-') })
}

const killFamily = (state: State, family: string): void => {
  for (const [token, { family: of }] of Object.entries(state.tokens)) if (of === family) delete state.tokens[token]
}

const refresh = (stage: XStage, app: App, form: URLSearchParams): Response => {
  const given = need(form, 'refresh_token')
  const token = Object.hasOwn(stage.state.tokens, given) ? stage.state.tokens[given] : undefined
  const wrong = () => refuse('invalid_request', 'Value passed for the token was invalid.')
  if (token?.kind !== 'refresh' || token.app !== app.id) return wrong()
  if (token.spent) {
    // A refresh token that comes a second time was stolen or replayed: everything that descends from the consent ends (reliability 2.5).
    killFamily(stage.state, token.family)
    return wrong()
  }
  if (token.expiresAt <= stage.now()) return wrong()
  token.spent = true
  return issueTokens(stage, token)
}

export const answerToken = async (stage: XStage, request: Request): Promise<Response> => {
  const form = await fieldsOf(request)
  const app = clientOf(stage, request, form)
  const grant = need(form, 'grant_type')
  if (grant === 'authorization_code') return exchange(stage, app, form)
  if (grant === 'refresh_token') return refresh(stage, app, form)
  return refuse('invalid_request', 'Value passed for the grant type was invalid.')
}

// Unverified: that revoking one token ends the whole consent.
export const answerRevoke = async (stage: XStage, request: Request): Promise<Response> => {
  const form = await fieldsOf(request)
  const app = clientOf(stage, request, form)
  const given = need(form, 'token')
  const token = Object.hasOwn(stage.state.tokens, given) ? stage.state.tokens[given] : undefined
  if (token?.app === app.id) killFamily(stage.state, token.family)
  return json({ revoked: true })
}
