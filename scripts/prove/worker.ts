// A worker process: takes what is due until it is told to end.

import { createApp, reconnectWhenAsked, sceneOf } from './app.ts'

const app = await createApp(sceneOf(process.env))
reconnectWhenAsked(app)
app.start()
const end = () => app.close().then(() => process.exit(0))
process.once('SIGTERM', end)
process.once('disconnect', () => process.exit(1))
process.send?.('ready')
