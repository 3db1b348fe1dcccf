// How long Mastodon says a status is.
import { graphemes } from '@syndikit/core'
import { accented, findLinks } from './links.ts'

/** A stretch of text, in UTF-16 code units, and what Mastodon counts in its place. */
interface Replacement {
  readonly start: number
  readonly end: number
  readonly counted: string
}

/** What an instance reserves per link unless its `configuration.statuses.characters_reserved_per_url` says otherwise. */
const usualUrlLength = 23
const longestHost = 253

const blank = /^\p{White_Space}*$/u
/** What Mastodon cuts off both ends before it counts and stores (Ruby's `strip`). */
const edges = '\0\t\n\v\f\r '
const word = String.raw`\p{L}\p{M}\p{N}\p{Pc}`
const remoteMention = new RegExp(`(?<![=/${word}])@([a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)@([${word}]+(?:[.-]+[${word}]+)*)`, 'giu')
const noMention = new RegExp(`^(?:[@＠${accented}]|://)`)

/**
 * The length of a text as Mastodon counts it against its limit (500, or what the instance says), in grapheme clusters.
 *
 * A link with a scheme counts `urlLength`, however long it is; a mention of someone elsewhere, `@user@host`, counts as `@user`. Text of nothing but spaces
 * counts nothing, nor do line breaks and plain spaces at the ends. A content warning counts against the same limit, but with plain grapheme clusters: do not put it through this.
 *
 * Takes linear time and never throws.
 *
 * Source: Mastodon's StatusLengthValidator and Extractor (app/validators/status_length_validator.rb, app/lib/extractor.rb) and
 * docs.joinmastodon.org/user/posting.
 */
export const countCharacters = (given: string, urlLength: number = usualUrlLength): number => {
  const text = stripped(given)
  if (blank.test(text)) return 0
  const link = 'x'.repeat(urlLength)
  const links = findLinks(text).map(({ start, end }) => ({ start, end, counted: link }))
  return graphemes(replaced(text, [...links, ...remoteMentions(text)]))
}

const stripped = (text: string): string => {
  let [start, end] = [0, text.length]
  while (start < end && edges.includes(text.charAt(start))) start++
  while (end > start && edges.includes(text.charAt(end - 1))) end--
  return text.slice(start, end)
}

const remoteMentions = (text: string): Replacement[] =>
  Array.from(text.matchAll(remoteMention), ({ 0: mention, 1: user = '', 2: host = '', index: start }) => {
    const end = start + mention.length
    const long = Array.from(host).length > longestHost
    return long || noMention.test(text.slice(end, end + 3)) ? undefined : { start, end, counted: `@${user}` }
  }).filter((mention) => mention !== undefined)

/** `text` with the replacements made; of two that overlap, the one that starts first. */
const replaced = (text: string, replacements: readonly Replacement[]): string => {
  let result = ''
  let at = 0
  for (const { start, end, counted } of replacements.toSorted((a, b) => a.start - b.start)) {
    if (start < at) continue
    result += text.slice(at, start) + counted
    at = end
  }
  return result + text.slice(at)
}
