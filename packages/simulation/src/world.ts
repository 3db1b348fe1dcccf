// What all processes of a run share.

import type { Delivery, Storage } from '@syndikit/core'
import type { Broker } from './broker.ts'
import type { Chance } from './chance.ts'
import type { WorldClock } from './clock.ts'
import type { Invariant } from './invariants.ts'
import type { Call, Door, Platform } from './platform.ts'
import type { Weather } from './weather.ts'

/** A commit on its way: what left, and what its sender was told. */
export interface Departure {
  readonly call: Call
  readonly door: Door
  readonly at: number
  told: 'unknown' | 'done' | 'refused' | 'not-sent'
  /** It may still have its effect. */
  underway: boolean
}

/** Who claimed a delivery last, and whether anything has befallen that process since. */
interface Holder {
  readonly name: string
  readonly fence: number
  /** How often its process had been in trouble before. */
  readonly troubles: number
  troublesNow(): number
}

/** Of refreshes at a platform whose refresh tokens work once, by account. */
interface Refreshes {
  readonly underway: Map<string, number>
  /** Which of the pairs that the platform gave out was the last to reach the database. */
  readonly stored: Map<string, number>
  /** By grant. */
  readonly accounts: Map<string, string>
}

export interface World {
  readonly clock: WorldClock
  readonly chance: Chance
  readonly platform: Platform
  readonly broker: Broker
  readonly refreshes: Refreshes
  /** As it is, without faults; every change is watched. */
  readonly storage: Storage
  readonly departures: Departure[]
  readonly violations: string[]
  /** Everything that was logged by any process. */
  readonly logs: string[]
  readonly holders: Map<string, Holder>
  weather: Weather
  /** No process gets an answer of the database until then. */
  outageUntil: number
  /** What befell the world, for the report. */
  faults: number
  /** By the key that its commits carry. */
  rowOf(key: string): Promise<Delivery | undefined>
  /** Deliveries that may be sent twice: their host allowed it. */
  readonly excused: Set<string>
  note(line: string): void
  violated(which: Invariant, what: string): void
}

export const never = new Promise<never>(() => undefined)
