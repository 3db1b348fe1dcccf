// What a host does, and what befalls its processes: the commands of a run, as fast-check makes them.

import fc from 'fast-check'
import { type Door, doors } from './platform.ts'
import type { WeatherName } from './world.ts'

export interface Writing {
  /** By number: connections of the tenant. */
  readonly to: number
  readonly tenant: 'ann' | 'bob'
  readonly parts: number
  readonly slow: boolean
  readonly key: boolean
  readonly onUncertain: 'hold' | 'retry' | 'drop'
  readonly maxLatenessMs: number | undefined
}
export type Command = { /** Of its own chance: what befalls it stays the same when others are taken away. */ readonly seed: number } & (
  | ({ readonly do: 'publish' } & Writing)
  | ({ readonly do: 'schedule'; readonly inMs: number } & Writing)
  /** The same draft once more; `same key` with its key, else without one; `other words for it` under another content key. */
  | { readonly do: 'again'; readonly nth: number; readonly how: 'same key' | 'no key' | 'other key for it' | 'same key, other text' }
  | { readonly do: 'reschedule'; readonly nth: number; readonly inMs: number }
  | { readonly do: 'cancel' | 'execute-now' | 'retry' | 'update' | 'unpublish' | 'resolve'; readonly nth: number }
  | { readonly do: 'list' }
  | { readonly do: 'tick' | 'kill'; readonly worker: number }
  | { readonly do: 'run'; readonly worker: number; readonly forMs: number }
  | { readonly do: 'pause' | 'suspend' | 'jump'; readonly worker: number; readonly ms: number }
  | { readonly do: 'pass' | 'outage'; readonly ms: number }
  | { readonly do: 'expire' }
)

export interface Plan {
  readonly weather: WeatherName
  readonly doors: readonly Door[]
  readonly workers: number
  readonly skewsMs: readonly number[]
  readonly commands: readonly Command[]
}

const [second, minute, hour] = [1_000, 60_000, 3_600_000]

const seed = fc.integer()
const nth = fc.nat(11)
const worker = fc.nat(2)
/** Short and long waits alike. */
const within = (most: number) =>
  fc.oneof(fc.integer({ min: 0, max: 30 * second }), fc.integer({ min: 0, max: Math.min(most, 10 * minute) }), fc.integer({ min: 0, max: most }))

const writing = {
  to: fc.integer({ min: 1, max: 3 }),
  tenant: fc.constantFrom('ann', 'ann', 'bob'),
  parts: fc.constantFrom(1, 1, 1, 2, 3),
  slow: fc.constantFrom(false, false, true),
  key: fc.boolean(),
  onUncertain: fc.constantFrom('hold', 'hold', 'hold', 'hold', 'drop', 'retry'),
  maxLatenessMs: fc.constantFrom(undefined, undefined, undefined, 20 * minute),
} as const

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ seed, do: fc.constant('publish'), ...writing }) },
  { weight: 4, arbitrary: fc.record({ seed, do: fc.constant('schedule'), inMs: within(6 * hour), ...writing }) },
  {
    weight: 2,
    arbitrary: fc.record({
      seed,
      do: fc.constant('again'),
      nth,
      how: fc.constantFrom('same key', 'same key', 'no key', 'no key', 'other key for it', 'same key, other text'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ seed, do: fc.constant('reschedule'), nth, inMs: within(3 * hour) }) },
  { weight: 9, arbitrary: fc.record({ seed, do: fc.constantFrom('cancel', 'execute-now', 'retry', 'update', 'unpublish', 'resolve', 'resolve'), nth }) },
  { weight: 1, arbitrary: fc.record({ seed, do: fc.constant('list') }) },
  { weight: 14, arbitrary: fc.record({ seed, do: fc.constant('tick'), worker }) },
  { weight: 2, arbitrary: fc.record({ seed, do: fc.constant('run'), worker, forMs: fc.integer({ min: second, max: 90 * second }) }) },
  { weight: 1, arbitrary: fc.record({ seed, do: fc.constant('kill'), worker }) },
  { weight: 2, arbitrary: fc.record({ seed, do: fc.constantFrom('pause', 'pause', 'suspend'), worker, ms: fc.integer({ min: second, max: 5 * minute }) }) },
  { weight: 1, arbitrary: fc.record({ seed, do: fc.constant('jump'), worker, ms: fc.integer({ min: -10 * minute, max: 10 * minute }) }) },
  { weight: 12, arbitrary: fc.record({ seed, do: fc.constant('pass'), ms: within(2 * hour) }) },
  { weight: 1, arbitrary: fc.record({ seed, do: fc.constant('outage'), ms: within(30 * minute) }) },
  { weight: 1, arbitrary: fc.record({ seed, do: fc.constant('expire') }) },
) as fc.Arbitrary<Command>

export const plans: fc.Arbitrary<Plan> = fc.record({
  weather: fc.constantFrom('calm', 'breeze', 'breeze', 'storm'),
  doors: fc.subarray([...doors], { minLength: 1, maxLength: 2 }),
  workers: fc.integer({ min: 1, max: 3 }),
  skewsMs: fc.array(fc.integer({ min: -10 * minute, max: 10 * minute }), { minLength: 3, maxLength: 3 }),
  commands: fc.array(command, { minLength: 6, maxLength: 30, size: 'max' }),
})
