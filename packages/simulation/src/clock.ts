// Time of a simulated world. What waits happens at its instant, in order; in between the world goes on until nothing in it moves any more.

import { setImmediate } from 'node:timers/promises'

export interface WorldClock {
  /** The one true time, and the database's. Epoch ms. */
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Every call of a port goes through here, so that the clock knows when the world has come to rest. */
  moving<T>(work: Promise<T>): Promise<T>
  pass(ms: number): Promise<void>
  /** Plays time forward until the work is done, at most so long. Answers whether it is done. */
  until(work: Promise<unknown>, mostMs: number): Promise<boolean>
  /** Timers of libraries (`setTimeout` of the global object) are turned by this clock while the work goes on. */
  ruling<T>(work: () => Promise<T>): Promise<T>
}

interface Sleeper {
  readonly at: number
  wake(): void
}

/** Turns of the event loop without a call of a port, after which the world is at rest: everything between two ports is promises. */
const quietTurns = 2
const mostTurns = 20_000

const timersOf = (sleep: WorldClock['sleep']) => {
  const pending = new Map<number, AbortController>()
  let last = 0
  const set = (call: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): number => {
    const id = ++last
    const own = new AbortController()
    pending.set(id, own)
    void sleep(ms, own.signal).then(() => {
      if (pending.delete(id)) call(...args)
    })
    return id
  }
  const clear = (id: number) => {
    const own = pending.get(id)
    pending.delete(id)
    // With a reason: making the usual one is what a run would spend most of its time with.
    own?.abort(0)
  }
  return { set, clear }
}

/** Every world begins here. */
export const startAt = Date.UTC(2026, 10, 20, 9)

export const worldClock = (): WorldClock => {
  let now = startAt
  let calls = 0
  let inFlight = 0
  const sleepers = new Set<Sleeper>()

  const rest = async (): Promise<void> => {
    for (let [quiet, turns] = [0, 0]; quiet < quietTurns; ) {
      if (turns > mostTurns) throw new Error('The world does not come to rest: something goes round in circles without time passing.')
      const before = calls
      await setImmediate()
      // A server takes many turns for its answer; only what calls again and again goes round in circles.
      if (calls !== before) turns++
      quiet = calls === before && inFlight === 0 ? quiet + 1 : 0
    }
  }
  const next = (): Sleeper | undefined => {
    let first: Sleeper | undefined
    for (const one of sleepers) if (!first || one.at < first.at) first = one
    return first
  }
  const wake = (one: Sleeper): Promise<void> => {
    now = Math.max(now, one.at)
    one.wake()
    return rest()
  }
  const until: WorldClock['until'] = async (work, mostMs) => {
    let done = false
    const over = () => {
      done = true
    }
    work.then(over, over)
    const end = now + mostMs
    await rest()
    for (let one = next(); !done && one && one.at <= end; one = next()) await wake(one)
    if (!done) now = end
    return done
  }
  const sleep: WorldClock['sleep'] = (ms, signal) =>
    new Promise((resolve) => {
      const one = {
        at: now + Math.max(ms, 0),
        wake: () => {
          sleepers.delete(one)
          signal?.removeEventListener('abort', one.wake)
          resolve()
        },
      }
      sleepers.add(one)
      signal?.addEventListener('abort', one.wake)
      if (signal?.aborted) one.wake()
    })
  return {
    now: () => now,
    sleep,
    moving: async (work) => {
      calls += 1
      inFlight += 1
      try {
        return await work
      } finally {
        inFlight -= 1
      }
    },
    pass: async (ms) => void (await until(new Promise(() => undefined), ms)),
    until,
    ruling: async (work) => {
      const { setTimeout: set, clearTimeout: clear } = globalThis
      const timers = timersOf(sleep)
      Object.assign(globalThis, { setTimeout: timers.set, clearTimeout: timers.clear })
      try {
        return await work()
      } finally {
        Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
      }
    },
  }
}
