// Slots that all processes on one Redis share, by bottleneck. One connection and its subscriber carry them all; after the first fault they are given up, for others to be made.

import Bottleneck from 'bottleneck'
import type { Redis } from 'ioredis'
import type { Release, Slots } from './backend.ts'

/** A slot of a process that died is free after so long; work that takes longer goes on without one. */
export const expireMs = 60_000
/** Who waits for others' slots waits no longer. */
const longestWaitMs = 30_000
/** An answer that was lost is noticed so late. */
const heartbeatMs = 2_000

export interface SlotsOptions {
  readonly client: Redis
  /** Before every name: the queue they belong to. */
  readonly scope: string
  readonly expireMs: number
  /** They cannot be used any more. */
  readonly ended: () => void
}

interface State extends SlotsOptions {
  readonly connection: Bottleneck.IORedisConnection
  readonly limiters: Map<string, Bottleneck>
  /** Who waits for a slot, to be told that there is none. */
  readonly waiting: Set<() => void>
  /** Slots that Redis does not yet know to be free. */
  readonly held: Set<Promise<void>>
  isReady: boolean
  isOver: boolean
}

const end = (state: State): void => {
  if (state.isOver) return
  state.isOver = true
  for (const none of state.waiting) none()
  void state.connection.disconnect(false)
  state.ended()
}

const limiterOf = (state: State, name: string, atATime: number): Bottleneck => {
  const { limiters, connection, scope } = state
  // With the figure in it: bottleneck keeps the one of whoever came first.
  const id = `${scope}:${name}:${atATime}`
  const known = limiters.get(id)
  if (known) return known
  const made = new Bottleneck({ id, maxConcurrent: atATime, datastore: 'ioredis', connection, heartbeatInterval: heartbeatMs, timeout: 2 * state.expireMs })
  made.on('error', () => end(state))
  made.ready().catch(() => end(state))
  limiters.set(id, made)
  return made
}

const take = (state: State, limiter: Bottleneck): Promise<Release | undefined> =>
  new Promise((resolve) => {
    let isDecided = false
    const decide = (slot: Release | undefined): void => {
      isDecided = true
      clearTimeout(timer)
      state.waiting.delete(none)
      resolve(slot)
    }
    const none = () => decide(undefined)
    const timer = setTimeout(none, longestWaitMs)
    state.waiting.add(none)
    const hold = async () => (isDecided ? undefined : new Promise<void>(decide))
    // An expired slot rejects as well, when it was had.
    const held = limiter.schedule({ expiration: state.expireMs }, hold).catch(() => (isDecided ? undefined : end(state)))
    state.held.add(held)
    void held.then(() => state.held.delete(held))
  })

/** What it does to forget a limiter would reject unheard where the connection is lost meanwhile. */
const quiet = (subscriber: Redis): void => {
  const unsubscribe = subscriber.unsubscribe.bind(subscriber)
  Object.assign(subscriber, { unsubscribe: (...channels: string[]) => unsubscribe(...channels).catch(() => undefined) })
}

/** The client must refuse what it cannot send now, answer in bounded time, and not connect again. It is ended with the slots. */
export const slotsOn = (options: SlotsOptions): Slots => {
  const { client } = options
  const connection = new Bottleneck.IORedisConnection({ client, Redis: client.constructor })
  const state: State = { ...options, connection, limiters: new Map(), waiting: new Set(), held: new Set(), isReady: false, isOver: false }
  // Its types hide the one and call the other a method.
  const { subscriber, ready } = connection as unknown as { readonly subscriber: Redis; readonly ready: Promise<unknown> }
  quiet(subscriber)
  for (const one of [client, subscriber]) one.on('close', () => end(state)).on('error', () => end(state))
  void ready.then(() => {
    state.isReady = true
  })
  return {
    get isReady() {
      return state.isReady
    },
    take: async (name, atATime) => (state.isOver ? undefined : take(state, limiterOf(state, name, atATime))),
    forget: (name, atATime) => {
      const id = `${state.scope}:${name}:${atATime}`
      const known = state.limiters.get(id)
      if (!known || state.isOver) return
      state.limiters.delete(id)
      void known.disconnect(false)
    },
    freed: async () => void (await Promise.all(state.held)),
    end: () => end(state),
  }
}
