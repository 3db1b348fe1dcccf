// PostgreSQL with accounts, and with rows that wait.

import { type Server, startPostgres } from '@syndikit/servers'
import { postgresStorage } from '@syndikit/storage-postgres'
import pg from 'pg'
import { noop } from './adapter.ts'
import { type Account, bodyOf, connect, hourMs, syndikitOn } from './load.ts'
import { waitingRows } from './waiting.ts'

const hash = (n: string): string => `md5(${n}::text) || md5((${n} + 7)::text)`

export interface Database {
  readonly server: Server
  /** For the bench itself and its peers. */
  readonly pool: pg.Pool
  readonly storage: ReturnType<typeof postgresStorage>
  readonly accounts: readonly Account[]
  readonly body: string
  stop(): Promise<void>
}

/** Durable as the server is by itself: nothing is turned off. */
export const startDatabase = async (rows: number): Promise<Database> => {
  const server = await startPostgres({ shared_buffers: '512MB', max_wal_size: '4GB' })
  const pool = new pg.Pool({ connectionString: server.url, max: 10 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const storage = postgresStorage({ connection: { connectionString: server.url, max: 10, pipeline: true } })
  const syndikit = syndikitOn(
    storage,
    noop(() => undefined),
  )
  await syndikit.open()
  const accounts = await connect(syndikit)
  const body = await bodyOf(syndikit, storage, accounts[0] as Account)
  for (const statement of waitingRows(accounts, rows, Date.now() + 24 * hourMs, body, hash)) await pool.query(statement)
  await pool.query('vacuum analyze')
  const stop = async () => {
    await storage.close()
    await pool.end()
    await server.stop()
  }
  return { server, pool, storage, accounts, body, stop }
}
