// Sessions of the emulated Bluesky: app passwords, two-hour access tokens, refresh tokens with a grace of two hours (A1, auth).

import { sign, verified } from './ids.ts'
import { type Meter, perLogin } from './rates.ts'
import { bodyOf, type Call, invalid, json, noBody, type OwnCall, param, Refused, text, unauthorized } from './reply.ts'
import { type Account, accountOf, type BlueskyStage, type Fields, pdsDid, pdsHost, type Refresh } from './state.ts'

const accessLifeSeconds = 7_200
const refreshLifeMs = 90 * 86_400_000
const graceMs = 7_200_000

/** Each app password is valid until it is revoked; then the next number is. */
const passwordOf = ({ revoked }: Account): string => `sand-boxx-pass-${String(revoked + 1).padStart(4, '0')}`

const didDocOf = ({ did, handle }: Account) => ({
  '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1', 'https://w3id.org/security/suites/secp256k1-2019/v1'],
  id: did,
  alsoKnownAs: [`at://${handle}`],
  verificationMethod: [{ id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase: 'zQ3shunBKsXixLxKtC5qeSG9E4J5RkGN57im31pcTzbNQnm5w' }],
  service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: `https://${pdsHost}` }],
})

const profileOf = (account: Account) => ({
  did: account.did,
  didDoc: didDocOf(account),
  handle: account.handle,
  email: account.email,
  emailConfirmed: true,
  active: true,
})

const tokensFor = ({ state, now }: BlueskyStage, did: string, jti: string, refreshEndsAt: number) => {
  const iat = Math.floor(now() / 1000)
  const claims = { sub: did, iat, aud: pdsDid }
  return {
    accessJwt: sign(state.key, 'at+jwt', { ...claims, scope: 'com.atproto.appPass', exp: iat + accessLifeSeconds, generation: state.generation }),
    refreshJwt: sign(state.key, 'refresh+jwt', { ...claims, scope: 'com.atproto.refresh', exp: Math.floor(refreshEndsAt / 1000), jti }),
  }
}

const bearer = (request: Request): string => {
  const header = request.headers.get('authorization')
  if (header === null) throw unauthorized('AuthMissing')
  const [scheme, token] = header.split(/ +/)
  if (scheme?.toLowerCase() !== 'bearer') throw new Refused(400, 'InvalidToken', 'Unexpected authorization type')
  if (!token) throw new Refused(400, 'InvalidToken', 'Malformed authorization header')
  return token
}

const claimsOf = ({ state, now }: BlueskyStage, request: Request, scope: string, late = false): Fields => {
  const claims = verified(state.key, bearer(request))
  if (!claims) throw new Refused(400, 'InvalidToken', 'Token could not be verified')
  const ended = Number(claims.exp) <= Math.floor(now() / 1000) || (claims.generation !== undefined && Number(claims.generation) < state.generation)
  if (ended && !late) throw new Refused(400, 'ExpiredToken', 'Token has expired')
  if (claims.scope !== scope) throw new Refused(400, 'InvalidToken', 'Bad token scope')
  return claims
}

/** The account of a request's access token. */
export const callerOf = (stage: BlueskyStage, request: Request): Account => {
  const account = accountOf(stage.state, String(claimsOf(stage, request, 'com.atproto.appPass').sub))
  if (!account) throw new Refused(403, 'AccountNotFound', 'Account not found')
  return account
}

export const createSession = async ({ stage, request }: Call, meter: Meter): Promise<Response> => {
  const body = await bodyOf(request)
  const identifier = text(body, 'identifier').toLowerCase()
  const password = text(body, 'password')
  meter.use(...perLogin(identifier))
  const account = stage.state.accounts.find(({ did, handle, email }) => [did, handle, email].includes(identifier))
  if (!account || password !== passwordOf(account)) throw unauthorized('AuthenticationRequired', 'Invalid identifier or password')
  const jti = stage.id('bsky-session-')
  const expiresAt = stage.now() + refreshLifeMs
  stage.state.refresh[jti] = { did: account.did, expiresAt }
  return json({ ...tokensFor(stage, account.did, jti, expiresAt), ...profileOf(account) })
}

