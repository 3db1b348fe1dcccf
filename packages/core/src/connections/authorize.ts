// The authorization URL, and what comes back from it. Pure.

import { createHash } from 'node:crypto'
import type { Adapter } from '../contract/adapter.ts'
import type { OAuth2, OAuthClient } from '../contract/auth.ts'
import { type ErrorCode, PublishError } from '../contract/error.ts'
import { plain } from './words.ts'

type Platform = Pick<Adapter, 'id' | 'name'>

export interface Authorization {
  readonly auth: OAuth2
  readonly client: OAuthClient
  readonly redirectUri: string
  readonly state: string
  readonly verifier?: string | undefined
}

/** Always S256: `plain` would show the verifier. */
const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

export const authorizationUrl = ({ auth, client, redirectUri, state, verifier }: Authorization): string => {
  const url = new URL(client.authorizeUrl)
  const parameters = {
    ...auth.params,
    response_type: 'code',
    [client.idParam ?? 'client_id']: client.id,
    redirect_uri: redirectUri,
    ...(auth.scopes.length > 0 && { scope: auth.scopes.join(auth.scopeSeparator ?? ' ') }),
    state,
    ...(verifier !== undefined && { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  // Some platforms read a plus sign as a plus sign.
  url.search = url.search.replaceAll('+', '%20')
  return url.href
}

const localHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

export const checkRedirect = (redirectUri: unknown): string => {
  const url = typeof redirectUri === 'string' && URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
  const safe = url && (url.protocol === 'https:' || (url.protocol === 'http:' && localHosts.has(url.hostname)))
  if (safe && !url.hash && !url.username && !url.password) return redirectUri as string
  throw new TypeError(
    'connections.begin: `redirectUri` must be the whole https address of your callback (http only on localhost), without a fragment, as registered with the platform.',
  )
}

/** The query of the callback; some frameworks only know the path. A fragment (`#_` of Instagram) is not part of it. */
export const callbackParameters = (callbackUrl: string | URL): URLSearchParams => {
  const text = String(callbackUrl)
  if (!URL.canParse(text, 'https://callback.invalid'))
    throw new TypeError('connections.complete: `callbackUrl` must be the address that the platform sent the browser to, with its query.')
  return new URL(text, 'https://callback.invalid').searchParams
}

/** One value, or none: a parameter given twice is somebody's trick. */
export const single = (parameters: URLSearchParams, name: string): string | undefined => {
  const values = parameters.getAll(name)
  if (values.length > 1) throw new PublishError('invalid', `The callback has \`${name}\` ${values.length} times. Start again with \`connections.begin\`.`)
  return values[0] || undefined
}

/** RFC 9207: the answer of one server must not be taken for another's. */
const checkIssuer = (platform: Platform, client: OAuthClient, iss: string | undefined): void => {
  if (iss === undefined && !client.sendsIss) return
  const fits =
    client.issuer === undefined ? iss !== undefined && URL.canParse(iss) && new URL(iss).origin === new URL(client.authorizeUrl).origin : iss === client.issuer
  if (fits) return
  const why = iss === undefined ? 'does not say which server it comes from (`iss`)' : 'comes from another server than the one that was asked (`iss`)'
  throw new PublishError('invalid', `${platform.name}: the callback ${why}. Nothing was connected. Start again with \`connections.begin\`.`, {
    platform: platform.id,
  })
}

const errorCodes: Readonly<Record<string, ErrorCode>> = { access_denied: 'permission', temporarily_unavailable: 'transient', server_error: 'transient' }

const refusal = (platform: Platform, error: string, description: string | undefined): PublishError => {
  const said = description === undefined ? '' : ` It says: ${plain(description)}`
  const code = (Object.hasOwn(errorCodes, error) && errorCodes[error]) || 'setup'
  const why = {
    permission: 'the request was declined on the consent page. Nothing was connected.',
    transient: `it could not answer (${plain(error)}). Start again later.`,
  }[code as string]
  const words = why ?? `it refused the request (${plain(error)}). Look at the app's settings: client id, redirect URI, scopes.`
  return new PublishError(code, `${platform.name}: ${words}${said}`, { platform: platform.id, outcome: 'not-published' })
}

/** The code, once everything else in the callback is right. */
export const codeOf = (platform: Platform, client: OAuthClient, parameters: URLSearchParams): string => {
  checkIssuer(platform, client, single(parameters, 'iss'))
  const error = single(parameters, 'error')
  if (error !== undefined) throw refusal(platform, error, parameters.get('error_description') ?? undefined)
  const code = single(parameters, 'code')
  if (code !== undefined) return code
  throw new PublishError(
    'invalid',
    `${platform.name}: the callback has no \`code\`. Pass the whole address to \`connections.complete\`, or start again with \`connections.begin\`.`,
    { platform: platform.id },
  )
}
