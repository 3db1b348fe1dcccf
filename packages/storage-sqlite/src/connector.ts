// The connector over node:sqlite. SQLite works inside this process, so a transaction lies within one turn of the event loop, and waiting for another process is never blocking.

import { realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { driveNow, type Row, type SqlConnector, type Statement, type Work } from '@syndikit/storage-sql'
import { explained, isBusy } from './errors.ts'
import { openFile, type Pragmas, runner } from './file.ts'
import { createTurns, type Transaction } from './turns.ts'

interface Handle {
  readonly db: DatabaseSync
  readonly run: (statement: Statement) => readonly Row[]
}

const transactionOn = (opened: () => Handle): Transaction => ({
  begin: () => opened().db.exec('begin immediate'),
  commit: () => opened().db.exec('commit'),
  rollback: () => {
    try {
      opened().db.exec('rollback')
    } catch {
      // A full disk or a failed write has already ended the transaction; the first error says why.
    }
  },
})

const checkTx = (tx: DatabaseSync, file: string) => {
  if (typeof tx?.prepare !== 'function' || typeof tx.exec !== 'function')
    throw new TypeError('sqliteStorage: `tx` must be the DatabaseSync handle of node:sqlite on which your transaction is open.')
  // Both are missing in the oldest Node that is served; then SQLite itself says what is wrong.
  if (tx.isTransaction === false) throw new TypeError('sqliteStorage: `tx` has no open transaction. Run `begin immediate` on it first.')
  const location = typeof tx.location === 'function' ? tx.location() : undefined
  if (location === null || (location !== undefined && realpathSync(location) !== realpathSync(file)))
    throw new TypeError(`sqliteStorage: \`tx\` is open on another database. Open it on ${file}, the file of this storage.`)
}

const withinNow = <T>(tx: DatabaseSync, file: string, work: () => Work<T>): T => {
  checkTx(tx, file)
  try {
    return driveNow(work(), ({ sql, params }) => tx.prepare(sql).all(...params) as Row[])
  } catch (error) {
    if (!isBusy(error)) throw explained(error, file)
    const message = `syndikit: another connection was writing to ${file} when your transaction wanted to. Begin it with \`begin immediate\`.`
    throw new Error(message, { cause: error })
  }
}

export const sqliteConnector = (file: string, pragmas: Pragmas, maxWaitMs: number): SqlConnector<DatabaseSync> => {
  let handle: Handle | undefined
  let isClosed = false
  const opened = (): Handle => {
    if (isClosed) throw new Error(`syndikit: the database ${file} was closed.`)
    if (!handle) {
      const db = openFile(file, pragmas)
      handle = { db, run: runner(db) }
    }
    return handle
  }
  const { beside, inTurn, allDone } = createTurns(file, maxWaitMs, transactionOn(opened))
  return {
    dialect: 'sqlite',
    query: (statement) => beside(() => opened().run(statement)),
    transaction: (work) => inTurn(() => driveNow(work(), opened().run)),
    within: async (tx, work) => withinNow(tx, file, work),
    close: async () => {
      await allDone()
      isClosed = true
      handle?.db.close()
      handle = undefined
    },
  }
}
