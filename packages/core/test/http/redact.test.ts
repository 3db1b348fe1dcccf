// No secret comes through, whatever stands around it, in whatever form it went over the wire.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redact } from '../../src/http/redact.ts'

const canary = 'canary+/=1 ü%"x'

describe('a secret', () => {
  test.each([
    ['as it is', canary],
    ['in a query', encodeURIComponent(canary)],
    ['in a query, in small letters', encodeURIComponent(canary).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['in a form', new URLSearchParams({ '': canary }).toString().slice(1)],
    ['in JSON', JSON.stringify(canary).slice(1, -1)],
  ])('%s', (_, form) => expect(redact(`before ${form} after`, [canary])).toBe('before [secret] after'))

  test('that begins with another one leaves no end behind', () => {
    expect(redact('key=abcdefgh', ['abcd', 'abcdefgh'])).toBe('key=[secret]')
    expect(redact('key=abcdefgh', ['abcdefgh', 'abcd'])).toBe('key=[secret]')
  })

  test('behind any length of anything', () => {
    for (const filler of [' ', 'x', '\n', 'é'])
      for (const length of [3_990, 4_000, 8_191, 100_000]) expect(redact(`${filler.repeat(length)}canary-secret`, ['canary-secret'])).not.toContain('canary')
  })

  test('with half a character does not throw', () => expect(redact('a \ud83d b', ['\ud83d-secret'])).toContain('a'))

  test('whatever it is and whatever stands around it', () =>
    fc.assert(
      fc.property(
        fc
          .string({ minLength: 4, maxLength: 40, unit: 'grapheme' })
          .filter((text) => text.trim().length >= 4 && !'[secret]'.includes(text) && !text.includes('[secret]')),
        fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(' ', '\n', '?', '=', '"', '//', '@', 'Bearer '), fc.constant(undefined)), {
          maxLength: 20,
        }),
        (secret, pieces) => {
          const around = pieces.filter((piece) => piece !== undefined).join('')
          fc.pre(!around.includes(secret))
          const text = pieces.map((piece) => piece ?? secret).join(' ')
          const clean = redact(text, [secret])
          // What was only put together by removing what stood between is not the secret that was there.
          if (clean.includes(secret)) expect(redact(pieces.map((piece) => piece ?? '').join(' '))).toContain(secret)
          expect(clean.length).toBeLessThanOrEqual(300)
        },
      ),
      { numRuns: 2_000 },
    ))
})

describe('without being told of it', () => {
  test.each([
    ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer [secret]'],
    ['basic dXNlcjpwYXNz', 'basic [secret]'],
    ['DPoP eyJhbGciOi', 'DPoP [secret]'],
    ['see https://a.example/b?token=xyz&q=1 please', 'see https://a.example/b please'],
    ['GET /v1/me?access_token=xyz failed', 'GET /v1/me failed'],
    ['postgres://user:password@db.example/x', 'postgres://db.example/x'],
    ['what? why?', 'what? why?'],
  ])('%s', (text, expected) => expect(redact(text)).toBe(expected))

  test('one line, without control characters, of at most 300 characters', () => {
    expect(redact('a\r\n\tb\u0000c\u001b[31md')).toBe('a b c [31md')
    expect(redact('x'.repeat(1_000))).toHaveLength(300)
  })

  test('in time that grows with the text and no faster', () => {
    for (const text of ['http://'.repeat(20_000), '?a='.repeat(50_000), 'Bearer '.repeat(20_000), '//@'.repeat(50_000), ' '.repeat(200_000)]) {
      const began = performance.now()
      redact(text, ['secret'])
      expect(performance.now() - began).toBeLessThan(500)
    }
  })
})
