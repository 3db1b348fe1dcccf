// A worker: the same code as the app, and `start()`. Run as many as you like, on as many machines as you like.
//
//   node worker.ts

import { json } from './health.ts'
import { serve } from './serve.ts'
import { settingsOf } from './settings.ts'
import { syndikitOf } from './syndikit.ts'

const settings = settingsOf(process.env)
const app = syndikitOf(settings)
const working = app.start()

serve({
  app,
  port: settings.PORT,
  handle: async (_, response) => json(response, 404, { error: 'Ask /healthz, /readyz or /status.' }),
  stop: () => working.stop(),
})
