// Schedule, change, look at: everything about deliveries in time.

import type { Adapter } from '../contract/adapter.ts'
import { PublishError } from '../contract/error.ts'
import type { DeliveryFilter, NewPublication, Paged, Raced, State } from '../contract/storage.ts'
import { type Body, readBody } from '../engine/body.ts'
import { type Accepted, accept, activeKeyOf, add, type Calls, type Refused, serializes } from './accept.ts'
import { noSuchDelivery } from './after.ts'
import { having, listing } from './arguments.ts'
import type { ScheduledDraft } from './draft.ts'
import { canonical } from './ids.ts'
import { refuse } from './prepare.ts'
import { type Resolved, type ResolveRequest, resolve } from './resolve.ts'
import { type AttemptInfo, attemptInfo, type DeliveryInfo, deliveryInfo } from './views.ts'
import { dueOf, isZone, unknownZone, type When } from './when.ts'
import { type InTransaction, within } from './within.ts'

/** One delivery of a tenant. One of another tenant is the same as none. */
export interface One {
  tenant: string
  deliveryId: string
}
/** `too-late`: it is under way, or something of it may be on the platform; `unpublish` it instead. */
export type Changed = { readonly status: Raced }

/** Filters are joined by and; an unknown one is a `TypeError`. */
export interface ListRequest extends Omit<DeliveryFilter, 'from' | 'until'> {
  tenant: string
  /** Due at or after. */
  from?: Date | undefined
  /** Due before. */
  until?: Date | undefined
  /** 1 to 200; default 50. */
  limit?: number | undefined
  /** `next` of the page before. */
  after?: string | undefined
}

/** Schedule, change, look at. Every call names its tenant; a race with a worker has one winner, and the answer says who. */
export interface Scheduler<A extends Adapter = Adapter> {
  /**
   * Takes a draft in for a moment to come. It is safe in the database when this resolves. With `tx`, the host's own open transaction, it is there once that commits.
   * @throws PublishError `invalid`, with every problem in `problems`: nothing was stored.
   */
  schedule(draft: ScheduledDraft<A>, more?: InTransaction): Promise<Accepted | Refused>
  /** Several drafts, all of them or none. */
  scheduleAll(drafts: readonly ScheduledDraft<A>[], more?: InTransaction): Promise<readonly Accepted[] | Refused>
  reschedule(request: One & { at: When; timeZone?: string | undefined }, more?: InTransaction): Promise<Changed>
  cancel(request: One, more?: InTransaction): Promise<Changed>
  /** Due now instead of later. */
  executeNow(request: One, more?: InTransaction): Promise<Changed>
  /** Sends what failed, was missed or canceled once more, as a new delivery. Called twice, it is the same new delivery. */
  retry(request: One, more?: InTransaction): Promise<Accepted | Refused>
  /** Your word on one that is `uncertain` or `needs_action`. */
  resolve(request: ResolveRequest, more?: InTransaction): Promise<Resolved>
  get(request: One): Promise<DeliveryInfo | undefined>
  /** Newest due first. */
  list(request: ListRequest): Promise<Paged<DeliveryInfo>>
  /** How many are in each state. */
  counts(request: { tenant: string }): Promise<Readonly<Record<State, number>>>
  /** Every try, oldest first. */
  attempts(request: One): Promise<readonly AttemptInfo[]>
}

const named = (request: One): One => having(request, 'tenant', 'deliveryId')

const list = async (calls: Calls, request: ListRequest): Promise<Paged<DeliveryInfo>> => {
  const { tenant, from, until, limit = 50, ...more } = listing(request)
  const page = await calls.storage.deliveries.list(tenant, { ...more, limit, from: from?.getTime(), until: until?.getTime() })
  return { items: page.items.map(deliveryInfo), ...(page.next !== undefined && { next: page.next }) }
}

