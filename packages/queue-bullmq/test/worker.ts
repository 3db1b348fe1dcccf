// A process of its own: works until SIGTERM, writes what it sends into a file, and then has nothing left that keeps it alive.
import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { bullmqQueue } from '../src/index.ts'
import { syndikitOn } from './toy.ts'

const [file = '', connection = '', sent = '', sendMs = '0'] = process.argv.slice(2)
const syndikit = syndikitOn(file, bullmqQueue({ connection }), async (text) => {
  appendFileSync(sent, `begun ${text}\n`)
  await setTimeout(Number(sendMs))
  appendFileSync(sent, `sent ${text}\n`)
})
await syndikit.open()
const worker = syndikit.start()
process.once('SIGTERM', async () => {
  await worker.stop()
  await syndikit.close()
  console.log('stopped')
})
console.log('ready')
