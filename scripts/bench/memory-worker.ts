// Works on the file given as argument for five seconds, and prints its resident memory in MB.

import { setTimeout } from 'node:timers/promises'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { noop } from './adapter.ts'
import { syndikitOn } from './load.ts'

const syndikit = syndikitOn(
  sqliteStorage(process.argv[2] ?? ''),
  noop(() => undefined),
)
await syndikit.open()
const worker = syndikit.start()
await setTimeout(5_000)
globalThis.gc?.()
console.log(process.memoryUsage().rss / 1e6)
await worker.stop()
await syndikit.close()
