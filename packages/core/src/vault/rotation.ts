// Key rotation, online: one compare-and-set per row, so that a crash or a concurrent refresh in the middle costs nothing.

import type { Grant, StoredClient } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Logger } from '../contract/ports.ts'
import type { Storage } from '../contract/storage.ts'
import type { Vault } from './vault.ts'

interface RotationOptions extends Pick<Vault, 'rewrap' | 'sealRow' | 'openRow'> {
  readonly primaryId: string
  readonly storage: Pick<Storage, 'connections' | 'oauth'>
  readonly logger: Logger
}

/** How often a row is read again because a refresh moved it. */
const tries = 5

/** The sealed client of one tenant on one server; its row name is part of the seal. */
export const clientPlace = ({ tenant, platform, server, redirectUri }: Pick<StoredClient, 'tenant' | 'platform' | 'server' | 'redirectUri'>) => ({
  table: 'oauth-client',
  tenant,
  row: JSON.stringify([tenant, platform, server, redirectUri]),
})

interface Pass<Row> {
  readonly limit: number
  next(limit: number): Promise<Row[]>
  nameOf(row: Row): string
  /** False: it kept moving under us. */
  move(row: Row): Promise<boolean>
  readonly logger: Logger
}

/** At most `limit` rows. Rows that do not open stay where they are, so each look asks for that many more. */
const moveAll = async <Row>({ limit, next, nameOf, move, logger }: Pass<Row>): Promise<number> => {
  const skipped = new Set<string>()
  let moved = 0
  while (moved < limit) {
    const rows = (await next(limit - moved + skipped.size)).filter((row) => !skipped.has(nameOf(row)))
    if (rows.length === 0) break
    for (const row of rows) {
      try {
        if (await move(row)) moved++
        else skipped.add(nameOf(row))
      } catch (error) {
        if (!PublishError.is(error)) throw error
        skipped.add(nameOf(row))
        logger.error({ row: nameOf(row) }, error.message)
      }
    }
  }
  return moved
}

export const createRotation = ({ primaryId, storage, logger, rewrap, sealRow, openRow }: RotationOptions) => {
  const { connections, oauth } = storage
  const moveGrant = async (first: Grant): Promise<boolean> => {
    for (let grant: Grant | undefined = first, n = 0; grant && n < tries; n++) {
      if (grant.keyId === primaryId) return true
      if (await connections.replaceGrant(grant.tenant, grant.id, grant.version, rewrap(grant))) return true
      grant = await connections.grant(grant.tenant, grant.id)
    }
    return false
  }
  const moveClient = async (client: StoredClient): Promise<boolean> => {
    const place = clientPlace(client)
    const stored = await oauth.putClient({ ...client, ...sealRow(place, openRow(place, client.sealed)) }, client.sealed)
    return stored.keyId === primaryId
  }
  const moveGrants = (limit: number) =>
    moveAll({ limit, next: (n) => connections.grantsNotUnder(primaryId, n), nameOf: (grant) => grant.id, move: moveGrant, logger })
  const moveClients = (limit: number) =>
    moveAll({ limit, next: (n) => oauth.clientsNotUnder(primaryId, n), nameOf: (client) => clientPlace(client).row, move: moveClient, logger })

  return async ({ limit = 500 }: { readonly limit?: number } = {}) => {
    if (!Number.isInteger(limit) || limit < 1) throw new TypeError('rotate: `limit` must be a whole number from 1.')
    const grants = await moveGrants(limit)
    const clients = await moveClients(limit - grants)
    const counts = await connections.countsByKey()
    const remaining = Object.entries(counts).reduce((sum, [keyId, rows]) => (keyId === primaryId ? sum : sum + rows), 0)
    return { rewrapped: grants + clients, remaining }
  }
}
