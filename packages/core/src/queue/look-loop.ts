// The loop that every queue is built around: one look at a time, a sleep until the instant that the last look named, and no wake-up lost in between.

import type { Clock, Logger } from '../contract/ports.ts'
import type { QueueRun, Worked } from '../contract/queue.ts'

/** So that an answer of 0 does not spin. */
const leastSleepMs = 2
/** A look names what is due within this time. An answer of so much says that nothing is. */
const namedWithinMs = 1_000

/** What wakes it, and how long it sleeps where nothing does. */
export interface LookLoop extends QueueRun {
  /**
   * About one more delivery may be due. Permits that come during a look share the next one.
   * Resolves when what that look claimed has been settled: true. False: the loop has ended without that look. Never rejects.
   */
  permit(): Promise<boolean>
}

/** What a loop waits with. */
export interface LookPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Asked before each sleep that no named instant ends: then it looks by itself. Default 1,000. */
  readonly longestSleepMs?: () => number
}

type Permit = (used: Promise<boolean>) => void

interface State {
  stopped: boolean
  /** Grows with every wake-up. A sleep begins only if it has not moved since before the look: a wake-up between look and sleep is not lost. */
  wakes: number
  /** Whatever is due is looked for, not only as much as there are permits. */
  all: boolean
  permits: Permit[]
  sleeping: AbortController
}

const release = (permits: readonly Permit[], used: Promise<boolean>): void => {
  for (const permit of permits) permit(used)
}

const look = async (state: State, work: (n: number) => Promise<Worked>, { logger, longestSleepMs }: Required<LookPorts>): Promise<number> => {
  const { permits, all } = state
  state.permits = []
  state.all = false
  try {
    const { wakeInMs, settled } = await work(all ? Number.POSITIVE_INFINITY : permits.length)
    release(
      permits,
      Promise.resolve(settled).then(() => true),
    )
    // More is due than there were permits for.
    if (wakeInMs <= 0) state.all = true
    return wakeInMs < namedWithinMs ? Math.max(wakeInMs, leastSleepMs) : longestSleepMs()
  } catch (error) {
    release(permits, Promise.resolve(true))
    logger.error({ error: error instanceof Error ? error.name : 'error' }, 'A look for due deliveries failed; the next one comes within a second.')
    return namedWithinMs
  }
}

const loop = async (state: State, work: (n: number) => Promise<Worked>, ports: Required<LookPorts>): Promise<void> => {
  while (!state.stopped) {
    const before = state.wakes
    const ms = await look(state, work, ports)
    if (state.stopped || state.wakes !== before) continue
    state.sleeping = new AbortController()
    await ports.clock.sleep(ms, state.sleeping.signal)
    if (state.wakes === before) state.all = true
  }
  release(state.permits, Promise.resolve(false))
  state.permits = []
}

/**
 * Looks at once, then whenever it is woken, at the instant that the last look named, and by itself after `longestSleepMs`. One look at a time; a look that fails is told to the
 * logger and repeated within a second. `stop` lets a look under way end and begins no other. For authors of queues; `testQueue` of @syndikit/testing holds a queue to the same rules.
 */
export const lookLoop = (work: (n: number) => Promise<Worked>, { longestSleepMs = () => namedWithinMs, ...ports }: LookPorts): LookLoop => {
  const state: State = { stopped: false, wakes: 0, all: true, permits: [], sleeping: new AbortController() }
  const rouse = () => {
    state.wakes++
    // With a reason: every delivery comes by here, and the usual one is an error with a stack.
    state.sleeping.abort(0)
  }
  const done = loop(state, work, { ...ports, longestSleepMs })
  return {
    wake: () => {
      state.all = true
      rouse()
    },
    permit: async () => {
      if (state.stopped) return false
      // A promise that is answered with a promise waits for it too.
      return new Promise<boolean>((resolve) => {
        state.permits.push(resolve)
        rouse()
      })
    },
    stop: () => {
      state.stopped = true
      rouse()
      return done
    },
  }
}
