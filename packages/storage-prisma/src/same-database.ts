// Makes sure that what is stored in a host's transaction is found by our workers: the two must be on one database.

import type { Row } from '@syndikit/storage-sql'
import type { PrismaTransaction } from './client.ts'
import { foreignTx } from './errors.ts'
import type { Provider } from './provider.ts'
import { send } from './statements.ts'

/** Tells databases apart, also those of equal names on two servers. */
const places: Readonly<Record<Provider, string>> = {
  postgresql: `select current_database() as name, to_regclass('syndikit_meta')::oid::text as meta, (select system_identifier::text from pg_control_system()) as cluster`,
  mysql: 'select database() as name, @@hostname as host, @@port as port, @@datadir as folder',
  sqlite: `select file as name from pragma_database_list where name = 'main'`,
}

const toPlace = (rows: readonly Row[]): string => JSON.stringify(rows)
/** Prisma hands the engine of a client on to its transactions; no public word of its own, so nothing rests on it but a query saved. */
const engineOf = (client: object): unknown => ('_engine' in client ? client._engine : undefined)

export const sameDatabase = (prisma: PrismaTransaction, provider: Provider) => {
  const checked = new WeakSet<object>()
  let ours: string | undefined
  const sql = { sql: places[provider], params: [] }
  /** Asked before a host's transaction can hold the only connection. */
  const learn = async (): Promise<void> => {
    ours = toPlace(await send(prisma, sql))
  }
  return {
    learn,
    check: async (tx: PrismaTransaction): Promise<void> => {
      const engine = engineOf(tx)
      if (checked.has(tx) || (engine !== undefined && engine !== null && engine === engineOf(prisma))) return
      const theirs = toPlace(await send(tx, sql))
      // After a fail-over the same database is in another place.
      if (theirs !== ours && provider !== 'sqlite') await learn()
      if (theirs !== ours) throw foreignTx()
      checked.add(tx)
    },
  }
}
