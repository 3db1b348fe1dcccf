// The pool of connections, the host's own or one of ours, and one connection of it at a time.

import pg from 'pg'
import { poolExhausted } from './errors.ts'
import type { StatementConfig } from './statements.ts'

/** What is asked of a connection of `pg`. A `PoolClient` and a `Client` are ones. */
export interface PostgresClient {
  query(statement: StatementConfig): Promise<{ readonly rows: unknown[]; readonly command: string }>
}

/** As `pool.connect()` gives it. */
export interface PooledClient extends PostgresClient {
  /** Given an error, the connection is ended and not used again. */
  release(error?: Error | boolean): void
  on(event: 'error', hear: (error: Error) => void): unknown
  off(event: 'error', hear: (error: Error) => void): unknown
  /** Whether statements may be sent before earlier ones are answered. */
  readonly pipeline?: boolean
}

/** What is asked of a pool. A `Pool` of `pg` is one. */
export interface PostgresPool {
  connect(): Promise<PooledClient>
  on(event: 'error', hear: (error: Error) => void): unknown
  off(event: 'error', hear: (error: Error) => void): unknown
}

/** Connection settings for a pool of our own, as `pg` names them. */
export type PostgresConnection = Readonly<Record<string, unknown>>

export interface Connections {
  /** Lends one connection to `work`, and takes it back. After `spoil()` it is ended and not used again. */
  with<T>(work: (client: PooledClient, spoil: () => void) => Promise<T>): Promise<T>
  /** Waits for what is under way. The host's pool is left alone, ours is ended. */
  close(): Promise<void>
}

// Without a listener, Node ends the process when a connection is lost while nobody waits for an answer. Whoever uses the connection next is told.
const ignore = () => {}

/** One that comes too late goes back at once. */
const connect = async (pool: PostgresPool, maxWaitMs: number): Promise<PooledClient> => {
  const coming = pool.connect()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, maxWaitMs, 'late')
  })
  try {
    const first = await Promise.race([coming, late])
    if (first !== 'late') return first
    coming.then((client) => client.release(), ignore)
    throw poolExhausted(maxWaitMs)
  } finally {
    clearTimeout(timer)
  }
}

/** A pool that ends with the storage; it opens its first connection when one is needed. */
export const newPool = (connection: PostgresConnection) =>
  new pg.Pool({ application_name: 'syndikit', keepAlive: true, keepAliveInitialDelayMillis: 10_000, allowExitOnIdle: true, pipeline: true, ...connection })

export const connectionsOf = (pool: PostgresPool, end: () => Promise<void>, maxWaitMs: number): Connections => {
  const underWay = new Set<Promise<unknown>>()
  let isClosed = false
  pool.on('error', ignore)
  const lend = async <T>(work: (client: PooledClient, spoil: () => void) => Promise<T>): Promise<T> => {
    const client = await connect(pool, maxWaitMs)
    client.on('error', ignore)
    let isSpoilt = false
    try {
      return await work(client, () => {
        isSpoilt = true
      })
    } finally {
      client.off('error', ignore)
      client.release(isSpoilt)
    }
  }
  return {
    with: async (work) => {
      if (isClosed) throw new Error('syndikit: the storage was closed. Make a new one.')
      const lent = lend(work)
      underWay.add(lent)
      try {
        return await lent
      } finally {
        underWay.delete(lent)
      }
    },
    close: async () => {
      isClosed = true
      await Promise.allSettled(underWay)
      pool.off('error', ignore)
      await end()
    },
  }
}