const heldRefresh = (stage: BlueskyStage, jti: unknown): Refresh => {
  const held = typeof jti === 'string' && Object.hasOwn(stage.state.refresh, jti) ? stage.state.refresh[jti] : undefined
  if (!held || held.expiresAt <= stage.now()) throw new Refused(400, 'ExpiredToken', 'Token has been revoked')
  return held
}

/** Reuse within the grace yields the same next token again; its first use started the grace, later ones do not prolong it. */
export const refreshSession = async ({ stage, request }: Call): Promise<Response> => {
  await noBody(request)
  const claims = claimsOf(stage, request, 'com.atproto.refresh')
  const held = heldRefresh(stage, claims.jti)
  const account = accountOf(stage.state, held.did)
  if (!account) throw invalid(`Could not find user info for account: ${held.did}`)
  const nextId = held.nextId ?? stage.id('bsky-session-')
  held.nextId = nextId
  held.expiresAt = Math.min(held.expiresAt, stage.now() + graceMs)
  const next = stage.state.refresh[nextId] ?? { did: held.did, expiresAt: stage.now() + refreshLifeMs }
  stage.state.refresh[nextId] = next
  return json({ ...tokensFor(stage, held.did, nextId, next.expiresAt), ...profileOf(account) })
}

export const deleteSession = async ({ stage, request }: Call): Promise<Response> => {
  await noBody(request)
  const { jti } = claimsOf(stage, request, 'com.atproto.refresh', true)
  delete stage.state.refresh[String(jti)]
  return new Response(null, { status: 200 })
}

export const getSession = ({ account }: OwnCall): Response => json(profileOf(account))

export const resolveHandle = ({ stage, url }: Call): Response => {
  const account = accountOf(stage.state, param(url, 'handle'))
  if (!account || account.did === param(url, 'handle')) throw invalid('Unable to resolve handle')
  return json({ did: account.did })
}

export const getServiceAuth = ({ stage, url, account }: OwnCall): Response => {
  const aud = param(url, 'aud')
  const lxm = url.searchParams.get('lxm')
  const now = Math.floor(stage.now() / 1000)
  const exp = url.searchParams.has('exp') ? Number(url.searchParams.get('exp')) : now + 60
  if (!aud.startsWith('did:')) throw invalid(`Invalid DID (got ${JSON.stringify(aud)}) at $.aud`)
  if (!Number.isInteger(exp)) throw invalid('Expected integer value type at $.exp')
  if (exp <= now) throw new Refused(400, 'BadExpiration', 'expiration is in past')
  if (exp - now > 3_600) throw new Refused(400, 'BadExpiration', 'cannot request a token with an expiration more than an hour in the future')
  if (lxm === null && exp - now > 60)
    throw new Refused(400, 'BadExpiration', 'cannot request a method-less token with an expiration more than a minute in the future')
  return json({ token: sign(stage.state.key, 'JWT', { iss: account.did, aud, exp, iat: now, jti: stage.id('bsky-service-'), ...(lxm !== null && { lxm }) }) })
}

/** The account that a service token speaks for, where it was made for this service and method. */
export const serviceCallerOf = (stage: BlueskyStage, request: Request, aud: string, lxm: string): Account => {
  const claims = verified(stage.state.key, bearer(request))
  if (!claims || typeof claims.iss !== 'string') throw unauthorized('BadJwt', 'could not verify the service token')
  if (Number(claims.exp) <= Math.floor(stage.now() / 1000)) throw unauthorized('JwtExpired', 'jwt expired')
  if (claims.aud !== aud) throw unauthorized('BadJwtAudience', 'jwt audience does not match service did')
  if (claims.lxm !== lxm) throw unauthorized('BadJwtLexiconMethod', `bad jwt lexicon method ("lxm"). must match: ${lxm}`)
  const account = accountOf(stage.state, claims.iss)
  if (!account) throw unauthorized('UntrustedIss', 'Untrusted issuer')
  return account
}
