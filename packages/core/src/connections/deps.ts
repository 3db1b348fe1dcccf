// What connections and access are made from.

import type { Adapter } from '../contract/adapter.ts'
import type { Auth } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Clock, Fetch, Logger, Random } from '../contract/ports.ts'
import type { Storage } from '../contract/storage.ts'
import type { Vault } from '../vault/vault.ts'
import { plain } from './words.ts'

export interface ConnectionsDeps {
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly storage: Pick<Storage, 'connections' | 'oauth' | 'deliveries' | 'now' | 'within'>
  readonly vault: Vault
  readonly clock: Clock
  readonly random: Random
  readonly fetch: Fetch
  readonly logger: Logger
  /** Called after events were stored, or deliveries that waited for an account became due. */
  readonly woken?: (deliveries: readonly never[]) => void
}

export const adapterOf = ({ adapters }: Pick<ConnectionsDeps, 'adapters'>, platform: string): Adapter => {
  const adapter = adapters.get(platform)
  if (adapter) return adapter
  throw new PublishError('setup', `There is no adapter for the platform "${plain(platform)}". Configured: ${[...adapters.keys()].join(', ') || 'none'}.`)
}

/** The way to connect of that type; a grant made by a way that the adapter no longer has cannot be used. */
export const authOf = <T extends Auth['type']>(adapter: Adapter, type: T): Extract<Auth, { type: T }> => {
  const auth = adapter.auth.find((auth): auth is Extract<Auth, { type: T }> => auth.type === type)
  if (auth) return auth
  const ways = adapter.auth.map((auth) => auth.type).join(', ')
  throw new PublishError('setup', `${adapter.name} cannot be connected by \`${type}\`. Its ways are: ${ways}.`, { platform: adapter.id })
}
