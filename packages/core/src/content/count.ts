// Text as platforms count it.

import type { Count } from '../contract/limits.ts'

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** User-perceived characters: an emoji family is one. */
export const graphemes = (text: string): number => {
  let count = 0
  for (const _ of segmenter.segment(text)) count++
  return count
}

/** A lone surrogate counts as the three bytes of its replacement. */
export const utf8Bytes = (text: string): number => Buffer.byteLength(text)

/** The length of a text in a unit. */
export const countText = (text: string, count: Count): number => {
  switch (count) {
    case 'graphemes':
      return graphemes(text)
    case 'bytes':
      return utf8Bytes(text)
    case 'utf16':
      return text.length
    case 'code-points':
      return [...text].length
    default:
      return count.of(text)
  }
}

/** The name of a unit, as problems show it. */
export const unitOf = (count: Count): string => (typeof count === 'string' ? count : count.name)
