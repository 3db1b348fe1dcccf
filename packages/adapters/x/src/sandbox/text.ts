// Text as X counts and rewrites it, by X's own library, which the build puts into this module.
/*! Contains twitter-text, Copyright 2018 Twitter, Inc. Licensed under the Apache License, Version 2.0, http://www.apache.org/licenses/LICENSE-2.0 */

import twitterText from 'twitter-text'
import type { Link } from './state.ts'

/** By the weights of twitter-text's third configuration: a URL is 23, an emoji 2, most scripts beyond Latin and Arabic 2 per character. */
export const weightOf = (text: string): number => twitterText.parseTweet(text).weightedLength

export const hasInvalidCharacters = (text: string): boolean => Boolean(twitterText.hasInvalidCharacters(text))

export const cashtagsIn = (text: string): number => twitterText.extractCashtags(text).length

export const mentionsIn = (text: string): string[] => twitterText.extractMentions(text).map((name) => name.toLowerCase())

const lengthOf = (text: string): number => [...text].length

// API v2 returns text HTML-escaped (unverified here: common knowledge, not on the facts pages).
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const displayOf = (url: string): string => {
  const bare = url.replace(/^https?:\/\/(www\.)?/i, '')
  return bare.length > 27 ? `${bare.slice(0, 26)}…` : bare
}

/** The text with every URL, bare domains included, replaced by a t.co link; then one more link for the attached media. */
export const rewritten = (typed: string, media: readonly { key: string; url: string }[], slug: () => string): { text: string; links: Link[] } => {
  const links: Link[] = []
  let text = ''
  let from = 0
  for (const { url, indices } of twitterText.extractUrlsWithIndices(typed)) {
    text += escaped(typed.slice(from, indices[0]))
    const short = `https://t.co/${slug()}`
    const expanded = /^https?:\/\//i.test(url) ? url : `http://${url}`
    links.push({ start: lengthOf(text), end: lengthOf(text) + short.length, short, expanded, display: displayOf(url) })
    text += short
    from = indices[1]
  }
  text += escaped(typed.slice(from))
  const [first] = media
  if (!first) return { text, links }
  const short = `https://t.co/${slug()}`
  if (text !== '') text += ' '
  const start = lengthOf(text)
  for (const { key, url } of media)
    links.push({ start, end: start + short.length, short, expanded: url, display: `pic.x.com/${short.slice('https://t.co/'.length)}`, mediaKey: key })
  return { text: text + short, links }
}
