// pg-boss: two workers with batches of fifty, each job completed by itself once its row of result is stored.

import type { Pool } from 'pg'
import { type Job, PgBoss } from 'pg-boss'
import { text } from '../load.ts'

const name = 'peer'
const batchSize = 50

export const pgBoss = async (url: string, pool: Pool, jobs: number): Promise<number> => {
  const boss = new PgBoss({ connectionString: url, max: 10, supervise: false, schedule: false })
  boss.on('error', () => undefined)
  await boss.start()
  await boss.createQueue(name)
  await pool.query('create table if not exists boss_results (id text primary key, result text not null, at timestamptz not null default now())')
  for (let at = 0; at < jobs; at += 1_000)
    await boss.insert(
      name,
      Array.from({ length: Math.min(1_000, jobs - at) }, () => ({ data: { text } })),
    )
  await pool.query('analyze')
  let left = jobs
  let ended = (): void => undefined
  const done = new Promise<void>((resolve) => {
    ended = resolve
  })
  const one = async ({ id }: Pick<Job, 'id'>): Promise<void> => {
    await pool.query({ name: 'boss', text: 'insert into boss_results (id, result) values ($1, $2)', values: [id, JSON.stringify({ id })] })
    await boss.complete(name, id)
    left -= 1
    if (left === 0) ended()
  }
  const began = performance.now()
  await boss.work(name, { batchSize, localConcurrency: 2, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true }, async (batch) => {
    await Promise.all(batch.map(one))
  })
  await done
  const took = performance.now() - began
  await boss.stop({ graceful: false, close: true })
  await pool.query('drop schema pgboss cascade; truncate boss_results')
  return (jobs / took) * 1000
}
