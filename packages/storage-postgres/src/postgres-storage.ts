// The storage in PostgreSQL, over the host's pool or one of its own.

import type { Storage } from '@syndikit/core'
import { sqlStorage } from '@syndikit/storage-sql'
import { postgresConnector } from './connector.ts'
import { checkConnection, checkUrl } from './options.ts'
import { connectionsOf, newPool, type PostgresClient, type PostgresConnection, type PostgresPool } from './pool.ts'

/** Exactly one of `pool`, `url` and `connection`. Whatever is wrong with one throws when the storage is made; an unknown option is refused. */
export interface PostgresStorageOptions {
  /** The host's own pool. It is never ended here. With `pipeline: true` in its settings a verb takes fewer round trips. */
  readonly pool?: PostgresPool | undefined
  /** Such as `postgres://user:password@host:5432/database`: for a pool of Syndikit's own, ended by `close()`. */
  readonly url?: string | undefined
  /** Settings as `new Pool(…)` of `pg` takes them, for a pool of Syndikit's own: `ssl`, `max` (default 10) and all others. */
  readonly connection?: PostgresConnection | undefined
  /** Whether each connection keeps its statements prepared. `false` behind a pooler in transaction mode that does not know prepared statements. Default true. */
  readonly prepare?: boolean | undefined
  /** How long a call waits for a free connection, and repeats what a conflict has ended. Default 30 s. */
  readonly maxWaitMs?: number | undefined
  /** Replaces the server's clock, for tests. All processes must agree on it. Default: the server's. */
  readonly clock?: { now(): number } | undefined
}

const never = async () => {}

const isPool = (given: unknown): given is PostgresPool =>
  typeof given === 'object' && given !== null && 'connect' in given && typeof given.connect === 'function'

const toOptions = (given: string | PostgresPool | PostgresStorageOptions): PostgresStorageOptions => {
  if (typeof given === 'string') return { url: given }
  return isPool(given) ? { pool: given } : (given ?? {})
}

const connect = ({ pool, url, connection }: PostgresStorageOptions, maxWaitMs: number) => {
  if ([pool, url, connection].filter((one) => one !== undefined).length !== 1)
    throw new TypeError('postgresStorage: give exactly one of `pool`, `url` and `connection`, such as postgresStorage(new pg.Pool()).')
  if (pool !== undefined) {
    if (!isPool(pool) || typeof pool.on !== 'function') throw new TypeError('postgresStorage: `pool` must be a Pool of `pg`.')
    return connectionsOf(pool, never, maxWaitMs)
  }
  const own = newPool(connection === undefined ? { connectionString: checkUrl(url) } : checkConnection(connection))
  return connectionsOf(own, () => own.end(), maxWaitMs)
}

/**
 * Storage in PostgreSQL 13 or later, in tables named `syndikit_…` of the first schema in `search_path`. Takes a pool, a URL, or options.
 * What is acknowledged was committed. A connection lost before the commit was sent costs another try; one lost while it was under way rejects, because whether it was stored is unknown.
 * `tx` is a client of yours on the same database with an open transaction: what is added there is stored or dropped with it, and a refusal leaves it usable.
 */
export const postgresStorage = (given: string | PostgresPool | PostgresStorageOptions): Storage<PostgresClient> => {
  const { pool, url, connection, prepare = true, maxWaitMs = 30_000, clock, ...others } = toOptions(given)
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new TypeError(`postgresStorage: there is no option \`${other}\`. Remove it, or use one of pool, url, connection, prepare, maxWaitMs, clock.`)
  if (typeof prepare !== 'boolean') throw new TypeError(`postgresStorage: \`prepare\` is true or false, not ${String(prepare)}.`)
  if (!(typeof maxWaitMs === 'number' && maxWaitMs >= 0 && maxWaitMs <= 2 ** 31 - 1))
    throw new TypeError(`postgresStorage: \`maxWaitMs\` is a number of milliseconds from 0 to ${2 ** 31 - 1}, not ${String(maxWaitMs)}.`)
  if (clock !== undefined && typeof clock?.now !== 'function') throw new TypeError('postgresStorage: `clock` lacks `now`, which answers epoch milliseconds.')
  return sqlStorage(postgresConnector(connect({ pool, url, connection }, maxWaitMs), prepare, maxWaitMs), { clock })
}
