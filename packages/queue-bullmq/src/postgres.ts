// BullMQ on PostgreSQL, for hosts without Redis. Its tables are in a schema of their own, its connections in pools of their own.

import { type BackendFactory, type ConnectionOptions, createPostgresBackend, Queue, type RedisQueueBackend, Worker } from 'bullmq'
import { type Backend, type Consumer, type Producer, patienceMs, type Signals, within, workerOptions } from './backend.ts'
import type { PostgresSettings } from './options.ts'

/** Errors of BullMQ that no waiting mends, by their names. */
const setup: Readonly<Record<string, string>> = {
  UnsupportedPostgresVersionError: 'this PostgreSQL is too old for BullMQ. Use version 14 or newer.',
  SchemaVersionMismatchError: "BullMQ's tables belong to another version of BullMQ. Update bullmq in every process, or give `postgres.schema` another name.",
  SchemaMigrationRequiredError: "BullMQ's tables are not there. Leave `postgres.migrate` on, or run BullMQ's migrations yourself.",
}

const explained = (error: unknown): unknown => {
  const mend = error instanceof Error ? (setup[error.name] ?? setup[error.constructor.name]) : undefined
  return mend === undefined ? error : new TypeError(`bullmqQueue: ${mend}`, { cause: error })
}

/** BullMQ's classes are typed by their server and behave the same: what is theirs alone, a connection's settings, is not seen outside of this file. */
const backend = createPostgresBackend as unknown as BackendFactory<RedisQueueBackend, ConnectionOptions>
const connectionOf = (given: PostgresSettings): ConnectionOptions => ({ connectionTimeoutMillis: patienceMs, migrate: true, ...given })

/** Creating the tables the first time takes longer than a hint may. */
const checkMs = 10_000

const producer = (given: PostgresSettings, name: string, { failed }: Signals): Producer => {
  const queue = new Queue(name, { connection: connectionOf(given) }, backend)
  queue.on('error', failed)
  let isDead = false
  // BullMQ keeps a first failure for ever.
  const first = queue.waitUntilReady().then(
    () => undefined,
    (error: unknown) => {
      isDead = true
      throw explained(error)
    },
  )
  first.catch(() => undefined)
  return {
    queue,
    ready: () => within(patienceMs, first),
    get dead() {
      return isDead
    },
    check: () => within(checkMs, first),
    close: () => within(patienceMs, queue.close()).catch(() => undefined),
  }
}

const consumer = (given: PostgresSettings, name: string, [permit, concurrency]: Parameters<Backend['consumer']>): Consumer => {
  const worker = new Worker(name, permit, { ...workerOptions(concurrency), connection: connectionOf(given) }, backend)
  return { worker, end: () => void worker.disconnect().catch(() => undefined) }
}

export const postgresBackend = (given: PostgresSettings, name: string): Backend => ({
  producer: (signals) => producer(given, name, signals),
  consumer: (...all) => consumer(given, name, all),
})
