// Where the quickstart keeps its data and what wakes its worker: `--storage` and `--queue`. Nothing else of it changes with them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Queue, Storage } from '@syndikit/core'
import { bullmqQueue } from '@syndikit/queue-bullmq'
import { type Server, startPostgres, startRedis } from '@syndikit/servers'
import { postgresStorage } from '@syndikit/storage-postgres'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { keyRing } from './keys.ts'

export const storages = ['sqlite', 'postgres'] as const
export const queues = ['in-process', 'bullmq'] as const

export interface Wanted {
  readonly storage: (typeof storages)[number]
  readonly queue: (typeof queues)[number]
  /** A file for SQLite, a URL for PostgreSQL. Absent: nothing is kept. */
  readonly db: string | undefined
}

export interface SetUp {
  readonly storage: Storage
  /** Absent: the one of this process. */
  readonly queue?: Queue
  readonly keys: string
  /** A folder for what the sandbox keeps; absent: it keeps nothing. */
  readonly beside?: string
  /** Ends the servers that were started for this run. */
  close(): Promise<void>
}

/** Removed again when this process ends by itself. */
const temporaryFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'syndikit-quickstart-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  return join(folder, 'quickstart.db')
}

type Env = NodeJS.ProcessEnv
type Started = Server[]

/** A server of the machine, for this run only. */
const startedFor = async (started: Started, start: () => Promise<Server>): Promise<string> => {
  const server = await start()
  started.push(server)
  return server.url
}

const onPostgres = async ({ db }: Wanted, env: Env, started: Started): Promise<Storage> => {
  const url = db ?? env.DATABASE_URL
  // What is sealed with a key that nobody kept opens never again.
  if (url !== undefined && !env.SYNDIKIT_KEYS)
    throw new Error('Set SYNDIKIT_KEYS to a key that you keep, with `generateKey()` of @syndikit/core: it seals what this database holds.')
  return postgresStorage(url ?? (await startedFor(started, startPostgres)))
}

const endAll = async (started: Started): Promise<void> => {
  await Promise.all(started.map((server) => server.stop()))
}

/** Opened before anything else is made, so that a file or an address that is none fails first. */
export const openSetUp = async (wanted: Wanted, env: Env, deployment: string): Promise<SetUp> => {
  const started: Started = []
  try {
    const file = wanted.storage === 'sqlite' ? wanted.db : undefined
    const storage = wanted.storage === 'sqlite' ? sqliteStorage(file ?? temporaryFile()) : await onPostgres(wanted, env, started)
    await storage.open(deployment)
    const set = { storage, keys: keyRing(file, env), ...(file !== undefined && { beside: `${file}.sandbox` }) }
    if (wanted.queue === 'in-process') return { ...set, close: () => endAll(started) }
    const connection = env.REDIS_URL ?? (await startedFor(started, startRedis))
    return { ...set, queue: bullmqQueue({ connection }), close: () => endAll(started) }
  } catch (error) {
    await endAll(started)
    throw error
  }
}
