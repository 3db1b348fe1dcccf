// The machine's own clock and chance: what core runs on outside of tests.

import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../contract/ports.ts'

/** Node fires a longer timer at once, so a longer sleep is a chain of these. */
const longestTimerMs = 2 ** 31 - 1

const timer = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timeout)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timeout = setTimeout(wake, ms)
    signal?.addEventListener('abort', wake)
  })

/**
 * A sleep keeps the process alive until it ends or its signal aborts. So a started worker keeps the process alive until `worker.stop()`,
 * and nothing else of Syndikit does: idle connections of the transport do not count.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms, signal) => {
    const endsAt = performance.now() + ms
    for (let left = ms; !signal?.aborted; left = endsAt - performance.now()) {
      await timer(Math.min(Math.max(left, 0), longestTimerMs), signal)
      if (left <= longestTimerMs) return
    }
  },
}

/** Both from the operating system's generator. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
