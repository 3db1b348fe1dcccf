// Finds what Mastodon takes for a link: the rules of twitter-text 3.1.0 as Mastodon changes them (config/initializers/twitter_regex.rb).
import { domainToASCII } from 'node:url'
import tlds from 'tlds' with { type: 'json' }

/** A link in a text, as offsets in UTF-16 code units. */
export interface Link {
  readonly start: number
  readonly end: number
}

const longestLink = 4096
const longestLabel = 63
const longestTcoSlug = 40

const known: ReadonlySet<string> = new Set([...tlds, 'onion'])
const longestTld = Math.max(...[...known].map((tld) => tld.length))

const spaces = String.raw`\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000`
const markers = String.raw`\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069`
const invalid = String.raw`\uFFFE\uFEFF\uFFFF`
/** Latin letters beyond ASCII, and combining marks, as the inside of a character class. */
export const accented = String.raw`\xC0-\xD6\xD8-\xF6\xF8-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B\u02BB\u0300-\u036F\u1E00-\u1EFF`

const hostChars = new RegExp(String.raw`[^\x00-,/:-@[\]^\x60{-\x7F${spaces}${markers}${invalid}]+`, 'gu')
const soundLabel = /^[^-_](?:.*[^-_])?$/su
const afterTld = /[^0-9A-Za-z@+-]/
const encodedTld = /xn--[0-9a-z]+/iy
const beforeLink = new RegExp(`[^A-Za-z0-9@＠$#＃${invalid}]`)
const schemes = ['https://', 'http://', 'dat://', 'dweb://', 'ipfs://', 'ipns://', 'ssb://', 'gopher://', 'gemini://']
const longestScheme = Math.max(...schemes.map((scheme) => scheme.length))
const portPart = /:[0-9]+/y
const pathChar = String.raw`[^\p{White_Space}<>()?]`
const pathRun = new RegExp(`${pathChar}+`, 'uy')
// Parentheses belong to a path when they are balanced, at most two deep.
const pathParentheses = new RegExp(String.raw`\((?:${pathChar}+|${pathChar}*\(${pathChar}+\)${pathChar}*)\)`, 'uy')
const endChar = /[^\p{White_Space}()?!*"'「」<>;:=,.$%[\]~&|]/u
// A path may end with parentheses only when what they hold is Latin or Cyrillic.
const endParentheses = new RegExp(String.raw`^[()a-z\p{Script=Cyrillic}0-9!*';:=+,.$\/%#\[\]\p{Pd}_~&\|@${accented}]+$`, 'iu')
const beyondAscii = String.raw`\u{A0}-\u{FDCF}\u{FDF0}-\u{FFEF}\u{10000}-\u{DFFFD}\u{E1000}-\u{10FFFD}`
const queryPart = new RegExp(String.raw`\?[a-z0-9!?*'\(\);:&=+$\/%#\[\]\-_.,~\|@\^${beyondAscii}]*[a-z0-9_&=#\/\-${beyondAscii}]`, 'iuy')
const tcoLink = /^https?:\/\/t\.co\/([a-z0-9]+)/i

/**
 * The links of `text` that have a scheme, in order and without overlap. Linear in the length of the text.
 *
 * Top-level domains are those of today and .onion; Mastodon still takes the ones of 2020, so a link to a newer one counts there as it is written.
 */
export const findLinks = (text: string): Link[] => {
  const links: Link[] = []
  const hosts = new RegExp(hostChars)
  let from = 0
  for (let host = hosts.exec(text); host; host = hosts.exec(text)) {
    const scheme = schemeBefore(text, host.index, from)
    const start = host.index - scheme.length
    if (!canStart(text, start, from)) continue
    const domainEnd = domainEndFrom(text, host.index, host[0])
    if (domainEnd === 0) continue
    // A link without a scheme counts as it is written, and takes what follows with it, links included.
    from = hosts.lastIndex = tailEnd(text, domainEnd)
    if (scheme) links.push(...accepted(text.slice(start, from), text.slice(host.index, domainEnd), start))
  }
  return links
}

const schemeBefore = (text: string, start: number, from: number): string => {
  const before = text.slice(Math.max(from, start - longestScheme), start)
  const lower = before.toLowerCase()
  const scheme = schemes.find((candidate) => lower.endsWith(candidate)) ?? ''
  return canStart(text, start - scheme.length, from) ? scheme : ''
}

const canStart = (text: string, at: number, from: number): boolean => at === 0 || (at > from && beforeLink.test(text.charAt(at - 1)))

/** Where the longest domain at the start of these host characters ends, or 0 when they start with none. */
const domainEndFrom = (text: string, start: number, host: string): number => {
  let end = 0
  let at = start
  let previous = '_'
  for (const label of host.split('.')) {
    if (!previous.includes('_')) end = tldEnd(text, at, at + label.length) || end
    if (!soundLabel.test(label)) break
    previous = label
    at += label.length + 1
  }
  return end
}

const tldEnd = (text: string, start: number, end: number): number => {
  for (let stop = Math.min(end, start + longestTld); stop > start + 1; stop--) {
    const bounded = stop === text.length || afterTld.test(text.charAt(stop))
    if (bounded && known.has(text.slice(start, stop).toLowerCase())) return stop
  }
  return endOf(encodedTld, text, start)
}

const tailEnd = (text: string, domainEnd: number): number => {
  const portEnd = endOf(portPart, text, domainEnd) || domainEnd
  const pathEnd = text[portEnd] === '/' ? pathEndFrom(text, portEnd + 1) : portEnd
  return endOf(queryPart, text, pathEnd) || pathEnd
}

/** A path ends after its last character that is no punctuation, or its last parentheses. */
const pathEndFrom = (text: string, start: number): number => {
  let end = start
  for (let at = start; ; ) {
    const runEnd = endOf(pathRun, text, at) || at
    end = lastPathEnd(text, at, runEnd) || end
    at = endOf(pathParentheses, text, runEnd)
    if (at === 0) return end
    if (endParentheses.test(text.slice(runEnd, at))) end = at
  }
}

const lastPathEnd = (text: string, start: number, end: number): number => {
  for (let at = end; at > start; at--) if (endChar.test(text.charAt(at - 1))) return at
  return 0
}

/** The end of what a sticky expression matches at `at`, or 0. */
const endOf = (sticky: RegExp, text: string, at: number): number => {
  sticky.lastIndex = at
  return sticky.test(text) ? sticky.lastIndex : 0
}

const accepted = (url: string, domain: string, start: number): Link[] => {
  const labels = domain.split('.').map(encoded)
  if (labels.some((label) => label.length === 0 || label.length > longestLabel)) return []
  const lengthened = Math.max(labels.join('.').length - domain.length, 0)
  if (Array.from(url).length + lengthened > longestLink) return []
  const tco = tcoLink.exec(url)
  if (!tco) return [{ start, end: start + url.length }]
  return (tco[1] ?? '').length > longestTcoSlug ? [] : [{ start, end: start + tco[0].length }]
}

/** A label as the DNS has it; not more than a lower bound above 63 characters, because encoding takes quadratic time. */
const encoded = (label: string): string => (label.length > longestLabel || /^[\x20-\x7E]*$/.test(label) ? label : domainToASCII(label))
