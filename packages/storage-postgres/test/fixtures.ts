// One server for a test file, a database of its own for each test, and rows to put into it.
import type { ClaimQuery, NewPublication, Storage } from '@syndikit/core'
import { missing, type Server, startPostgres } from '@syndikit/servers'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'

export const skipped = missing('postgres')

/** Where nothing is crashed, nothing has to reach the disk. */
const fast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200', shared_buffers: '64MB' }

/** Starts one for the file that calls this. */
export const serverForFile = (settings: Readonly<Record<string, string>> = fast) => {
  let server: Server | undefined
  let admin: pg.Pool | undefined
  let made = 0
  const running = (): Server => {
    if (!server) throw new Error('The server is started before the first test.')
    return server
  }
  if (skipped === undefined) {
    beforeAll(async () => {
      server = await startPostgres(settings)
      admin = new pg.Pool({ connectionString: server.url, max: 4 })
      admin.on('error', () => {})
    })
    afterAll(async () => {
      await admin?.end()
      await server?.stop()
    })
  }
  return {
    get server() {
      return running()
    },
    /** The URL of a new and empty database. */
    newUrl: async (): Promise<string> => {
      const name = `test_${++made}`
      // By copying files: with the default, each new database ends in a checkpoint's worth of log.
      await admin?.query(`create database ${name} template template0 strategy file_copy`)
      return new URL(name, running().url).href
    },
  }
}

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
