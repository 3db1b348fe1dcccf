// The sealed form: opens only whole, only under its key, only in its place.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemRandom } from '../../src/ports/system.ts'
import { EnvelopeError, openBytes, type Place, sealBytes } from '../../src/vault/envelope.ts'
import { generateKey, parseKeys } from '../../src/vault/keys.ts'

const ring = parseKeys([generateKey(), generateKey()])
const other = parseKeys(generateKey())
const place: Place = { deployment: 'live', table: 'grant', tenant: 't1', row: 'g1', field: 'access', version: 3 }
const seal = (text: string, at = place) => sealBytes(ring.primary, at, Buffer.from(text), systemRandom)
const open = (envelope: unknown, at = place) => openBytes(ring.find, at, envelope).toString()
const whyOf = (run: () => unknown): string => {
  try {
    run()
    return 'opened'
  } catch (error) {
    if (error instanceof EnvelopeError) return error.why
    throw error
  }
}

test('gives back what was sealed, whatever it was', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => open(seal(text)) === Buffer.from(text).toString()))
})

test('says its format and key, and nothing of the value', () => {
  const envelope = seal('canary-token')
  expect(envelope).toMatch(/^sk1\.[\w-]{8}\.[\w-]{16}\.[\w-]+$/)
  expect(envelope.split('.')[1]).toBe(ring.primary.id)
  expect(Buffer.from(envelope.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('canary')
})

test('never uses an IV twice in 100,000 seals of the same value', () => {
  const ivs = new Set(Array.from({ length: 100_000 }, () => seal('x').split('.')[2]))
  expect(ivs.size).toBe(100_000)
})

test('opens in no other place: every field of the place is bound', () => {
  const envelope = seal('value')
  const elsewhere: Partial<Place>[] = [
    { deployment: 'staging' },
    { table: 'account' },
    { tenant: 't2' },
    { row: 'g2' },
    { field: 'refresh' },
    { version: 2 },
    { version: 4 },
  ]
  for (const change of elsewhere) expect(whyOf(() => open(envelope, { ...place, ...change }))).toBe('changed or moved')
})

test('two places whose joined text is the same are still two places', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.nat(20), (a, b, c, cut) => {
      const joined = a + b + c
      const shifted = { ...place, tenant: joined.slice(0, cut), row: joined.slice(cut), field: '' }
      const here = { ...place, tenant: a, row: b, field: c }
      if (shifted.tenant === a && shifted.row === b && c === '') return true
      return whyOf(() => open(seal('v', here), shifted)) === 'changed or moved'
    }),
  )
})

test('every single flipped bit is noticed', () => {
  const envelope = seal('a token of some length')
  const [format, keyId, iv = '', body = ''] = envelope.split('.')
  for (const [name, part] of [
    ['iv', iv],
    ['body', body],
  ] as const) {
    const bytes = Buffer.from(part, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const text = flipped.toString('base64url')
      expect(whyOf(() => open([format, keyId, name === 'iv' ? text : iv, name === 'body' ? text : body].join('.')))).toBe('changed or moved')
    }
  }
})

test('every cut is noticed, and no other text stands for the same envelope', () => {
  const envelope = seal('a token of some length')
  for (let length = 0; length < envelope.length; length++) expect(whyOf(() => open(envelope.slice(0, length)))).not.toBe('opened')
  for (const more of ['=', '\n', ' ', '.', 'A', '.x']) expect(whyOf(() => open(envelope + more))).not.toBe('opened')
  expect(whyOf(() => open(envelope.replace('sk1', 'SK1')))).toBe('not an envelope')
})

test('an unknown format or key is an error of its own, and plain text is never passed through', () => {
  expect(whyOf(() => open(seal('v').replace('sk1', 'sk2')))).toBe('another format')
  expect(whyOf(() => open(sealBytes(other.primary, place, Buffer.from('v'), systemRandom)))).toBe('unknown key')
  for (const value of ['plain-token', '', 'null', null, undefined, 42, {}, ['sk1'], 'sk1.x.y.z']) expect(whyOf(() => open(value))).toBe('not an envelope')
})

test('100,000 hostile envelopes: none opens, none fails in another way', () => {
  const good = seal('value')
  const parts = good.split('.')
  const piece = fc.oneof(
    fc.constantFrom(...parts, '', 'sk1', 'sk2', ring.primary.id, ring.keys[1]?.id ?? ''),
    fc.string({ maxLength: 60 }),
    fc.base64String({ maxLength: 80 }),
  )
  const hostile = fc.oneof(
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('.')),
    fc.string({ unit: 'binary', maxLength: 120 }),
    fc.tuple(fc.nat(good.length), fc.nat(good.length), fc.string({ maxLength: 4 })).map(([from, to, text]) => good.slice(0, from) + text + good.slice(to)),
    fc.anything(),
  )
  fc.assert(
    fc.property(hostile, (envelope) => envelope === good || whyOf(() => open(envelope)) !== 'opened'),
    { numRuns: 100_000 },
  )
}, 120_000)
