// The app's Syndikit: three platforms on a database. This is the part to copy.

import { bluesky } from '@syndikit/bluesky'
import { createSyndikit, type Fetch, type Queue, type Storage } from '@syndikit/core'
import { mastodon } from '@syndikit/mastodon'
import { x } from '@syndikit/x'

export const platforms = ['x', 'bluesky', 'mastodon'] as const
export type Platform = (typeof platforms)[number]

/**
 * For the demonstration only. After a crash a delivery waits until the lease of the process that died ends, and a lease must be longer than the slowest
 * request. Platforms on this machine answer at once, so both can be short, and a second start goes on within seconds. Real ones need the defaults.
 */
const impatient = { requestTimeoutMs: 2_000, leaseMs: 6_500, retryAfterMs: [1_000, 5_000, 15_000] }

/** Names this installation: a database that was opened under another name is refused. */
export const deployment = 'quickstart'

export interface AppOptions {
  readonly storage: Storage
  readonly queue?: Queue | undefined
  readonly keys: string
  readonly fetch: Fetch
  /** Whether one of the platforms is a real server. */
  readonly live: boolean
}

export const createApp = ({ storage, queue, keys, fetch, live }: AppOptions) =>
  createSyndikit({
    deployment,
    // The sandbox knows this client. Yours is from X's developer console, and belongs in the environment.
    adapters: [x({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' }), bluesky(), mastodon({ appName: 'Syndikit quickstart' })],
    storage,
    queue,
    keys,
    fetch,
    ...(live ? {} : impatient),
  })

export type App = ReturnType<typeof createApp>
export type Draft = Parameters<App['scheduler']['schedule']>[0]
