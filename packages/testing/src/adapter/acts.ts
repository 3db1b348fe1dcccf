// What a host does with content, one call each, with time passing while it waits.

import assert from 'node:assert/strict'
import type { AttemptInfo, DeliveryInfo, Metrics, Problem, Syndikit } from '@syndikit/core'
import type { VirtualClock } from '../virtual-clock.ts'

/** The tenant of every stage. */
export const tenant = 'tenant-of-the-suite'

/** `options` are the adapter's own. Each call fails where the content is not taken in. */
export interface Acts {
  /** Everything that is wrong with a content. */
  check(content: object, options?: unknown): Promise<readonly Problem[]>
  /** Takes a content in, due now, and answers its delivery's id. Nothing is sent before `work`. */
  schedule(content: object, options?: unknown): Promise<string>
  /** `schedule`, and works until it is over. */
  publish(content: object, options?: unknown): Promise<DeliveryInfo>
  /** Changes what a delivery left, and works until it is over. The answer is the delivery of the change. */
  update(deliveryId: string, content: object, options?: unknown): Promise<DeliveryInfo>
  /** Removes what a delivery left, and works until it is over. The answer is the delivery of the removal. */
  unpublish(deliveryId: string): Promise<DeliveryInfo>
  /** `update` and `unpublish` without the work: the id of the new delivery. */
  scheduleUpdate(deliveryId: string, content: object, options?: unknown): Promise<string>
  scheduleUnpublish(deliveryId: string): Promise<string>
  delivery(id: string): Promise<DeliveryInfo>
  /** One for each run that ended, oldest first. */
  attempts(deliveryId: string): Promise<readonly AttemptInfo[]>
  /** Figures by delivery id. */
  metrics(...deliveryIds: readonly string[]): Promise<ReadonlyMap<string, Metrics>>
}

type Taken = Awaited<ReturnType<Syndikit['publisher']['publish']>>

const idOf = (result: Taken): string => {
  assert.ok('deliveries' in result, `it was not taken in: ${JSON.stringify(result)}`)
  const [delivery] = result.deliveries
  assert.ok(delivery)
  return delivery.id
}

/** `connectionId` is asked at every call: another connect may have changed it. */
export const actsOf = (at: { syndikit: Syndikit; clock: VirtualClock; platform: string; connectionId(): string; work(): Promise<void> }): Acts => {
  const { syndikit, clock, platform, work } = at
  const { publisher, scheduler } = syndikit
  const draftOf = (content: object, options: unknown) => ({
    tenant,
    content: content as never,
    to: [at.connectionId()],
    ...(options !== undefined && { variants: { [platform]: { options } } }),
  })
  const delivery = async (deliveryId: string): Promise<DeliveryInfo> => {
    const found = await clock.drive(scheduler.get({ tenant, deliveryId }))
    assert.ok(found, `the delivery ${deliveryId} is gone`)
    return found
  }
  const schedule: Acts['schedule'] = async (content, options) => idOf(await clock.drive(publisher.publish(draftOf(content, options))))
  const scheduleUpdate: Acts['scheduleUpdate'] = async (deliveryId, content, options) =>
    idOf(await clock.drive(publisher.update({ tenant, deliveryId, content: content as never, options })))
  const scheduleUnpublish: Acts['scheduleUnpublish'] = async (deliveryId) => idOf(await clock.drive(publisher.unpublish({ tenant, deliveryId })))
  const worked = async (id: string): Promise<DeliveryInfo> => {
    await work()
    return delivery(id)
  }
  return {
    delivery,
    schedule,
    check: (content, options) => clock.drive(publisher.check(draftOf(content, options))),
    publish: async (content, options) => worked(await schedule(content, options)),
    scheduleUpdate,
    scheduleUnpublish,
    update: async (...change) => worked(await scheduleUpdate(...change)),
    unpublish: async (deliveryId) => worked(await scheduleUnpublish(deliveryId)),
    attempts: async (deliveryId) => (await clock.drive(syndikit.explain({ tenant, deliveryId })))?.attempts ?? [],
    metrics: (...deliveryIds) => clock.drive(publisher.metrics({ tenant, deliveryIds })),
  }
}
