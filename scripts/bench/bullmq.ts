// Over BullMQ: lag, what Redis holds of a million rows, how work is shared, and a window that many processes keep.

import { startRedis } from '@syndikit/servers'
import { Redis } from 'ioredis'
import { type Database, startDatabase } from './database.ts'
import type { Figure } from './figures.ts'
import { load } from './load.ts'
import type { Asked } from './options.ts'
import { lagOfTwo } from './postgres.ts'
import { runWorkers } from './workers.ts'

const usedMb = async (redis: Redis): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]) / 1e6

/** A worker runs through its first passes over what comes due. */
const growthOf = async ({ server }: Database, redisUrl: string): Promise<number> => {
  const redis = new Redis(redisUrl)
  const before = await usedMb(redis)
  await runWorkers({ url: server.url, redis: redisUrl }, 1, 1, 15_000)
  const after = await usedMb(redis)
  await redis.quit()
  return after - before
}

/** On a platform that takes 200 ms. */
const sharedWork = async ({ server, storage, accounts, body }: Database, redis: string, processes: number): Promise<number> => {
  const due = 3_000 * processes
  await load(storage, accounts, body, due, () => Date.now() - 5_000)
  const { tookMs } = await runWorkers({ url: server.url, redis, takesMs: 200 }, processes, due)
  return (due / tookMs) * 1000
}

const windowLimit = 200

const sentInWindow = async ({ server, storage, accounts, body }: Database, redis: string): Promise<number> => {
  await load(storage, accounts, body, windowLimit * 5, () => Date.now() - 5_000)
  const rates = [{ on: 'publish' as const, limit: windowLimit, windowMs: 3_600_000, per: 'app' as const }]
  const { sends } = await runWorkers({ url: server.url, redis, rates }, 8, windowLimit * 5, 20_000)
  return sends.length
}

export const bullmqSuite = async ({ rows, say }: Asked): Promise<Figure[]> => {
  const [database, redis] = [await startDatabase(rows), await startRedis()]
  try {
    const growth = await growthOf(database, redis.url)
    say(`Redis grew by ${growth.toFixed(1)} MB`)
    const lag = await lagOfTwo(database, redis.url)
    say(`lag p99 ${lag} ms`)
    const [one, two] = [await sharedWork(database, redis.url, 1), await sharedWork(database, redis.url, 2)]
    say(`one worker ${Math.round(one)}/s, two ${Math.round(two)}/s`)
    const sent = await sentInWindow(database, redis.url)
    return [
      { what: `Redis, with ${rows.toLocaleString('en')} scheduled, grows by`, value: growth, unit: 'MB', atMost: 10 },
      { what: 'two processes over BullMQ: lag p99 at send, 10,000 due over ten seconds', value: lag, unit: 'ms', atMost: 60 },
      {
        what: 'two processes, times one, where the platform takes 200 ms',
        value: two / one,
        unit: '×',
        atLeast: 1.8,
        from: `${Math.round(two)} and ${Math.round(one)} deliveries/s`,
      },
      { what: `sent by eight processes in a window of ${windowLimit}`, value: sent, unit: 'deliveries', atMost: windowLimit, atLeast: windowLimit },
    ]
  } finally {
    await redis.stop()
    await database.stop()
  }
}
