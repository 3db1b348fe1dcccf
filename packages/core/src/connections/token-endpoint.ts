// Requests to a token endpoint: RFC 6749 by oauth4webapi, with each platform's deviations as data. Errors keep no token and no body.

import * as oauth from 'oauth4webapi'
import type { Adapter } from '../contract/adapter.ts'
import type { OAuth2, OAuthClient, TokenCall, Tokens } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Reply } from '../contract/http.ts'
import { type Clock, type Fetch, notSent } from '../contract/ports.ts'
import { tokenError, unreadable } from './token-errors.ts'

type Platform = Pick<Adapter, 'id' | 'name' | 'errors'>

export interface TokenRequest {
  readonly platform: Platform
  readonly client: OAuthClient
  readonly auth: OAuth2
  readonly call: TokenCall | undefined
  readonly grantType: string
  /** Code, verifier, old token: everything here counts as secret in errors. */
  readonly parameters: Readonly<Record<string, string>>
  /** Somebody is giving consent and waits for the answer. */
  readonly connecting?: boolean
}

const longestAnswer = 1024 * 1024
/** A hundred years: what claims to live longer has no known end. */
const longestLifeMs = 3.2e12

/** How the client proves itself: also where the platform calls its id `client_key`. */
export const clientAuthOf =
  ({ id, secret, auth, idParam = 'client_id' }: OAuthClient): oauth.ClientAuth =>
  (as, client, body, headers) => {
    const how = auth ?? (secret === undefined ? 'none' : 'basic')
    if (how === 'basic') return oauth.ClientSecretBasic(secret ?? '')(as, client, body, headers)
    body.set(idParam, id)
    if (how === 'body') body.set('client_secret', secret ?? '')
  }

type Init = { readonly method: string; readonly headers: Record<string, string>; readonly body?: unknown }

/** Our network port in the shape oauth4webapi wants. A platform that takes its parameters by GET gets them in the query. */
export const asFetch =
  (fetch: Fetch, method: 'GET' | 'POST' = 'POST') =>
  (url: string, init: Init): Promise<Response> => {
    const { 'content-type': type, ...headers } = init.headers
    const parameters = String(init.body ?? '')
    if (method === 'GET') return fetch(new Request(`${url}${url.includes('?') ? '&' : '?'}${parameters}`, { headers, redirect: 'manual' }))
    return fetch(new Request(url, { method: 'POST', headers: { ...headers, ...(type && { 'content-type': type }) }, body: parameters, redirect: 'manual' }))
  }

const readText = async (response: Response): Promise<string | undefined> => {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > longestAnswer) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `null` and empty texts count as absent, and an ID token is not ours to judge. */
const cleaned = (json: object): string =>
  JSON.stringify(Object.fromEntries(Object.entries(json).filter(([name, value]) => value !== null && value !== '' && name !== 'id_token')))

const byRfc = async (json: object, endpoint: oauth.AuthorizationServer, clientId: string): Promise<Tokens | undefined> => {
  const answer = new Response(cleaned(json), { headers: { 'content-type': 'application/json' } })
  try {
    const { access_token, refresh_token, expires_in } = await oauth.processGenericTokenEndpointResponse(endpoint, { client_id: clientId }, answer)
    return { access: access_token, ...(refresh_token && { refresh: refresh_token }), ...(expires_in !== undefined && { expiresInMs: expires_in * 1000 }) }
  } catch {
    return undefined
  }
}

const tokensOf = async (reply: Reply, { auth, client }: TokenRequest, endpoint: oauth.AuthorizationServer): Promise<Tokens | undefined> => {
  if (typeof reply.json !== 'object' || reply.json === null) return undefined
  const tokens = auth.tokens ? auth.tokens.safeParse(reply.json).data : await byRfc(reply.json, endpoint, client.id)
  return tokens && usable(tokens, auth.lifeMs)
}

/** Tokens as an adapter's schema or log-in gives them: not taken on trust. */
export const usable = (tokens: Tokens, lifeMs?: number): Tokens | undefined => {
  if (typeof tokens?.access !== 'string' || tokens.access === '') return undefined
  const { refresh, expiresInMs = lifeMs, ...rest } = tokens
  const life = typeof expiresInMs === 'number' && expiresInMs > 0 && expiresInMs < longestLifeMs
  return { ...rest, ...(typeof refresh === 'string' && refresh !== '' && { refresh }), ...(life && { expiresInMs: Math.ceil(expiresInMs) }) }
}

/**
 * Throws only `PublishError`: `auth` when what was presented is refused for good, `setup` when the app is, `rate` and `transient` otherwise;
 * outcome `unknown` when the platform may have acted. Never aborts the request.
 */
export const requestTokens = async (ports: { readonly fetch: Fetch; readonly clock: Clock }, request: TokenRequest): Promise<Tokens> => {
  const { platform, client, call, grantType, parameters } = request
  const secrets = [...Object.values(parameters), ...(client.secret === undefined ? [] : [client.secret])]
  const url = call?.url ?? client.tokenUrl
  const endpoint = { issuer: client.issuer ?? new URL(url).origin, token_endpoint: url }
  const lost = (cause: unknown) => {
    const unsent = notSent(cause)
    const what = unsent ? 'its token endpoint could not be reached. Nothing was sent.' : 'the answer of its token endpoint was lost. It may have arrived.'
    return new PublishError('transient', `${platform.name}: ${what}`, { platform: platform.id, outcome: unsent ? 'not-published' : 'unknown' })
  }
  let reply: Reply
  try {
    const response = await oauth.genericTokenEndpointRequest(
      endpoint,
      { client_id: client.id },
      clientAuthOf(client),
      grantType,
      { ...parameters },
      {
        [oauth.customFetch]: asFetch(ports.fetch, call?.method),
      },
    )
    const text = await readText(response)
    if (text === undefined) throw unreadable(platform, response.status, `is longer than ${longestAnswer} bytes`)
    reply = { status: response.status, headers: response.headers, text, json: jsonOf(text) }
  } catch (cause) {
    if (PublishError.is(cause) && !notSent(cause)) throw cause
    throw lost(cause)
  }
  if (reply.status < 200 || reply.status > 299) throw tokenError(request, reply, secrets, ports.clock.now())
  const tokens = await tokensOf(reply, request, endpoint)
  if (!tokens) throw unreadable(platform, reply.status, 'is not a token answer that Syndikit can read')
  return tokens
}
