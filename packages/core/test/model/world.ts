// What all processes of a run share, and how one of them lives: its clock, its death, its pauses.

import type { Clock, Delivery, Storage } from '../../src/index.ts'
import type { Chance } from './chance.ts'
import type { WorldClock } from './clock.ts'
import type { Call, Platform } from './platform.ts'

/** How often a port fails: at a call of the database, at a commit, at any other request. */
export interface Weather {
  readonly storage: number
  readonly commit: number
  readonly request: number
}
export const weathers = {
  calm: { storage: 0, commit: 0, request: 0 },
  breeze: { storage: 0.02, commit: 0.25, request: 0.05 },
  storm: { storage: 0.08, commit: 0.5, request: 0.15 },
} as const satisfies Readonly<Record<string, Weather>>
export type WeatherName = keyof typeof weathers

/** A commit on its way: what left, and what its sender was told. */
export interface Departure {
  readonly call: Call
  readonly door: string
  readonly at: number
  told: 'unknown' | 'done' | 'refused' | 'not-sent'
  /** It may still have its effect. */
  underway: boolean
}

export interface World {
  readonly clock: WorldClock
  readonly chance: Chance
  readonly platform: Platform
  /** As it is, without faults; every change is watched. */
  readonly storage: Storage
  readonly departures: Departure[]
  readonly violations: string[]
  /** Everything that was logged by any process. */
  readonly logs: string[]
  /** Which process claimed a delivery last. */
  readonly holders: Map<string, string>
  weather: Weather
  /** No process gets an answer of the database until then. */
  outageUntil: number
  /** By the key that its commits carry. */
  rowOf(key: string): Promise<Delivery | undefined>
  /** Deliveries that may be sent twice: their host allowed it. */
  readonly excused: Set<string>
  note(line: string): void
  violated(line: string): void
}

export const never = new Promise<never>(() => undefined)

export interface Life {
  readonly name: string
  readonly clock: Clock
  readonly dead: boolean
  die(why: string): void
  /** Stopped and continued: nothing of it goes on in between, the clocks do. */
  pause(ms: number): void
  /** The machine slept: as a pause, but its monotonic clock stood still. */
  suspend(ms: number): void
  /** The wall clock alone jumps. */
  jump(ms: number): void
  /** Resolves when it goes on; never once it is dead. */
  going(): Promise<void>
}

export const newLife = ({ clock, note }: World, name: string, skewMs: number): Life => {
  let [dead, pausedUntil, ahead, asleep] = [false, 0, skewMs, 0]
  let wentBack = false
  const startedAt = clock.now()
  const going = async (): Promise<void> => {
    while (!dead && pausedUntil > clock.now()) await clock.sleep(pausedUntil - clock.now())
    if (dead) await never
  }
  const pause = (ms: number) => {
    pausedUntil = Math.max(pausedUntil, clock.now() + ms)
  }
  return {
    name,
    get dead() {
      return dead
    },
    clock: {
      now: () => clock.now() + ahead,
      elapsed: () => clock.now() - startedAt - asleep,
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal)
        await going()
      },
    },
    die: (why) => {
      dead = true
      note(`${name} dies: ${why}`)
    },
    pause: (ms) => {
      pause(ms)
      note(`${name} stands still for ${ms / 1_000} s`)
    },
    // Both at once would leave no clock that saw the time go by, which is a bound that the documentation names.
    suspend: (ms) => {
      pause(ms)
      if (!wentBack) asleep += ms
      note(`${name} is suspended for ${ms / 1_000} s`)
    },
    jump: (ms) => {
      if (ms < 0 && asleep > 0) return
      wentBack ||= ms < 0
      ahead += ms
      note(`the wall clock of ${name} jumps by ${ms / 1_000} s`)
    },
    going,
  }
}
