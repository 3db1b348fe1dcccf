// What wakes the workers. A queue may lose, repeat, reorder or delay everything: only lag changes. It never sees a tenant, a content or a secret.

import type { Clock, Logger } from './ports.ts'

/** A delivery that is due at `at`. `rev` tells two hints for one delivery apart. */
export interface Hint {
  readonly id: string
  readonly rev: number
  readonly at: number
}

/** One look at the database for due deliveries. */
export interface Worked {
  /** When to look again at the latest: 0 when more may be due now, at most a second. */
  readonly wakeInMs: number
  /** Resolves when the deliveries claimed by this look have been settled. Never rejects. */
  readonly settled: Promise<void>
}

/** A queue at work for one worker. */
export interface QueueRun {
  /** Look now: a slot became free, or something was scheduled in this process. */
  wake(): void
  /** No further looks. Does not wait for what is running: core does. */
  stop(): Promise<void>
}

/** A queue in numbers. */
export interface QueueHealth {
  /** Its server answered just now. The figures are 0 where it did not. */
  readonly reachable: boolean
  /** Fired, and no process has taken it yet. */
  readonly waiting: number
  /** Fires later. */
  readonly delayed: number
  /** In the hands of a process. */
  readonly active: number
  readonly failed: number
}

/** Wakes workers. Held to its rules by `testQueue` of @syndikit/testing. */
export interface Queue {
  /** How far ahead of its due time a delivery is hinted. 0: only told what is due now. */
  readonly horizonMs: number
  /** After the database has it. A failure is swallowed by core: the database is the truth. */
  hint(deliveries: readonly Hint[]): Promise<void>
  /**
   * Calls `work(n)` when about n deliveries may be due; `work` claims what the database says, which may be others, and never more than there are free slots. Never rejects.
   * A wake-up that arrives while `work` is under way must lead to another look.
   */
  run(work: (n: number) => Promise<Worked>, ports: { readonly clock: Clock; readonly logger: Logger }): QueueRun
  /**
   * Called before work starts.
   * @throws TypeError where the queue's server is set up so that it loses jobs, saying which setting to change. Any other error means that it cannot be reached now: core goes on without it.
   */
  open?(): Promise<void>
  /** Never rejects. */
  health?(): Promise<QueueHealth>
  /** Ends its own connections, never the host's. Runs that were not stopped go on. */
  close?(): Promise<void>
}
