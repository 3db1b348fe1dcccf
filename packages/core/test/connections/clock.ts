// Virtual time for these tests: it stands still while anything can happen, then jumps to the next timer.

import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/contract/ports.ts'

export interface TestClock extends Clock {
  advance(ms: number): Promise<void>
  /** Runs `work`; whenever nothing happens, time jumps. Fails when nothing will ever happen. */
  until<T>(work: Promise<T>): Promise<T>
}

export const testClock = (startAt = Date.UTC(2026, 10, 20, 9)): TestClock => {
  let now = startAt
  const timers = new Set<{ readonly at: number; fire(): void }>()
  const settle = async () => {
    for (let n = 0; n < 25; n++) await setImmediate()
  }
  const next = () => [...timers].sort((a, b) => a.at - b.at)[0]
  return {
    now: () => now,
    elapsed: () => now - startAt,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const fire = () => {
          timers.delete(timer)
          signal?.removeEventListener('abort', fire)
          resolve()
        }
        const timer = { at: now + ms, fire }
        timers.add(timer)
        signal?.addEventListener('abort', fire)
      }),
    advance: async (ms) => {
      const end = now + ms
      await settle()
      for (let timer = next(); timer && timer.at <= end; timer = next()) {
        now = Math.max(now, timer.at)
        timer.fire()
        await settle()
      }
      now = end
    },
    until: async (work) => {
      let done = false
      const mark = () => {
        done = true
      }
      work.then(mark, mark)
      for (;;) {
        await settle()
        if (done) return work
        const timer = next()
        if (!timer) throw new Error('nothing will ever happen')
        now = Math.max(now, timer.at)
        timer.fire()
      }
    },
  }
}
