// Brings stored events to the host's listeners: at least once, in the order of `rev` per subject, by one reader at a time.

import type { StoredEvent } from '../contract/event-store.ts'
import type { EventType, SyndikitEvent } from '../contract/events.ts'
import type { Clock, Logger } from '../contract/ports.ts'
import type { Storage } from '../contract/storage.ts'
import { groupCommit } from './group-commit.ts'

type Listener = (event: SyndikitEvent) => unknown

export interface Outbox {
  /** Hears one type, or every one with `'*'`. Returns the way to stop. */
  on(type: EventType | '*', listener: Listener): () => void
  /** Something was stored in this process. */
  wake(): void
  start(): void
  stop(): Promise<void>
  /** Hands out what is there now, and lets other processes read. */
  flush(): Promise<void>
}

interface Ports {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly owner: string
}

interface State extends Ports {
  readonly listeners: Map<EventType | '*', Set<Listener>>
  readonly ack: (seq: number) => Promise<unknown>
  loop: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined
  woken: AbortController
  /** One read at a time in this process. */
  turn: Promise<unknown>
}

const atOnce = 100
const leaseMs = 30_000
/** When so much of the lease is gone nothing more is handed out: another reader may have begun at the same event. */
const handMs = 20_000
const pauseMs = 1_000
const againAfterMs = [100, 1_000, 5_000]

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'error')
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

const hear = async ({ logger, clock }: State, listener: Listener, event: SyndikitEvent): Promise<void> => {
  for (const pause of [...againAfterMs, undefined]) {
    try {
      await listener(event)
      return
    } catch (error) {
      logger.error(
        { event: event.type, eventId: event.id, error: nameOf(error) },
        pause ? 'A listener failed; it is called again.' : 'A listener failed for good; the event is dropped for it.',
      )
      if (pause !== undefined) await clock.sleep(pause)
    }
  }
}

const hand = async (state: State, stored: StoredEvent): Promise<void> => {
  const heard = [...(state.listeners.get(stored.type as EventType) ?? []), ...(state.listeners.get('*') ?? [])]
  if (heard.length === 0) return
  const event = await completed(state.storage, stored)
  // Side by side, so that one that is slow or fails does not hold up the others.
  await Promise.all(heard.map((listener) => hear(state, listener, event)))
}

const inOrder = async (state: State, events: readonly StoredEvent[], from: number): Promise<void> => {
  for (const event of events) {
    if (state.clock.elapsed() - from > handMs) return
    await hand(state, event)
    await state.ack(event.seq)
  }
}

/** Subjects side by side, the events of one subject one after the other. */
const read = async (state: State): Promise<number> => {
  if (state.listeners.size === 0) return 0
  const from = state.clock.elapsed()
  const events = await state.storage.events.read(state.owner, atOnce, leaseMs)
  const bySubject = new Map<string, StoredEvent[]>()
  for (const event of events) bySubject.set(event.subjectId, [...(bySubject.get(event.subjectId) ?? []), event])
  const handed = await Promise.allSettled([...bySubject.values()].map((own) => inOrder(state, own, from)))
  for (const one of handed) if (one.status === 'rejected') throw one.reason
  return events.length
}

const inTurn = (state: State): Promise<number> => {
  const reading = state.turn.then(() => read(state))
  state.turn = reading.catch(() => undefined)
  return reading
}

const run = async (state: State, stop: AbortSignal): Promise<void> => {
  while (!stop.aborted) {
    state.woken = new AbortController()
    let count = 0
    try {
      count = await inTurn(state)
    } catch (error) {
      state.logger.error({ error: nameOf(error) }, 'Events could not be read; they wait in the database.')
    }
    if (count === 0) await state.clock.sleep(pauseMs, AbortSignal.any([stop, state.woken.signal]))
  }
  await state.storage.events.release(state.owner).catch(() => undefined)
}

const listen = (state: State, type: EventType | '*', listener: Listener): (() => void) => {
  const { listeners } = state
  // Of its own, so that the same function given twice is heard twice and stopped once.
  const own: Listener = (event) => listener(event)
  listeners.set(type, (listeners.get(type) ?? new Set()).add(own))
  state.woken.abort()
  return () => {
    const set = listeners.get(type)
    set?.delete(own)
    if (set?.size === 0) listeners.delete(type)
  }
}

export const createOutbox = (ports: Ports): Outbox => {
  const acked = async (seqs: readonly number[]): Promise<readonly number[]> => {
    await ports.storage.events.ack(seqs)
    return seqs
  }
  const state: State = { ...ports, listeners: new Map(), ack: groupCommit(acked), loop: undefined, woken: new AbortController(), turn: Promise.resolve() }
  return {
    on: (type, listener) => listen(state, type, listener),
    // With a reason: every delivery comes by here, and the usual one is an error with a stack.
    wake: () => state.woken.abort(0),
    start: () => {
      if (state.loop) return
      const stop = new AbortController()
      state.loop = { stop, ended: run(state, stop.signal) }
    },
    stop: async () => {
      state.loop?.stop.abort()
      await state.loop?.ended
      state.loop = undefined
    },
    flush: async () => {
      if (state.listeners.size === 0) return
      while ((await inTurn(state)) > 0);
      if (!state.loop) await state.storage.events.release(state.owner)
    },
  }
}
