// Our OAuth client at a platform: fixed, or registered by each tenant once on each server that users name, and kept sealed.

import type { Adapter } from '../contract/adapter.ts'
import type { OAuth2, OAuthClient } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import { createHttp } from '../http/client.ts'
import { clientPlace } from '../vault/rotation.ts'
import type { ConnectionsDeps } from './deps.ts'
import { newToken } from './ids.ts'
import { patiently } from './patient.ts'
import { requestTokens } from './token-endpoint.ts'

interface ClientAt {
  readonly tenant: string
  readonly server?: string | undefined
  readonly redirectUri: string
}

export interface Clients {
  /** Registers at most once per tenant, server and redirect URI; where two processes do it at the same time, both get the first one stored. */
  of(adapter: Adapter, auth: OAuth2, at: ClientAt): Promise<OAuthClient>
  /** The same for a consent that begins: where the server has forgotten the client, which only its own page would show, a new one is registered. */
  forConsent(adapter: Adapter, auth: OAuth2, at: ClientAt): Promise<OAuthClient>
}

type Deps = Pick<ConnectionsDeps, 'storage' | 'vault' | 'clock' | 'random' | 'fetch'>

interface Registration {
  readonly adapter: Adapter
  readonly auth: OAuth2
  readonly ask: Exclude<OAuth2['client'], OAuthClient>
  readonly row: { readonly tenant: string; readonly platform: string; readonly server: string; readonly redirectUri: string }
}

const isHttps = (url: unknown): boolean => typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'

/** What a server answered is not taken on trust: it decides where codes and tokens go. */
const checked = (adapter: Adapter, client: OAuthClient): OAuthClient => {
  const urls = [client.authorizeUrl, client.tokenUrl, ...(client.revokeUrl === undefined ? [] : [client.revokeUrl])]
  if (urls.every(isHttps) && typeof client.id === 'string' && client.id !== '') return client
  throw new PublishError('setup', `${adapter.name}: the OAuth client needs an id, and https addresses to authorize, get and revoke tokens.`, {
    platform: adapter.id,
  })
}

const storedAt = ({ storage }: Deps, { row }: Registration) => storage.oauth.client(row.tenant, row.platform, row.server, row.redirectUri)

const open = ({ vault }: Deps, { row }: Registration, sealed: string): OAuthClient => JSON.parse(vault.openRow(clientPlace(row), sealed)) as OAuthClient

const register = async (deps: Deps, registration: Registration, replacing?: string): Promise<OAuthClient> => {
  const { storage, vault, clock, random, fetch } = deps
  const { adapter, ask, row } = registration
  const { server, redirectUri } = row
  const http = createHttp({ adapter, server, fetch, clock, random, connecting: true })
  const client = checked(adapter, await ask({ server, redirectUri, http }))
  const first = await storage.oauth.putClient({ ...row, ...vault.sealRow(clientPlace(row), JSON.stringify(client)) }, replacing)
  return open(deps, registration, first.sealed)
}

const longestMs = 10_000

/** A code that was never given tells, and does nothing else. Only the server's own `invalid_client` counts: one that is down has forgotten nothing. */
const isForgotten = async (deps: Deps, { adapter, auth, row }: Registration, client: OAuthClient): Promise<boolean> => {
  const parameters = { code: newToken(deps.random), redirect_uri: row.redirectUri }
  const grantType = auth.exchange?.grantType ?? 'authorization_code'
  const call = requestTokens(deps, { platform: adapter, client, auth, call: auth.exchange, grantType, parameters })
  const refusal = call.then(
    () => undefined,
    (error: unknown) => error,
  )
  const answer = await patiently(deps.clock, refusal, longestMs)
  return PublishError.is(answer) && answer.platformCode === 'invalid_client'
}

const ofConsent = async (deps: Deps, registration: Registration): Promise<OAuthClient> => {
  const stored = await storedAt(deps, registration)
  if (!stored) return register(deps, registration)
  const client = open(deps, registration, stored.sealed)
  return (await isForgotten(deps, registration, client)) ? register(deps, registration, stored.sealed) : client
}

const ofStored = async (deps: Deps, registration: Registration): Promise<OAuthClient> => {
  const stored = await storedAt(deps, registration)
  return stored ? open(deps, registration, stored.sealed) : register(deps, registration)
}

export const createClients = (deps: Deps): Clients => {
  /** Many consents that begin at once share one registration. */
  const shared = (find: typeof ofStored): Clients['of'] => {
    const running = new Map<string, Promise<OAuthClient>>()
    return async (adapter, auth, { tenant, server, redirectUri }) => {
      const { client: ask } = auth
      if (typeof ask !== 'function') return checked(adapter, ask)
      if (server === undefined)
        throw new PublishError('invalid', `${adapter.name}: it has many servers. Say which one in \`server\`.`, { platform: adapter.id })
      const row = { tenant, platform: adapter.id, server, redirectUri }
      const key = JSON.stringify(Object.values(row))
      const found = running.get(key) ?? find(deps, { adapter, auth, ask, row }).finally(() => running.delete(key))
      running.set(key, found)
      return found
    }
  }
  return { of: shared(ofStored), forConsent: shared(ofConsent) }
}
