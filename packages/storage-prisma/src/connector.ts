// The connector over a PrismaClient: works as interactive transactions, tried again where nothing can have been stored.

import { setTimeout } from 'node:timers/promises'
import { drive, type Row, type SqlConnector, type Statement, type Work } from '@syndikit/storage-sql'
import { checkTransaction, type PrismaTransaction, type PrismaWithSyndikit } from './client.ts'
import { explained, explainedTx, isConflict, isCrowded, isDataError, isLost, outcomeUnknown } from './errors.ts'
import { dialectOf, type Provider } from './provider.ts'
import { sameDatabase } from './same-database.ts'
import { send } from './statements.ts'

/** For a connection of the pool, in one try; then it is tried again. */
const maxWaitMs = 5_000
/** For a whole work. Each is a handful of short statements; what takes longer waits for a lock that somebody has forgotten. */
const timeoutMs = 30_000

const pauseMs = (tries: number) => 1 + Math.random() * Math.min(5 * 2 ** tries, 250)

/** Repeats what a conflict has ended or a full pool has not let begin, for at most `mostMs`. */
const patiently = async <T>(attempt: () => Promise<T>, mostMs: number): Promise<T> => {
  const beganAt = performance.now()
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const goesOn = isConflict(error) || isCrowded(error)
      if (!goesOn || performance.now() - beganAt > mostMs) throw explained(error)
      await setTimeout(pauseMs(tries))
    }
  }
}

/** What answers a lost connection after the last statement of a work was answered, nobody knows. */
const transactionOn = async <T>(prisma: PrismaWithSyndikit, work: () => Work<T>, provider: Provider, first: Statement | undefined): Promise<T> => {
  let isCommitting = false
  const options = { maxWait: maxWaitMs, timeout: timeoutMs, ...(provider !== 'sqlite' && { isolationLevel: 'ReadCommitted' as const }) }
  try {
    return await prisma.$transaction(async (tx) => {
      isCommitting = false
      if (first) await send(tx, first)
      const answer = await drive(work(), (statement) => send(tx, statement))
      isCommitting = true
      return answer
    }, options)
  } catch (error) {
    if (isCommitting && isLost(error) && !isConflict(error)) throw outcomeUnknown(error)
    throw error
  }
}

/** One after the other: SQLite has one writer, and Prisma one connection to it. */
const createTurns = () => {
  let tail: Promise<unknown> = Promise.resolve()
  return <T>(attempt: () => Promise<T>): Promise<T> => {
    const result = tail.then(attempt)
    tail = result.catch(() => undefined)
    return result
  }
}

/** Prisma begins a transaction on SQLite without the right to write; gained later, it may fail. A write that writes nothing gains it at once. */
const claimFile: Statement = { sql: 'update syndikit_meta set value = value where false', params: [] }

export const prismaConnector = (prisma: PrismaWithSyndikit, provider: Provider, mostMs: number): SqlConnector<PrismaTransaction> => {
  const inTurn = provider === 'sqlite' ? createTurns() : <T>(attempt: () => Promise<T>) => attempt()
  const underWay = new Set<Promise<unknown>>()
  const { learn, check } = sameDatabase(prisma, provider)
  let isMade = false
  const track = async <T>(running: Promise<T>): Promise<T> => {
    underWay.add(running)
    try {
      return await running
    } finally {
      underWay.delete(running)
    }
  }
  const query = (statement: Statement): Promise<readonly Row[]> => track(patiently(() => send(prisma, statement), mostMs))
  return {
    dialect: dialectOf(provider),
    query,
    transaction: async (work) => {
      const first = provider === 'sqlite' && isMade ? claimFile : undefined
      const answer = await track(inTurn(() => patiently(() => transactionOn(prisma, work, provider, first), mostMs)))
      if (!isMade) await learn()
      isMade = true
      return answer
    },
    within: async (tx, work) => {
      checkTransaction(tx)
      try {
        await check(tx)
        return await drive(work(), (statement) => send(tx, statement))
      } catch (error) {
        throw explainedTx(error)
      }
    },
    isDataError,
    close: async () => {
      await Promise.allSettled(underWay)
    },
  }
}
