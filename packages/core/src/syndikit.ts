// The front door: checks the options, builds the parts, hands out the calls.

import type { Calls } from './calls/accept.ts'
import { duration } from './calls/arguments.ts'
import { type Explanation, explain } from './calls/explain.ts'
import { createIds } from './calls/ids.ts'
import { createPublisher, type Publisher } from './calls/publisher.ts'
import { createScheduler, type One, type Scheduler } from './calls/scheduler.ts'
import { createAccess } from './connections/access.ts'
import { type Connections, createConnections } from './connections/connections.ts'
import type { Adapter } from './contract/adapter.ts'
import type { EventMap, EventType, SyndikitEvent } from './contract/events.ts'
import type { Clock, Fetch, Logger, Random } from './contract/ports.ts'
import type { Queue } from './contract/queue.ts'
import type { Storage } from './contract/storage.ts'
import type { Deps } from './engine/deps.ts'
import { createEngine, type Engine } from './engine/engine.ts'
import { type MediaOptions, mediaOpener } from './media/opener.ts'
import { systemClock, systemRandom } from './ports/system.ts'
import { guardedFetch } from './ports/transport.ts'
import { inProcessQueue } from './queue/in-process.ts'
import { adaptersOf, checkOptions, mediaOf, retentionOf, settingsOf } from './settings.ts'
import { parseKeys } from './vault/keys.ts'
import { createVault, type TokenVault } from './vault/vault.ts'

/** Read once, by `createSyndikit`: whatever is wrong throws there. An unknown option is refused. */
export interface SyndikitOptions<A extends Adapter = Adapter> {
  adapters: readonly A[]
  storage: Storage
  /** Default: in this process. */
  queue?: Queue | undefined
  /** 32-byte keys as base64 or hex; the first seals, all open. Make one with `generateKey()`. */
  keys: string | readonly string[] | undefined
  /** Names this installation. A database that was opened under another name is refused, so that a copy of production never posts. Default `default`. */
  deployment?: string | undefined
  /** Pauses between tries, in ms; per platform where it must differ. Default 5, 15 and 30 minutes. */
  retryAfterMs?: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined
  /** Later than this a delivery is `missed`. Default 24 h. */
  maxLatenessMs?: number | undefined
  /** When nobody can know whether something was published. Default `hold`. */
  onUncertain?: 'hold' | 'retry' | 'drop' | undefined
  /** How long a worker's claim holds without word from it; after a crash a delivery waits so long. At least the slowest adapter's time-out and 4 s. Default 60 s. */
  leaseMs?: number | undefined
  /** Bounds the time-out of every request in ms; adapters have their own, 30 s unless they say otherwise. A shorter one allows a shorter lease. */
  requestTimeoutMs?: number | undefined
  /** Deliveries at a time in this process. Default 20. */
  slots?: number | undefined
  /** Deliveries of one connection at a time in this process. Default 2. */
  perConnection?: number | undefined
  /** Finished publications are removed after this. Default 400 days. */
  retentionMs?: number | undefined
  media?: MediaOptions | undefined
  /** The network. Default: public addresses only. */
  fetch?: Fetch | undefined
  clock?: Clock | undefined
  random?: Random | undefined
  logger?: Logger | undefined
}

/** Works until it is stopped. `await using` stops it too. */
export interface Working extends AsyncDisposable {
  /** Takes nothing new, finishes what is under way. */
  stop(): Promise<void>
}

/** The calls, and the way to work. Safe to have several on one database, in any number of processes. */
export interface Syndikit<A extends Adapter = Adapter> {
  readonly connections: Connections
  readonly publisher: Publisher<A>
  readonly scheduler: Scheduler<A>
  readonly vault: TokenVault
  /** Hears events of one type, or all with `'*'`; at least once each, in the order of `rev` per subject, while this process works. Returns the way to stop. */
  on<T extends EventType>(type: T, listener: (event: { readonly type: T } & EventMap[T]) => unknown): () => void
  on(type: '*', listener: (event: SyndikitEvent) => unknown): () => void
  /** What happened to a delivery, and what happens next and why. */
  explain(request: One): Promise<Explanation | undefined>
  /**
   * Opens the database (creates or migrates its tables) and looks whether the queue can be relied on. Every call opens the database first; call it to fail early.
   * @throws TypeError where the database is another deployment's or the queue's server is set up so that it loses hints.
   */
  open(): Promise<void>
  /** Works in this process until it is stopped. */
  start(): Working
  /** Works for about `budgetMs` (default 20 s), where nothing may stay running; returns with nothing under way. A single request may take as long as its time-out on top. */
  tick(budget?: { budgetMs?: number | undefined }): Promise<void>
  /** Stops, and closes the queue and the database. */
  close(): Promise<void>
}

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
/** The same calls, each after the database was opened. */
const afterOpen = <T extends object>(calls: T, open: () => Promise<void>): T =>
  Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      async (...args: unknown[]) => {
        await open()
        return (call as (...args: unknown[]) => unknown)(...args)
      },
    ]),
  ) as T

