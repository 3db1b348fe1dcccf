// Removes a connection: ends the consent at the platform where nothing else lives on it, then deletes the row, and with it the data key.

import type { Connection } from '../contract/connection-store.ts'
import type { Clients } from './clients.ts'
import type { ConnectionsDeps } from './deps.ts'
import { newId } from './ids.ts'
import { type Opened, openGrant } from './open-grant.ts'
import { refreshLeaseMs } from './patient.ts'
import { type Revocation, revokeAtPlatform } from './revoke.ts'

const tries = 10
const pauseMs = 500

/** Keeps refreshes out, so that no fresh token survives the revocation; gives up after a few seconds, because deleting must work. */
const claim = async ({ storage, clock, random }: ConnectionsDeps, first: Opened, reopen: () => Promise<Opened | undefined>): Promise<Opened> => {
  let opened = first
  for (let n = 0; n < tries; n++) {
    const { tenant, id, version } = opened.grant
    if (await storage.connections.lease(tenant, id, version, newId(random), refreshLeaseMs)) break
    await clock.sleep(pauseMs)
    opened = (await reopen()) ?? opened
  }
  const { tenant, id, version } = opened.grant
  await storage.connections.replaceGrant(tenant, id, version, { state: 'revoked' })
  return opened
}

/** A grant that does not open any more, or whose adapter is gone, cannot be ended at the platform; it can be deleted all the same. */
const openedOrNot = async (deps: ConnectionsDeps, { tenant, grantId }: Connection): Promise<Opened | undefined> => {
  try {
    return await openGrant(deps, tenant, grantId)
  } catch {
    return undefined
  }
}

/** What became of the credentials at the platform; here they are gone in any case. */
export interface Removed {
  readonly revocation: Revocation
}

export const removeConnection = async (deps: ConnectionsDeps, clients: Clients, connection: Connection): Promise<Removed> => {
  const { connections } = deps.storage
  const siblings = (await connections.ofGrant(connection.tenant, connection.grantId)).filter(({ id }) => id !== connection.id)
  if (siblings.some(({ state }) => state === 'active')) {
    await connections.remove(connection.tenant, connection.id)
    return { revocation: 'in-use' }
  }
  const opened = await openedOrNot(deps, connection)
  const revocation = opened ? await revokeAtPlatform(deps, clients, await claim(deps, opened, () => openedOrNot(deps, connection))) : 'unconfirmed'
  // What was only offered goes with the consent it came from. The platform took its time: what was connected again or kept meanwhile stays.
  for (const { id, state } of await connections.ofGrant(connection.tenant, connection.grantId)) {
    if (id === connection.id || state === 'offered') await connections.remove(connection.tenant, id)
  }
  deps.vault.forget(connection.grantId)
  return { revocation }
}