const retry = async (calls: Calls, request: One): Promise<Accepted | Refused> => {
  const { tenant, deliveryId } = named(request)
  const delivery = await calls.storage.deliveries.get(tenant, deliveryId)
  const publication = delivery && (await calls.storage.publications.get(tenant, delivery.publicationId))
  if (!delivery || !publication) throw noSuchDelivery(deliveryId)
  if (!['failed', 'missed', 'canceled'].includes(delivery.state))
    throw new PublishError(
      'invalid',
      `The delivery \`${deliveryId}\` is ${delivery.state}: only one that failed, was missed or canceled is sent once more. Use \`resolve\` for one that is uncertain.`,
    )
  const body: Body = readBody(publication.body)
  const content = body.contents[delivery.platform] ?? body.placed?.[delivery.connectionId]?.content
  const key = delivery.action === 'publish' ? (body.contentKey ?? canonical(content)) : `placement:${body.placed?.[delivery.connectionId]?.placement.id}`
  const one: NewPublication = {
    id: calls.newId(),
    tenant,
    idempotencyKey: `retry:${deliveryId}`,
    requestHash: `v1:retry:${deliveryId}`,
    body: publication.body,
    deliveries: [
      {
        id: calls.newId(),
        connectionId: delivery.connectionId,
        platform: delivery.platform,
        action: delivery.action,
        activeKey: activeKeyOf(tenant, key, delivery.connectionId, delivery.action),
        priority: delivery.priority,
        dueAt: await calls.storage.now(),
        serialize: serializes(calls, delivery.platform, content?.kind),
      },
    ],
  }
  const result = await add(calls, [one])
  return 'status' in result ? result : (result[0] as Accepted)
}

const moved = async (calls: Calls, request: One, at: number): Promise<Changed> => {
  const { tenant, deliveryId } = named(request)
  const status = await calls.storage.deliveries.reschedule(tenant, deliveryId, at)
  if (status === 'done') calls.stored([{ id: deliveryId, rev: (await calls.storage.deliveries.get(tenant, deliveryId))?.rev ?? 0, at }])
  return { status }
}

const reschedule = async (calls: Calls, request: One & { at: When; timeZone?: string | undefined }): Promise<Changed> => {
  const { at, timeZone } = named(request) as typeof request
  if (timeZone !== undefined && !isZone(timeZone)) return refuse([unknownZone(timeZone)])
  const due = dueOf(at, timeZone, '/at')
  const now = await calls.storage.now()
  if (!('at' in due)) return refuse([due.problem])
  if (due.at < now)
    return refuse([
      {
        code: 'in-the-past',
        pointer: '/at',
        actual: new Date(due.at).toISOString(),
        limit: new Date(now).toISOString(),
        fix: 'Choose a time to come, or use `executeNow`.',
      },
    ])
  return moved(calls, request, due.at)
}

export const createScheduler = <A extends Adapter>(calls: Calls): Scheduler<A> => ({
  schedule: async (draft, more) => {
    const result = await accept(within(calls, more), [draft], 'at')
    return 'status' in result ? result : (result[0] as Accepted)
  },
  scheduleAll: async (drafts, more) => accept(within(calls, more), drafts, 'at'),
  reschedule: async (request, more) => reschedule(within(calls, more), request),
  cancel: async (request, more) => {
    const { tenant, deliveryId } = named(request)
    const status = await within(calls, more).storage.deliveries.cancel(tenant, deliveryId)
    calls.stored([])
    return { status }
  },
  executeNow: async (request, more) => {
    const inside = within(calls, more)
    return moved(inside, request, await inside.storage.now())
  },
  retry: async (request, more) => retry(within(calls, more), request),
  resolve: async (request, more) => resolve(within(calls, more), request),
  get: async (request) => {
    const { tenant, deliveryId } = named(request)
    const row = await calls.storage.deliveries.get(tenant, deliveryId)
    return row && deliveryInfo(row)
  },
  list: (request) => list(calls, request),
  // Storage counts everybody's where no tenant is named; nobody is to get those through a forgotten one.
  counts: async (request) => calls.storage.deliveries.counts(having(request, 'tenant').tenant),
  attempts: async (request) => {
    const { tenant, deliveryId } = named(request)
    return (await calls.storage.deliveries.attempts(tenant, deliveryId)).map(attemptInfo)
  },
})
