// What an adapter is tried on: the real engine on memory storage, its platform's emulator with the fault script, and a clock that the suite turns.

import assert from 'node:assert/strict'
import { type Adapter, createSyndikit, type Fetch, generateKey, type Logger, memoryStorage, type Storage, type Syndikit } from '@syndikit/core'
import { consent, createSandbox, type RunningSandbox, type Sandbox } from '@syndikit/sandbox'
import { type VirtualClock, virtualClock } from '../virtual-clock.ts'
import { type Acts, actsOf, tenant } from './acts.ts'
import { secretsSeen } from './secrets.ts'

/** How the suite connects an account of the emulator. */
export interface Connecting {
  readonly syndikit: Syndikit
  readonly tenant: string
  /** Gives consent at an authorization URL and answers the callback URL. */
  consent(url: string, account?: string): Promise<string>
  /** When given: connects the same account again. */
  readonly reconnect?: string
}
/** Answers the connections, as `connections.open` and `complete` do. The first one is used. */
export type Connect = (at: Connecting) => Promise<readonly { readonly id: string }[]>

/** An adapter, its platform's emulator, and how an account is connected. */
export interface StageOptions {
  readonly adapter: () => Adapter
  readonly sandbox: Sandbox
  readonly connect: Connect
  /** Stands between the engine and the platform: answers in its place, loses or changes what goes by. Default: passes all on. */
  readonly between?: (request: Request, platform: Fetch) => Promise<Response>
}

/** One process on a database, with one connected account. Its time passes only in its own calls and by `clock`. */
export interface Stage extends Acts {
  readonly clock: VirtualClock
  readonly sandbox: RunningSandbox
  readonly storage: Storage
  readonly syndikit: Syndikit
  readonly connectionId: string
  /** Everything that was logged, as text. */
  readonly logs: string[]
  /** Every request that left, oldest first, with a body that can still be read. */
  readonly sent: readonly Request[]
  /** Asks the platform as the connected account, behind Syndikit's back: GET, or POST where `json` is given. Answers the JSON, whatever the status. */
  asAccount(url: string, json?: object): Promise<unknown>
  /** Every credential that went over the wire so far, in a header, a body or an answer. */
  secrets(): readonly string[]
  /** A process of its own on the same database. Its predecessor is dead: it neither writes nor sends any more. */
  reborn(): Stage
  /** Another app on the same platform and account, with a database of its own: what it does, the first one has not done. */
  another(): Promise<Stage>
  /** Dies at its `nth` call of a port from now: nothing it does later has an effect. */
  dieAt(nth: number): { readonly died: () => boolean; readonly calls: () => number }
  /** Works, and lets time pass, until no delivery is scheduled or running, or `forMs` (default 6 h) have gone by. 0: what is due now. */
  work(forMs?: number): Promise<void>
  connect(reconnect?: string): Promise<void>
  close(): Promise<void>
}

const hourMs = 3_600_000
const never = new Promise<never>(() => undefined)

interface Life {
  left: number
  calls: number
  dead: boolean
}

/** Counts a call; a dead process never gets an answer. */
const living = async <T>(life: Life, work: () => Promise<T>): Promise<T> => {
  if (life.dead) return never
  life.calls += 1
  if (life.left > 0 && --life.left === 0) {
    life.dead = true
    return never
  }
  const result = await work()
  return life.dead ? never : result
}

/** The storage as one process sees it: after the process's death nothing gets through. */
const mortal = (storage: Storage, life: Life): Storage => {
  const guard = <T extends object>(verbs: T): T =>
    Object.fromEntries(
      Object.entries(verbs).map(([name, verb]) => [
        name,
        typeof verb === 'function' ? (...args: unknown[]) => living(life, async () => (verb as (...args: unknown[]) => unknown).apply(verbs, args)) : verb,
      ]),
    ) as T
  const { connections, oauth, publications, deliveries, events, quotas } = storage
  return {
    ...guard(storage),
    connections: guard(connections),
    oauth: guard(oauth),
    publications: guard(publications),
    deliveries: guard(deliveries),
    events: guard(events),
    quotas: guard(quotas),
  }
}

const loggerInto = (logs: string[]): Logger => {
  const log = (fields: object, message: string) => void logs.push(`${message} ${JSON.stringify(fields)}`)
  return { debug: log, info: log, warn: log, error: log }
}

