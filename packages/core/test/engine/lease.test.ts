// How long a process may act for a delivery: both clocks count, and the slower one never makes it longer.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLease, leastLeaseMs, moment } from '../../src/engine/lease.ts'

const clockOf = () => {
  const at = { wall: 1_000_000, mono: 50 }
  return { at, clock: { now: () => at.wall, elapsed: () => at.mono, sleep: async () => undefined } }
}
const leaseMs = 60_000
const make = () => {
  const { at, clock } = clockOf()
  return { at, clock, lease: createLease(clock, moment(clock), leaseMs) }
}

test('it covers what ends well before it does', () => {
  const { at, lease } = make()
  at.mono += 37_999
  expect(lease.covers(20_000)).toBe(true)
  at.mono += 1
  expect(lease.covers(20_000)).toBe(false)
})

test('a machine that slept is noticed by its wall clock', () => {
  const { at, lease } = make()
  at.wall += leaseMs
  expect(lease.covers(0)).toBe(false)
})

test('a wall clock that was set back is noticed by the monotonic one', () => {
  const { at, lease } = make()
  at.wall -= 3_600_000
  at.mono += leaseMs
  expect(lease.covers(0)).toBe(false)
})

test('an extension counts from before it left', () => {
  const { at, clock, lease } = make()
  at.mono += 50_000
  const before = moment(clock)
  at.mono += 5_000
  lease.renew(before)
  at.mono += 32_999
  expect(lease.covers(20_000)).toBe(true)
  at.mono += 1
  expect(lease.covers(20_000)).toBe(false)
})

test('what is lost stays lost, extended or not', () => {
  const { clock, lease } = make()
  lease.lose()
  lease.renew(moment(clock))
  expect([lease.lost, lease.covers(0)]).toEqual([true, false])
})

test('its age has a lower bound from when the claim came back, and an upper one from before it left, by whichever clock went further', () => {
  const { at, clock } = clockOf()
  const from = moment(clock)
  at.mono += 700
  at.wall += 700
  const lease = createLease(clock, from, leaseMs)
  expect(lease.age()).toEqual({ least: 0, most: 700 })
  at.mono += 1_000
  at.wall += 31_000
  expect(lease.age()).toEqual({ least: 1_000, most: 31_700 })
})

test('the shortest lease allows one send', () => {
  const { clock } = clockOf()
  expect(createLease(clock, moment(clock), leastLeaseMs(20_000)).covers(20_000)).toBe(true)
})

test('however the clocks go, it never covers beyond its end by either of them', () =>
  fc.assert(
    fc.property(fc.array(fc.record({ wall: fc.integer({ min: -1e6, max: 1e6 }), mono: fc.nat(50_000) }), { maxLength: 6 }), fc.nat(40_000), (steps, ms) => {
      const { at, clock } = clockOf()
      const from = moment(clock)
      const lease = createLease(clock, from, leaseMs)
      for (const step of steps) {
        at.wall += step.wall
        at.mono += step.mono
        if (lease.covers(ms)) expect(Math.max(at.wall - from.wall, at.mono - from.elapsed) + ms).toBeLessThan(leaseMs)
      }
    }),
  ))
