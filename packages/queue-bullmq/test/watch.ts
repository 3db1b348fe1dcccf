// What a test sees of a worker: its looks and what it logs. The deliveries are the test's own.
import { type Logger, type Queue, systemClock, type Worked } from '@syndikit/core'

export interface Watched {
  /** When each look began, and for how many deliveries. */
  readonly looks: { readonly at: number; readonly n: number }[]
  /** Level and text. */
  readonly logged: string[]
  /** Of the looks that follow. Default: at once. */
  settled: Promise<void>
  /** Looks that permits asked for. */
  permitted(): number
  stop(): Promise<void>
}

export const watch = (queue: Queue): Watched => {
  const logged: string[] = []
  const log = (level: string) => (fields: object, message: string) => void logged.push(`${level} ${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  const looks: Watched['looks'] = []
  const state = { settled: Promise.resolve() }
  const work = async (n: number): Promise<Worked> => {
    looks.push({ at: Date.now(), n })
    // Nothing is due within a second: only a permit, a wake-up or the longest sleep leads to another look.
    return { wakeInMs: 1_000, settled: state.settled }
  }
  const run = queue.run(work, { clock: systemClock, logger })
  return Object.assign(state, {
    looks,
    logged,
    permitted: () => looks.filter(({ n }) => Number.isFinite(n)).reduce((sum, { n }) => sum + n, 0),
    stop: () => run.stop(),
  })
}

/** Waits until it holds; how long that took. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<number> => {
  const from = performance.now()
  while (!(await holds())) {
    if (performance.now() - from > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return performance.now() - from
}

let told = 0
/** Hints that nobody gave before. */
export const hintsIn = (ms: number, count = 1) => Array.from({ length: count }, () => ({ id: `delivery-${++told}`, rev: 1, at: Date.now() + ms }))
