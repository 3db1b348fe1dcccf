// Brings stored events to the host's listeners: at least once, in the order of `rev` per subject, by one reader at a time.

import type { EventType, SyndikitEvent } from '../contract/events.ts'
import type { Clock, Logger } from '../contract/ports.ts'
import type { Storage, StoredEvent } from '../contract/storage.ts'

export type Listener = (event: SyndikitEvent) => unknown

export interface Outbox {
  /** Hears one type, or every one with `'*'`. Returns the way to stop. */
  on(type: EventType | '*', listener: Listener): () => void
  /** Something was stored in this process. */
  wake(): void
  start(): void
  stop(): Promise<void>
  /** Hands out what is there now. Returns how many events. */
  flush(): Promise<number>
}

const atOnce = 100
const leaseMs = 30_000
const pauseMs = 1_000
const againAfterMs = [100, 1_000, 5_000]

const isDate = (name: string): boolean => name.endsWith('At')

/** As a listener gets it: the delivery's own columns beside what was stored with the event. */
const completed = async (storage: Storage, event: StoredEvent): Promise<SyndikitEvent> => {
  const data = Object.fromEntries(
    Object.entries(JSON.parse(event.data) as object).map(([name, value]) => [name, isDate(name) && typeof value === 'number' ? new Date(value) : value]),
  )
  const base = { ...data, type: event.type, id: `${event.subjectId}.${event.rev}`, rev: event.rev, tenant: event.tenant, at: new Date(event.at) }
  if (event.type.startsWith('publication:')) return { ...base, publicationId: event.subjectId } as unknown as SyndikitEvent
  if (!event.type.startsWith('delivery:')) return { ...base, grantId: event.subjectId } as unknown as SyndikitEvent
  const delivery = await storage.deliveries.get(event.tenant, event.subjectId)
  const { publicationId = '', connectionId = '', platform = '', action = 'publish' } = delivery ?? {}
  return { ...base, deliveryId: event.subjectId, publicationId, connectionId, platform, action } as unknown as SyndikitEvent
}

export const createOutbox = (ports: { storage: Storage; clock: Clock; logger: Logger; owner: string }): Outbox => {
  const { storage, clock, logger, owner } = ports
  const listeners = new Map<EventType | '*', Set<Listener>>()
  let loop: { stop: AbortController; ended: Promise<void> } | undefined
  let woken = new AbortController()

  const hear = async (listener: Listener, event: SyndikitEvent): Promise<void> => {
    for (const pause of [...againAfterMs, undefined]) {
      try {
        await listener(event)
        return
      } catch (error) {
        logger.error(
          { event: event.type, eventId: event.id, error: error instanceof Error ? error.name : 'error' },
          pause ? 'A listener failed; it is called again.' : 'A listener failed for good; the event is dropped for it.',
        )
        if (pause !== undefined) await clock.sleep(pause)
      }
    }
  }

  const hand = async (stored: StoredEvent): Promise<void> => {
    const heard = [...(listeners.get(stored.type as EventType) ?? []), ...(listeners.get('*') ?? [])]
    if (heard.length === 0) return
    const event = await completed(storage, stored)
    for (const listener of heard) await hear(listener, event)
  }

  /** Subjects side by side, the events of one subject one after the other. */
  const flush = async (): Promise<number> => {
    if (listeners.size === 0) return 0
    const events = await storage.events.read(owner, atOnce, leaseMs)
    const bySubject = new Map<string, StoredEvent[]>()
    for (const event of events) bySubject.set(event.subjectId, [...(bySubject.get(event.subjectId) ?? []), event])
    await Promise.all(
      [...bySubject.values()].map(async (own) => {
        for (const event of own) {
          await hand(event)
          await storage.events.ack([event.seq])
        }
      }),
    )
    return events.length
  }

  const run = async (stop: AbortSignal): Promise<void> => {
    while (!stop.aborted) {
      woken = new AbortController()
      let count = 0
      try {
        count = await flush()
      } catch (error) {
        logger.error({ error: error instanceof Error ? error.name : 'error' }, 'Events could not be read; they wait in the database.')
      }
      if (count === 0) await clock.sleep(pauseMs, AbortSignal.any([stop, woken.signal]))
    }
    await storage.events.release(owner).catch(() => undefined)
  }

  return {
    on: (type, listener) => {
      const own = listeners.get(type) ?? new Set()
      listeners.set(type, own.add(listener))
      woken.abort()
      return () => {
        own.delete(listener)
        if (own.size === 0) listeners.delete(type)
      }
    },
    wake: () => woken.abort(),
    start: () => {
      if (loop) return
      const stop = new AbortController()
      loop = { stop, ended: run(stop.signal) }
    },
    stop: async () => {
      loop?.stop.abort()
      await loop?.ended
      loop = undefined
    },
    flush,
  }
}
