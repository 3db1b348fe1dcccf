import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Detected, detectFacets } from '../src/richtext.ts'

interface Vector {
  text: string
  facets: Detected[]
}

const vectors: { linksAndMentions: Vector[]; tags: Vector[]; cashtags: Vector[] } = JSON.parse(
  readFileSync(new URL('./vectors/rich-text-detection.json', import.meta.url), 'utf8'),
)

const covered = (text: string, { byteStart, byteEnd }: Detected): string => Buffer.from(text).subarray(byteStart, byteEnd).toString()
const features = (text: string) => detectFacets(text).map(({ byteStart: _start, byteEnd: _end, ...feature }) => feature)

describe('the vectors of the official client', () => {
  it.each([...vectors.linksAndMentions, ...vectors.tags, ...vectors.cashtags])('are met by $text', ({ text, facets }) => {
    expect(detectFacets(text)).toEqual(facets)
  })
})

describe('a link', () => {
  it('without a scheme gets https, even when its name begins with http', () => {
    expect(features('see httpbin.org/get')).toEqual([{ kind: 'link', uri: 'https://httpbin.org/get' }])
  })

  it('needs a host, because a server refuses the whole post otherwise', () => {
    for (const text of ['https://', 'https://.', '(https://)', 'https:///path', 'http://?']) expect(detectFacets(text)).toEqual([])
  })

  it('needs a top-level domain that exists when it has no scheme', () => {
    expect(detectFacets('main.ts and v1.2.3 and e.g. this')).toEqual([])
    expect(features('example.photography')).toEqual([{ kind: 'link', uri: 'https://example.photography' }])
  })

  it('with a scheme in capitals is none, as in the official client', () => {
    expect(detectFacets('HTTPS://example.com')).toEqual([])
  })

  it('loses one trailing mark, and a parenthesis it did not open', () => {
    expect(features('(see https://example.com/a_(b)).')).toEqual([{ kind: 'link', uri: 'https://example.com/a_(b))' }])
    expect(features('(https://example.com).')).toEqual([{ kind: 'link', uri: 'https://example.com' }])
    expect(features('https://example.com/!!')).toEqual([{ kind: 'link', uri: 'https://example.com/!' }])
  })
})

describe('a tag', () => {
  it('may be 64 graphemes of many code points each, but not more than 640 bytes', () => {
    expect(features(`#${'é'.repeat(64)}`)).toHaveLength(1)
    expect(features(`#${'e\u0301'.repeat(64)}`)).toHaveLength(1)
    expect(features(`#${'e\u0301'.repeat(65)}`)).toHaveLength(0)
    const letter = 'e\u0301\u0302\u0303\u0304\u0306' // 11 bytes
    expect(features(`#${letter.repeat(58)}`)).toHaveLength(1)
    expect(features(`#${letter.repeat(59)}`)).toHaveLength(0)
  })

  it('ends before a joiner, even inside an emoji, as in the official client', () => {
    expect(features('#👩‍🚀')).toEqual([{ kind: 'tag', tag: '👩' }])
  })

  it('may be Arabic, and ends before punctuation', () => {
    expect(detectFacets('شقة في #دبي، الآن')).toEqual([{ kind: 'tag', tag: 'دبي', byteStart: 12, byteEnd: 19 }])
  })
})

describe('what is detected', () => {
  it('comes in order and without overlap: what starts first wins', () => {
    expect(features('#tag(https://example.com) @handle.com (https://example.org)')).toEqual([
      { kind: 'tag', tag: 'tag(https://example.com' },
      { kind: 'mention', handle: 'handle.com' },
      { kind: 'link', uri: 'https://example.org' },
    ])
  })

  it('is placed in the bytes that are sent, lone surrogates included', () => {
    expect(detectFacets('\uD83D 👩‍🚀 مرحبا @handle.com')).toEqual([{ kind: 'mention', handle: 'handle.com', byteStart: 27, byteEnd: 38 }])
  })

  // biome-ignore format: a table
  const atoms = [
    '@', '@handle.com', '@a.test', '#', '#tag', '＃', '$AAPL', 'http://', 'https://', 'example', '.com', '.', '-', '_', '/', '(', ')', '!', ',', ' ', '\n', '\uFE0F', '\u200D', '\u20E3',
    'é', 'e\u0301', '日本', 'عرب', '👩‍🚀', '🦋', '\uD83D', '\uDE00', '1',
  ]
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...atoms), { maxLength: 20 }).map((parts) => parts.join('')),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  )

  it('is what the bytes say, inside the text and in order', () => {
    fc.assert(
      fc.property(texts, (text) => {
        let at = 0
        for (const facet of detectFacets(text)) {
          const { byteStart, byteEnd } = facet
          expect(byteStart).toBeGreaterThanOrEqual(at)
          at = byteEnd
          const shown = covered(text, facet)
          if (facet.kind === 'mention') expect(shown).toBe(`@${facet.handle}`)
          if (facet.kind === 'link') expect([shown, `https://${shown}`]).toContain(Buffer.from(facet.uri).toString())
          if (facet.kind === 'tag') expect([`#${facet.tag}`, `＃${facet.tag}`, facet.tag].map((tag) => Buffer.from(tag).toString())).toContain(shown)
        }
        expect(at).toBeLessThanOrEqual(Buffer.byteLength(text))
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['letters', 'a'],
    ['labels', 'a.'],
    ['links', 'a.com '],
    ['open parentheses', '(a'],
    ['mentions', '@a.com '],
    ['dashes in a mention', '@-'],
    ['tags', '#a '],
    ['punctuation in a tag', '!!!!!!!!a'],
    ['lone surrogates', '\uD83D'],
  ])('is found in 100 kB of %s in well under a second', (_, unit) => {
    const filled = unit.repeat(Math.ceil(100_000 / unit.length))
    for (const text of [filled, `#${filled}`, `@${filled}`, `https://${filled}`]) {
      const started = performance.now()
      detectFacets(text)
      expect(performance.now() - started).toBeLessThan(1000)
    }
  })
})
