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

/** What a queue holds, in numbers. Hints only: nothing is lost with them. */
export interface QueueHealth {
  /** Whether its server answers. */
  readonly reachable: boolean
  /** Hints that are due and that no worker has taken yet. */
  readonly waiting: number
  /** Hints for later. */
  readonly delayed: number
  /** Hints that a worker is acting on. */
  readonly active: number
  /** Hints that a worker could not act on. */
  readonly failed: number
}

/** Runs works, a few side by side, the others after them. */
export interface Limiter {
  schedule<T>(work: () => Promise<T>): Promise<T>
}

/** Wakes workers. Held to its rules by `testQueue` of @syndikit/testing. */
export interface Queue {
  /** How far ahead of its due time a delivery is hinted; core tells it twice in that time of all that comes due within. 0: only told what is due now. */
  readonly horizonMs: number
  /**
   * Before work starts: looks whether its server can be relied on. A `TypeError` says that it is set up so that it loses hints, and how to mend that: no work starts.
   * Any other error means that it cannot be reached now, which costs delay and nothing else.
   */
  open?(): Promise<void>
  /** After the database has it. A failure is swallowed by core: the database is the truth. */
  hint(deliveries: readonly Hint[]): Promise<void>
  /**
   * Calls `work(n)` when about n deliveries may be due; `work` claims what the database says, which may be others, and never more than there are free slots. Never rejects.
   * A wake-up that arrives while `work` is under way must lead to another look.
   */
  run(work: (n: number) => Promise<Worked>, ports: { readonly clock: Clock; readonly logger: Logger }): QueueRun
  /**
   * Bounds what runs under one name side by side, in all processes that share this queue: reads of one connection. Where its server is away it bounds this process alone, and keeps
   * nobody waiting. Absent: every process bounds its own.
   */
  limiter?(name: string, atATime: number): Limiter
  /** Never rejects. Absent: it holds nothing. */
  health?(): Promise<QueueHealth>
  /** Ends the connections that it made itself. */
  close?(): Promise<void>
}
