// What the steps of one run share: what the engine lends it, how it ended, what is under way.

import { PublishError } from '../contract/error.ts'
import type { Recovery } from '../contract/kind.ts'
import type { Journal, OpenCommit } from './journal.ts'
import type { Lease } from './lease.ts'
import type { Ending } from './next-step.ts'

/** What a run needs from the engine. */
export interface RunPorts {
  journal: Journal
  open: OpenCommit | null
  readonly lease: Lease
  /** By the database's clock, as well as this process can tell: never ahead of it. */
  now(): number
  /** The same, never behind it: a send is stamped with it, so that it is not believed to have arrived too early. */
  latest(): number
  /** Stores journal and open commit under the fence. Rejects when the lease is lost or the outcome of the write is unknown: then nothing may be sent. */
  save(placements?: readonly string[]): Promise<void>
  /** Takes what was found on the platform for this delivery. False: another one, which looked at the same moment, was first. */
  owns(placementId: string): Promise<boolean>
  /** Takes the platform's windows for one commit; the instant to come back at where one is full. */
  quota(): Promise<number | undefined>
  /** Which of these ids on the platform belong to another delivery. */
  claimed(ids: readonly string[]): Promise<readonly string[]>
  readonly recovery: Recovery
  readonly onUncertain: 'hold' | 'retry' | 'drop'
  /** How long a send may be on its way. */
  readonly timeoutMs: number
}

export interface RunState {
  readonly ports: RunPorts
  ending: Ending | undefined
  /** `send` and `find`: inside a commit. */
  phase: 'steps' | 'send' | 'find'
  /** A commit is under way: it runs alone. */
  committing: boolean
  /** What may be out from earlier sends of the commit under way. */
  earlier: OpenCommit | null
  /** HTTP calls that the present `send` has begun. */
  calls: number
  /** Everything of this run is over: what an adapter left running may do nothing more. */
  closed: boolean
  readonly used: Set<string>
  readonly pending: Set<Promise<unknown>>
}

/** Ends the run from wherever it is thrown; a `catch` in an adapter cannot change the ending. */
export class RunEnded extends Error {
  override readonly name = 'RunEnded'
}

/** The first ending counts; of several `later` the earliest. */
export const end = (run: RunState, how: Ending): never => {
  if (!run.ending) run.ending = how
  else if (run.ending.kind === 'later' && how.kind === 'later' && how.afterMs < run.ending.afterMs) run.ending = how
  throw new RunEnded('The run has ended.')
}

export const lostLease = (): PublishError =>
  new PublishError('transient', 'The lease ended before the step could be taken. Nothing was sent.', { outcome: 'not-published', retryAfterMs: 0 })

/** Before every step: the run goes on, the delivery is still ours, the name is new. */
export const enter = (run: RunState, name: string): void => {
  if (run.ending || run.closed) throw new RunEnded('The run has ended.')
  if (run.ports.lease.lost) end(run, { kind: 'refused', error: lostLease() })
  if (name === '' || name === '__proto__') throw new TypeError(`A step needs another name than \`${name}\`.`)
  if (run.used.has(name)) throw new TypeError(`Two steps of one run are called \`${name}\`. Give each its own name: a later run finds a result by it.`)
  run.used.add(name)
}
