// The storage in the host's own database, over the host's own PrismaClient.

import type { Storage } from '@syndikit/core'
import { sqlStorage } from '@syndikit/storage-sql'
import { checkClient, type PrismaTransaction, type PrismaWithSyndikit } from './client.ts'
import { prismaConnector } from './connector.ts'
import { type Provider, providerOf } from './provider.ts'
import { shapeOf } from './shape.ts'
import { unmigrated } from './unmigrated.ts'

/** Whatever is wrong with one throws when the storage is made; an unknown option is refused. */
export interface PrismaStorageOptions {
  /** Default: what the client says of itself. MariaDB is `mysql`. */
  readonly provider?: Provider | undefined
  /**
   * Whether `open` makes and changes Syndikit's tables itself. Default false: Prisma Migrate, or whoever changes your database, applies the SQL that
   * `npx @syndikit/storage-prisma add` writes, and `open` refuses a database where that has not happened yet.
   */
  readonly migrate?: boolean | undefined
  /** How long a write waits for a connection of the pool and for other transactions. It waits without blocking. Default 30 s. */
  readonly maxWaitMs?: number | undefined
  /** Replaces the database's clock, for tests. Default: the database's own. */
  readonly clock?: { now(): number } | undefined
}

const check = ({ migrate, maxWaitMs, clock, ...others }: Omit<PrismaStorageOptions, 'provider'>): void => {
  const [other] = Object.keys(others)
  if (other !== undefined) throw new TypeError(`prismaStorage: there is no option \`${other}\`. Remove it, or use one of provider, migrate, maxWaitMs, clock.`)
  if (migrate !== undefined && typeof migrate !== 'boolean') throw new TypeError(`prismaStorage: \`migrate\` is true or false, not ${JSON.stringify(migrate)}.`)
  if (maxWaitMs !== undefined && !(typeof maxWaitMs === 'number' && maxWaitMs >= 0))
    throw new TypeError(`prismaStorage: \`maxWaitMs\` is a number of milliseconds of at least 0, not ${String(maxWaitMs)}.`)
  if (clock !== undefined && typeof clock?.now !== 'function') throw new TypeError('prismaStorage: `clock` lacks `now`, which answers epoch milliseconds.')
}

/**
 * Storage in your own database, through your PrismaClient, for PostgreSQL, MySQL, MariaDB and SQLite. The client stays yours: `close` does not disconnect it.
 * `tx` is what `prisma.$transaction(async (tx) => …)` gives you: what a call stores there is stored or dropped with your own rows.
 * @throws TypeError where the client lacks Syndikit's models, or does not tell its database; each says what to run or set.
 */
export const prismaStorage = (prisma: PrismaWithSyndikit, options: PrismaStorageOptions = {}): Storage<PrismaTransaction> => {
  checkClient(prisma)
  const { provider: given, ...rest } = options
  check(rest)
  const provider = providerOf(prisma, given)
  const { migrate = false, maxWaitMs = 30_000, clock } = rest
  return sqlStorage(prismaConnector(prisma, provider, maxWaitMs), { clock, shape: shapeOf(provider), ...(!migrate && { unmigrated: unmigrated(provider) }) })
}
