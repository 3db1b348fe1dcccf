import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dangersIn } from '../../src/content/shape.ts'

const found = (value: unknown) => dangersIn(value).map(({ code, pointer }) => `${code} ${pointer}`)

test('finds every forbidden key at any depth, and writes its pointer as JSON pointers are written', () => {
  const value = JSON.parse('{"a":{"__proto__":{"admin":true}},"list":[{"constructor":1},{"b/c~d":{"prototype":null}}],"__proto__":1}')
  expect(found(value)).toEqual([
    'forbidden-key /a/__proto__',
    'forbidden-key /list/0/constructor',
    'forbidden-key /list/1/b~1c~0d/prototype',
    'forbidden-key /__proto__',
  ])
})

test('nothing is inherited by looking', () => {
  found(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'))
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('plain values, and keys that only resemble forbidden ones, are fine', () => {
  for (const value of [undefined, null, 1, 'constructor', [], { proto: 1, Constructor: 2, '__proto__ ': 3 }, { text: '__proto__' }])
    expect(found(value)).toEqual([])
})

test('a text that no platform gets as it is, at any depth: the first such place of each', () => {
  expect(found({ a: ['x\0y\0', { b: 'cut \ud83d' }], c: '\udc00' })).toEqual(['nul-character /a/0', 'half-character /a/1/b', 'half-character /c'])
  expect(found({ a: '😀 👨‍👩‍👧‍👦 مرحبا \u0007 \ufffd \uffff' })).toEqual([])
})

const nested = (depth: number) => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value }
  return value
}

test('32 levels are fine, and more are not', () => {
  expect(found(nested(33))).toEqual([])
  expect(found(nested(34))).toEqual([expect.stringMatching(/^too-deep (\/(a|0)){33}$/)])
  expect(found(nested(20_000))).toHaveLength(1)
})

test('a value that contains itself ends', () => {
  const loop: Record<string, unknown> = {}
  loop.self = loop
  expect(found(loop)).toEqual([expect.stringMatching(/^too-deep (\/self)+$/)])
})

test('1 MB is fine, and more is not, however it is made', () => {
  expect(found({ text: 'x'.repeat(990_000) })).toEqual([])
  expect(found({ text: 'é'.repeat(600_000) })).toEqual(['too-large '])
  expect(found({ ['k'.repeat(1_100_000)]: 1 })).toEqual(['too-large '])
  expect(found(Array.from({ length: 600_000 }, () => 0))).toEqual(['too-large '])
})

test('parts that are shared many times over end quickly', () => {
  let value: unknown = 'x'
  for (let i = 0; i < 30; i++) value = [value, value, value, value]
  const began = process.cpuUsage()
  expect(found(value)).toEqual(['too-large '])
  // Of the processor, not of the clock: a busy machine proves nothing.
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(1_000)
  const wide = Array.from({ length: 1_000 }, () => ({}) as Record<string, unknown>)
  for (const one of wide) one.all = wide
  expect(found(wide)).toContain('too-large ')
})

test('for any JSON: nothing is reported exactly where no forbidden key stands', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value)
      const stands = /"(__proto__|constructor|prototype)":/.test(text)
      if (!stands) expect(found(JSON.parse(text))).toEqual([])
      expect(found(JSON.parse(`{"a":[${text},{"__proto__":${text}}]}`))).toContain('forbidden-key /a/1/__proto__')
    }),
  )
})
