// From a time as people write it to an instant, held against Temporal, whose disambiguation `compatible` is the same written rule.

import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { expect, test } from 'vitest'
import { dueOf } from '../../src/calls/when.ts'

// Changes of an hour, of half an hour, by a whole day, at midnight, none at all, and offsets with minutes and quarters.
const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Dubai',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'America/St_Johns',
  'Antarctica/Troll',
  'UTC',
]
const hourMs = 3_600_000

const wallOf = (at: number, zone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: 'second' })
const expected = (wall: string, zone: string): number =>
  Temporal.PlainDateTime.from(wall).toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds
const dueAt = (wall: string, zone: string | undefined) => {
  const due = dueOf(wall, zone, '/at')
  return { at: 'at' in due ? due.at : undefined, problem: due.problem?.code, severity: due.problem?.severity }
}

test('a wall time is the instant that Temporal gives, in every zone and at any hour', () => {
  const seconds = fc.integer({ min: Date.UTC(1975, 0) / 1_000, max: Date.UTC(2037, 0) / 1_000 })
  fc.assert(
    fc.property(fc.constantFrom(...zones), seconds, (zone, second) => {
      const wall = Temporal.Instant.fromEpochMilliseconds(second * 1_000)
        .toZonedDateTimeISO('UTC')
        .toPlainDateTime()
        .toString({ smallestUnit: 'second' })
      expect(dueAt(wall, zone).at).toBe(expected(wall, zone))
    }),
    { numRuns: 500 },
  )
})

test('around every change of clocks it is the instant that Temporal gives, and a time that is skipped or shown twice is warned of', () => {
  let skipped = 0
  let twice = 0
  for (const zone of zones) {
    for (let at = Date.UTC(2008, 0), n = 0; n < 12; n++) {
      const change = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).getTimeZoneTransition('next')
      if (!change) break
      at = change.epochMilliseconds
      for (let minutes = -150; minutes <= 150; minutes += 15) {
        // Read off a clock that does not change: so hours that the zone skips are among them.
        const wall = Temporal.Instant.fromEpochMilliseconds(at + change.offsetNanoseconds / 1e6 + minutes * 60_000)
          .toZonedDateTimeISO('UTC')
          .toPlainDateTime()
          .toString({ smallestUnit: 'second' })
        const early = Temporal.PlainDateTime.from(wall).toZonedDateTime(zone, { disambiguation: 'earlier' }).epochMilliseconds
        const late = Temporal.PlainDateTime.from(wall).toZonedDateTime(zone, { disambiguation: 'later' }).epochMilliseconds
        const due = dueAt(wall, zone)
        const exists = wallOf(expected(wall, zone), zone) === wall
        const code = early === late ? undefined : exists ? 'time-exists-twice' : 'time-does-not-exist'
        expect({ zone, wall, ...due }).toEqual({ zone, wall, at: expected(wall, zone), problem: code, severity: code && 'warning' })
        if (code === 'time-does-not-exist') skipped += 1
        if (code === 'time-exists-twice') twice += 1
      }
    }
  }
  expect(skipped).toBeGreaterThan(50)
  expect(twice).toBeGreaterThan(50)
})

test('a time that does not exist moves forward by the length of the gap, one that exists twice is the first', () => {
  expect(dueAt('2027-03-28T02:30', 'Europe/Berlin')).toEqual({ at: Date.UTC(2027, 2, 28, 1, 30), problem: 'time-does-not-exist', severity: 'warning' })
  expect(wallOf(Date.UTC(2027, 2, 28, 1, 30), 'Europe/Berlin')).toBe('2027-03-28T03:30:00')
  expect(dueAt('2027-10-31T02:30', 'Europe/Berlin')).toEqual({ at: Date.UTC(2027, 9, 31, 0, 30), problem: 'time-exists-twice', severity: 'warning' })
})

test('an offset speaks for itself, whatever the zone', () => {
  for (const zone of [undefined, 'Asia/Dubai']) {
    expect(dueAt('2026-12-01T09:00:00+04:00', zone).at).toBe(Date.UTC(2026, 11, 1, 5))
    expect(dueAt('2026-12-01T09:00Z', zone).at).toBe(Date.UTC(2026, 11, 1, 9))
  }
  expect(dueOf(new Date(hourMs), 'Asia/Dubai', '/at')).toEqual({ at: hourMs })
})

test.each([
  ['2026-12-01T09:00', undefined, 'time-without-zone'],
  ['2026-12-01T09:00', 'Mars/Olympus', 'unknown-zone'],
  ['2026-02-30T09:00', 'UTC', 'no-such-time'],
  ['2026-12-01T24:00', 'UTC', 'no-such-time'],
  ['2026-12-01T09:60', 'UTC', 'no-such-time'],
  ['2026-12-01', 'UTC', 'no-such-time'],
  ['tomorrow', 'UTC', 'no-such-time'],
  ['2026-13-01T09:00:00Z', undefined, 'no-such-time'],
  ['2026-02-30T09:00:00Z', undefined, 'no-such-time'],
  ['2026-02-28T24:00+04:00', undefined, 'no-such-time'],
  [new Date(Number.NaN), undefined, 'no-such-time'],
  [42, undefined, 'no-such-time'],
])('%s in %s is refused as %s', (when, zone, code) => {
  const due = dueOf(when, zone, '/at')
  expect('at' in due).toBe(false)
  expect(due.problem?.code).toBe(code)
  expect(due.problem?.severity).toBeUndefined()
})
