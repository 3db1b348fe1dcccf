// Finds what X takes for a link, by the rules of twitter-text 3.1.0. The library's own expressions take quadratic time on long texts without spaces, so
// this reads each stretch of host characters once and decides from its labels.
import { isEncodable } from './punycode.ts'
import { tlds } from './tlds.ts'

/** A link in a text, as offsets in UTF-16 code units. */
export interface Link {
  readonly start: number
  readonly end: number
}

interface Candidate extends Link {
  readonly scheme: string
  readonly domainEnd: number
  readonly hasPath: boolean
}

/** A piece of a host name between dots, and where a domain that goes on from it ends (0: nowhere). */
interface Label {
  readonly start: number
  readonly end: number
  readonly lastUnderscore: number
  /** Where the domain ends when this label is a subdomain of what follows. */
  readonly asSubdomain: number
  /** Where the domain ends when the next label begins with its top-level domain. */
  readonly beforeTld: number
}

const longestLink = 4096
const longestTcoSlug = 40
const defaultSchemeLength = 'https://'.length
const longestTld = Math.max(...[...tlds].map((tld) => tld.length))

const spaces = String.raw`\t-\r \x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000`
const markers = String.raw`\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069`
const invalid = String.raw`\uFFFE\uFEFF\uFFFF`
const accented = String.raw`\xC0-\xD6\xD8-\xF6\xF8-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B\u02BB\u0300-\u036F\u1E00-\u1EFF`
const cyrillic = String.raw`\u0400-\u04FF`
const pathChar = String.raw`[a-z0-9!*';:=+,.$/%#[\]\-\u2013_~@|&${cyrillic}${accented}]`

const hostChars = new RegExp(String.raw`[^!'#%&()*+,\\/:;<=>?@[\]^{|}~$${spaces}${markers}${invalid}]+`, 'g')
const beforeLink = new RegExp(`[^A-Za-z0-9@＠$#＃${invalid}]`)
const beforeBareLink = /[^-_./]/
const schemeAtEnd = /https?:\/\/$/i
const afterTld = /[^0-9A-Za-z@+-]/
const encodedTld = /xn--[-0-9a-z]+/iy
const portPart = /:[0-9]+/y
const pathRun = new RegExp(`${pathChar}+`, 'iy')
// Parentheses belong to a path when they are balanced, at most two deep.
const pathParentheses = new RegExp(String.raw`\((?:${pathChar}+|${pathChar}*\(${pathChar}+\)${pathChar}*)\)`, 'iy')
const endChar = new RegExp(`[a-z0-9=_#/+${cyrillic}${accented}-]`, 'i')
const query = String.raw`\?[a-z0-9!?*'@();:&=+$/%#[\]\-_.,~|]*[a-z0-9\-_&=#/]`
const queryPart = new RegExp(query, 'iy')
const tcoLink = new RegExp(String.raw`^https?:\/\/t\.co\/([a-z0-9]+)(?:${query})?`, 'i')
const asciiLabels = new RegExp(`(?:[-a-z0-9${accented}]+\\.)+`, 'gi')

/** The links of `text`, which must be in NFC, in order and without overlap. Linear in the length of the text. */
export const findLinks = (text: string): Link[] => {
  const links: Link[] = []
  const hosts = new RegExp(hostChars)
  let from = 0
  for (let host = hosts.exec(text); host; host = hosts.exec(text)) {
    if (!host[0].includes('.')) continue
    for (const candidate of candidatesIn(text, host.index, hosts.lastIndex, from)) {
      links.push(...accepted(text, candidate))
      from = candidate.end
    }
    hosts.lastIndex = Math.max(hosts.lastIndex, from)
  }
  return links
}

/** What looks like a link in the host characters from `start` to `end`, leftmost first; none begins before `from`, where the previous one ended. */
function* candidatesIn(text: string, start: number, end: number, from: number): Generator<Candidate> {
  const labels = readLabels(text, start, end)
  const scheme = schemeBefore(text, start, from)
  let free = from
  for (const label of labels) {
    for (let at = Math.max(label.start, free); at < label.end; at++) {
      const linkScheme = at === start ? scheme : ''
      if (!linkScheme && !canStart(text, at, free, label)) continue
      const domainEnd = domainEndFrom(text, at, label)
      if (domainEnd === 0) continue
      const candidate = withTail(text, at, linkScheme, domainEnd)
      yield candidate
      free = candidate.end
      at = free - 1
    }
  }
}

const readLabels = (text: string, start: number, end: number): Label[] => {
  const labels: Label[] = []
  let next: Label | undefined
  for (let stop = end; stop >= start; ) {
    const first = stop > start ? Math.max(text.lastIndexOf('.', stop - 1) + 1, start) : start
    const sound = stop > first && !isJoiner(text[stop - 1])
    next = {
      start: first,
      end: stop,
      lastUnderscore: text.slice(first, stop).lastIndexOf('_') + first,
      asSubdomain: sound && next ? domainEndFrom(text, next.start, next) : 0,
      beforeTld: sound && next ? tldEnd(text, next.start, next.end) : 0,
    }
    labels.push(next)
    stop = first - 1
  }
  return labels.reverse()
}

