// Makes sure that what is stored in a host's transaction is found by our workers: the two must be on one database.

import { postgresIdentity, type Row, type Statement } from '@syndikit/storage-sql'
import type { PrismaTransaction } from './client.ts'
import { foreignTx } from './errors.ts'
import type { Provider } from './provider.ts'
import { send } from './statements.ts'

/** Tells databases apart, also those of equal names on two servers. */
const identityOf = async (prisma: PrismaTransaction, provider: Provider): Promise<Statement> => {
  if (provider === 'postgresql') return postgresIdentity((statement) => send(prisma, statement))
  if (provider === 'mysql') return { sql: 'select database() as name, @@hostname as host, @@port as port, @@datadir as folder', params: [] }
  return { sql: `select file as name from pragma_database_list where name = 'main'`, params: [] }
}

const toPlace = (rows: readonly Row[]): string => JSON.stringify(rows)
/** Prisma hands the engine of a client on to its transactions; no public word of its own, so nothing rests on it but a query saved. */
const engineOf = (client: object): unknown => ('_engine' in client ? client._engine : undefined)

export const sameDatabase = (prisma: PrismaTransaction, provider: Provider) => {
  const checked = new WeakSet<object>()
  let ours: { readonly asked: Statement; readonly is: string } | undefined
  /** Asked before a host's transaction can hold the only connection. */
  const learn = async (): Promise<void> => {
    const asked = ours?.asked ?? (await identityOf(prisma, provider))
    ours = { asked, is: toPlace(await send(prisma, asked)) }
  }
  return {
    learn,
    check: async (tx: PrismaTransaction): Promise<void> => {
      const engine = engineOf(tx)
      if (checked.has(tx) || (engine !== undefined && engine !== null && engine === engineOf(prisma))) return
      if (!ours) await learn()
      const theirs = ours && toPlace(await send(tx, ours.asked))
      // After a fail-over the same database is in another place.
      if (theirs !== ours?.is && provider !== 'sqlite') await learn()
      if (theirs !== ours?.is) throw foreignTx()
      checked.add(tx)
    },
  }
}
