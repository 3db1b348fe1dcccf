// What happened to a delivery and what happens next, for people: attempts, steps, what was sent, what came back.

import type { Json } from '../contract/json.ts'
import type { Delivery } from '../contract/storage.ts'
import { readJournal, readMarker } from '../engine/journal.ts'
import type { Calls } from './accept.ts'
import { having } from './arguments.ts'
import type { One } from './scheduler.ts'
import { type AttemptInfo, attemptInfo, type DeliveryInfo, deliveryInfo } from './views.ts'

/** A delivery with its evidence. Holds what was sent, so it holds the content, but never a credential. */
export interface Explanation {
  readonly delivery: DeliveryInfo
  readonly attempts: readonly AttemptInfo[]
  /** Names of the work that will not be done again. */
  readonly steps: readonly string[]
  /** Every request that published something or may have, as it was frozen. Unknown and without `sentAt`: only a run that the database has forgotten may have sent it. */
  readonly sent: readonly { readonly name: string; readonly request: Json; readonly outcome: 'published' | 'unknown'; readonly sentAt?: Date }[]
  /** One sentence: what happens next and why. */
  readonly next: string
  /** All of it as text, one line an entry. */
  readonly timeline: string
}

const nextOf = ({ state, nextAt, reason }: DeliveryInfo): string => {
  const why = reason ? ` ${reason.message}` : ''
  switch (state) {
    case 'scheduled':
      return nextAt ? `A worker takes it up at ${nextAt.toISOString()}.${why}` : `It is due, and goes on when its platform, which is paused, is resumed.${why}`
    case 'running':
      return nextAt
        ? `A worker has it; if that worker dies, another takes it up at ${nextAt.toISOString()}.`
        : 'The worker that had it went silent; another takes it up when its platform, which is paused, is resumed.'
    case 'uncertain':
      return `${nextAt ? `It is looked for again at ${nextAt.toISOString()}` : 'It waits for `resolve`'}.${why}`
    case 'needs_action':
      return `It waits for \`resolve\`.${why}`
    default:
      return `Nothing: it is ${state}.${why}`
  }
}

const line = (attempt: AttemptInfo): string => {
  const calls = attempt.exchanges
    .map(({ method, host, path, status, error, tookMs }) => `${method} ${host}${path} → ${status ?? error} (${tookMs} ms)`)
    .join(', ')
  return `${attempt.startedAt.toISOString()} ${attempt.from} → ${attempt.to}${attempt.reason ? `: ${attempt.reason.message}` : ''}${calls ? ` [${calls}]` : ''}`
}

const sentOf = (row: Delivery): Explanation['sent'] => {
  const open = readMarker(row.marker)
  return [
    ...readJournal(row.steps).done.map(({ name, request }) => ({ name, request, outcome: 'published' as const })),
    ...(open ? [{ name: open.name, request: open.request, outcome: 'unknown' as const, ...(open.sends > 0 && { sentAt: new Date(open.lastSentAt) }) }] : []),
  ]
}

/** Undefined: this tenant has no such delivery. */
export const explain = async (calls: Calls, request: One): Promise<Explanation | undefined> => {
  const { tenant, deliveryId } = having(request, 'tenant', 'deliveryId')
  const row = await calls.storage.deliveries.get(tenant, deliveryId)
  if (!row) return undefined
  const delivery = deliveryInfo(row)
  const attempts = (await calls.storage.deliveries.attempts(tenant, deliveryId)).map(attemptInfo)
  const next = nextOf(delivery)
  const timeline = [
    `${delivery.platform} ${delivery.action} ${delivery.id}: ${delivery.state}, due ${delivery.dueAt.toISOString()}`,
    ...attempts.map(line),
    next,
  ].join('\n')
  return { delivery, attempts, steps: Object.keys(readJournal(row.steps).once), sent: sentOf(row), next, timeline }
}
