// Ids that sort by their time, and one text for one meaning.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical, createIds } from '../../src/calls/ids.ts'
import { systemRandom } from '../../src/ports/system.ts'

const clockAt = (start: number) => {
  const at = { now: start }
  return { at, clock: { now: () => at.now, elapsed: () => at.now, sleep: async () => undefined } }
}
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('ids', () => {
  test('are UUIDs of version 7 that carry their time', () => {
    const { clock } = clockAt(Date.UTC(2026, 10, 20))
    const id = createIds(clock, systemRandom)()
    expect(id).toMatch(uuid7)
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(clock.now())
  })

  test('a million in one process: all different, each greater than the one before, whatever the clock does', () => {
    const { at, clock } = clockAt(Date.UTC(2026, 10, 20))
    const next = createIds(clock, { bytes: (length) => new Uint8Array(length), fraction: () => 0 })
    let before = ''
    for (let n = 0; n < 1_000_000; n++) {
      if (n % 1_000 === 0) at.now += n % 3_000 === 0 ? -50 : 1
      const id = next()
      if (id <= before) throw new Error(`${id} after ${before}`)
      before = id
    }
    expect(before).toMatch(uuid7)
  })

  test('of two processes that begin in the same millisecond never meet', () => {
    const { clock } = clockAt(Date.UTC(2026, 10, 20))
    const [one, two] = [createIds(clock, systemRandom), createIds(clock, systemRandom)]
    const all = new Set(Array.from({ length: 50_000 }, () => [one(), two()]).flat())
    expect(all.size).toBe(100_000)
  })

  test('a clock with fractions makes ids like any other', () => {
    const { clock } = clockAt(1_700_000_000_000.75)
    expect(createIds(clock, systemRandom)()).toMatch(uuid7)
  })
})

describe('canonical', () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, reversed(member)]),
    )
  }
  test('the order of members does not matter', () =>
    fc.assert(fc.property(fc.jsonValue(), (value) => void expect(canonical(reversed(value))).toBe(canonical(value)))))
  test('everything else does: it reads back as what it was', () =>
    fc.assert(fc.property(fc.jsonValue(), (value) => void expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value))))))
  test.each([
    [{ a: 1, b: undefined }, { a: 1 }],
    [
      [1, undefined],
      [1, null],
    ],
    [Object.assign([1], { 2: 2 }), [1, null, 2]],
    [{ at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('%j is %j', (a, b) => expect(canonical(a)).toBe(canonical(b)))
  test.each([
    [{ a: '1' }, { a: 1 }],
    [['ab'], ['a', 'b']],
    [{ a: { b: 1 } }, { a: 1, b: 1 }],
    [{ 'a":1,"b': 1 }, { a: 1, b: 1 }],
    [[], {}],
    ['null', null],
  ])('%j is not %j', (a, b) => expect(canonical(a)).not.toBe(canonical(b)))
})
