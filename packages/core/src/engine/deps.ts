// What the engine is made of. Built once by `createSyndikit`, passed on, never global.

import type { Access } from '../connections/access.ts'
import type { Adapter } from '../contract/adapter.ts'
import type { Clock, Fetch, Logger, Random } from '../contract/ports.ts'
import type { Storage } from '../contract/storage.ts'
import type { MediaOpener } from '../media/opener.ts'

export interface Deps {
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly storage: Storage
  readonly access: Access
  readonly media: MediaOpener
  readonly fetch: Fetch
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly deployment: string
  readonly settings: Settings
}

export interface Settings {
  /** Pauses between tries, by platform; `default` for the rest. */
  readonly retryAfterMs: Readonly<Record<string, readonly number[]>> & { readonly default: readonly number[] }
  readonly maxLatenessMs: number
  readonly onUncertain: 'hold' | 'retry' | 'drop'
  readonly leaseMs: number
  /** Bounds every adapter's time-out. */
  readonly requestTimeoutMs: number | undefined
  /** Deliveries at a time in this process, of one tenant at most four fifths of it. */
  readonly slots: number
  readonly perConnection: number
}
