// Publish now, check, and change what is there.

import type { Adapter } from '../contract/adapter.ts'
import type { Account } from '../contract/auth.ts'
import type { Metrics, Placed } from '../contract/kind.ts'
import type { Problem } from '../contract/limits.ts'
import type { Delivery } from '../contract/storage.ts'
import { readBody, readResult } from '../engine/body.ts'
import { createHttp } from '../http/client.ts'
import { type Accepted, accept, type Calls, problemsOf, type Refused } from './accept.ts'
import { type AfterRequest, after, type UpdateRequest } from './after.ts'
import { deliveriesOf, duration, having } from './arguments.ts'
import type { ContentOf, Draft, ScheduledDraft } from './draft.ts'
import { unread } from './prepare.ts'
import { type DeliveryInfo, deliveryInfo } from './views.ts'
import { type InTransaction, within } from './within.ts'

/** Check, publish, and change what is there. Nothing here asks a platform but `metrics`: workers send. */
export interface Publisher<A extends Adapter = Adapter> {
  /** Everything that is wrong with a draft, and what will happen otherwise than written (severity `warning`). Stores and sends nothing. */
  check(draft: Draft<A> | ScheduledDraft<A>): Promise<readonly Problem[]>
  /**
   * Takes it in, due now. It is safe in the database when this resolves; a worker sends it. See `wait`.
   * @throws PublishError `invalid`, with every problem in `problems`: nothing was stored.
   */
  publish(draft: Draft<A>, more?: InTransaction): Promise<Accepted | Refused>
  /** Resolves when no delivery of the publication is scheduled or running any more, or after `timeoutMs` (default 60 s), with the deliveries as they are. */
  wait(request: { tenant: string; publicationId: string; timeoutMs?: number | undefined }): Promise<readonly DeliveryInfo[]>
  /** Changes what is on the platform, where the platform lets it be changed. */
  update(request: UpdateRequest & { content: ContentOf<A> }, more?: InTransaction): Promise<Accepted | Refused>
  /** Removes it, every part of it. Something that is gone already counts as removed. */
  unpublish(request: AfterRequest, more?: InTransaction): Promise<Accepted | Refused>
  /** Brings it up to date on platforms where entries age. */
  refresh(request: AfterRequest, more?: InTransaction): Promise<Accepted | Refused>
  /** Figures by delivery id, read from the platforms now. A delivery that has none is missing from the answer. */
  metrics(request: { tenant: string; deliveryIds: readonly string[] }): Promise<ReadonlyMap<string, Metrics>>
}

const atRest = ({ state }: Delivery): boolean => state !== 'scheduled' && state !== 'running'

const wait = async (calls: Calls, request: Parameters<Publisher['wait']>[0]): Promise<readonly DeliveryInfo[]> => {
  const { tenant, publicationId, timeoutMs = 60_000 } = having(request, 'tenant', 'publicationId')
  duration('timeoutMs', timeoutMs)
  const from = calls.clock.elapsed()
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    const items = await deliveriesOf(calls.storage, tenant, publicationId)
    const leftMs = timeoutMs - (calls.clock.elapsed() - from)
    if (items.every(atRest) || leftMs <= 0) return items.map(deliveryInfo)
    await calls.clock.sleep(Math.min(pauseMs, leftMs))
  }
}

interface Measured {
  readonly delivery: Delivery
  readonly kind: string
  readonly placed: Placed<object>
}

const measuredOf = async (calls: Calls, tenant: string, id: string): Promise<Measured | undefined> => {
  const delivery = await calls.storage.deliveries.get(tenant, id)
  const result = delivery && readResult(delivery.result)
  const placement = result?.placement
  if (!delivery || !placement) return undefined
  const publication = await calls.storage.publications.get(tenant, delivery.publicationId)
  const content = publication && readBody(publication.body).contents[delivery.platform]
  const support = calls.adapters.get(delivery.platform)?.content.find(({ kind }) => kind === content?.kind)
  if (!content || !support) return undefined
  const parts = result.parts.length > 0 ? result.parts : [placement]
  return { delivery, kind: content.kind, placed: { ...placement, parts, content: support.of.build(content.input as object, content.files.map(unread)) } }
}

const readMetrics = async (calls: Calls, connectionId: string, own: readonly Measured[], into: Map<string, Metrics>): Promise<void> => {
  const { tenant, platform } = (own[0] as Measured).delivery
  const connection = await calls.storage.connections.get(tenant, connectionId)
  const adapter = calls.adapters.get(platform)
  const metrics = adapter?.content.find(({ kind }) => kind === own[0]?.kind)?.spec.metrics
  if (!connection || !adapter || !metrics) return
  const { account, applied, renew } = await calls.access.of(connection)
  const http = createHttp({
    adapter,
    server: (account as Account).server,
    fetch: calls.fetch,
    clock: calls.clock,
    random: calls.random,
    mostMs: calls.settings.requestTimeoutMs,
    credentials: applied,
    renew,
  })
  for (let i = 0; i < own.length; i += metrics.atOnce) {
    const some = own.slice(i, i + metrics.atOnce)
    const figures = await metrics.read(
      some.map(({ placed }) => placed),
      { account, http },
    )
    for (const { delivery, placed } of some) {
      const found = figures.get(placed.id)
      if (found) into.set(delivery.id, found)
    }
  }
}

const metricsOf = async (calls: Calls, request: Parameters<Publisher['metrics']>[0]): Promise<ReadonlyMap<string, Metrics>> => {
  const { tenant, deliveryIds } = having(request, 'tenant')
  if (!Array.isArray(deliveryIds)) throw new TypeError('`deliveryIds` is a list of the ids of deliveries.')
  const groups = new Map<string, Measured[]>()
  for (const id of new Set(deliveryIds)) {
    const one = await measuredOf(calls, tenant, id)
    const key = one && `${one.delivery.connectionId}|${one.kind}`
    if (one && key) groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const figures = new Map<string, Metrics>()
  for (const own of groups.values()) await readMetrics(calls, (own[0] as Measured).delivery.connectionId, own, figures)
  return figures
}

export const createPublisher = <A extends Adapter>(calls: Calls): Publisher<A> => ({
  check: (draft) => problemsOf(calls, draft),
  publish: async (draft, more) => {
    const result = await accept(within(calls, more), [draft], 'now')
    return 'status' in result ? result : (result[0] as Accepted)
  },
  wait: (request) => wait(calls, request),
  update: async (request, more) => after(within(calls, more), 'update', request),
  unpublish: async (request, more) => after(within(calls, more), 'unpublish', request),
  refresh: async (request, more) => after(within(calls, more), 'refresh', request),
  metrics: (request) => metricsOf(calls, request),
})
