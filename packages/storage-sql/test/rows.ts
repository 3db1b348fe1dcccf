// Rows to put into a storage on a database, for the tests of those that we have.
import type { ClaimQuery, NewPublication, Storage } from '@syndikit/core'

export const tenant = 'tenant'
export const query: ClaimQuery = { limit: 20, leaseMs: 60_000, skipTenants: [], skipConnections: [], perTenant: 1000, perConnection: 1000 }

/** Opened, with one active connection named `connection`. */
export const connected = async <Tx>(storage: Storage<Tx>): Promise<Storage<Tx>> => {
  await storage.open('suite')
  const common = { tenant, platform: 'x', state: 'active' as const, data: '{}' }
  const grant = { ...common, id: 'grant', version: 1, rev: 0, dataKey: '{}', keyId: 'k', sealed: '{}', expiresAt: null, refreshStartedAt: null }
  await storage.connections.put(grant, [{ ...common, id: 'connection', accountId: 'a', grantId: 'grant', name: 'N', sealed: null }])
  return storage
}

export const publication = (n: number | string, body = '{}', activeKey = `key-${n}`): NewPublication => ({
  id: `publication-${n}`,
  tenant,
  idempotencyKey: null,
  requestHash: 'h',
  body,
  deliveries: [{ id: `delivery-${n}`, connectionId: 'connection', platform: 'x', action: 'publish', activeKey, priority: 1, dueAt: 1 }],
})
