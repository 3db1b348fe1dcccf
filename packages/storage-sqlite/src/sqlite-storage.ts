// The embedded, durable storage: one SQLite file, any number of processes on it.

import type { DatabaseSync } from 'node:sqlite'
import type { Storage } from '@syndikit/core'
import { sqlStorage } from '@syndikit/storage-sql'
import { sqliteConnector } from './connector.ts'
import { checkOptions, type Pragmas } from './file.ts'

/** Whatever is wrong with one throws when the storage is made; an unknown option is refused. */
export interface SqliteStorageOptions {
  /** Path of the database; made when absent. It may be your application's own file: Syndikit's tables are named `syndikit_…`. */
  readonly file: string
  /** Default: the machine's. All processes on one file must agree on the time. */
  readonly clock?: { now(): number } | undefined
  /** How long a write waits for another connection to let go of the file. It waits without blocking. Default 30 s. */
  readonly maxWaitMs?: number | undefined
  /** Further settings of Syndikit's connection, such as `{ cache_size: -64000 }`. */
  readonly pragmas?: Pragmas | undefined
}

/**
 * Storage in one SQLite file on a local disk, through node:sqlite, on a connection of its own. A commit is on the disk before it is acknowledged; the file stays in WAL mode.
 * `tx` is a `DatabaseSync` handle of yours on the same file with an open transaction: what is added there is stored or dropped with it. End that transaction soon: others wait for it.
 */
export const sqliteStorage = (options: string | SqliteStorageOptions): Storage<DatabaseSync> => {
  const { file, clock, maxWaitMs = 30_000, pragmas = {}, ...others }: SqliteStorageOptions = typeof options === 'string' ? { file: options } : (options ?? {})
  const path = checkOptions(file, pragmas)
  const [other] = Object.keys(others)
  if (other !== undefined) throw new TypeError(`sqliteStorage: there is no option \`${other}\`. Remove it, or use one of file, clock, maxWaitMs, pragmas.`)
  if (!(typeof maxWaitMs === 'number' && maxWaitMs >= 0))
    throw new TypeError(`sqliteStorage: \`maxWaitMs\` is a number of milliseconds of at least 0, not ${String(maxWaitMs)}.`)
  if (clock !== undefined && typeof clock?.now !== 'function') throw new TypeError('sqliteStorage: `clock` lacks `now`, which answers epoch milliseconds.')
  return sqlStorage(sqliteConnector(path, pragmas, maxWaitMs), { clock: clock ?? { now: () => Date.now() } })
}
