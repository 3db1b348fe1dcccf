// The default queue: no server, one loop per worker that sleeps until the next delivery is due or somebody wakes it.

import type { Clock, Logger } from '../contract/ports.ts'
import type { Queue, QueueRun, Worked } from '../contract/queue.ts'

/** So that an answer of 0 does not spin. */
const leastSleepMs = 2
/** What another process scheduled is seen after this long at the latest. */
const mostSleepMs = 1_000

const sleepMs = (wakeInMs: number): number => (wakeInMs < mostSleepMs ? Math.max(wakeInMs, leastSleepMs) : mostSleepMs)

type Work = (n: number) => Promise<Worked>

const startLoop = (work: Work, clock: Clock, logger: Logger): QueueRun => {
  let stopped = false
  // Grows with every wake-up. A sleep begins only if it has not moved since before the look: a wake-up between look and sleep is not lost.
  let wakes = 0
  let sleeping = new AbortController()

  const look = async (): Promise<number> => {
    try {
      return sleepMs((await work(Number.POSITIVE_INFINITY)).wakeInMs)
    } catch (error) {
      logger.error({ error: error instanceof Error ? error.name : 'error' }, 'A look for due deliveries failed; the next one comes within a second.')
      return mostSleepMs
    }
  }
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const before = wakes
      const ms = await look()
      if (stopped || wakes !== before) continue
      sleeping = new AbortController()
      await clock.sleep(ms, sleeping.signal)
    }
  }
  const wake = () => {
    wakes++
    sleeping.abort()
  }
  const ended = loop()
  return {
    wake,
    stop: () => {
      stopped = true
      wake()
      return ended
    },
  }
}

/**
 * Wakes the workers of this process, and asks the database at least once a second for what others scheduled. One look at a time.
 * Nothing is kept here: a restart loses nothing.
 */
export const inProcessQueue = (): Queue => {
  const runs = new Set<QueueRun>()
  return {
    horizonMs: 0,
    hint: async () => {
      for (const run of runs) run.wake()
    },
    run: (work, { clock, logger }) => {
      const loop = startLoop(work, clock, logger)
      runs.add(loop)
      return {
        wake: loop.wake,
        stop: () => {
          runs.delete(loop)
          return loop.stop()
        },
      }
    },
  }
}
