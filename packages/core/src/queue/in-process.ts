// The default queue: no server, one loop per worker that sleeps until the next delivery is due or somebody wakes it.

import type { Queue, QueueRun } from '../contract/queue.ts'
import { lookLoop } from './look-loop.ts'

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
    run: (work, ports) => {
      const loop = lookLoop(work, ports)
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
