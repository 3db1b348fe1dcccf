// One worker process of a bench: works when told to, and tells its parent of every send.

import { bullmqQueue } from '@syndikit/queue-bullmq'
import { postgresStorage } from '@syndikit/storage-postgres'
import { noop, type Sent } from './adapter.ts'
import { slots, syndikitOn } from './load.ts'
import { type Job, toParent } from './workers.ts'

const { url, redis, takesMs, rates } = JSON.parse(process.argv[2] ?? '{}') as Job
let sends: Sent[] = []
const adapter = noop((send) => void sends.push(send), takesMs, rates && { rates })
const storage = postgresStorage({ connection: { connectionString: url, max: 10, pipeline: true } })
const syndikit = syndikitOn(storage, adapter, redis === undefined ? {} : { queue: bullmqQueue({ connection: redis, concurrency: slots }) })
await syndikit.open()
const tell = setInterval(() => {
  if (sends.length > 0) toParent({ sends })
  sends = []
}, 20)
let worker: ReturnType<typeof syndikit.start> | undefined
process.on('message', (message) => {
  if (message === 'start') worker = syndikit.start()
  else
    void (worker?.stop() ?? Promise.resolve()).then(async () => {
      await syndikit.close()
      clearInterval(tell)
      process.disconnect()
    })
})
toParent('ready')
