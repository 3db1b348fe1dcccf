// One process on a SQLite file with a million rows waiting: throughput beside a hand-written BullMQ worker and beside our own path without group commit, lag, fairness, calls.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startRedis } from '@syndikit/servers'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { noop } from './adapter.ts'
import { callFigures } from './calls.ts'
import { drain, oneByOne } from './drain.ts'
import { type Figure, rateOf, ratioOf } from './figures.ts'
import { lagFigures } from './lag.ts'
import { type Account, bodyOf, connect, hourMs, load, syndikitOn } from './load.ts'
import { memoryFigure } from './memory.ts'
import type { Asked } from './options.ts'
import { bullmqSqlite } from './peers/bullmq.ts'
import { waitingRows } from './waiting.ts'

const ours = 'Syndikit'
const alone = 'Syndikit without group commit'
const peer = 'BullMQ with one row of result in SQLite'

/** A file with accounts, and so many rows that wait. */
const prepare = async (file: string, rows: number): Promise<{ accounts: Account[]; body: string }> => {
  const storage = sqliteStorage(file)
  const syndikit = syndikitOn(
    storage,
    noop(() => undefined),
  )
  const accounts = await connect(syndikit)
  const body = await bodyOf(syndikit, storage, accounts[0] as Account)
  await syndikit.close()
  const db = new DatabaseSync(file)
  db.exec('pragma cache_size = -500000; begin')
  for (const statement of waitingRows(accounts, rows, Date.now() + 24 * hourMs, body, () => 'lower(hex(randomblob(32)))')) db.exec(statement)
  db.exec('commit; analyze; pragma wal_checkpoint(truncate)')
  db.close()
  return { accounts, body }
}

export const sqliteSuite = async ({ rows, rounds, due, say }: Asked): Promise<Figure[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'syndikit-bench-'))
  const redis = await startRedis()
  try {
    const file = join(folder, 'bench.db')
    const { accounts, body } = await prepare(file, rows)
    say(`${rows} rows wait`)
    const storage = sqliteStorage(file)
    await storage.open('default')
    const rates: Record<string, number[]> = { [ours]: [], [alone]: [], [peer]: [] }
    const measured = async (who: string, run: () => Promise<number>) => {
      const rate = await run()
      rates[who]?.push(rate)
      say(`${who}: ${Math.round(rate)} deliveries/s`)
    }
    const past = () => Date.now() - 5_000
    for (let round = 0; round < rounds; round++) {
      await load(storage, accounts, body, due, past)
      await measured(ours, () => drain(storage, due))
      await measured(peer, () => bullmqSqlite(redis.url, join(folder, 'peer.db'), due))
      await load(storage, accounts, body, Math.ceil(due / 8), past)
      await measured(alone, () => drain(oneByOne(storage), Math.ceil(due / 8)))
    }
    const figures = [
      ...[ours, peer, alone].map((who) => rateOf(rates, who)),
      { ...ratioOf(rates, ours, peer), atLeast: 1.5 },
      { ...ratioOf(rates, ours, alone), atLeast: 6 },
      ...(await lagFigures({ storage, accounts, body, say, lagAtMostMs: 25 })),
      ...(await callFigures({ storage, accounts, say })),
    ]
    await storage.close()
    return [...figures, memoryFigure(file, folder)]
  } finally {
    await redis.stop()
    rmSync(folder, { recursive: true })
  }
}
