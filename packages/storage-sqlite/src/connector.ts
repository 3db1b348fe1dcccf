// The connector over node:sqlite. SQLite works inside this process, so a transaction is one synchronous turn, and waiting for another process is never blocking.

import { realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { driveNow, type Row, type SqlConnector, type Statement, type Work } from '@syndikit/storage-sql'
import { explained, isBusy, waitedTooLong } from './errors.ts'
import { openFile, type Pragmas, runner } from './file.ts'

interface Handle {
  readonly db: DatabaseSync
  readonly run: (statement: Statement) => readonly Row[]
}

/** Between two tries of a busy file; jitter keeps processes from trying in step. */
const pause = () => setTimeout(1 + Math.random() * 4)
/** After so long in one turn, timers and sockets of the host get theirs. */
const turnMs = 5

const transactionNow = <T>({ db, run }: Handle, work: () => Work<T>): T => {
  db.exec('begin immediate')
  try {
    const result = driveNow(work(), run)
    db.exec('commit')
    return result
  } catch (error) {
    try {
      db.exec('rollback')
    } catch {
      // A full disk or a failed write has already ended the transaction; the first error says why.
    }
    throw error
  }
}

const checkTx = (tx: DatabaseSync, file: string) => {
  if (typeof tx?.prepare !== 'function' || typeof tx.exec !== 'function')
    throw new TypeError('sqliteStorage: `tx` must be the DatabaseSync handle of node:sqlite on which your transaction is open.')
  // Both are missing in the oldest Node that is served; then SQLite itself says what is wrong.
  if (tx.isTransaction === false) throw new TypeError('sqliteStorage: `tx` has no open transaction. Run `begin immediate` on it first.')
  const location = typeof tx.location === 'function' ? tx.location() : undefined
  if (location === null || (location !== undefined && realpathSync(location) !== realpathSync(file)))
    throw new TypeError(`sqliteStorage: \`tx\` is open on another database. Open it on ${file}, the file of this storage.`)
}

export const sqliteConnector = (file: string, pragmas: Pragmas, maxWaitMs: number): SqlConnector<DatabaseSync> => {
  let handle: Handle | undefined
  let isClosed = false
  let tail: Promise<unknown> = Promise.resolve()
  let turnBeganAt = performance.now()

  const opened = (): Handle => {
    if (isClosed) throw new Error(`syndikit: the database ${file} was closed.`)
    if (!handle) {
      const db = openFile(file, pragmas)
      handle = { db, run: runner(db) }
    }
    return handle
  }

  /** Only a busy file is tried again: whatever was begun has been rolled back. */
  const patiently = async <T>(attempt: () => T): Promise<T> => {
    const beganAt = performance.now()
    for (;;) {
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error)) throw explained(error, file)
        if (performance.now() - beganAt > maxWaitMs) throw waitedTooLong(file, maxWaitMs, error)
        await pause()
        turnBeganAt = performance.now()
      }
    }
  }

  const breathe = async () => {
    if (performance.now() - turnBeganAt < turnMs) return
    await setImmediate()
    turnBeganAt = performance.now()
  }

  return {
    dialect: 'sqlite',
    query: async (statement) => await patiently(() => opened().run(statement)),
    transaction: (work) => {
      // One after the other: a hundred verbs waiting for a busy file are one waiter, and keep their order.
      const result = tail.then(breathe).then(() => patiently(() => transactionNow(opened(), work)))
      tail = result.catch(() => undefined)
      return result
    },
    within: async (tx, work) => {
      checkTx(tx, file)
      try {
        return driveNow(work(), ({ sql, params }) => tx.prepare(sql).all(...params) as Row[])
      } catch (error) {
        if (!isBusy(error)) throw explained(error, file)
        throw new Error(`syndikit: another connection was writing to ${file} when your transaction wanted to. Begin it with \`begin immediate\`.`, {
          cause: error,
        })
      }
    },
    close: async () => {
      await tail
      isClosed = true
      handle?.db.close()
      handle = undefined
    },
  }
}
