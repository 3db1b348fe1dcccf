// From the end of a run to the row that is written: state, result, evidence, event. Pure.

import type { Placement, Proof } from '../contract/kind.ts'
import type { Claim, NewEvent, Settle } from '../contract/storage.ts'
import type { Exchange } from '../http/client.ts'
import { attemptData } from './attempt.ts'
import type { Result, StoredPlacement } from './body.ts'
import { dropStale, type Journal, type OpenCommit, writeJournal, writeMarker } from './journal.ts'
import type { Ending, Next } from './next-step.ts'

export interface Ended {
  readonly claim: Claim
  readonly ending: Ending
  readonly next: Next
  readonly journal: Journal
  readonly open: OpenCommit | null
  readonly proof: Proof
  /** It was uncertain when the run began. */
  readonly wasUncertain: boolean
  /** For what changes something: what was there before, as far as its content still has a place for it. */
  readonly placed: StoredPlacement | undefined
  readonly exchanges: readonly Exchange[]
  readonly startedAt: number
  readonly now: number
  readonly tookMs: number
  readonly attemptId: string
}

const madeBy = (journal: Journal): Placement[] => journal.done.map(({ placement }) => placement)

/** All parts that are there: an update leaves those that it did not make anew, a refresh leaves all. */
const partsOf = ({ claim, next, journal, placed }: Pick<Ended, 'claim' | 'next' | 'journal' | 'placed'>): readonly Placement[] => {
  const made = madeBy(journal)
  if (next.to !== 'published' || !placed) return made
  if (claim.action === 'refresh') return placed.parts
  return claim.action === 'update' ? [...made, ...placed.parts.slice(made.length)] : made
}

const resultOf = (ended: Ended): Result | null => {
  const { ending, next, proof, now } = ended
  const parts = partsOf(ended)
  const placement = ending.kind === 'placed' ? ending.placement : undefined
  if (next.to === 'published') return { v: 1, ...(placement && { placement }), parts, proof, at: now }
  return next.reason || parts.length > 0 ? { v: 1, parts, ...(next.reason && { reason: next.reason }) } : null
}

const eventOf = (ended: Ended): NewEvent | undefined => {
  const { claim, ending, next, proof, now } = ended
  const told = (type: string, data: object): NewEvent => ({ type, data: JSON.stringify(data) })
  const { reason } = next
  switch (next.to) {
    case 'published':
      return told('delivery:published', {
        placement: ending.kind === 'placed' ? ending.placement : { id: '' },
        parts: partsOf(ended),
        proof,
        lagMs: now - claim.dueAt,
      })
    case 'failed':
      return told('delivery:failed', { reason })
    case 'missed':
      return told('delivery:missed', { lateMs: now - claim.dueAt })
    case 'uncertain':
      return ended.wasUncertain ? undefined : told('delivery:uncertain', { reason })
    case 'needs_action':
      return told('delivery:needs-action', { reason, parts: partsOf(ended) })
    case 'scheduled':
      return reason && next.nextAt !== null && next.nextAt > now ? told('delivery:postponed', { reason, nextAt: next.nextAt }) : undefined
  }
}

/** What stays open: an uncertain one may only be looked at from now on. */
const openAfter = ({ next, open, wasUncertain }: Ended): OpenCommit | null => {
  if (next.to === 'published') return null
  return open && next.to === 'uncertain' ? { ...open, uncertain: true, looks: wasUncertain ? open.looks + 1 : 0 } : open
}

const attemptOf = (ended: Ended, journal: Journal, open: OpenCommit | null): Settle['attempt'] => {
  const { claim, next, startedAt, tookMs, exchanges } = ended
  const { to, reason, nextAt } = next
  return { id: ended.attemptId, data: JSON.stringify(attemptData({ from: claim.from, to, startedAt, tookMs, exchanges, journal, open, reason, nextAt })) }
}

export const settleOf = (ended: Ended): Settle => {
  const { claim, ending, next } = ended
  const prepared = next.prepareAgain ? dropStale(ended.journal) : ended.journal
  const kept = next.stopsTheClock ? { ...prepared, startedAt: next.nextAt, paced: ending.kind === 'paced' && prepared.paced } : prepared
  const journal = { ...kept, alone: false, asked: ending.kind === 'ask' ? ending.name : null, plannedAt: next.nextAt }
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
    attempt: attemptOf(ended, journal, open),
    ...(event && { event }),
    placements: claim.action === 'unpublish' ? [] : [...ids],
  }
}

/** Of a row that this process cannot read, what it holds is left as it is. */
export const settleUnread = (ended: Ended): Settle => {
  const row = settleOf(ended)
  const { steps, marker, result } = ended.claim
  return { ...row, steps, marker, result: result ?? row.result, placements: [] }
}
