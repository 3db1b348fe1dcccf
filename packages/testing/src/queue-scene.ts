// What a queue is tried on: a clock that tests turn, or the real one, and a table of due deliveries that counts how it is looked at.

import type { Clock, Logger, Queue, QueueRun, Worked } from '@syndikit/core'
import { virtualClock } from './virtual-clock.ts'

export interface Time {
  readonly clock: Clock
  /** Lets `ms` pass; what is due in between happens at its instant. */
  pass(ms: number): Promise<void>
}

/** Stands still until somebody passes time: what a queue does is then a matter of order, not of how busy the machine is. */
export const virtualTime = (): Time => {
  const clock = virtualClock({ idleMs: 0 })
  return { clock, pass: clock.pass }
}

const wait = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
    if (signal?.aborted) done()
  })

export const realTime = (): Time => ({ clock: { now: () => Date.now(), elapsed: () => performance.now(), sleep: wait }, pass: (ms) => wait(ms) })

interface Row {
  readonly id: string
  readonly at: number
  claimedAt?: number
}

export interface Scene extends Time {
  readonly queue: Queue
  readonly rows: Row[]
  readonly logged: string[]
  /** Looks begun, under way now, and most at once. */
  readonly looks: { begun: number; open: number; most: number }
  /** Runs inside each look, after it has seen what is due and before it answers. */
  during: (look: number) => unknown
  /** What `settled` of a look is. Default: settled at once. */
  settled: Promise<void>
  /** A delivery that is due `inMs` from now, as if any process had scheduled it: nobody is told. */
  add(inMs: number): Row
  start(work?: (n: number) => Promise<Worked>): QueueRun
  /** Looks at the table as core would. */
  work(n: number): Promise<Worked>
  hint(rows: readonly Row[]): Promise<void>
  /** Passes time until it holds; how long that took, or `undefined` when it still does not after `withinMs`. */
  until(holds: () => boolean, withinMs: number): Promise<number | undefined>
  end(): Promise<void>
}

/** One look as core does it: sees what is due, claims it, and names the next instant. */
const look = async (scene: Scene, n: number): Promise<Worked> => {
  const { looks, rows, clock } = scene
  looks.begun++
  looks.open++
  looks.most = Math.max(looks.most, looks.open)
  const waiting = rows.filter(({ claimedAt }) => claimedAt === undefined)
  for (const row of waiting.filter(({ at }) => at <= clock.now()).slice(0, n)) row.claimedAt = clock.now()
  const next = Math.min(...waiting.filter(({ claimedAt }) => claimedAt === undefined).map(({ at }) => at - clock.now()))
  try {
    await scene.during(looks.begun)
  } finally {
    looks.open--
  }
  return { wakeInMs: Math.min(Math.max(next, 0), 1_000), settled: scene.settled }
}

const until = async ({ clock, pass }: Time, holds: () => boolean, withinMs: number): Promise<number | undefined> => {
  const from = clock.now()
  await pass(0)
  while (!holds()) {
    if (clock.now() - from >= withinMs) return undefined
    await pass(1)
  }
  return clock.now() - from
}

/** In virtual time a look may have to be played out before its run can end. */
const end = async (time: Time, runs: readonly QueueRun[]): Promise<void> => {
  let ended = false
  void Promise.allSettled(runs.map((run) => run.stop())).then(() => {
    ended = true
  })
  await until(time, () => ended, 1_000)
}

export const createScene = (queue: Queue, time: Time): Scene => {
  const logged: string[] = []
  const log = (_: object, message: string) => void logged.push(message)
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const runs: QueueRun[] = []
  const scene: Scene = {
    ...time,
    queue,
    rows: [],
    logged,
    looks: { begun: 0, open: 0, most: 0 },
    during: () => undefined,
    settled: Promise.resolve(),
    add: (inMs) => {
      const row = { id: `d${scene.rows.length + 1}`, at: time.clock.now() + inMs }
      scene.rows.push(row)
      return row
    },
    work: (n) => look(scene, n),
    start: (work = scene.work) => {
      const run = queue.run(work, { clock: time.clock, logger })
      runs.push(run)
      return run
    },
    hint: (rows) => queue.hint(rows.map(({ id, at }) => ({ id, rev: 1, at }))),
    until: (holds, withinMs) => until(time, holds, withinMs),
    end: () => {
      scene.during = () => undefined
      return end(time, runs)
    },
  }
  return scene
}
