// One try at a delivery as evidence: what was done, what came back, what was decided. No secret, no content, no query string.

import type { Reason } from '../contract/events.ts'
import type { Placement } from '../contract/kind.ts'
import type { State } from '../contract/storage.ts'
import type { Exchange } from '../http/client.ts'
import type { Journal, OpenCommit } from './journal.ts'

export interface AttemptData {
  readonly v: 1
  readonly from: string
  readonly to: State
  readonly startedAt: number
  readonly tookMs: number
  /** The first and last exchanges of the run; `skipped` says how many lie between. */
  readonly exchanges: readonly Exchange[]
  readonly skipped: number
  /** Names of the steps that are saved now. */
  readonly steps: readonly string[]
  readonly done: readonly { readonly name: string; readonly placement: Placement }[]
  /** `sends` 0: only a run that the database has forgotten may have sent it. */
  readonly open: { readonly name: string; readonly sends: number; readonly sentAt: number | null } | null
  readonly reason?: Reason
  readonly nextAt: number | null
}

const mostExchanges = 40

export const attemptData = (run: {
  from: string
  to: State
  startedAt: number
  tookMs: number
  exchanges: readonly Exchange[]
  journal: Journal
  open: OpenCommit | null
  reason?: Reason | undefined
  nextAt: number | null
}): AttemptData => {
  const { exchanges, journal, open, reason } = run
  const skipped = Math.max(0, exchanges.length - mostExchanges)
  return {
    v: 1,
    from: run.from,
    to: run.to,
    startedAt: run.startedAt,
    tookMs: Math.round(run.tookMs),
    exchanges: skipped > 0 ? [...exchanges.slice(0, mostExchanges / 2), ...exchanges.slice(-mostExchanges / 2)] : exchanges,
    skipped,
    steps: Object.keys(journal.once),
    done: journal.done.map(({ name, placement }) => ({ name, placement })),
    open: open && { name: open.name, sends: open.sends, sentAt: open.sends > 0 ? open.lastSentAt : null },
    ...(reason && { reason }),
    nextAt: run.nextAt,
  }
}
