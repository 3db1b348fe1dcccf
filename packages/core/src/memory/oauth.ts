// What waits for a callback, and registered clients, in memory.

import type { OAuthStore, StoredClient } from '../contract/connection-store.ts'
import { byText, keyOf, ofTenant, type Tables } from './tables.ts'

const clientKey = ({ tenant, platform, server, redirectUri }: Pick<StoredClient, 'tenant' | 'platform' | 'server' | 'redirectUri'>) =>
  keyOf(tenant, platform, server, redirectUri)

const putClient = (tables: Tables, client: StoredClient, replacing: string | undefined): StoredClient => {
  const key = clientKey(client)
  const before = tables.clients.get(key)
  if (before === undefined || before.sealed === replacing) tables.clients.set(key, { ...client })
  return { ...(tables.clients.get(key) ?? client) }
}

export const memoryOAuth = (tables: Tables): OAuthStore => ({
  putState: async (state) => {
    if (tables.oauthStates.has(state.id)) throw new Error('syndikit: an OAuth state of this id is stored already.')
    tables.oauthStates.set(state.id, { ...state })
  },
  takeState: async (tenant, id) => {
    const state = ofTenant(tables.oauthStates.get(id), tenant)
    if (!state) return undefined
    tables.oauthStates.delete(id)
    return { state, expired: state.expiresAt <= tables.now() }
  },
  client: async (tenant, platform, server, redirectUri) => {
    const client = tables.clients.get(clientKey({ tenant, platform, server, redirectUri }))
    return client && { ...client }
  },
  putClient: async (client, replacing) => putClient(tables, client, replacing),
  clientsNotUnder: async (keyId, limit) =>
    [...tables.clients.values()]
      .filter((client) => client.keyId !== keyId)
      .sort((a, b) => byText(clientKey(a), clientKey(b)))
      .slice(0, limit)
      .map((client) => ({ ...client })),
})
