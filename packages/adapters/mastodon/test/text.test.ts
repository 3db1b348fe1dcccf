import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findLinks } from '../src/links.ts'
import { countCharacters } from '../src/text.ts'

const linksIn = (text: string): string[] => findLinks(text).map(({ start, end }) => text.slice(start, end))

// Cases and figures of Mastodon's spec/validators/status_length_validator_spec.rb, at mastodon/mastodon d5e278df7b41542a955f04b6a10dd8c2ee927a66.
describe('the length of a status', () => {
  const link = `http://${'b'.repeat(30)}.com/example`

  it.each([
    ['plain text', 'a'.repeat(520), 520],
    ['a link after a space', `${'a'.repeat(476)} ${link}`, 500],
    ['a link that touches the word before', `${'a'.repeat(476)}${link}`, 476 + link.length],
    ['a link over 4,096 characters', `http://example.com/valid?${'#foo?'.repeat(1000)}`, 5025],
    ['the name of someone elsewhere without the host', `${'a'.repeat(475)} @alice@${'b'.repeat(30)}.com`, 482],
    ['the whole of a mention whose host is too long', `@alice@${'b'.repeat(500)}.com`, 511],
    ['an emoji of several bytes as one', '✨'.repeat(500), 500],
    ['a joined emoji as one', '🏳️‍⚧️'.repeat(500), 500],
  ])('counts %s', (_, text, length) => {
    expect(countCharacters(text)).toBe(length)
  })

  it('counts a link as long as the instance says', () => {
    expect(countCharacters('see https://example.com/a/path', 30)).toBe(34)
    expect(countCharacters('https://x.com', 0)).toBe(0)
  })

  it('counts nothing for nothing but spaces', () => {
    expect(countCharacters('')).toBe(0)
    expect(countCharacters(' \n\u3000')).toBe(0)
  })

  it.each([
    ['Arabic with marks', 'مُحَمَّد', 4],
    ['Hebrew with points', 'שָׁלוֹם', 4],
    ['a decomposed letter', 'e\u0301', 1],
    ['flags', '🇦🇪🇵🇸', 2],
    ['a family', '👨‍👩‍👧‍👦', 1],
    ['a line break of two characters', 'a\r\nb', 3],
    ['a lone surrogate', '\uD83D', 1],
  ])('counts %s in grapheme clusters', (_, text, length) => {
    expect(countCharacters(text)).toBe(length)
  })

  it.each([
    ['a local mention', '@alice', '@alice'],
    ['a mention elsewhere', 'hi @alice@social.example, hi', 'hi @alice, hi'],
    ['a name with dots and dashes', '@a.l-ice_1@a-b.social', '@a.l-ice_1'],
    ['a host in another script', '@alice@دبي.example', '@alice'],
    ['a mail address', 'alice@example.com', 'alice@example.com'],
    ['a mention that goes on', '@alice@example.com@more', '@alice@example.com@more'],
    ['a path', '/@alice@example.com', '/@alice@example.com'],
    ['what is no mention because of the accent after it', '@alice@example.com!é @alice@b.c×', '@alice!é @alice×'],
  ])('counts %s as Mastodon shows it', (_, text, counted) => {
    expect(countCharacters(text)).toBe(counted.length)
  })

  it('counts a mention inside a link with the link', () => {
    expect(countCharacters('https://mastodon.social/@alice@example.com')).toBe(23)
  })

  it('is a whole number for any code units, and never throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
        (text) => {
          expect(countCharacters(text)).toBeLessThanOrEqual(text.length)
        },
      ),
    )
  })

  it('of pieces with spaces between them is the sum of the pieces and the spaces', () => {
    const pieces = fc.array(
      fc.constantFrom('word', 'https://example.com/a?b=c', '@alice@example.com', '@bob', '👩‍🚀', '🇦🇪', 'مرحبا', '日本', '(http://a.org)', '#tag', 'a.org'),
    )
    fc.assert(
      fc.property(pieces, (words) => {
        const sum = words.reduce((length, word) => length + countCharacters(word), Math.max(words.length - 1, 0))
        expect(countCharacters(words.join(' '))).toBe(sum)
      }),
    )
  })
})

