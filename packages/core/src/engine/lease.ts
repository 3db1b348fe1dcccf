// How long this process may still act for a delivery. Both clocks count: the monotonic one stops while a machine sleeps, the wall clock can be set back.

import type { Clock } from '../contract/ports.ts'

/** Between the last check and the socket's write, and for clocks that drift. */
const marginMs = 2_000

export interface Lease {
  /** Whether a call of at most `ms` surely ends before anybody else may take the delivery over. */
  covers(ms: number): boolean
  /** Somebody else has it, or may have: nothing may be sent any more. */
  readonly lost: boolean
  lose(): void
  /** The lease runs from here: taken before the claim or extension leaves. */
  renew(from: Moment): void
  /** How long ago the database gave the claim out, in ms: `least` to believe that something has had its time, `most` to say when something left. */
  age(): { readonly least: number; readonly most: number }
}
export interface Moment {
  readonly elapsed: number
  readonly wall: number
}

export const moment = (clock: Clock): Moment => ({ elapsed: clock.elapsed(), wall: clock.now() })

const since = (clock: Clock, from: Moment): number => Math.max(clock.elapsed() - from.elapsed, clock.now() - from.wall)

/** Made when the claim has come back; `from` is before it left. */
export const createLease = (clock: Clock, from: Moment, leaseMs: number): Lease => {
  const received = clock.elapsed()
  let start = from
  let lost = false
  return {
    covers: (ms) => !lost && since(clock, start) < leaseMs - ms - marginMs,
    get lost() {
      return lost
    },
    lose: () => {
      lost = true
    },
    renew: (next) => {
      start = next
    },
    age: () => ({ least: Math.floor(clock.elapsed() - received), most: Math.ceil(since(clock, from)) }),
  }
}

/** What must fit into a lease for a commit to be sent at all. */
export const leastLeaseMs = (timeoutMs: number): number => timeoutMs + 2 * marginMs
