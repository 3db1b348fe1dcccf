// One server for a test file, a database of its own for each test, and rows to put into it.
import { missing, type Server, startPostgres } from '@syndikit/servers'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'

export const skipped = missing('postgres')

/** Where nothing is crashed, nothing has to reach the disk. */
const fast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200', shared_buffers: '64MB' }

const tables = `select string_agg(format('delete from %I', tablename), ';') as forget from pg_tables where tablename like 'syndikit\\_%' and tablename <> 'syndikit_meta'`

/** Starts one for the file that calls this. */
export const serverForFile = (settings: Readonly<Record<string, string>> = fast) => {
  let server: Server | undefined
  const pools: pg.Pool[] = []
  let made = 0
  const running = (): Server => {
    if (!server) throw new Error('The server is started before the first test.')
    return server
  }
  /** Ended after the last test. */
  const newPool = (url = running().url, more: pg.PoolConfig = {}): pg.Pool => {
    const pool = new pg.Pool({ connectionString: url, pipeline: true, ...more })
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }
  /** The URL of a new and empty database. */
  const newUrl = async (): Promise<string> => {
    const name = `test_${++made}`
    const admin = new pg.Client({ connectionString: running().url })
    await admin.connect()
    await admin.query(`create database ${name} template template0 strategy file_copy`)
    await admin.end()
    return new URL(name, running().url).href
  }
  if (skipped === undefined) {
    beforeAll(async () => {
      server = await startPostgres(settings)
    })
    afterAll(async () => {
      await Promise.all(pools.map((pool) => pool.end()))
      await server?.stop()
    })
  }
  return {
    get server() {
      return running()
    },
    newUrl,
    newPool,
    /** As many pools as asked for on one database; each call gives the same ones, with nothing stored: far faster than a database for each test. */
    emptyPools: (count: number, more: pg.PoolConfig = {}) => {
      let shared: readonly pg.Pool[] | undefined
      return async (): Promise<readonly pg.Pool[]> => {
        if (!shared) {
          const url = await newUrl()
          shared = Array.from({ length: count }, () => newPool(url, more))
          return shared
        }
        const { rows } = (await shared[0]?.query(tables)) ?? { rows: [] }
        await shared[0]?.query(String(rows[0]?.forget))
        return shared
      }
    },
  }
}

export { connected, publication, query, tenant } from '../../storage-sql/test/rows.ts'

/** It was published, as its worker tells. */
export const verdict = (claim: { id: string; fence: number }) => ({
  id: claim.id,
  fence: claim.fence,
  to: 'published' as const,
  nextAt: null,
  tries: 1,
  steps: '{}',
  marker: null,
  result: '{}',
  attempt: { id: `attempt-${claim.id}`, data: '{}' },
  event: { type: 'delivery:published', data: '{}' },
  placements: [`post-${claim.id}`],
})
