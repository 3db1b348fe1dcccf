// Who writes when: one transaction after the other, patient with other processes, and never in the way of the host's event loop.

import { setImmediate, setTimeout } from 'node:timers/promises'
import { explained, isBusy, waitedTooLong } from './errors.ts'

/** Between two tries of a busy file; jitter keeps processes from trying in step. */
const pause = () => setTimeout(1 + Math.random() * 4)
/** After so long in one turn, timers and sockets of the host get theirs. */
const turnMs = 5

export const createTurns = (file: string, maxWaitMs: number) => {
  let tail: Promise<unknown> = Promise.resolve()
  let turnBeganAt = performance.now()

  /** Only a busy file is tried again: whatever was begun has been rolled back. */
  const patiently = async <T>(attempt: () => T): Promise<T> => {
    const beganAt = performance.now()
    for (;;) {
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error)) throw explained(error, file)
        if (performance.now() - beganAt > maxWaitMs) throw waitedTooLong(file, maxWaitMs, error)
        await pause()
        turnBeganAt = performance.now()
      }
    }
  }

  const breathe = async () => {
    if (performance.now() - turnBeganAt < turnMs) return
    await setImmediate()
    turnBeganAt = performance.now()
  }

  return {
    /** At once; only for what changes nothing. */
    beside: <T>(attempt: () => T): Promise<T> => breathe().then(() => patiently(attempt)),
    /** One after the other: a hundred verbs that wait for a busy file are one waiter, and keep their order. */
    inTurn: <T>(attempt: () => T): Promise<T> => {
      const result = tail.then(breathe).then(() => patiently(attempt))
      tail = result.catch(() => undefined)
      return result
    },
    allDone: async () => {
      await tail
    },
  }
}
