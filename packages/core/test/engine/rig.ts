// The real engine on a platform of a few lines, without a network: what a test of the engine's own rules needs, and fast.

import { setImmediate, setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import {
  type Adapter,
  type Clock,
  createSyndikit,
  type DeliveryInfo,
  defineAdapter,
  generateKey,
  type Logger,
  memoryStorage,
  type Placement,
  type Post,
  PublishError,
  type Push,
  post,
  type Recovery,
  type Run,
  type Storage,
  type Syndikit,
  type SyndikitEvent,
  type SyndikitOptions,
} from '../../src/index.ts'

export const minute = 60_000
export const hour = 60 * minute
export const tenant = 'ann'

/** Turned by hand: what waits happens at its instant. Nothing but promises is waited for in between. */
export interface QuickClock extends Clock {
  pass(ms: number): Promise<void>
  /** Plays time forward until the work is done. */
  drive<T>(work: Promise<T>): Promise<T>
  /** The wall clock alone jumps. */
  jump(ms: number): void
  /** The machine sleeps: the wall clock goes on, the monotonic one stands, nobody wakes. */
  suspend(ms: number): void
}

export const quickClock = (startAt = Date.UTC(2026, 10, 20, 9)): QuickClock => {
  let elapsed = 0
  let ahead = 0
  const sleepers = new Set<{ readonly at: number; wake(): void }>()
  const settle = async () => {
    for (let n = 0; n < 8; n++) await setImmediate()
  }
  const next = () => [...sleepers].sort((a, b) => a.at - b.at)[0]
  const pass = async (ms: number): Promise<void> => {
    const until = elapsed + ms
    await settle()
    for (let one = next(); one && one.at <= until; one = next()) {
      elapsed = Math.max(elapsed, one.at)
      one.wake()
      await settle()
    }
    elapsed = until
  }
  const drive = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    const ended = work.finally(() => {
      done = true
    })
    ended.catch(() => undefined)
    for (let idle = 0; !done; ) {
      await settle()
      if (done) break
      const one = next()
      idle = one ? 0 : idle + 1
      // Files are read in the machine's own time.
      if (idle > 20) await setTimeout(1)
      if (idle > 3_000) throw new Error('The work waits for nothing that time could bring.')
      if (!one) continue
      elapsed = Math.max(elapsed, one.at)
      one.wake()
    }
    return ended
  }
  return {
    now: () => startAt + elapsed + ahead,
    elapsed: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const one = {
          at: elapsed + Math.max(ms, 0),
          wake: () => {
            sleepers.delete(one)
            signal?.removeEventListener('abort', one.wake)
            resolve()
          },
        }
        sleepers.add(one)
        signal?.addEventListener('abort', one.wake)
        if (signal?.aborted) one.wake()
      }),
    pass,
    drive,
    jump: (ms) => {
      ahead += ms
    },
    suspend: (ms) => {
      ahead += ms
    },
  }
}

export interface Shown {
  readonly id: string
  readonly text: string
  readonly at: number
  readonly by: string
}

/** What people could see, and what the next sends meet. */
export interface Platform {
  posts: Shown[]
  /** Every send that arrived, in order: key and text. */
  readonly arrived: { readonly key: string; readonly text: string; readonly at: number }[]
  /** Next in line decides the next send; then everything works. */
  readonly script: (Fault | undefined)[]
  /** Makes every look fail while it is set. */
  blindfold: PublishError | undefined
  readonly looks: number[]
}
export type Fault = 'lost-request' | 'lost-reply' | PublishError

export const lost = () => new PublishError('transient', 'Toy did not answer.', { platform: 'toy', outcome: 'unknown' })
export const refusal = (code: ConstructorParameters<typeof PublishError>[0], more: ConstructorParameters<typeof PublishError>[2] = {}) =>
  new PublishError(code, `Toy says ${code}.`, { platform: 'toy', outcome: 'not-published', ...more })

export const newPlatform = (): Platform => ({ posts: [], arrived: [], script: [], blindfold: undefined, looks: [] })

/** One send: what is visible afterwards, and what its sender hears. */
export const sendTo = (platform: Platform, clock: Clock, run: Run, text: string, name = 'post'): Placement => {
  const fault = platform.script.shift()
  if (PublishError.is(fault)) throw fault
  if (fault === 'lost-request') throw lost()
  const made = { id: `id-${platform.arrived.length + 1}`, text, at: clock.now(), by: run.account.id }
  platform.arrived.push({ key: `${run.delivery.key}/${name}`, text, at: clock.now() })
  platform.posts.push(made)
  if (fault === 'lost-reply') throw lost()
  return { id: made.id }
}

type Make = (content: Post, run: Run, on: { platform: Platform; clock: Clock }) => Promise<Placement>
export interface RigOptions {
  readonly recovery?: Recovery
  /** Whether sends can be looked for. Default: every class but `blind`. */
  readonly findable?: boolean
  readonly publish?: Make
  readonly spec?: Partial<Push<Post, z.ZodObject>>
  readonly adapter?: Partial<Adapter>
  readonly settings?: Partial<SyndikitOptions>
  /** Between the engine and its database. */
  readonly wrap?: (storage: Storage) => Storage
}

/** One commit per part, found again by its text. */
export const inParts =
  (findable: boolean): Make =>
  async ({ parts }, run, { platform, clock }) => {
    const placements: Placement[] = []
    for (const [i, { text }] of parts.entries())
      placements.push(
        await run.commit<{ text: string }, Placement>(`part-${i}`, {
          request: { text },
          send: async (sent) => sendTo(platform, clock, run, sent.text, `part-${i}`),
          ...(findable && {
            find: async (sent, trace) => {
              platform.looks.push(clock.now())
              if (platform.blindfold) throw platform.blindfold
              return trace.pick(
                platform.posts.filter((one) => one.text === sent.text && one.by === run.account.id).map(({ id, at }) => ({ id, at: new Date(at) })),
              )
            },
          }),
        }),
      )
    return placements[0] as Placement
  }

