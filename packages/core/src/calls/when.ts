// From what a person means by a time to an instant. Pure.
//
// The rule for hours that do not exist or exist twice (a change to or from summer time): a time that does not exist moves forward by the length of the gap
// (02:30 becomes 03:30), a time that exists twice is its first occurrence. Both are reported by `check` as warnings.

import type { Problem } from '../contract/limits.ts'

/** A `Date`; text with an offset or `Z`; or a wall time `2026-12-01T09:00` together with a `timeZone`. */
export type When = Date | string

export interface Due {
  /** Epoch ms. */
  readonly at: number
  readonly wall?: { readonly at: string; readonly timeZone: string }
  readonly problem?: Problem
}

const wallPattern = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/
const offsetPattern = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$/i
const dayMs = 86_400_000
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Undefined: not the name of a time zone. */
const formatterOf = (timeZone: string): Intl.DateTimeFormat | undefined => {
  try {
    const known =
      formatters.get(timeZone) ??
      new Intl.DateTimeFormat('en-US', {
        timeZone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
        era: 'short',
      })
    formatters.set(timeZone, known)
    return known
  } catch {
    return undefined
  }
}

export const isZone = (timeZone: unknown): timeZone is string => typeof timeZone === 'string' && formatterOf(timeZone) !== undefined

/** How far the zone's wall clock is ahead of UTC at an instant, in ms. */
const offsetAt = (formatter: Intl.DateTimeFormat, at: number): number => {
  const parts = Object.fromEntries(formatter.formatToParts(at).map(({ type, value }) => [type, value]))
  const wall = Date.UTC(Number(parts.year), Number(parts.month) - 1, Number(parts.day), Number(parts.hour), Number(parts.minute), Number(parts.second))
  return wall - Math.floor(at / 1000) * 1000
}

/** The wall time as if it were UTC; undefined where the calendar has no such day or hour. */
const asUtc = (text: string): number | undefined => {
  const [, year, month, day, hour, minute, second = '0', fraction = '0'] = wallPattern.exec(text) ?? []
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0')))
  if (Number.isNaN(at)) return undefined
  const back = new Date(at)
  const same =
    back.getUTCFullYear() === Number(year) &&
    back.getUTCMonth() === Number(month) - 1 &&
    back.getUTCDate() === Number(day) &&
    back.getUTCHours() === Number(hour) &&
    back.getUTCMinutes() === Number(minute)
  return same && Number(second) < 60 ? at : undefined
}

/** `Date.parse` would take the 30th of February for the 2nd of March. */
const ofOffset = (text: string): number => {
  const [, wall, fraction = '', offset = ''] = offsetPattern.exec(text) ?? []
  return wall === undefined || asUtc(wall.toUpperCase()) === undefined ? Number.NaN : Date.parse(`${wall}${fraction.slice(0, 4)}${offset}`.toUpperCase())
}

/** The instants that show as this wall time in the zone, earliest first; where none does, the one that the gap moves it to. */
const instantsOf = (wallUtc: number, formatter: Intl.DateTimeFormat): { readonly at: readonly number[]; readonly gap: boolean } => {
  const before = offsetAt(formatter, wallUtc - dayMs)
  const after = offsetAt(formatter, wallUtc + dayMs)
  const real = [...new Set([wallUtc - before, wallUtc - after])].filter((at) => offsetAt(formatter, at) === wallUtc - at).sort((a, b) => a - b)
  return real.length > 0 ? { at: real, gap: false } : { at: [wallUtc - before], gap: true }
}

const bad = (pointer: string, code: string, actual: string, fix: string): { problem: Problem } => ({ problem: { code, pointer, actual, fix } })
const warn = (pointer: string, code: string, actual: string, fix: string): Problem => ({ code, pointer, actual, fix, severity: 'warning' })

export const unknownZone = (timeZone: unknown): Problem =>
  bad('/timeZone', 'unknown-zone', String(timeZone).slice(0, 64), 'Name an IANA time zone such as `Europe/Berlin` or `Asia/Dubai`.').problem

const ofWall = (text: string, timeZone: string | undefined, pointer: string): Due | { problem: Problem } => {
  if (timeZone === undefined) return bad(pointer, 'time-without-zone', text, 'Add `timeZone` (e.g. `Asia/Dubai`), or an offset to the time (`…+04:00`, `…Z`).')
  const formatter = formatterOf(timeZone)
  if (!formatter) return { problem: unknownZone(timeZone) }
  const wallUtc = asUtc(text)
  if (wallUtc === undefined) return bad(pointer, 'no-such-time', text, 'Write a date and time that the calendar has, as `2026-12-01T09:00`.')
  const { at, gap } = instantsOf(wallUtc, formatter)
  const wall = { at: text, timeZone }
  const first = at[0] as number
  if (gap)
    return {
      at: first,
      wall,
      problem: warn(pointer, 'time-does-not-exist', text, `The clocks in ${timeZone} skip this time; it goes out later by the length of the gap.`),
    }
  if (at.length > 1)
    return {
      at: first,
      wall,
      problem: warn(pointer, 'time-exists-twice', text, `The clocks in ${timeZone} show this time twice; it goes out at the first one.`),
    }
  return { at: first, wall }
}

/** The instant that is meant, or the problem that keeps it from being known. */
export const dueOf = (when: unknown, timeZone: string | undefined, pointer: string): Due | { problem: Problem } => {
  if (when instanceof Date) return Number.isNaN(when.getTime()) ? bad(pointer, 'no-such-time', 'Invalid Date', 'Give a valid `Date`.') : { at: when.getTime() }
  if (typeof when !== 'string') return bad(pointer, 'no-such-time', typeof when, 'Give a `Date`, or text such as `2026-12-01T09:00`.')
  if (wallPattern.test(when)) return ofWall(when, timeZone, pointer)
  const at = ofOffset(when)
  return Number.isNaN(at)
    ? bad(pointer, 'no-such-time', when.slice(0, 40), 'Write it as `2026-12-01T09:00` with a `timeZone`, or as `2026-12-01T09:00:00+04:00`.')
    : { at }
}