// Texts and links of Mastodon's spec/lib/text_formatter_spec.rb, at glitch-soc/mastodon 839591f21bde483366347a4e5e9a85603f20d0a2, which follows it.
describe('a link', () => {
  it.each([
    ['alone', 'http://google.com', 'http://google.com'],
    ['with a newer top-level domain', 'http://example.gay', 'http://example.gay'],
    ['with a host in another script', 'https://nic.みんな/', 'https://nic.みんな/'],
    ['before a full stop', 'http://www.example.com/post/156-scottsdale-arizona. ', 'http://www.example.com/post/156-scottsdale-arizona'],
    ['in parentheses', '(http://google.com/)', 'http://google.com/'],
    ['before an exclamation mark', 'http://www.google.com!', 'http://www.google.com'],
    ['before a single quote', "http://www.google.com'", 'http://www.google.com'],
    ['before an angle bracket', 'http://www.google.com>', 'http://www.google.com'],
    ['with an encoded query', 'https://example.com/search?utf8=%E2%9C%93&q=autolink', 'https://example.com/search?utf8=%E2%9C%93&q=autolink'],
    ['with a query beyond ASCII', 'https://example.com/search?utf8=✓&q=autolink', 'https://example.com/search?utf8=✓&q=autolink'],
    ['that ends beyond ASCII', 'https://example.com/search?utf8=✓', 'https://example.com/search?utf8=✓'],
    ['with parentheses in it', 'https://en.wikipedia.org/wiki/Diaspora_(software)', 'https://en.wikipedia.org/wiki/Diaspora_(software)'],
    ['in quotation marks', '"https://example.com/"', 'https://example.com/'],
    ['in angle brackets', '<https://example.com/>', 'https://example.com/'],
    ['with a Japanese path', 'https://ja.wikipedia.org/wiki/日本', 'https://ja.wikipedia.org/wiki/日本'],
    ['with a Korean path', 'https://ko.wikipedia.org/wiki/대한민국', 'https://ko.wikipedia.org/wiki/대한민국'],
    ['before a full-width space', 'https://example.com/　abc123', 'https://example.com/'],
    ['in Japanese brackets', '「[https://example.org/」', 'https://example.org/'],
    ['that ends with an at sign', 'https://gta.fandom.com/wiki/TW@ Content', 'https://gta.fandom.com/wiki/TW@'],
    ['before markup', 'http://example.com/b<del>b</del>', 'http://example.com/b'],
  ])('%s is found', (_, text, link) => {
    expect(linksIn(text)).toEqual([link])
  })

  it.each([
    ['with another scheme Mastodon knows', 'gemini://example.org/x', ['gemini://example.org/x']],
    ['next to Japanese', 'これはhttp://example.comです', ['http://example.com']],
    ['to an onion service', 'http://example.onion/x', ['http://example.onion/x']],
    ['to t.co, cut after its slug', 'https://t.co/abc-def', ['https://t.co/abc']],
    ['with a port', 'https://example.com:8443/x', ['https://example.com:8443/x']],
  ])('%s is found', (_, text, links) => {
    expect(linksIn(text)).toEqual(links)
  })

  it.each([
    ['without a scheme', 'example.com/path'],
    ['in what follows a domain without a scheme', 'example.com/http://example.org'],
    ['to an address', 'http://192.168.0.1/x'],
    ['to a name that cannot be', 'http://social.invalid/@bob'],
    ['with a name in it', 'https://user:word@example.com/'],
    ['with an underscore in the domain', 'http://a_b.com/'],
    ['with a label over 63 characters', `http://${'a'.repeat(64)}.com/`],
    ['with a label over 63 characters when it is encoded', `http://${'あ'.repeat(60)}.com/`],
    ['to t.co with an impossible slug', `https://t.co/${'a'.repeat(41)}`],
    ['after an at sign', '@https://example.com'],
  ])('is none %s', (_, text) => {
    expect(linksIn(text)).toEqual([])
  })
})

describe('a text of 100 kB', () => {
  it.each([
    ['letters', 'a'],
    ['labels', 'a.'],
    ['links', 'http://a.co '],
    ['domains', 'a.com '],
    ['open parentheses', 'http://a.co/('],
    ['parentheses', '(a)'],
    ['queries', 'http://a.co?'],
    ['Japanese', 'あ。'],
    ['mentions', '@a@b '],
    ['unfinished mentions', '@a@b.-'],
    ['at signs', '@'],
    ['joined emoji', '👩\u200D'],
    ['combining marks', '\u0301\u0316'],
    ['lone surrogates', '\uD800'],
  ])('of %s takes well under a second', (_, unit) => {
    const filled = unit.repeat(Math.ceil(100_000 / unit.length))
    for (const text of [filled, `http://a.co/${filled}`, `http://${filled}.com`, `@a@${filled}`]) {
      const started = performance.now()
      countCharacters(text)
      expect(performance.now() - started).toBeLessThan(1000)
    }
  })
})
