// A worker process: takes what is due until it is told to end.

import { setTimeout } from 'node:timers/promises'
import { createApp, reconnectWhenAsked, sceneOf } from './app.ts'

const app = await createApp(sceneOf(process.env))
reconnectWhenAsked(app)
app.start()
const end = () => app.close().then(() => process.exit(0))
process.once('SIGTERM', end)
process.once('disconnect', () => process.exit(1))

/** At work: it has its database. */
const ready = async (): Promise<void> => {
  while (
    !(await app.open().then(
      () => true,
      () => false,
    ))
  )
    await setTimeout(200)
  process.send?.('ready')
}
await ready()