interface Shared {
  readonly clock: VirtualClock
  readonly sandbox: RunningSandbox
  readonly storage: Storage
  readonly keys: string
  readonly logs: string[]
  readonly connectionIds: string[]
  readonly sent: Request[]
  readonly secrets: ReturnType<typeof secretsSeen>
}

const build = (options: StageOptions, shared: Shared): Stage => {
  const { clock, sandbox, storage, keys, logs, connectionIds, sent, secrets } = shared
  const { between = (request, platform) => platform(request) } = options
  const life: Life = { left: 0, calls: 0, dead: false }
  const fetch: Fetch = (request) => {
    sent.push(request.clone() as Request)
    void secrets.note(request.clone() as Request)
    return living(life, async () => {
      const reply = await between(request, (passed) => sandbox.fetch(passed))
      await secrets.note(reply)
      return reply
    })
  }
  const syndikit = createSyndikit({
    adapters: [options.adapter()],
    storage: mortal(storage, life),
    keys,
    clock,
    fetch,
    logger: loggerInto(logs),
    retryAfterMs: [60_000, 120_000, 300_000, 600_000],
  }) as Syndikit

  const waiting = async () => (await storage.deliveries.list(tenant, { state: ['scheduled', 'running'], limit: 100 })).items

  /** One tick, with time passing while it waits. A dead process never comes back from it. */
  const tick = async (): Promise<void> => {
    let done = false
    const ticking = syndikit.tick({ budgetMs: 2_000 }).finally(() => {
      done = true
    })
    while (!done && !life.dead) await clock.drive(Promise.race([ticking, clock.sleep(1_000)]))
  }

  const work = async (forMs = 6 * hourMs): Promise<void> => {
    const until = clock.now() + forMs
    for (;;) {
      await tick()
      if (life.dead) return
      const left = await waiting()
      const nextAt = Math.min(...left.map(({ nextAt }) => nextAt ?? Number.POSITIVE_INFINITY))
      if (left.length === 0 || nextAt > until) return
      await clock.pass(Math.max(1, nextAt - clock.now()))
    }
  }

  const connect = async (reconnect?: string): Promise<void> => {
    const found = await clock.drive(
      options.connect({
        syndikit,
        tenant,
        consent: (url, account) => consent((request) => sandbox.fetch(request), url, account === undefined ? {} : { account }),
        ...(reconnect !== undefined && { reconnect }),
      }),
    )
    connectionIds.splice(0, connectionIds.length, ...found.map(({ id }) => id))
  }

  const connectionId = (): string => {
    const [id] = connectionIds
    assert.ok(id !== undefined, '`connect` answered no connection')
    return id
  }

  const asAccount = async (url: string, json?: object): Promise<unknown> => {
    const bearer = sent.findLast(({ headers }) => headers.get('authorization')?.startsWith('Bearer '))?.headers.get('authorization') ?? ''
    const headers = { authorization: bearer, 'content-type': 'application/json' }
    const reply = await sandbox.fetch(new Request(url, { headers, ...(json && { method: 'POST', body: JSON.stringify(json) }) }))
    return reply.json()
  }

  return {
    ...actsOf({ syndikit, clock, platform: options.sandbox.platform, connectionId, work }),
    clock,
    sandbox,
    storage,
    syndikit,
    logs,
    sent,
    asAccount,
    secrets: () => [...secrets.seen],
    get connectionId() {
      return connectionId()
    },
    work,
    connect,
    reborn: () => {
      life.dead = true
      return build(options, shared)
    },
    another: () => openOn(options, clock, sandbox),
    dieAt: (nth) => {
      life.left = nth
      life.calls = 0
      return { died: () => life.dead, calls: () => life.calls }
    },
    close: async () => {
      await clock.drive(sandbox.close())
    },
  }
}

const openOn = async (options: StageOptions, clock: VirtualClock, sandbox: RunningSandbox): Promise<Stage> => {
  const stage = build(options, {
    ...{ clock, sandbox, storage: memoryStorage({ clock }), keys: generateKey() },
    ...{ logs: [], connectionIds: [], sent: [], secrets: secretsSeen() },
  })
  await stage.connect()
  return stage
}

/** A fresh platform, an empty database, one connected account. */
export const openStage = async (options: StageOptions): Promise<Stage> => {
  const clock = virtualClock()
  return openOn(options, clock, createSandbox({ platforms: [options.sandbox], clock, seed: 1 }))
}
