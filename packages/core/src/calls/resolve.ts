// A human's word on a delivery that waits for one: uncertain, half there, or asked for by hand.

import { PublishError } from '../contract/error.ts'
import type { Placement } from '../contract/kind.ts'
import type { Delivery, Settle } from '../contract/storage.ts'
import { attemptData } from '../engine/attempt.ts'
import { type Result, readResult } from '../engine/body.ts'
import { type Journal, type OpenCommit, readJournal, readMarker, writeJournal, writeMarker } from '../engine/journal.ts'
import type { Calls } from './accept.ts'
import { having } from './arguments.ts'

/** A human's word on one delivery. */
export interface ResolveRequest {
  tenant: string
  deliveryId: string
  /**
   * `published`: it is there (give its `placement` where you know it), or the answer to an `ask`. `failed`: it is not there, and shall not go out.
   * `scheduled`: it is not there, send it; of a thread that is half there, send the rest.
   */
  as: 'published' | 'failed' | 'scheduled'
  placement?: Placement | undefined
  /** `rev` of the delivery that you looked at. Where it has changed since, your word is not taken: the answer is `too-late`. Default: whatever it is by now. */
  rev?: number | undefined
}
/** `too-late`: it waits for nobody any more, or is not what you looked at; look at it again. */
export type Resolved = { readonly status: 'done' } | { readonly status: 'too-late' } | { readonly status: 'not-found' }

type Verdict = { readonly to: ResolveRequest['as']; readonly journal: Journal; readonly open: OpenCommit | null; readonly placement?: Placement }

const verdictOf = (delivery: Delivery, { as, placement }: ResolveRequest, now: number): Verdict => {
  // Whether it is late counts from here: what a human has decided is not thrown away for its age.
  const journal = { ...readJournal(delivery.steps), resolvedAt: now }
  const open = readMarker(delivery.marker)
  if (as !== 'published') return { to: as, journal: { ...journal, startedAt: null, overdue: null, stale: 0, reconciles: 0 }, open: null }
  if (journal.asked !== null && delivery.state === 'needs_action') {
    if (!placement) throw new PublishError('invalid', 'Say what was done by hand: give its `placement`.')
    return { to: 'scheduled', journal: { ...journal, startedAt: null, asked: null, answers: { ...journal.answers, [journal.asked]: placement } }, open }
  }
  const known = placement ?? readResult(delivery.result)?.placement ?? journal.done[0]?.placement
  return { to: 'published', journal, open: null, ...(known && { placement: known }) }
}

const rowOf = (calls: Calls, delivery: Delivery, verdict: Verdict, now: number): Omit<Settle, 'id' | 'fence' | 'to'> => {
  const { to, journal, open, placement } = verdict
  const parts = journal.done.map((done) => done.placement)
  const result: Result = { v: 1, parts, ...(placement && { placement }), ...(to === 'published' && { proof: 'human' as const, at: now }) }
  const reason = { code: 'unknown-outcome' as const, message: 'Resolved by hand.' }
  const event =
    to === 'published'
      ? { type: 'delivery:published', data: JSON.stringify({ placement: placement ?? { id: '' }, parts, proof: 'human', lagMs: now - delivery.dueAt }) }
      : to === 'failed'
        ? { type: 'delivery:failed', data: JSON.stringify({ reason }) }
        : { type: 'delivery:postponed', data: JSON.stringify({ reason, nextAt: now }) }
  return {
    nextAt: to === 'scheduled' ? now : null,
    tries: to === 'scheduled' ? 0 : delivery.tries,
    steps: writeJournal(journal),
    marker: writeMarker(journal, open),
    result: JSON.stringify(result),
    attempt: {
      id: calls.newId(),
      data: JSON.stringify(attemptData({ from: delivery.state, to, startedAt: now, tookMs: 0, exchanges: [], journal, open, reason, nextAt: null })),
    },
    event,
    placements: placement && delivery.action === 'publish' ? [placement.id] : [],
  }
}

/** `data` comes back to the adapter as it was given, so only its id is looked at. */
const checkWord = ({ as, placement, rev }: ResolveRequest): void => {
  if (!['published', 'failed', 'scheduled'].includes(as)) throw noSuchVerdict(as)
  if (placement !== undefined && (typeof placement?.id !== 'string' || placement.id === ''))
    throw new TypeError('`placement` needs the `id` that the platform gave it, a text that is not empty.')
  if (rev !== undefined && !Number.isInteger(rev))
    throw new TypeError(`\`rev\` is that of the delivery that you looked at, a whole number, not ${String(rev)}.`)
}

export const resolve = async (calls: Calls, request: ResolveRequest): Promise<Resolved> => {
  const { tenant, deliveryId } = having(request, 'tenant', 'deliveryId')
  checkWord(request)
  const delivery = await calls.storage.deliveries.get(tenant, deliveryId)
  if (!delivery) return { status: 'not-found' }
  if (delivery.state !== 'uncertain' && delivery.state !== 'needs_action') return { status: 'too-late' }
  if (request.rev !== undefined && request.rev !== delivery.rev) return { status: 'too-late' }
  const now = await calls.storage.now()
  const verdict = verdictOf(delivery, request, now)
  const written = await calls.storage.deliveries.resolve(tenant, deliveryId, delivery.rev, { ...rowOf(calls, delivery, verdict, now), to: verdict.to })
  if (written === 'stale') return { status: 'too-late' }
  calls.stored(verdict.to === 'scheduled' ? [{ id: deliveryId, rev: delivery.rev + 1, at: now }] : [])
  return { status: 'done' }
}

const noSuchVerdict = (as: unknown): TypeError => new TypeError(`\`as\` is \`published\`, \`failed\` or \`scheduled\`, not \`${String(as).slice(0, 40)}\`.`)
