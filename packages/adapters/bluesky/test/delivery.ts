// Runs a method of the adapter as the engine does, over the emulator, with a process that may die at every write. Time is the test's own.

import type { Adapter, Applied, Clock, Fetch, Placement, PublishError, Run, Secret } from '@syndikit/core'
import { createSandbox, type RunningSandbox, type Sandbox } from '@syndikit/sandbox'
import { dropStale, emptyJournal, readJournal, readMarker, writeJournal, writeMarker } from '../../../core/src/engine/journal.ts'
import { createLease, moment } from '../../../core/src/engine/lease.ts'
import type { Ending } from '../../../core/src/engine/next-step.ts'
import { createRun, type RunPorts } from '../../../core/src/engine/run.ts'
import { createHttp } from '../../../core/src/http/client.ts'

export const start = Date.parse('2026-11-20T09:00:00.000Z')

interface Time extends Clock {
  pass(ms: number): void
}
/** Pauses pass at once; time-outs, which have a signal, never come. */
const timeOf = (): Time => {
  let at = start
  const pass = (ms: number) => {
    at += ms
  }
  return {
    now: () => at,
    elapsed: () => at - start,
    sleep: (ms, signal) => (signal ? new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })) : Promise.resolve(pass(ms))),
    pass,
  }
}

export interface Stage {
  readonly time: Time
  readonly sandbox: RunningSandbox
  /** Every request that left, pages of others included. */
  readonly sent: Request[]
  /** Pages of others, by address. */
  readonly web: Map<string, () => Response>
  readonly fetch: Fetch
}

export const stageOf = (platform: Sandbox): Stage => {
  const time = timeOf()
  // Emulators differ in their state, which nobody reads here.
  const sandbox = createSandbox({ platforms: [platform as Sandbox], clock: time, seed: 1 })
  const sent: Request[] = []
  const web = new Map<string, () => Response>()
  const fetch: Fetch = async (request) => {
    sent.push(request.clone() as Request)
    const page = web.get(request.url)
    return page ? page() : sandbox.fetch(request)
  }
  return { time, sandbox, sent, web, fetch }
}

/** Dies at the `nth` write, `before` or `after` it reached the disk; `end`: after the last step, before its outcome is written. */
export type Crash = { readonly nth: number; readonly when: 'before' | 'after' } | 'end'

export interface Login {
  readonly account: Run['account']
  applied(): Applied
  renew(): Promise<boolean>
  readonly credentials?: Record<string, Secret>
}

export interface Outcome {
  /** Absent: it ended without. */
  readonly placement?: Placement
  readonly ending: Ending
  readonly error?: PublishError
  readonly runs: number
  readonly parts: readonly Placement[]
  readonly writes: number
}

const leaseMs = 30 * 60_000
const mostRuns = 40

export interface Plan {
  readonly key?: string
  readonly at?: Date
  readonly crash?: Crash
  /** Called before each run, `run` from 1. */
  before?(run: number): void
  readonly claimed?: readonly string[]
}

export const deliver = async (
  stage: Stage,
  adapter: Adapter,
  login: Login,
  method: (run: Run) => Promise<Placement | undefined>,
  plan: Plan = {},
): Promise<Outcome> => {
  const { time, fetch } = stage
  const disk = { steps: writeJournal(emptyJournal()), marker: null as string | null }
  const recovery = adapter.content[0]?.spec.recovery
  if (!recovery) throw new TypeError('The adapter has no content.')
  let writes = 0
  let crash = plan.crash
  for (let runs = 1; runs <= mostRuns; runs++) {
    plan.before?.(runs)
    let dead = false
    const ports: RunPorts = {
      journal: readJournal(disk.steps),
      open: readMarker(disk.marker),
      lease: createLease(time, moment(time), leaseMs),
      now: time.now,
      latest: time.now,
      save: async () => {
        writes += 1
        const here = typeof crash === 'object' && crash.nth === writes ? crash.when : undefined
        if (dead || here === 'before') dead = true
        if (dead) throw new Error('The process is dead.')
        disk.steps = writeJournal(ports.journal)
        disk.marker = writeMarker(ports.journal, ports.open)
        if (here === 'after') {
          dead = true
          throw new Error('The process is dead.')
        }
      },
      quota: async () => undefined,
      claimed: async (ids) => ids.filter((id) => plan.claimed?.includes(id)),
      recovery,
      onUncertain: 'hold',
      timeoutMs: 30_000,
      overdueSince: undefined,
    }
    const running = createRun(ports)
    const http = createHttp({
      adapter,
      server: login.account.server,
      fetch,
      clock: time,
      credentials: async () => login.applied(),
      renew: login.renew,
      mode: running.mode,
    })
    const delivery = { key: plan.key ?? '0190aa00bb11cc22dd33ee44ff550001', at: plan.at ?? new Date(start) }
    const run: Run = { account: login.account, http, credentials: login.credentials ?? {}, delivery, ...running.steps }
    const ending = await running.perform(() => method(run))
    if (dead || crash === 'end') {
      crash = undefined
      time.pass(60_000)
      continue
    }
    disk.steps = writeJournal(ending.kind === 'refused' && ending.error.code === 'stale' ? dropStale(ports.journal) : ports.journal)
    disk.marker = writeMarker(ports.journal, ports.open)
    const pause = pauseOf(ending, time.now())
    const parts = ports.journal.done.map(({ placement }) => placement)
    if (pause === undefined)
      return {
        ending,
        runs,
        parts,
        writes,
        ...(ending.kind === 'placed' && { placement: ending.placement }),
        ...(ending.kind === 'refused' && { error: ending.error }),
      }
    time.pass(pause)
  }
  throw new Error(`It did not end in ${mostRuns} runs.`)
}

/** How long the engine waits before the next run; nothing: it is over. */
const pauseOf = (ending: Ending, now: number): number | undefined => {
  if (ending.kind === 'later') return ending.afterMs
  if (ending.kind === 'open') return Math.max(2_000, ending.notBefore - now)
  if (ending.kind !== 'refused') return undefined
  const { code, retryAfterMs } = ending.error
  if (code === 'stale') return 1
  return code === 'transient' || code === 'rate' || code === 'not-ready' ? (retryAfterMs ?? 300_000) : undefined
}
