// From the end of a run to the row that is written: state, result, evidence, event. Pure.

import type { Placement, Proof } from '../contract/kind.ts'
import type { Claim, NewEvent, Settle } from '../contract/storage.ts'
import type { Exchange } from '../http/client.ts'
import { attemptData } from './attempt.ts'
import type { Result } from './body.ts'
import { dropStale, type Journal, type OpenCommit, writeJournal, writeMarker } from './journal.ts'
import type { Ending, Next } from './next-step.ts'

export interface Ended {
  readonly claim: Claim
  readonly ending: Ending
  readonly next: Next
  readonly journal: Journal
  readonly open: OpenCommit | null
  readonly proof: Proof
  readonly exchanges: readonly Exchange[]
  readonly startedAt: number
  readonly now: number
  readonly tookMs: number
  readonly attemptId: string
}

const partsOf = (journal: Journal): Placement[] => journal.done.map(({ placement }) => placement)

const resultOf = ({ ending, next, journal, proof, now }: Ended): Result | null => {
  const parts = partsOf(journal)
  const placement = ending.kind === 'placed' ? ending.placement : undefined
  if (next.to === 'published') return { v: 1, ...(placement && { placement }), parts, proof, at: now }
  return next.reason || parts.length > 0 ? { v: 1, parts, ...(next.reason && { reason: next.reason }) } : null
}

const eventOf = ({ claim, ending, next, journal, proof, now }: Ended): NewEvent | undefined => {
  const told = (type: string, data: object): NewEvent => ({ type, data: JSON.stringify(data) })
  const { reason } = next
  switch (next.to) {
    case 'published':
      return told('delivery:published', {
        placement: ending.kind === 'placed' ? ending.placement : { id: '' },
        parts: partsOf(journal),
        proof,
        lagMs: now - claim.dueAt,
      })
    case 'failed':
      return told('delivery:failed', { reason })
    case 'missed':
      return told('delivery:missed', { lateMs: now - claim.dueAt })
    case 'uncertain':
      return claim.from === 'uncertain' ? undefined : told('delivery:uncertain', { reason })
    case 'needs_action':
      return told('delivery:needs-action', { reason, parts: partsOf(journal) })
    case 'scheduled':
      return reason && next.nextAt !== null && next.nextAt > now ? told('delivery:postponed', { reason, nextAt: next.nextAt }) : undefined
  }
}

/** What stays open: an uncertain one may only be looked at from now on. */
const openAfter = ({ claim, next, open }: Ended): OpenCommit | null =>
  open && next.to === 'uncertain'
    ? { ...open, uncertain: true, looks: open.uncertain && claim.from !== 'scheduled' ? open.looks + 1 : open.looks }
    : next.to === 'published'
      ? null
      : open

export const settleOf = (ended: Ended): Settle => {
  const { claim, ending, next } = ended
  const prepared = next.prepareAgain ? dropStale(ended.journal) : ended.journal
  const kept = next.stopsTheClock ? { ...prepared, startedAt: next.nextAt } : prepared
  const journal = ending.kind === 'ask' ? { ...kept, asked: ending.name } : kept
  const open = openAfter(ended)
  const ids = new Set([
    ...journal.done.map(({ placement }) => placement.id),
    ...(ending.kind === 'placed' && claim.action === 'publish' ? [ending.placement.id] : []),
  ])
  const result = resultOf(ended)
  const event = eventOf(ended)
  return {
    id: claim.id,
    fence: claim.fence,
    to: next.to,
    nextAt: next.nextAt,
    tries: next.tries,
    steps: writeJournal(journal),
    marker: writeMarker(journal, open),
    result: result && JSON.stringify(result),
    ...(next.release && { release: true }),
    attempt: {
      id: ended.attemptId,
      data: JSON.stringify(
        attemptData({
          from: claim.from,
          to: next.to,
          startedAt: ended.startedAt,
          tookMs: ended.tookMs,
          exchanges: ended.exchanges,
          journal,
          open,
          reason: next.reason,
          nextAt: next.nextAt,
        }),
      ),
    },
    ...(event && { event }),
    placements: claim.action === 'unpublish' ? [] : [...ids],
  }
}
