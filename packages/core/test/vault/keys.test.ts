// The option `keys`: what is taken, what is refused, and that no message shows a key.

import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { generateKey, parseKeys } from '../../src/vault/keys.ts'

const thrown = (run: () => unknown): TypeError => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return error as TypeError
  }
  throw new Error('nothing was thrown')
}

test('takes one key in base64, base64url or hex, with and without padding, as the same key', () => {
  const bytes = randomBytes(32)
  const forms = [
    bytes.toString('base64'),
    bytes.toString('base64').replace('=', ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ]
  expect(new Set(forms.map((form) => parseKeys(form).primary.id)).size).toBe(1)
})

test('takes several keys separated by commas, spaces or lines, or as a list; the first one seals', () => {
  const [a, b, c] = [generateKey(), generateKey(), generateKey()]
  const first = parseKeys(a).primary.id
  for (const given of [`${a},${b},${c}`, ` ${a}\n${b}\t${c}\n`, [a, b, c], [`${a}, ${b}`, c]]) {
    const ring = parseKeys(given)
    expect(ring.primary.id).toBe(first)
    expect(ring.keys).toHaveLength(3)
    expect(ring.keys.every(({ id }) => ring.find(id)?.id === id)).toBe(true)
  }
})

test('makes keys that it takes itself, never twice the same', () => {
  const keys = Array.from({ length: 1_000 }, generateKey)
  expect(new Set(keys).size).toBe(1_000)
  expect(parseKeys(keys).keys).toHaveLength(1_000)
})

const bad: readonly (readonly [why: string, keys: unknown, says: RegExp])[] = [
  ['nothing', undefined, /missing/],
  ['an empty string', '', /missing/],
  ['only separators', ' , \n', /missing/],
  ['an empty list', [], /missing/],
  ['a number', 42, /string/],
  ['a list with a number', [generateKey(), 42], /string/],
  ['a password', 'correct horse battery staple', /bytes|password/],
  ['a password with signs', 'hunter2!', /password/],
  ['16 bytes', randomBytes(16).toString('base64'), /16 bytes; it must have 32/],
  ['33 bytes', randomBytes(33).toString('base64url'), /33 bytes/],
  ['base64 that is not the canonical text', `${randomBytes(32).toString('base64url').slice(0, 42)}_`, /keys: the key/],
  ['all zeros', Buffer.alloc(32).toString('hex'), /all zeros/],
  ['one byte repeated', Buffer.alloc(32, 0xab).toString('base64'), /one byte repeated/],
  ['bytes that count up', Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('hex'), /counts up or down/],
  ['bytes that count down', Buffer.from(Array.from({ length: 32 }, (_, at) => 255 - at)).toString('hex'), /counts up or down/],
  ['a password of 32 characters in base64', Buffer.from('this-is-my-very-secret-password!').toString('base64'), /password/],
  ['four bytes over and over', Buffer.from('deadbeef'.repeat(8), 'hex').toString('hex'), /repeats/],
  ['the example key of the docs', createHash('sha256').update('syndikit example key 1').digest('base64'), /example key/],
]
test.each(bad)('refuses %s, and says how to mend it', (_, keys, says) => {
  const { message } = thrown(() => parseKeys(keys as string))
  expect(message).toMatch(/^keys: /)
  expect(message).toMatch(says)
  expect(message).toContain('generateKey()')
})

test('refuses a key given twice, and says which', () => {
  const [a, b] = [generateKey(), generateKey()]
  const hex = Buffer.from(a, 'base64url').toString('hex')
  expect(thrown(() => parseKeys([a, b, hex])).message).toBe('keys: key 3 is key 1 again. Remove one of them.')
})

test('never shows a key in a message or when the ring is printed', () => {
  const good = generateKey()
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 80 }).filter((text) => !/[\s,]/.test(text)),
      (text) => {
        try {
          parseKeys([good, text])
        } catch (error) {
          expect((error as Error).message).not.toContain(text)
          expect((error as Error).message).not.toContain(good)
        }
      },
    ),
  )
  const ring = parseKeys(good)
  const printed = inspect(ring, { depth: 9, showHidden: true }) + JSON.stringify(ring)
  expect(printed).not.toContain(good)
  expect(printed).not.toContain(Buffer.from(good, 'base64url').toString('hex'))
})
