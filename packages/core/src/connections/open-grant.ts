// A grant as it is used: its row, its adapter, and its credentials opened.

import type { Adapter } from '../contract/adapter.ts'
import type { Grant } from '../contract/connection-store.ts'
import { adapterOf, type ConnectionsDeps } from './deps.ts'
import { type Renewal, renewalOf, type Standing } from './renewal.ts'
import { type Credentials, dataOf, fromSealed, type GrantData } from './stored.ts'

export interface Opened {
  readonly grant: Grant
  readonly adapter: Adapter
  readonly data: GrantData
  readonly credentials: Credentials
  readonly renewal: Renewal
}

/** A grant's row that was just read, opened. */
export const openRow = async (deps: Pick<ConnectionsDeps, 'adapters' | 'vault'>, grant: Grant): Promise<Opened> => {
  const adapter = adapterOf(deps, grant.platform)
  const credentials = fromSealed(await deps.vault.open(grant))
  const data = dataOf(grant)
  return { grant, adapter, data, credentials, renewal: renewalOf(adapter, data, credentials) }
}

/** Undefined: the grant is gone, because its connections were removed or moved to a newer one. */
export const openGrant = async (deps: Pick<ConnectionsDeps, 'adapters' | 'vault' | 'storage'>, tenant: string, id: string): Promise<Opened | undefined> => {
  const grant = await deps.storage.connections.grant(tenant, id)
  return grant && openRow(deps, grant)
}

export const standingOf = ({ grant, credentials, renewal }: Opened): Standing => ({ grant, access: credentials.access, renewal })
