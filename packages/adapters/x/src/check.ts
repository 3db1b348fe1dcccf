// What X demands of a post beyond what limits can say. Pure; finds every problem.

import type { Limits, Media, PostPart, Problem } from '@syndikit/core'
import { isId, textOf, type XPost } from './request.ts'
import { weightedLength } from './text.ts'
import { altOf } from './upload.ts'

const stillBytes = 5 * 1024 * 1024
const gif = { width: 1280, height: 1080 }

const cashtag = /(?<=^|[\s\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069])\$[a-z]{1,6}(?:[._][a-z]{1,2})?(?=$|[\s!'#%&()*+,\\\-./:;<=>?@[\]^_{|}~$])/gi

const cashtagProblems = ({ text }: PostPart, at: string): Problem[] => {
  const actual = text.match(cashtag)?.length ?? 0
  const fix = 'Leave one cashtag: X takes no more in a post that comes through its API.'
  return actual > 1 ? [{ code: 'too-many-cashtags', pointer: `${at}/text`, actual, limit: 1, unit: 'cashtags', fix }] : []
}

// No more than these three, by twitter-text 3.1.0.
const charactersRefused = /[\uFEFF\uFFFE\uFFFF]/g

const characterProblems = ({ text }: PostPart, at: string): Problem[] => {
  const actual = text.match(charactersRefused)?.length ?? 0
  const fix = 'Remove the characters U+FEFF (a byte order mark, which cannot be seen), U+FFFE and U+FFFF: X takes no text with them.'
  return actual > 0 ? [{ code: 'text-characters', pointer: `${at}/text`, actual, limit: 0, unit: 'characters', fix }] : []
}

const undescribed = 'Say it in the text: X takes a description of pictures and GIFs, and none of a video.'
const isGif = ({ mime }: Media): boolean => mime === 'image/gif'

const gifProblems = ({ width, height }: Media, at: string): Problem[] =>
  (width ?? 0) > gif.width || (height ?? 0) > gif.height
    ? [
        {
          code: 'media-dimensions',
          pointer: at,
          actual: [width, height],
          limit: [gif.width, gif.height],
          unit: 'px',
          severity: 'warning',
          fix: 'Make the GIF smaller: X may refuse it.',
        },
      ]
    : []

const mediaProblems = ({ media }: PostPart, at: string): Problem[] => [
  ...(media.length > 1 && media.some(isGif)
    ? [{ code: 'media-mix', pointer: `${at}/media`, fix: 'Leave the GIF alone, or leave it out: X takes four pictures, one GIF or one video.' }]
    : []),
  ...media.flatMap((file, i) => {
    const pointer = `${at}/media/${i}`
    if (isGif(file)) return gifProblems(file, pointer)
    if (file.alt && !altOf(file)) return [{ code: 'alt-unsupported', pointer: `${pointer}/alt`, severity: 'warning' as const, fix: undescribed }]
    if (file.type !== 'image' || file.bytes <= stillBytes) return []
    return [{ code: 'media-too-large', pointer, actual: file.bytes, limit: stillBytes, unit: 'bytes', fix: 'Make the picture smaller: 5 MB is the most.' }]
  }),
]

const replyProblems = ({ replyTo }: XPost): Problem[] =>
  replyTo && !isId(replyTo.id)
    ? [{ code: 'reply-unknown', pointer: '/replyTo', actual: replyTo.id, fix: 'Give the id of a post of X: the digits at the end of its address.' }]
    : []

const pollProblems = ({ poll, parts: [first] }: XPost): Problem[] => [
  ...(poll && first?.text.trim() === '' ? [{ code: 'empty', pointer: '/text', fix: 'Write the question: X takes no poll without a text.' }] : []),
  ...(poll?.multiple ? [{ code: 'poll-multiple', pointer: '/poll/multiple', fix: 'Leave it out for X: its polls take one answer.' }] : []),
  ...(poll?.hideTotals ? [{ code: 'poll-hide-totals', pointer: '/poll/hideTotals', fix: 'Leave it out for X: its polls show the totals.' }] : []),
]

const optionProblems = ({ options, poll, parts: [first] }: XPost): Problem[] => [
  ...(options.quote !== undefined && (poll || first?.media.length)
    ? [{ code: 'quote-mix', pointer: '/options/quote', fix: 'Leave out the quote, or the files and the poll: X takes one of them.' }]
    : []),
  ...(options.taggedUserIds && !first?.media.length
    ? [{ code: 'tags-without-media', pointer: '/options/taggedUserIds', fix: 'Add a file to the first post: users are tagged in files.' }]
    : []),
]

/** The limits see the text as it was written; the link that is put below it counts too. */
const linkProblems = (post: XPost, limits: Limits): Problem[] => {
  const limit = limits.text?.text?.[0]?.max ?? 0
  const actual = weightedLength(textOf(post, 0))
  const alone = weightedLength(post.parts[0]?.text ?? '')
  const fix = `Shorten the text by ${actual - limit}: the link is put below it.`
  return alone <= limit && actual > limit ? [{ code: 'text-too-long', pointer: '/text', actual, limit, unit: 'weighted characters', fix }] : []
}

export const problemsOf = (post: XPost, limits: Limits): Problem[] => [
  ...post.parts.flatMap((part, i) => {
    const at = i === 0 ? '' : `/thread/${i - 1}`
    return [...characterProblems(part, at), ...cashtagProblems(part, at), ...mediaProblems(part, at)]
  }),
  ...linkProblems(post, limits),
  ...replyProblems(post),
  ...pollProblems(post),
  ...optionProblems(post),
]
