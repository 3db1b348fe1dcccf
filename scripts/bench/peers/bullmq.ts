// A hand-written BullMQ worker that keeps one row of result per job: in SQLite, or in PostgreSQL.

import { DatabaseSync } from 'node:sqlite'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { Pool } from 'pg'
import { slots, text } from '../load.ts'

type Keep = (id: string, result: string) => Promise<void> | void

/** How many jobs a second, from the start of the worker to the end of the last one. */
const drainJobs = async (redisUrl: string, jobs: number, keep: Keep): Promise<number> => {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const name = 'peer'
  const queue = new Queue(name, { connection })
  const options = { removeOnComplete: true, removeOnFail: true }
  for (let at = 0; at < jobs; at += 1_000)
    await queue.addBulk(Array.from({ length: Math.min(1_000, jobs - at) }, () => ({ name: 'd', data: { text }, opts: options })))
  let left = jobs
  const work = async ({ id = '' }: { id?: string | undefined }) => {
    await keep(`${name}-${id}`, JSON.stringify({ id, url: `https://noop.example/${id}` }))
  }
  const worker = new Worker(name, work, { connection, concurrency: slots, autorun: false })
  const done = new Promise<void>((resolve) => {
    worker.on('completed', () => --left === 0 && resolve())
  })
  await worker.waitUntilReady()
  const began = performance.now()
  const running = worker.run()
  await done
  const took = performance.now() - began
  await worker.close()
  await running
  await queue.obliterate({ force: true })
  await queue.close()
  await connection.quit()
  return (jobs / took) * 1000
}

/** Durable as ours is: write-ahead log, every commit on the disk. */
export const bullmqSqlite = async (redisUrl: string, file: string, jobs: number): Promise<number> => {
  const db = new DatabaseSync(file)
  db.exec(
    'pragma journal_mode = wal; pragma synchronous = full; create table if not exists results (id text primary key, result text not null, at integer not null); delete from results',
  )
  const insert = db.prepare('insert into results (id, result, at) values (?, ?, ?)')
  try {
    return await drainJobs(redisUrl, jobs, (id, result) => void insert.run(id, result, Date.now()))
  } finally {
    db.close()
  }
}

export const bullmqPostgres = async (redisUrl: string, pool: Pool, jobs: number): Promise<number> => {
  await pool.query('create table if not exists results (id text primary key, result text not null, at timestamptz not null default now())')
  await pool.query('truncate results')
  return drainJobs(redisUrl, jobs, async (id, result) => {
    await pool.query({ name: 'result', text: 'insert into results (id, result) values ($1, $2)', values: [id, result] })
  })
}
