// Wall times and zones, held against another implementation of them.

import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { dueOf } from '../../src/calls/when.ts'

const day = 86_400_000
const years = [2020, 2036] as const

/** Every instant in these years at which a zone's clocks change, by the other implementation. */
const transitionsOf = (zone: string): Temporal.ZonedDateTime[] => {
  const found: Temporal.ZonedDateTime[] = []
  const end = Temporal.Instant.from(`${years[1]}-01-01T00:00Z`)
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.from(`${years[0]}-01-01T00:00Z`).toZonedDateTimeISO(zone)
  while (at) {
    at = at.getTimeZoneTransition('next')
    if (!at || Temporal.Instant.compare(at.toInstant(), end) >= 0) break
    found.push(at)
  }
  return found
}

const expected = (wall: Temporal.PlainDateTime, zone: string): { at: number; code: string | undefined } => {
  const earlier = wall.toZonedDateTime(zone, { disambiguation: 'earlier' })
  const later = wall.toZonedDateTime(zone, { disambiguation: 'later' })
  const same = earlier.epochMilliseconds === later.epochMilliseconds
  const gap = !same && !earlier.toPlainDateTime().equals(wall)
  // A gap moves forward by its length; of two that are the same the first.
  return { at: gap ? later.epochMilliseconds : earlier.epochMilliseconds, code: same ? undefined : gap ? 'time-does-not-exist' : 'time-exists-twice' }
}

const check = (wall: Temporal.PlainDateTime, zone: string): void => {
  const text = wall.toString({ smallestUnit: 'second' })
  const due = dueOf(text, zone, '/at')
  const what = `${text} in ${zone}`
  const { at, code } = expected(wall, zone)
  expect('at' in due ? due.at : undefined, what).toBe(at)
  expect(due.problem?.code, what).toBe(code)
  expect('at' in due && due.wall, what).toEqual({ at: text, timeZone: zone })
}

describe('against another implementation', () => {
  const zones = Intl.supportedValuesOf('timeZone')

  test(`all ${zones.length} zones agree, at and around every change of their clocks from ${years[0]} to ${years[1] - 1}`, { timeout: 120_000 }, () => {
    let tried = 0
    for (const [z, zone] of zones.entries()) {
      const all = transitionsOf(zone)
      // Zones with rules repeat themselves: a few of each suffice, others each time.
      const sampled = all.length <= 4 ? all : all.filter((_, i) => (i + z) % 9 < 2)
      for (const transition of sampled) {
        const wall = transition.toPlainDateTime()
        const before = transition.subtract({ nanoseconds: 1 }).toPlainDateTime().round('second')
        for (const minutes of [-1_441, -61, -60, -31, -30, -1, 0, 1, 29, 30, 31, 59, 60, 61, 1_441]) check(wall.add({ minutes }), zone)
        check(before, zone)
        tried += 16
      }
    }
    expect(tried).toBeGreaterThan(3_000)
  })

  test('and on ordinary days', () => {
    for (const zone of zones)
      for (const text of ['2024-02-29T12:34:56', '2026-12-31T23:59:59', '2030-06-15T00:00:00']) check(Temporal.PlainDateTime.from(text), zone)
  })
})

describe('a time with a zone', () => {
  const at = (text: string, zone = 'Europe/Berlin') => {
    const due = dueOf(text, zone, '/at')
    return 'at' in due ? new Date(due.at).toISOString() : due.problem.code
  }
  test('that the clocks skip goes out later by the length of the gap', () => expect(at('2026-03-29T02:30')).toBe('2026-03-29T01:30:00.000Z'))
  test('that they show twice goes out the first time', () => expect(at('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z'))
  test('of a zone whose gap is half an hour', () => expect(at('2026-10-04T02:15', 'Australia/Lord_Howe')).toBe('2026-10-03T15:45:00.000Z'))
  test('takes a space for the T, seconds and fractions', () => {
    expect(at('2026-12-01 09:00')).toBe('2026-12-01T08:00:00.000Z')
    expect(at('2026-12-01T09:00:07.5')).toBe('2026-12-01T08:00:07.500Z')
  })
  test.each(['2026-02-30T09:00', '2026-13-01T09:00', '2026-12-01T24:00', '2026-12-01T09:60', '2026-12-01T09:00:60', '2027-02-29T09:00', '0099-01-01T00:00'])(
    '%s is no time',
    (text) => expect(at(text)).toBe('no-such-time'),
  )
  test.each(['Mars/Olympus', '', 'UTC+25', '../etc', 'x'.repeat(10_000)])('the zone %s is unknown', (zone) =>
    expect(at('2026-12-01T09:00', zone)).toBe('unknown-zone'),
  )
  test('without its zone is asked for it', () => {
    const due = dueOf('2026-12-01T09:00', undefined, '/times/x')
    expect(due.problem).toMatchObject({ code: 'time-without-zone', pointer: '/times/x', fix: expect.stringContaining('timeZone') })
  })
})

describe('an instant', () => {
  test.each([
    ['2026-12-01T09:00Z', Date.UTC(2026, 11, 1, 9)],
    ['2026-12-01T09:00:30.25+04:00', Date.UTC(2026, 11, 1, 5, 0, 30, 250)],
    ['2026-12-01T09:00+0530', Date.UTC(2026, 11, 1, 3, 30)],
    ['2026-12-01t09:00:00.123456789z', Date.UTC(2026, 11, 1, 9, 0, 0, 123)],
    ['2024-02-29T23:59:59-12:00', Date.UTC(2024, 2, 1, 11, 59, 59)],
  ])('%s', (text, at) => expect(dueOf(text, undefined, '/at')).toEqual({ at }))

  test.each(['2026-02-30T09:00Z', '2026-04-31T09:00+02:00', '2026-12-01T24:00Z', '2026-12-01T09:00:60Z', '2026-12-01T09:00+99:00', '2027-02-29T00:00Z'])(
    '%s is none: no day is moved to the next month in silence',
    (text) => expect(dueOf(text, undefined, '/at').problem?.code).toBe('no-such-time'),
  )
  test.each(['', 'tomorrow', '2026-12-01', '1764580000', 'Tue, 01 Dec 2026 09:00:00 GMT', '2026-12-01T09:00 CET', `2026-12-01T09:00${' '.repeat(50_000)}Z`])(
    '%s is none',
    (text) => expect(dueOf(text, 'UTC', '/at').problem?.code).toBe('no-such-time'),
  )
  test.each([[42], [null], [undefined], [{}], [[]], [new Date(Number.NaN)]])('%s is none', (value) =>
    expect(dueOf(value, 'UTC', '/at').problem?.code).toBe('no-such-time'),
  )
  test('a `Date` is taken as it is', () => expect(dueOf(new Date(5 * day), undefined, '/at')).toEqual({ at: 5 * day }))
})
