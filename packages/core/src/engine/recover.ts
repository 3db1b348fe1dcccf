// What to do about a commit whose outcome is not known. Pure.

import type { Recovery } from '../contract/kind.ts'
import type { OpenCommit } from './journal.ts'

/** `look`: ask the platform, and believe `absent` only once it says so at `absentAt` or later. */
export type Recover =
  | { readonly do: 'send' }
  | { readonly do: 'wait'; readonly until: number }
  | { readonly do: 'look'; readonly absentAt: number }
  | { readonly do: 'give-up'; readonly canLook: boolean; readonly message: string }

export interface Known {
  readonly recovery: Recovery
  readonly open: OpenCommit
  readonly now: number
  /** The longest a send may take to arrive: it may still be on its way for so long. */
  readonly timeoutMs: number
  readonly canFind: boolean
  readonly onUncertain: 'hold' | 'retry' | 'drop'
}

/** The platform forgets its keys by its own clock, so the last stretch of its memory is not relied on. */
const forgetfulShare = 5 / 6

/** Between the write ahead of a send and its first byte; a send that is later than this is not made. */
export const leavesWithinMs = 5_000

/** From here on the last send has arrived or never will, and a read shows it. */
export const settledAt = ({ recovery, open, timeoutMs }: Known): number =>
  open.lastSentAt + timeoutMs + ('settleMs' in recovery ? (recovery.settleMs ?? 0) : 0) + leavesWithinMs

const blind = (known: Known, message: string): Recover =>
  known.onUncertain === 'retry' && !known.open.uncertain ? { do: 'send' } : { do: 'give-up', canLook: known.canFind, message }

export const recover = (known: Known): Recover => {
  const { recovery, open, now, canFind } = known
  if (open.uncertain)
    return canFind
      ? { do: 'look', absentAt: Number.POSITIVE_INFINITY }
      : { do: 'give-up', canLook: false, message: 'Only a human can tell whether it was published.' }
  const absentAt = settledAt(known)
  switch (recovery.class) {
    case 'idempotent': {
      const remembers = recovery.forMs === undefined || now < open.firstSentAt + recovery.forMs * forgetfulShare
      if (remembers) {
        const from = open.lastSentAt + (recovery.settleMs === undefined ? 0 : recovery.settleMs + leavesWithinMs)
        return now < from ? { do: 'wait', until: from } : { do: 'send' }
      }
      return canFind ? { do: 'look', absentAt } : blind(known, 'The platform has forgotten the key of the send, and cannot be asked.')
    }
    case 'two-phase':
    case 'look-up':
      return canFind ? { do: 'look', absentAt } : blind(known, 'The platform cannot be asked whether it was published.')
    case 'probe':
      return now < absentAt ? { do: 'wait', until: absentAt } : { do: 'send' }
    case 'blind':
      return blind(known, 'The answer to the send was lost, and the platform cannot be asked whether it was published.')
  }
}