const accounts = (fields: Readonly<Record<string, string>> | undefined) => [{ id: fields?.user ?? 'toy-1', name: fields?.user ?? 'toy-1' }]

export const adapterOf = (options: RigOptions, on: { platform: Platform; clock: Clock }): Adapter => {
  const recovery = options.recovery ?? { class: 'look-up', settleMs: minute }
  const publish = options.publish ?? inParts(options.findable ?? recovery.class !== 'blind')
  return defineAdapter({
    contract: 1,
    id: 'toy',
    name: 'Toy',
    auth: [{ type: 'keys', fields: z.strictObject({ token: z.string(), user: z.string() }) }],
    http: { base: 'https://toy.example', hosts: ['toy.example'], timeoutMs: 20_000 },
    accounts: async ({ fields }) => accounts(fields),
    errors: { read: () => ({}), table: [] },
    content: [
      post({
        limits: { text: { text: [{ max: 280, count: 'graphemes' }] }, parts: 5, source: 'made up', checkedAt: '2026-11-20' },
        recovery,
        publish: (content, run) => publish(content, run, on),
        unpublish: async ({ parts }) => {
          on.platform.posts = on.platform.posts.filter(({ id }) => !parts.some((part) => part.id === id))
        },
        ...(options.spec as object),
      }),
    ],
    ...options.adapter,
  }) as Adapter
}

export interface Rig {
  readonly clock: QuickClock
  readonly platform: Platform
  readonly storage: Storage
  readonly syndikit: Syndikit
  readonly connectionId: string
  readonly events: SyndikitEvent[]
  readonly logs: string[]
  /** Another process on the same database. */
  process(more?: Partial<SyndikitOptions>, wrap?: (storage: Storage) => Storage): Syndikit
  connect(tenant: string, user: string): Promise<string>
  publish(text: string, more?: object): Promise<string>
  schedule(text: string, inMs: number, more?: object): Promise<string>
  tick(syndikit?: Syndikit): Promise<void>
  /** Works whenever something is due, until nothing moves by itself within `forMs`. */
  work(forMs?: number): Promise<void>
  get(id: string, of?: string): Promise<DeliveryInfo>
  told(type: SyndikitEvent['type']): SyndikitEvent[]
}

const loggerInto = (logs: string[]): Logger => {
  const log = (fields: object, message: string) => void logs.push(`${message} ${JSON.stringify(fields)}`)
  return { debug: log, info: log, warn: log, error: log }
}

const firstId = (result: unknown): string => {
  const { deliveries, ...rest } = result as { deliveries?: { id: string }[] }
  const id = deliveries?.[0]?.id
  if (id === undefined) throw new Error(`It was not taken in: ${JSON.stringify(rest)}`)
  return id
}

export const openRig = async (options: RigOptions = {}): Promise<Rig> => {
  const clock = quickClock()
  const [platform, logs, events] = [newPlatform(), [] as string[], [] as SyndikitEvent[]]
  const storage = memoryStorage({ clock })
  const keys = generateKey()
  const adapter = adapterOf(options, { platform, clock })
  const process: Rig['process'] = (more = {}, wrap = options.wrap ?? ((one) => one)) =>
    createSyndikit({ adapters: [adapter], storage: wrap(storage), keys, clock, logger: loggerInto(logs), random, ...options.settings, ...more }) as Syndikit
  const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)), fraction: () => 0 }
  const syndikit = process()
  syndikit.on('*', (event) => void events.push(event))
  const connect: Rig['connect'] = async (of, user) => {
    const [one] = await clock.drive(process({}, (same) => same).connections.open({ tenant: of, platform: 'toy', fields: { token: `token-of-${user}`, user } }))
    return one?.id as string
  }
  const connectionId = await connect(tenant, 'toy-1')
  const draft = (text: string, more: object) => ({ tenant, content: { text } as never, to: [connectionId], ...more })
  const tick: Rig['tick'] = (one = syndikit) => clock.drive(one.tick({ budgetMs: 2_000 }))
  const work: Rig['work'] = async (forMs = 8 * hour) => {
    const until = clock.now() + forMs
    for (;;) {
      await tick()
      const { items } = await storage.deliveries.list(tenant, { state: ['scheduled', 'running', 'uncertain'], limit: 200 })
      const nextAt = Math.min(...items.map((one) => one.nextAt ?? Number.POSITIVE_INFINITY))
      if (nextAt > until) return
      await clock.pass(Math.max(1, nextAt - clock.now()))
    }
  }
  return {
    clock,
    platform,
    storage,
    syndikit,
    connectionId,
    events,
    logs,
    process,
    connect,
    tick,
    work,
    publish: async (text, more = {}) => firstId(await clock.drive(syndikit.publisher.publish(draft(text, more)))),
    schedule: async (text, inMs, more = {}) =>
      firstId(await clock.drive(syndikit.scheduler.schedule({ ...draft(text, more), at: new Date(clock.now() + inMs) }))),
    get: async (id, of = tenant) => {
      const found = await clock.drive(syndikit.scheduler.get({ tenant: of, deliveryId: id }))
      if (!found) throw new Error(`No delivery ${id}`)
      return found
    },
    told: (type) => events.filter((event) => event.type === type),
  }
}

export { around } from './around.ts'
