// Bounds of what runs side by side under one name: in this process always, and over all processes while their server is there.

import type { Limiter } from '@syndikit/core'
import Bottleneck from 'bottleneck'
import { patienceMs, type Release, type Slots, within } from './backend.ts'

export interface Limits {
  limiter(name: string, atATime: number): Limiter
  /** Ends the connections; what runs goes on, and a further work connects anew. */
  close(): Promise<void>
}

interface Lane {
  readonly name: string
  readonly atATime: number
  /** Around the shared slot: this process never runs more, and has no more than that waiting at the server. */
  readonly here: Bottleneck
  users: number
  idle: NodeJS.Timeout | undefined
}

interface State {
  readonly connect: (ended: () => void) => Slots
  readonly lanes: Map<string, Lane>
  slots: Slots | undefined
  /** The first connection is waited for; after a failure it is made beside the work. */
  hasFailed: boolean
  againAt: number
}

const againMs = 1_000
/** A name that nobody uses is forgotten. */
const idleMs = 10_000

const nothing: Release = () => undefined

const slotsOf = (state: State): Slots | undefined => {
  if (!state.slots && performance.now() >= state.againAt) {
    const made: Slots = state.connect(() => {
      if (state.slots !== made) return
      state.slots = undefined
      state.hasFailed = true
      state.againAt = performance.now() + againMs
    })
    state.slots = made
  }
  return state.hasFailed && !state.slots?.isReady ? undefined : state.slots
}

const inLane = (state: State, { here, name, atATime }: Lane, work: () => Promise<unknown>): Promise<unknown> =>
  here.schedule(async () => {
    const release = (await slotsOf(state)?.take(name, atATime)) ?? nothing
    try {
      return await work()
    } finally {
      release()
    }
  })

const laneOf = ({ lanes }: State, name: string, atATime: number): Lane => {
  const key = `${atATime}:${name}`
  const lane = lanes.get(key) ?? { name, atATime, here: new Bottleneck({ maxConcurrent: atATime }), users: 0, idle: undefined }
  lanes.set(key, lane)
  return lane
}

const leave = (state: State, lane: Lane): void => {
  lane.users -= 1
  if (lane.users > 0) return
  lane.idle = setTimeout(() => {
    state.lanes.delete(`${lane.atATime}:${lane.name}`)
    state.slots?.forget(lane.name, lane.atATime)
  }, idleMs).unref()
}

const schedule = async <T>(state: State, [name, atATime]: [string, number], work: () => Promise<T>): Promise<T> => {
  const lane = laneOf(state, name, atATime)
  lane.users += 1
  clearTimeout(lane.idle)
  try {
    return (await inLane(state, lane, work)) as T
  } finally {
    leave(state, lane)
  }
}

const close = async (state: State): Promise<void> => {
  const { slots, lanes } = state
  for (const { idle } of lanes.values()) clearTimeout(idle)
  lanes.clear()
  if (!slots) return
  state.slots = undefined
  // Otherwise what has just ended would hold its slots until they expire.
  await within(patienceMs, slots.freed()).catch(() => undefined)
  slots.end()
}

export const createLimits = (connect: State['connect']): Limits => {
  const state: State = { connect, lanes: new Map(), slots: undefined, hasFailed: false, againAt: 0 }
  return {
    limiter: (name, atATime) => ({ schedule: (work) => schedule(state, [name, atATime], work) }),
    close: () => close(state),
  }
}
