// graphile-worker as its page on performance says: a local queue, and completions in batches. Each job stores its row of result.

import { Logger, run } from 'graphile-worker'
import type { Pool } from 'pg'
import { slots, text } from '../load.ts'

const quiet = new Logger(() => () => undefined)

export const graphileWorker = async (url: string, pool: Pool, jobs: number): Promise<number> => {
  let left = jobs
  let ended = (): void => undefined
  const done = new Promise<void>((resolve) => {
    ended = resolve
  })
  const publish = async (_: unknown, { job }: { job: { id: string } }): Promise<void> => {
    await pool.query({ name: 'graphile', text: 'insert into graphile_results (id, result) values ($1, $2)', values: [job.id, JSON.stringify({ id: job.id })] })
    left -= 1
    if (left === 0) ended()
  }
  const worker = {
    connectionString: url,
    concurrentJobs: slots,
    maxPoolSize: 10,
    pollInterval: 1_000,
    preparedStatements: true,
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  }
  const preset = { worker: { ...worker, localQueue: { size: 500, ttl: 5_000 }, logger: quiet } }
  await pool.query(
    'create table if not exists graphile_results (id text primary key, result text not null, at timestamptz not null default now()); truncate graphile_results',
  )
  const { makeWorkerUtils } = await import('graphile-worker')
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet })
  await utils.migrate()
  await pool.query(`select graphile_worker.add_job('publish', json_build_object('text', $1::text)) from generate_series(1, $2::int)`, [text, jobs])
  await pool.query('analyze')
  const began = performance.now()
  const runner = await run({ preset, taskList: { publish: publish as never }, noHandleSignals: true })
  await done
  const took = performance.now() - began
  await runner.stop()
  await utils.release()
  return (jobs / took) * 1000
}
