// The Syndikit that the app and every worker build alike: two lines differ from a single process, `storage` and `queue`.

import { bluesky } from '@syndikit/bluesky'
import { createSyndikit } from '@syndikit/core'
import { mastodon } from '@syndikit/mastodon'
import { bullmqQueue } from '@syndikit/queue-bullmq'
import { sandboxFetch } from '@syndikit/sandbox'
import { postgresStorage } from '@syndikit/storage-postgres'
import { x } from '@syndikit/x'
import { logger } from './log.ts'
import type { Settings } from './settings.ts'

/** Emulated platforms answer at once, so that a lease may be short and a delivery of a dead worker goes on within seconds. Real ones need the defaults. */
const impatient = { requestTimeoutMs: 2_000, leaseMs: 6_500, retryAfterMs: [1_000, 5_000, 15_000] }

export const syndikitOf = (settings: Settings) =>
  createSyndikit({
    deployment: settings.DEPLOYMENT,
    adapters: [x({ clientId: settings.X_CLIENT_ID, clientSecret: settings.X_CLIENT_SECRET }), bluesky(), mastodon({ appName: 'Syndikit worker example' })],
    storage: postgresStorage(settings.DATABASE_URL),
    queue: bullmqQueue({ connection: settings.REDIS_URL, concurrency: settings.SLOTS }),
    keys: settings.SYNDIKIT_KEYS,
    slots: settings.SLOTS,
    logger,
    ...(settings.SANDBOX_URL !== undefined && { fetch: sandboxFetch(settings.SANDBOX_URL), ...impatient }),
  })
export type App = ReturnType<typeof syndikitOf>
