// What an adapter is tried on: the real engine on memory storage, its platform's emulator with the fault script, and a clock that the suite turns.

import assert from 'node:assert/strict'
import { type Adapter, createSyndikit, type Fetch, generateKey, type Logger, memoryStorage, type Storage, type Syndikit } from '@syndikit/core'
import { consent, createSandbox, type RunningSandbox, type Sandbox } from '@syndikit/sandbox'
import { type VirtualClock, virtualClock } from '../virtual-clock.ts'
import { type Acts, actsOf, tenant } from './acts.ts'
import { type Life, living, mortal, newLife } from './life.ts'
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

interface Process {
  readonly options: StageOptions
  readonly shared: Shared
  readonly life: Life
  readonly syndikit: Syndikit
}

/** What leaves a process, and what comes back: all of it is kept for the rules. */
const networkOf = ({ between = (request, platform) => platform(request) }: StageOptions, { sandbox, sent, secrets }: Shared, life: Life): Fetch => {
  return (request) => {
    sent.push(request.clone() as Request)
    void secrets.note(request.clone() as Request)
    return living(life, async () => {
      const reply = await between(request, (passed) => sandbox.fetch(passed))
      await secrets.note(reply)
      return reply
    })
  }
}

const processOf = (options: StageOptions, shared: Shared): Process => {
  const { clock, storage, keys, logs } = shared
  const life = newLife()
  const syndikit = createSyndikit({
    adapters: [options.adapter()],
    storage: mortal(storage, life),
    keys,
    clock,
    fetch: networkOf(options, shared, life),
    logger: loggerInto(logs),
    retryAfterMs: [60_000, 120_000, 300_000, 600_000],
  }) as Syndikit
  return { options, shared, life, syndikit }
}

/** One tick, with time passing while it waits. A dead process never comes back from it. */
const tick = async ({ syndikit, life, shared: { clock } }: Process): Promise<void> => {
  let done = false
  const ticking = syndikit.tick({ budgetMs: 2_000 }).finally(() => {
    done = true
  })
  while (!done && !life.dead) await clock.drive(Promise.race([ticking, clock.sleep(1_000)]))
}

const work = async (process: Process, forMs = 6 * hourMs): Promise<void> => {
  const { clock, storage } = process.shared
  const until = clock.now() + forMs
  for (;;) {
    await tick(process)
    if (process.life.dead) return
    const { items } = await storage.deliveries.list(tenant, { state: ['scheduled', 'running'], limit: 100 })
    const nextAt = Math.min(...items.map(({ nextAt }) => nextAt ?? Number.POSITIVE_INFINITY))
    if (items.length === 0 || nextAt > until) return
    await clock.pass(Math.max(1, nextAt - clock.now()))
  }
}

const connect = async ({ options, syndikit, shared: { clock, sandbox, connectionIds } }: Process, reconnect?: string): Promise<void> => {
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

const asAccount = async ({ sent, sandbox }: Shared, url: string, json?: object): Promise<unknown> => {
  const bearer = sent.findLast(({ headers }) => headers.get('authorization')?.startsWith('Bearer '))?.headers.get('authorization') ?? ''
  const headers = { authorization: bearer, 'content-type': 'application/json' }
  const reply = await sandbox.fetch(new Request(url, { headers, ...(json && { method: 'POST', body: JSON.stringify(json) }) }))
  return reply.json()
}

const build = (options: StageOptions, shared: Shared): Stage => {
  const process = processOf(options, shared)
  const { clock, sandbox, storage, logs, connectionIds, sent, secrets } = shared
  const { syndikit, life } = process
  const connectionId = (): string => {
    const [id] = connectionIds
    assert.ok(id !== undefined, '`connect` answered no connection')
    return id
  }
  return {
    ...actsOf({ syndikit, clock, platform: options.sandbox.platform, connectionId, work: () => work(process) }),
    ...{ clock, sandbox, storage, syndikit, logs, sent },
    asAccount: (url, json) => asAccount(shared, url, json),
    secrets: () => [...secrets.seen],
    get connectionId() {
      return connectionId()
    },
    work: (forMs) => work(process, forMs),
    connect: (reconnect) => connect(process, reconnect),
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
    close: () => clock.drive(sandbox.close()),
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