/** Opens the database once; a failure is forgotten, so that the next call tries again. */
const opener = (storage: Storage, deployment: string): (() => Promise<void>) => {
  let opening: Promise<void> | undefined
  return () => {
    opening ??= storage.open(deployment).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
}

interface Workable {
  readonly engine: Pick<Engine, 'start'>
  readonly open: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** The database, then the queue: one that cannot be reached now is no reason not to work. */
const openAll = async (open: () => Promise<void>, queue: Queue, logger: Logger): Promise<void> => {
  await open()
  try {
    await queue.open?.()
  } catch (error) {
    if (error instanceof TypeError) throw error
    logger.warn({ error: error instanceof Error ? error.name : 'error' }, 'The queue could not be reached; the database is asked instead.')
  }
}

/** Waits for a database that is down; what can never work, such as the database of another deployment, it leaves alone. */
const opened = async ({ open, clock, logger }: Workable, stop: AbortSignal): Promise<boolean> => {
  for (let pauseMs = 500; !stop.aborted; pauseMs = Math.min(pauseMs * 2, 30_000)) {
    try {
      await open()
      return !stop.aborted
    } catch (error) {
      if (error instanceof TypeError) {
        logger.error({ error: error.message }, 'The database or the queue cannot be used; nothing goes out.')
        return false
      }
      logger.error({ error: error instanceof Error ? error.name : 'error' }, 'The database could not be opened yet; it is tried again.')
      await clock.sleep(pauseMs, stop)
    }
  }
  return false
}

const starter = (workable: Workable): { start(): Working; stop(): Promise<void> } => {
  let working: { stop(): Promise<void> } | undefined
  const start = (): Working => {
    if (working) throw new TypeError('This Syndikit works already: stop it before you start it again.')
    const stopping = new AbortController()
    const started = opened(workable, stopping.signal).then((is) => (is ? workable.engine.start() : undefined))
    const stop = async () => {
      stopping.abort()
      await (await started)?.stop()
      if (working === own) working = undefined
    }
    const own = { stop }
    working = own
    return { stop, [Symbol.asyncDispose]: stop }
  }
  return { start, stop: async () => working?.stop() }
}

/** The ports and parts that everything else is built on. */
const partsOf = (options: SyndikitOptions) => {
  checkOptions(options)
  const adapters = adaptersOf(options.adapters)
  const settings = settingsOf(options)
  const { storage, deployment = 'default', clock = systemClock, random = systemRandom, logger = silent } = options
  if (typeof storage?.open !== 'function') throw new TypeError("createSyndikit: `storage` is a driver, such as sqliteStorage('syndikit.db').")
  if (typeof deployment !== 'string' || deployment === '') throw new TypeError('createSyndikit: `deployment` is a name, such as `production`.')
  const fetch = options.fetch ?? guardedFetch()
  const vault = createVault({ ring: parseKeys(options.keys), deployment, storage, random, clock, logger })
  const shared = { adapters, storage, vault, clock, random, fetch, logger }
  const access = createAccess(shared)
  const media = mediaOpener({ ...mediaOf(options.media), fetch, clock })
  const deps: Deps = { adapters, storage, access, fetch, clock, random, logger, deployment, settings, media }
  return { shared, access, vault, deps, newId: createIds(clock, random) }
}

/**
 * Builds a Syndikit. Does nothing until it is called or started.
 * @throws TypeError that names the option and the mend.
 */
export const createSyndikit = <const A extends Adapter>(options: SyndikitOptions<A>): Syndikit<A> => {
  const { shared, access, vault, deps, newId } = partsOf(options as SyndikitOptions)
  const { storage, clock, logger, deployment } = deps
  const queue = options.queue ?? inProcessQueue()
  const engine = createEngine({ ...deps, newId, queue, retentionMs: retentionOf(options as SyndikitOptions) })
  const calls: Calls = { ...deps, newId, stored: engine.stored }
  const open = opener(storage, deployment)
  const openBoth = () => openAll(open, queue, logger)
  const work = starter({ engine, open: openBoth, clock, logger })
  return {
    connections: afterOpen(createConnections({ ...shared, access, woken: engine.stored }), open),
    publisher: afterOpen(createPublisher<A>(calls), open),
    scheduler: afterOpen(createScheduler<A>(calls), open),
    vault: afterOpen<TokenVault>(vault, open),
    on: (type: EventType | '*', listener: (event: never) => unknown) => engine.outbox.on(type, listener as (event: SyndikitEvent) => unknown),
    explain: async (request) => {
      await open()
      return explain(calls, request)
    },
    open: openBoth,
    start: work.start,
    tick: async ({ budgetMs = 20_000 } = {}) => {
      await open()
      await engine.tick(duration('budgetMs', budgetMs))
    },
    close: async () => {
      await work.stop()
      await access.drain()
      shared.vault.forget()
      await queue.close?.()
      await storage.close()
    },
  }
}
