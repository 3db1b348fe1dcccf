// The front door: checks the options, builds the parts, hands out the calls.

import type { Calls } from './calls/accept.ts'
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
import type { Deps, Settings } from './engine/deps.ts'
import { createEngine } from './engine/engine.ts'
import { leastLeaseMs } from './engine/lease.ts'
import { defaultMaxLatenessMs, defaultRetryAfterMs } from './engine/next-step.ts'
import { timeoutOf } from './http/client.ts'
import { type MediaOptions, mediaOpener } from './media/opener.ts'
import { systemClock, systemRandom } from './ports/system.ts'
import { guardedFetch } from './ports/transport.ts'
import { inProcessQueue } from './queue/in-process.ts'
import { parseKeys } from './vault/keys.ts'
import { createVault, type TokenVault } from './vault/vault.ts'

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
  /** Opens the database (creates or migrates its tables). Every call does so first; call it to fail early. */
  open(): Promise<void>
  /** Works in this process until it is stopped. */
  start(): Working
  /** Works for about `budgetMs` (default 20 s), where nothing may stay running; returns with nothing under way. A single request may take as long as its time-out on top. */
  tick(budget?: { budgetMs?: number | undefined }): Promise<void>
  /** Stops and closes the database. */
  close(): Promise<void>
}

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const dayMs = 86_400_000

const wholeNumber = (name: string, value: number | undefined, otherwise: number, least: number, why = ''): number => {
  if (value === undefined) return otherwise
  if (!Number.isInteger(value) || value < least)
    throw new TypeError(`createSyndikit: \`${name}\` is a whole number of at least ${least}${why}, not ${String(value)}.`)
  return value
}

const retriesOf = (given: SyndikitOptions['retryAfterMs']): Settings['retryAfterMs'] => {
  const plans: Readonly<Record<string, readonly number[]>> =
    given === undefined ? {} : Array.isArray(given) ? { default: given as readonly number[] } : (given as Readonly<Record<string, readonly number[]>>)
  for (const [name, pauses] of Object.entries(plans)) {
    if (!Array.isArray(pauses) || pauses.some((pause) => !Number.isFinite(pause) || pause < 0))
      throw new TypeError(`createSyndikit: \`retryAfterMs\`${name === 'default' ? '' : ` for ${name}`} is a list of pauses in ms, such as [300000, 900000].`)
  }
  return { ...plans, default: plans.default ?? defaultRetryAfterMs }
}

const settingsOf = (options: SyndikitOptions): Settings => {
  const requestTimeoutMs = options.requestTimeoutMs === undefined ? undefined : wholeNumber('requestTimeoutMs', options.requestTimeoutMs, 0, 100)
  const slowest = Math.max(...options.adapters.map((adapter) => timeoutOf(adapter, requestTimeoutMs)))
  const leastMs = leastLeaseMs(slowest)
  return {
    retryAfterMs: retriesOf(options.retryAfterMs),
    maxLatenessMs: wholeNumber('maxLatenessMs', options.maxLatenessMs, defaultMaxLatenessMs, 1),
    onUncertain: options.onUncertain ?? 'hold',
    requestTimeoutMs,
    leaseMs: wholeNumber('leaseMs', options.leaseMs, Math.max(60_000, 2 * slowest), leastMs, ", the slowest adapter's time-out and 4 s"),
    slots: wholeNumber('slots', options.slots, 20, 1),
    perConnection: wholeNumber('perConnection', options.perConnection, 2, 1),
  }
}

const adaptersOf = <A extends Adapter>(adapters: readonly A[]): Map<string, A> => {
  if (!Array.isArray(adapters) || adapters.length === 0)
    throw new TypeError('createSyndikit: `adapters` is a list with at least one adapter, such as [bluesky()].')
  const byId = new Map<string, A>()
  for (const adapter of adapters) {
    if (typeof adapter !== 'object' || adapter === null || adapter.contract !== 1)
      throw new TypeError(
        "createSyndikit: `adapters` holds something that is no adapter of contract 1. Call its factory (`bluesky()`), and keep its version with core's.",
      )
    if (byId.has(adapter.id)) throw new TypeError(`createSyndikit: two adapters are called \`${adapter.id}\`. Pass each once.`)
    byId.set(adapter.id, adapter)
  }
  return byId
}

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

/**
 * Builds a Syndikit. Does nothing until it is called or started.
 * @throws TypeError that names the option and the mend.
 */
export const createSyndikit = <const A extends Adapter>(options: SyndikitOptions<A>): Syndikit<A> => {
  const adapters = adaptersOf(options.adapters)
  const settings = settingsOf(options as SyndikitOptions)
  const { storage, deployment = 'default', clock = systemClock, random = systemRandom, logger = silent } = options
  if (typeof storage?.open !== 'function') throw new TypeError("createSyndikit: `storage` is a driver, such as sqliteStorage('syndikit.db').")
  if (typeof deployment !== 'string' || deployment === '') throw new TypeError('createSyndikit: `deployment` is a name, such as `production`.')
  const fetch = options.fetch ?? guardedFetch()
  const vault = createVault({ ring: parseKeys(options.keys), deployment, storage, random, logger })
  const shared = { adapters, storage, vault, clock, random, fetch, logger }
  const access = createAccess(shared)
  const deps: Deps = { adapters, storage, access, fetch, clock, random, logger, deployment, settings, media: mediaOpener({ ...options.media, fetch, clock }) }
  const newId = createIds(clock, random)
  const engine = createEngine({
    ...deps,
    newId,
    queue: options.queue ?? inProcessQueue(),
    retentionMs: wholeNumber('retentionMs', options.retentionMs, 400 * dayMs, dayMs),
  })
  const calls: Calls = { ...deps, newId, stored: engine.stored }
  let opening: Promise<void> | undefined
  const open = (): Promise<void> => {
    opening ??= storage.open(deployment).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  let working: { stop(): Promise<void> } | undefined
  const start = (): Working => {
    if (working) throw new TypeError('This Syndikit works already: stop it before you start it again.')
    const started = open().then(() => engine.start())
    started.catch((error: unknown) =>
      logger.error({ error: error instanceof Error ? error.message : 'error' }, 'The database could not be opened; nothing goes out.'),
    )
    const stop = async () => {
      const run = await started.catch(() => undefined)
      await run?.stop()
      working = undefined
    }
    working = { stop }
    return { stop, [Symbol.asyncDispose]: stop }
  }
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
    open,
    start,
    tick: async ({ budgetMs = 20_000 } = {}) => {
      await open()
      await engine.tick(budgetMs)
    },
    close: async () => {
      await working?.stop()
      await access.drain()
      await storage.close()
    },
  }
}
