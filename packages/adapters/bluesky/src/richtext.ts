// What in a text is a link, a mention or a tag, and where: Bluesky shows none of them unless a post names its place in bytes.
import { graphemes, utf8Bytes } from '@syndikit/core'
import tlds from 'tlds' with { type: 'json' }

/** A stretch of text in bytes of its UTF-8 form, the end not included, as a facet's `index` wants it. */
interface ByteRange {
  readonly byteStart: number
  readonly byteEnd: number
}

type Feature =
  | { readonly kind: 'link'; readonly uri: string }
  | { readonly kind: 'mention'; readonly handle: string }
  | { readonly kind: 'tag'; readonly tag: string }

/** What {@link detectFacets} found. A mention names the handle; a facet needs its DID, and without one the text stays as it is. */
export type Detected = ByteRange & Feature

/** A feature with its place in UTF-16 code units. */
interface Found {
  readonly start: number
  readonly end: number
  readonly feature: Feature
}

const mostTagGraphemes = 64
const mostTagBytes = 640

const known: ReadonlySet<string> = new Set(tlds)

const tokenPattern = /\S+/g
const schemePattern = /https?:\/\//iy
const domainPattern = /[a-z][a-z0-9]*(?:\.[a-z0-9]+)+/iy
const uriPattern = /^https?:\/\/[^\s/]/
const mentionPattern = /(?<=^|[\s(])@([a-zA-Z0-9.-]+)\b/g
const cashtagPattern = /(?<=^|[\s(])\$([A-Za-z][A-Za-z0-9]{0,4})(?=$|[\s.,;:!?)"'\u2019])/g
// Soft hyphen, zero-width characters and the enclosing screen end a tag; a variation selector after the sign makes it an emoji.
// biome-ignore lint/suspicious/noMisleadingCharacterClass: each stands for itself
const tagPattern = /(?<=^|\s)[#＃](?!\uFE0F)([^\s\u00AD\u200A-\u200D\u2060\u20E2]+)/gu
const inTag = /[^\d\p{P}]/u
const punctuation = /\p{P}/u

/**
 * The links, mentions, hashtags and cashtags of `text`, in order and without overlap: of two that overlap, the one that starts first.
 *
 * Detects what the official client does (bluesky-social/atproto, packages/api/src/rich-text/detection.ts): a link has a scheme or a known top-level domain and
 * loses one trailing punctuation mark, a mention is an at sign and a domain name, a tag has up to 64 graphemes and more than digits. Where that client would
 * write a facet that a server refuses with the whole post (a link without scheme or host, a tag over 640 bytes), this corrects it or leaves the text alone.
 *
 * Takes linear time and never throws; a lone surrogate counts as the three bytes it is sent as.
 */
export const detectFacets = (text: string): Detected[] => {
  const found = [...links(text), ...mentions(text), ...hashtags(text), ...cashtags(text)].sort((a, b) => a.start - b.start)
  const detected: Detected[] = []
  let at = 0
  let bytes = 0
  for (const { start, end, feature } of found) {
    if (start < at) continue
    const byteStart = bytes + utf8Bytes(text.slice(at, start))
    bytes = byteStart + utf8Bytes(text.slice(start, end))
    at = end
    detected.push({ ...feature, byteStart, byteEnd: bytes })
  }
  return detected
}

const links = (text: string): Found[] =>
  Array.from(text.matchAll(tokenPattern), ({ 0: token, index }) => linkIn(token, index)).filter((link) => link !== undefined)

/** The one link that a stretch without spaces may hold: it begins with it or after an opening parenthesis, and takes the rest. */
const linkIn = (token: string, offset: number): Found | undefined => {
  for (let at = 0; ; ) {
    const scheme = matchAt(schemePattern, token, at)
    const domain = matchAt(domainPattern, token, at)
    if (scheme || domain) return linkFrom(token.slice(at), scheme, domain, offset + at)
    at = token.indexOf('(', at) + 1
    if (at === 0) return undefined
  }
}

const linkFrom = (rest: string, scheme: string, domain: string, start: number): Found | undefined => {
  if (!scheme && !hasTld(domain)) return undefined
  const link = withoutPunctuation(rest)
  const uri = scheme ? link : `https://${link}`
  return uriPattern.test(uri) ? { start, end: start + link.length, feature: { kind: 'link', uri } } : undefined
}

/** One mark at the end is the sentence's; so is a parenthesis that the link did not open. */
const withoutPunctuation = (link: string): string => {
  const bare = /[.,;:!?]$/.test(link) ? link.slice(0, -1) : link
  return bare.endsWith(')') && !bare.includes('(') ? bare.slice(0, -1) : bare
}

const matchAt = (sticky: RegExp, text: string, at: number): string => {
  sticky.lastIndex = at
  return sticky.exec(text)?.[0] ?? ''
}

const hasTld = (domain: string): boolean => domain.includes('.') && known.has(domain.slice(domain.lastIndexOf('.') + 1))

const mentions = (text: string): Found[] =>
  Array.from(text.matchAll(mentionPattern), ({ 0: { length }, 1: handle = '', index }) => ({
    start: index,
    end: index + length,
    feature: { kind: 'mention' as const, handle },
  })).filter(({ feature: { handle } }) => hasTld(handle) || handle.endsWith('.test'))

const hashtags = (text: string): Found[] =>
  Array.from(text.matchAll(tagPattern), ({ 1: body = '', index }) => {
    const tag = withoutTrailingPunctuation(body)
    return { start: index, end: index + 1 + tag.length, feature: { kind: 'tag' as const, tag } }
  }).filter(({ feature: { tag } }) => inTag.test(tag) && fitsTag(tag))

/** Goes back from the end: an expression bound to the end takes quadratic time. */
const withoutTrailingPunctuation = (body: string): string => {
  const chars = Array.from(body)
  while (punctuation.test(chars.at(-1) ?? '')) chars.pop()
  return chars.join('')
}

const fitsTag = (tag: string): boolean => tag.length <= mostTagGraphemes || (utf8Bytes(tag) <= mostTagBytes && graphemes(tag) <= mostTagGraphemes)

const cashtags = (text: string): Found[] =>
  Array.from(text.matchAll(cashtagPattern), ({ 0: { length }, 1: ticker = '', index }) => ({
    start: index,
    end: index + length,
    feature: { kind: 'tag', tag: `$${ticker.toUpperCase()}` },
  }))
