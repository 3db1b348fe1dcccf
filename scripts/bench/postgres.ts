// PostgreSQL with a million rows waiting: one process and two, beside pg-boss, graphile-worker and a hand-written BullMQ worker.

import { startRedis } from '@syndikit/servers'
import { type Database, startDatabase } from './database.ts'
import { drain } from './drain.ts'
import { type Figure, quantile, rateOf, ratioOf } from './figures.ts'
import { aheadMs, load } from './load.ts'
import type { Asked } from './options.ts'
import { bullmqPostgres } from './peers/bullmq.ts'
import { graphileWorker } from './peers/graphile.ts'
import { pgBoss } from './peers/pg-boss.ts'
import { runWorkers } from './workers.ts'

const ours = 'Syndikit'
const two = 'two processes of Syndikit'
const boss = 'pg-boss, completion per job, one row of result'
const graphile = 'graphile-worker tuned, one row of result'
const bullmq = 'BullMQ with one row of result in PostgreSQL'

/** Two processes, 1,000 due a second; from when the rows are stored to the first that is due. */
export const lagOfTwo = async ({ server, storage, accounts, body }: Database, redis?: string): Promise<number> => {
  // The processes take a while to start.
  const from = Date.now() + (await aheadMs({ storage, accounts, body }, 10_000)) + 5_000
  await load(storage, accounts, body, 10_000, (n) => from + n)
  const { sends } = await runWorkers({ url: server.url, redis }, 2, 10_000)
  return quantile(
    sends.map(({ lagMs }) => lagMs),
    0.99,
  )
}

const contestants = (database: Database, redisUrl: string, due: number): Readonly<Record<string, () => Promise<number>>> => {
  const { server, pool, storage, accounts, body } = database
  const fill = async (count: number) => {
    await load(storage, accounts, body, count, () => Date.now() - 5_000)
    await pool.query('analyze')
  }
  return {
    [ours]: async () => {
      await fill(due)
      return drain(storage, due)
    },
    [two]: async () => {
      await fill(due * 2)
      const { tookMs } = await runWorkers({ url: server.url }, 2, due * 2)
      return ((due * 2) / tookMs) * 1000
    },
    [boss]: () => pgBoss(server.url, pool, Math.ceil(due / 2)),
    [graphile]: () => graphileWorker(server.url, pool, Math.ceil(due / 2)),
    [bullmq]: () => bullmqPostgres(redisUrl, pool, Math.ceil(due / 2)),
  }
}

export const postgresSuite = async ({ rows, rounds, due, say }: Asked): Promise<Figure[]> => {
  const [database, redis] = [await startDatabase(rows), await startRedis()]
  try {
    const all = contestants(database, redis.url, due)
    const rates = Object.fromEntries(Object.keys(all).map((who): [string, number[]] => [who, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [who, run] of Object.entries(all)) {
        const rate = await run()
        rates[who]?.push(rate)
        say(`${who}: ${Math.round(rate)} deliveries/s`)
      }
    }
    const lag = await lagOfTwo(database)
    return [
      ...Object.keys(all).map((who) => rateOf(rates, who)),
      ...[boss, graphile, bullmq].map((who) => ({ ...ratioOf(rates, ours, who), atLeast: 2.5 })),
      { ...ratioOf(rates, two, ours), atLeast: 1.7 },
      { what: 'two processes: lag p99 at send, 10,000 due over ten seconds', value: lag, unit: 'ms', atMost: 35 },
    ]
  } finally {
    await redis.stop()
    await database.stop()
  }
}
