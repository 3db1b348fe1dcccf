// The recovery classes as the campaign plays them: what the platform promises, and how far faults and stops may go within what each class can bear.

import type { Recovery } from '@syndikit/core'

export const classes = ['idempotent', 'two-phase', 'look-up', 'probe', 'blind'] as const
export type Class = (typeof classes)[number]

/** Platforms on this machine answer at once, so an answer that takes so long is none. */
export const requestTimeoutMs = 1_500
/** The shortest that goes with that time-out: what a killed worker held is taken up after so long. */
export const leaseMs = requestTimeoutMs + 4_000
/** A post shows in a read so much later than it is there. */
export const listLagMs = 500
/** Longest time from the end of a send until it shows: the list's lag, half a second of a late arrival, and the rest for a machine that is busy. */
const settleMs = 8_000

export const recoveryOf: Readonly<Record<Class, Recovery>> = {
  idempotent: { class: 'idempotent' },
  'two-phase': { class: 'two-phase', settleMs },
  'look-up': { class: 'look-up', settleMs },
  probe: { class: 'probe', settleMs },
  blind: { class: 'blind' },
}

interface Bounds {
  /** A request that is late has its effect so long after it left. */
  readonly lateMs: number
  /** A process stands still for so long. */
  readonly stopMs: number
}

/**
 * Where only a look tells, no promise holds against a request that lands after time-out and settling: neither one that was late on the wire, nor one whose
 * process stood still between its last check and its socket for longer than that (docs/promises.md). Both are kept within what the adapter declares.
 */
const looking: Bounds = { lateMs: requestTimeoutMs + 500, stopMs: 7_500 }
const unbound: Bounds = { lateMs: 6_000, stopMs: 15_000 }

export const boundsOf: Readonly<Record<Class, Bounds>> = {
  idempotent: unbound,
  'two-phase': unbound,
  'look-up': looking,
  probe: looking,
  blind: unbound,
}
