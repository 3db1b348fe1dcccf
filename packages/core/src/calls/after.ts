// What can be done with something that is on a platform: update, unpublish, refresh. Each is a delivery of its own, with the same promises as a publish.

import { PublishError } from '../contract/error.ts'
import type { Action, Delivery, NewPublication } from '../contract/storage.ts'
import { type Body, readBody, readResult, type StoredContent, type StoredPlacement } from '../engine/body.ts'
import { type Accepted, activeKeyOf, add, type Calls, type Refused, replayed, serializes } from './accept.ts'
import { having } from './arguments.ts'
import { canonical, sha256 } from './ids.ts'
import { prepare, refuse } from './prepare.ts'

/** Names the delivery whose placement is meant. `idempotencyKey`: as in a draft, in the same space of keys. */
export interface AfterRequest {
  tenant: string
  /** The delivery that put it there: of a publish, or of the last update. */
  deliveryId: string
  idempotencyKey?: string | undefined
}
/** What is there is replaced by this, as far as the platform lets it. */
export interface UpdateRequest extends AfterRequest {
  /** The whole new content, of the same kind. */
  content: object
  options?: unknown
}

export const noSuchDelivery = (id: string): PublishError =>
  new PublishError('invalid', `There is no delivery \`${id}\` of this tenant. See \`scheduler.list\`.`)

const placedOf = (delivery: Delivery, content: StoredContent): StoredPlacement => {
  const result = readResult(delivery.result)
  const placement = result?.placement ?? result?.parts[0]
  const there = delivery.state === 'published' || (delivery.state === 'needs_action' && result?.reason?.code === 'partial')
  if (!there || !placement || delivery.action === 'unpublish')
    throw new PublishError(
      'invalid',
      `${delivery.platform}: the delivery \`${delivery.id}\` (${delivery.action}, ${delivery.state}) left nothing on the platform that could be changed.`,
    )
  return { deliveryId: delivery.id, placement, parts: result?.parts ?? [], content }
}

const contentOf = (body: Body, delivery: Delivery): StoredContent => {
  const content = body.contents[delivery.platform] ?? body.placed?.[delivery.connectionId]?.content
  if (!content) throw new PublishError('invalid', `${delivery.platform}: the content of delivery \`${delivery.id}\` is not stored.`)
  return content
}

const capable = (calls: Calls, delivery: Delivery, kind: string, action: Exclude<Action, 'publish'>): void => {
  const adapter = calls.adapters.get(delivery.platform)
  if (!adapter) throw new PublishError('setup', `${delivery.platform}: no adapter of this process serves it. Add it to \`adapters\`.`)
  if (!adapter.content.find((support) => support.kind === kind)?.spec[action])
    throw new PublishError('invalid', `${adapter.name} cannot ${action} a ${kind}.`, { platform: adapter.id })
}

const newContent = async (calls: Calls, delivery: Delivery, kind: string, request: UpdateRequest): Promise<StoredContent> => {
  const { tenant, content, options } = request
  const prepared = await prepare(calls, {
    tenant,
    content,
    to: [delivery.connectionId],
    ...(options !== undefined && { variants: { [delivery.platform]: { options } } }),
  })
  const errors = prepared.problems.filter(({ severity }) => severity !== 'warning')
  if (errors.length > 0) refuse(errors)
  const made = prepared.contents[delivery.platform] as StoredContent
  if (made.kind === kind) return made
  return refuse([
    {
      code: 'kind-changed',
      platform: delivery.platform,
      pointer: '/content/kind',
      actual: made.kind,
      limit: kind,
      fix: `Give a ${kind}: that is what is there.`,
    },
  ])
}

/** What the user wrote and not what we made of it: an upgrade must not turn a replay into a conflict. */
const requestHashOf = (action: Action, request: AfterRequest | UpdateRequest): string => {
  const { tenant: _tenant, idempotencyKey: _key, ...asked } = request
  return `v1:${sha256(canonical([action, asked]))}`
}

/** What the same key brought before. */
const before = async (calls: Calls, { tenant, idempotencyKey }: AfterRequest, requestHash: string): Promise<Accepted | Refused | undefined> => {
  const stored = idempotencyKey === undefined ? undefined : await calls.storage.publications.byKey(tenant, idempotencyKey)
  if (!stored) return undefined
  return stored.requestHash === requestHash ? replayed(calls, tenant, stored.id) : { status: 'key-reused', publicationId: stored.id }
}

interface Change {
  readonly action: Exclude<Action, 'publish'>
  readonly request: AfterRequest | UpdateRequest
  readonly requestHash: string
}

/** What is there, and what shall become of it, as a publication with one delivery. */
const publicationOf = async (calls: Calls, { action, request, requestHash }: Change): Promise<NewPublication> => {
  const { tenant, deliveryId, idempotencyKey } = request
  const delivery = await calls.storage.deliveries.get(tenant, deliveryId)
  const publication = delivery && (await calls.storage.publications.get(tenant, delivery.publicationId))
  if (!delivery || !publication) throw noSuchDelivery(deliveryId)
  const { connectionId, platform, priority } = delivery
  const body = readBody(publication.body)
  const there = contentOf(body, delivery)
  capable(calls, delivery, there.kind, action)
  const placed = placedOf(delivery, there)
  const contents = action === 'update' ? { [platform]: await newContent(calls, delivery, there.kind, request as UpdateRequest) } : {}
  const { maxLatenessMs, onUncertain } = body
  const next: Body = { v: 1, contents, contentKey: null, maxLatenessMs, onUncertain, wall: {}, placed: { [connectionId]: placed } }
  const activeKey = activeKeyOf(tenant, `placement:${placed.placement.id}`, connectionId, action)
  const dueAt = await calls.storage.now()
  return {
    id: calls.newId(),
    tenant,
    idempotencyKey: idempotencyKey ?? null,
    requestHash,
    body: JSON.stringify(next),
    deliveries: [{ id: calls.newId(), connectionId, platform, action, activeKey, priority, dueAt, serialize: serializes(calls, platform, there.kind) }],
  }
}

export const after = async (calls: Calls, action: Change['action'], request: Change['request']): Promise<Accepted | Refused> => {
  const requestHash = requestHashOf(action, having(request, 'tenant', 'deliveryId'))
  const earlier = await before(calls, request, requestHash)
  if (earlier) return earlier
  const result = await add(calls, [await publicationOf(calls, { action, request, requestHash })])
  return 'status' in result ? result : (result[0] as Accepted)
}
