// A clock that a test turns: what waits happens at its instant, in order, however busy the machine is.

import type { Clock } from '@syndikit/core'

/** Wall and monotonic clock at once: they never part. Nothing wakes before `pass` or `drive` lets it. */
export interface VirtualClock extends Clock {
  /** Lets time pass; what is due in between happens on the way. */
  pass(ms: number): Promise<void>
  /** Plays time forward until the work is done, and gives its result. Fails when the work waits for nothing that time could bring. */
  drive<T>(work: Promise<T>): Promise<T>
  /** How many wait on it. */
  readonly sleepers: number
}

/** Where it begins, and how long real work is waited for. */
export interface VirtualClockOptions {
  /** Epoch ms. Default: 2026-11-20, 09:00 UTC. */
  readonly startAt?: number
  /** Real time left, before the clock goes on, for what does not wait on it: files, a library's own timers. Default 2; 0 where there is nothing of the kind. */
  readonly idleMs?: number
}

const mostIdleTurns = 2_000

/** A clock that stands until a test turns it. */
export const virtualClock = ({ startAt = Date.UTC(2026, 10, 20, 9), idleMs = 2 }: VirtualClockOptions = {}): VirtualClock => {
  const turn = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    if (idleMs > 0) await new Promise((resolve) => setTimeout(resolve, idleMs))
    await new Promise((resolve) => setImmediate(resolve))
  }
  let now = startAt
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()

  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve) => {
      const sleeper = {
        at: now + Math.max(ms, 0),
        wake: () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake)
      if (signal?.aborted) sleeper.wake()
    })

  const next = () => [...sleepers].sort((a, b) => a.at - b.at)[0]

  const pass = async (ms: number): Promise<void> => {
    const until = now + ms
    for (;;) {
      await turn()
      const sleeper = next()
      if (!sleeper || sleeper.at > until) break
      now = Math.max(now, sleeper.at)
      sleeper.wake()
    }
    now = Math.max(now, until)
    await turn()
  }

  const drive = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    const ended = work.finally(() => {
      done = true
    })
    ended.catch(() => undefined)
    for (let idle = 0; !done; ) {
      await turn()
      if (done) break
      const sleeper = next()
      idle = sleeper ? 0 : idle + 1
      if (idle > mostIdleTurns) throw new Error('The work waits for nothing that time could bring.')
      if (!sleeper) continue
      now = Math.max(now, sleeper.at)
      sleeper.wake()
    }
    return ended
  }

  return {
    now: () => now,
    elapsed: () => now - startAt,
    sleep,
    pass,
    drive,
    get sleepers() {
      return sleepers.size
    },
  }
}
