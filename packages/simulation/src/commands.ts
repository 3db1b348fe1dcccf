// What a host does, and what befalls its processes: the commands of a run, as a seed makes them.

import { type Chance, chanceOf } from './chance.ts'
import { type Door, doors } from './platform.ts'
import type { WeatherName } from './weather.ts'

export interface Writing {
  /** By number: connections of the tenant. */
  readonly to: number
  readonly tenant: 'ann' | 'bob'
  readonly parts: number
  /** `waits`: prepared, and waited for with `later`. `uploads`: a step that may outlast the lease. `asks`: something in every run, outside of any step. */
  readonly shape: 'plain' | 'waits' | 'uploads' | 'asks'
  readonly key: boolean
  readonly onUncertain: 'hold' | 'retry' | 'drop'
  readonly maxLatenessMs: number | null
}
const onOne = ['cancel', 'execute-now', 'retry', 'update', 'unpublish', 'resolve'] as const
const agains = ['same key', 'no key', 'other key for it', 'same key, other text'] as const

export type Command = {
  /** Of its own chance: what befalls it stays the same when others are taken away. */
  readonly seed: number
  /** The next command does not wait for what this one is answered. */
  readonly atOnce?: true
} & (
  | ({ readonly do: 'publish' } & Writing)
  | ({ readonly do: 'schedule'; readonly inMs: number } & Writing)
  /** The same draft once more; `same key` with its key, else without one; `other key for it` under another content key. */
  | { readonly do: 'again'; readonly nth: number; readonly how: (typeof agains)[number] }
  | { readonly do: 'reschedule'; readonly nth: number; readonly inMs: number }
  | { readonly do: (typeof onOne)[number]; readonly nth: number }
  | { readonly do: 'list' }
  | { readonly do: 'tick'; readonly worker: number }
  | { readonly do: 'run'; readonly worker: number; readonly forMs: number }
  | { readonly do: 'pass'; readonly ms: number }
  | Befalling
)
/** What no host asks for. */
export type Befalling =
  | { readonly do: 'kill'; readonly worker: number }
  | { readonly do: 'pause' | 'suspend' | 'jump'; readonly worker: number; readonly ms: number }
  | { readonly do: 'outage' | 'queue-down'; readonly ms: number }
  | { readonly do: 'expire' | 'flush' }

export interface Plan {
  readonly weather: WeatherName
  /** The recovery class of the run first; a second platform now and then. */
  readonly doors: readonly Door[]
  /** The platform gives out refresh tokens that work once, and ends the grant of whoever shows an old one. */
  readonly rotating: boolean
  /** Shared by the processes; else each has its own in memory. */
  readonly queue: boolean
  readonly workers: number
  readonly skewsMs: readonly number[]
  readonly commands: readonly Command[]
}

const [second, minute, hour] = [1_000, 60_000, 3_600_000]

const oneOf = <T>(chance: Chance, ...from: readonly T[]): T => from[chance.between(0, from.length - 1)] as T
/** Short and long waits alike. */
const within = (chance: Chance, most: number): number => chance.between(0, oneOf(chance, 30 * second, Math.min(most, 10 * minute), most))

const writingOf = (chance: Chance): Writing => ({
  to: chance.between(1, 3),
  tenant: oneOf(chance, 'ann', 'ann', 'bob'),
  parts: oneOf(chance, 1, 1, 1, 1, 2, 3),
  shape: oneOf(chance, 'plain', 'plain', 'plain', 'plain', 'plain', 'waits', 'waits', 'uploads', 'asks'),
  key: chance.next() < 0.5,
  onUncertain: oneOf(chance, 'hold', 'hold', 'hold', 'hold', 'hold', 'hold', 'drop', 'retry'),
  maxLatenessMs: oneOf(chance, null, null, null, 20 * minute),
})

const weights = {
  publish: 6,
  schedule: 3,
  again: 2,
  reschedule: 1,
  onOne: 9,
  list: 0.3,
  tick: 14,
  run: 3,
  kill: 1,
  stop: 2,
  jump: 0.7,
  pass: 11,
  outage: 1,
  expire: 1,
  flush: 0.6,
  'queue-down': 0.5,
} as const

const commandOf = (chance: Chance, kind: keyof typeof weights): Command => {
  const seed = chance.between(0, 2 ** 31)
  const [nth, worker] = [chance.between(0, 11), chance.between(0, 2)]
  const atOnce = chance.next() < 0.25 ? ({ atOnce: true } as const) : {}
  switch (kind) {
    case 'publish':
      return { do: kind, seed, ...writingOf(chance), ...atOnce }
    case 'schedule':
      return { do: kind, seed, inMs: within(chance, 6 * hour), ...writingOf(chance), ...atOnce }
    case 'again':
      return { do: kind, seed, nth, how: oneOf(chance, ...agains, 'same key', 'no key'), ...atOnce }
    case 'reschedule':
      return { do: kind, seed, nth, inMs: within(chance, 3 * hour), ...atOnce }
    case 'onOne':
      return { do: oneOf(chance, ...onOne, 'resolve'), seed, nth, ...atOnce }
    case 'run':
      return { do: kind, seed, worker, forMs: chance.between(second, 90 * second) }
    case 'tick':
    case 'kill':
      return { do: kind, seed, worker }
    case 'stop':
      return { do: oneOf(chance, 'pause', 'pause', 'suspend'), seed, worker, ms: chance.between(second, 5 * minute) }
    case 'jump':
      return { do: kind, seed, worker, ms: chance.between(-10 * minute, 10 * minute) }
    case 'pass':
      return { do: kind, seed, ms: within(chance, 2 * hour) }
    case 'outage':
    case 'queue-down':
      return { do: kind, seed, ms: within(chance, 30 * minute) }
    default:
      return { do: kind, seed }
  }
}

/** One seed, one schedule. A run begins with something to do: without it most of what follows would mean nothing. */
export const planOf = (door: Door, seed: number): Plan => {
  const chance = chanceOf(seed * 8 + doors.indexOf(door))
  const others = doors.filter((one) => one !== door)
  const commands = Array.from({ length: chance.between(4, 14) }, (_, i) =>
    commandOf(chance, i === 0 ? oneOf(chance, 'publish', 'schedule') : chance.of(weights)),
  )
  return {
    weather: oneOf(chance, 'calm', 'breeze', 'breeze', 'storm', 'storm'),
    doors: chance.next() < 0.1 ? [door, oneOf(chance, ...others)] : [door],
    rotating: chance.next() < 0.35,
    queue: chance.next() < 0.5,
    workers: chance.between(1, 3),
    skewsMs: Array.from({ length: 3 }, () => chance.between(-10 * minute, 10 * minute)),
    commands,
  }
}
