// The connector over `pg`: several works at once, each on a connection of the pool; tried again where nothing can have been stored.

import { setTimeout } from 'node:timers/promises'
import { drive, postgresIdentity, type Query, type Row, type SqlConnector, type Statement } from '@syndikit/storage-sql'
import { explained, explainedTx, foreignTx, isConflict, isDataError, isLost } from './errors.ts'
import type { Connections, PostgresClient } from './pool.ts'
import { readOn, transactionOn } from './session.ts'
import { toConfig, toRows } from './statements.ts'

/** A server that restarts or fails over drops all connections at once, so the next one may be as dead as the first. */
const mostLosses = 4
const pauseMs = (tries: number) => Math.random() * Math.min(5 * 2 ** tries, 250)

/** Repeats what a conflict or a lost connection has ended, for at most `maxWaitMs`. */
const patiently = async <T>(attempt: () => Promise<T>, maxWaitMs: number): Promise<T> => {
  const beganAt = performance.now()
  let losses = 0
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const goesOn = isConflict(error) || (isLost(error) && ++losses < mostLosses)
      if (!goesOn || performance.now() - beganAt > maxWaitMs) throw explained(error)
      await setTimeout(pauseMs(tries))
    }
  }
}

const toIdentity = ([row]: readonly Row[]): string => JSON.stringify(row)

interface Identity {
  readonly asked: Statement
  readonly is: string
}

const identityOf = async (send: Query): Promise<Identity> => {
  const asked = await postgresIdentity(send)
  return { asked, is: toIdentity(await send(asked)) }
}

/** Makes sure, once per client, that what is stored through the host's client is found by our own. What it asks of the host's, our own was allowed to ask before. */
const sameDatabase = (ours: Query) => {
  const checked = new WeakSet<PostgresClient>()
  let mine: Identity | undefined
  return async (tx: PostgresClient, send: Query): Promise<void> => {
    if (checked.has(tx)) return
    mine ??= await identityOf(ours)
    if (toIdentity(await send(mine.asked)) !== mine.is) throw foreignTx()
    checked.add(tx)
  }
}

const checkTx = (tx: PostgresClient) => {
  if (typeof tx?.query !== 'function') throw new TypeError('postgresStorage: `tx` must be the client of `pg` on which your transaction is open.')
}

export const postgresConnector = (connections: Connections, prepare: boolean, maxWaitMs: number): SqlConnector<PostgresClient> => {
  const query = (statement: Statement): Promise<readonly Row[]> =>
    patiently(() => connections.with((client, spoil) => readOn(client, statement, prepare, spoil)), maxWaitMs)
  const check = sameDatabase(query)
  return {
    dialect: 'postgres',
    query,
    transaction: (work) => patiently(() => connections.with((client, spoil) => transactionOn(client, work, prepare, spoil)), maxWaitMs),
    within: async (tx, work) => {
      checkTx(tx)
      const send = async (statement: Statement) => toRows(await tx.query(toConfig(statement, prepare)))
      try {
        await check(tx, send)
        return await drive(work(), send)
      } catch (error) {
        throw explainedTx(error)
      }
    },
    isDataError,
    close: connections.close,
  }
}