/** Where the domain that starts at `at`, in `label`, ends; the longest there is, and 0 when there is none. */
const domainEndFrom = (text: string, at: number, label: Label): number => {
  if (at >= label.end || isJoiner(text[at])) return 0
  return label.asSubdomain || (at > label.lastUnderscore ? label.beforeTld : 0)
}

const isJoiner = (char: string | undefined): boolean => char === '-' || char === '_'

const tldEnd = (text: string, start: number, end: number): number => {
  for (let stop = Math.min(end, start + longestTld); stop > start + 1; stop--) {
    const bounded = stop === text.length || afterTld.test(text.charAt(stop))
    if (bounded && tlds.has(text.slice(start, stop).toLowerCase())) return stop
  }
  return endOf(encodedTld, text, start)
}

const schemeBefore = (text: string, start: number, from: number): string => {
  const scheme = schemeAtEnd.exec(text.slice(Math.max(from, start - defaultSchemeLength), start))?.[0] ?? ''
  const at = start - scheme.length
  return at === 0 || (at > from && beforeLink.test(text.charAt(at - 1))) ? scheme : ''
}

const canStart = (text: string, at: number, from: number, label: Label): boolean => {
  if (at > 0) return at > from && beforeLink.test(text.charAt(at - 1))
  // At the very start the library prefers to read the first character as the one before a link.
  return !(beforeLink.test(text.charAt(0)) && domainEndFrom(text, 1, label) > 0)
}

const withTail = (text: string, domainStart: number, scheme: string, domainEnd: number): Candidate => {
  const portEnd = endOf(portPart, text, domainEnd) || domainEnd
  const hasPath = text[portEnd] === '/'
  const pathEnd = hasPath ? pathEndFrom(text, portEnd + 1) : portEnd
  const end = endOf(queryPart, text, pathEnd) || pathEnd
  return { start: domainStart - scheme.length, end, scheme, domainEnd, hasPath }
}

/** A path ends after its last character that is no punctuation, and parentheses that follow at once. */
const pathEndFrom = (text: string, start: number): number => {
  let end = start
  for (let at = start; ; ) {
    const runEnd = endOf(pathRun, text, at) || at
    end = lastPathEnd(text, at, runEnd) || end
    const next = endOf(pathParentheses, text, runEnd)
    if (next === 0) return end
    if (runEnd === end) end = next
    at = next
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

const accepted = (text: string, candidate: Candidate): Link[] => {
  const { start, end, scheme, domainEnd } = candidate
  const domain = text.slice(start + scheme.length, domainEnd)
  // The scheme is counted twice: that is how the library does it.
  if (end - start + (scheme.length || defaultSchemeLength) > longestLink || !isEncodable(domain)) return []
  if (domain.startsWith('xn--') && asciiDomains(domain).length === 0) return []
  return scheme ? withScheme(text, start, end) : withoutScheme(text, candidate, domain)
}

const withScheme = (text: string, start: number, end: number): Link[] => {
  const tco = tcoLink.exec(text.slice(start, end))
  if (!tco) return [{ start, end }]
  return (tco[1] ?? '').length > longestTcoSlug ? [] : [{ start, end: start + tco[0].length }]
}

/** Only the Latin part of what has no scheme is a link: in running Japanese the words before it look like a host name too. */
const withoutScheme = (text: string, { start, end, domainEnd, hasPath }: Candidate, domain: string): Link[] => {
  if (start > 0 && !beforeBareLink.test(text.charAt(start - 1))) return []
  const links = asciiDomains(domain).map((part) => ({ start: start + part.start, end: start + part.end }))
  const last = links.at(-1)
  if (last && hasPath) last.end += end - domainEnd
  return links
}

const asciiDomains = (domain: string): Link[] => {
  const found: Link[] = []
  const labels = new RegExp(asciiLabels)
  for (let chain = labels.exec(domain); chain; chain = labels.exec(domain)) {
    const end = asciiDomainEnd(domain, chain.index, labels.lastIndex)
    if (end === 0) continue
    found.push({ start: chain.index, end })
    labels.lastIndex = end
  }
  return found
}

/** Where the last top-level domain after one of the dots between `start` and `end` ends. */
const asciiDomainEnd = (domain: string, start: number, end: number): number => {
  for (let dot = end - 1; dot > start; dot = domain.lastIndexOf('.', dot - 1)) {
    const next = domain.indexOf('.', dot + 1)
    const tld = tldEnd(domain, dot + 1, next < 0 ? domain.length : next)
    if (tld > 0) return tld
  }
  return 0
}
