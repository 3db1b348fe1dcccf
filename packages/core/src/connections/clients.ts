// Our OAuth client at a platform: fixed, or registered by each tenant once on each server that users name, and kept sealed.

import type { Adapter } from '../contract/adapter.ts'
import type { OAuth2, OAuthClient } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import { createHttp } from '../http/client.ts'
import { clientPlace } from '../vault/rotation.ts'
import type { ConnectionsDeps } from './deps.ts'

export interface ClientAt {
  readonly tenant: string
  readonly server?: string | undefined
  readonly redirectUri: string
}

export interface Clients {
  /** Registers at most once per tenant, server and redirect URI; where two processes do it at the same time, both get the first one stored. */
  of(adapter: Adapter, auth: OAuth2, at: ClientAt): Promise<OAuthClient>
}

type Registered = ClientAt & { readonly server: string }

const isHttps = (url: unknown): boolean => typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'

/** What a server answered is not taken on trust: it decides where codes and tokens go. */
const checked = (adapter: Adapter, client: OAuthClient): OAuthClient => {
  const urls = [client.authorizeUrl, client.tokenUrl, ...(client.revokeUrl === undefined ? [] : [client.revokeUrl])]
  if (urls.every(isHttps) && typeof client.id === 'string' && client.id !== '') return client
  throw new PublishError('setup', `${adapter.name}: the OAuth client needs an id, and https addresses to authorize, get and revoke tokens.`, {
    platform: adapter.id,
  })
}

export const createClients = (deps: Pick<ConnectionsDeps, 'storage' | 'vault' | 'clock' | 'random' | 'fetch'>): Clients => {
  const { storage, vault, clock, random, fetch } = deps
  const registering = new Map<string, Promise<OAuthClient>>()

  const register = async (adapter: Adapter, ask: Exclude<OAuth2['client'], OAuthClient>, at: Registered): Promise<OAuthClient> => {
    const { tenant, server, redirectUri } = at
    const row = { tenant, platform: adapter.id, server, redirectUri }
    const place = clientPlace(row)
    const open = (sealed: string) => JSON.parse(vault.openRow(place, sealed)) as OAuthClient
    const stored = await storage.oauth.client(tenant, adapter.id, server, redirectUri)
    if (stored) return open(stored.sealed)
    const http = createHttp({ adapter, server, fetch, clock, random })
    const client = checked(adapter, await ask({ server, redirectUri, http }))
    const first = await storage.oauth.putClient({ ...row, ...vault.sealRow(place, JSON.stringify(client)) })
    return open(first.sealed)
  }

  return {
    of: async (adapter, { client }, { tenant, server, redirectUri }) => {
      if (typeof client !== 'function') return checked(adapter, client)
      if (server === undefined)
        throw new PublishError('invalid', `${adapter.name}: it has many servers. Say which one in \`server\`.`, { platform: adapter.id })
      const key = JSON.stringify([tenant, adapter.id, server, redirectUri])
      const running = registering.get(key) ?? register(adapter, client, { tenant, server, redirectUri }).finally(() => registering.delete(key))
      registering.set(key, running)
      return running
    },
  }
}
