// From one part of a post to what Mastodon calls a status, and what must hold of it beyond limits.

import { type Account, graphemes, type Json, type Post, type Problem, type With } from '@syndikit/core'
import { z } from 'zod'
import type { Attached } from './attach.ts'
import { configurationOf } from './instance.ts'
import { findLinks } from './links.ts'
import { countCharacters } from './text.ts'

export const options = z
  .strictObject({
    /** Default: the account's own. */
    visibility: z.enum(['public', 'unlisted', 'private', 'direct']).optional(),
    /** The warning that hides each part until a reader clicks. It counts with the text. */
    spoilerText: z.string().trim().min(1).optional(),
    /** Hides the files. Default: the account's own; always with a warning. */
    sensitive: z.boolean().optional(),
    /** ISO 639-1, as Mastodon has it. Default: the post's `language`. */
    language: z.string().min(2).optional(),
    /** Who may quote it; servers from 4.5. Default: the account's own. */
    quotePolicy: z.enum(['public', 'followers', 'nobody']).optional(),
  })
  .optional()
export type MastodonPost = With<Post, typeof options>

/** The whole of it: a longer link that begins like this one is another. */
const hasLink = (text: string, url: string): boolean =>
  text.split(/\s+/).includes(url) || findLinks(text).some(({ start, end }) => text.slice(start, end) === url)

/** Mastodon makes the card itself from a link in the text. */
const textOf = ({ parts, link }: Post, i: number): string => {
  const text = parts[i]?.text ?? ''
  if (i > 0 || !link || hasLink(text, link.url)) return text
  return text.trim() === '' ? link.url : `${text}\n\n${link.url}`
}

/** The fields that an edit replaces: what is not sent is gone. */
export const statusOf = (post: MastodonPost, i: number, media: readonly Attached[]) => {
  const { spoilerText, sensitive, language, quotePolicy } = post.options ?? {}
  const { poll } = post
  return {
    status: textOf(post, i),
    media_ids: media.map(({ id }) => id),
    spoiler_text: spoilerText,
    sensitive,
    language: language ?? post.language?.split('-')[0],
    quote_approval_policy: quotePolicy,
    poll:
      i === 0 && poll
        ? { options: [...poll.options], expires_in: Math.round(poll.durationMs / 1_000), multiple: poll.multiple, hide_totals: poll.hideTotals }
        : undefined,
  } satisfies Json
}

const textProblems = (post: MastodonPost, account: Account | undefined): Problem[] => {
  const { max_characters, characters_reserved_per_url } = configurationOf(account).statuses
  const count = (text: string) => countCharacters(text, characters_reserved_per_url)
  const warning = graphemes(post.options?.spoilerText ?? '')
  return post.parts.flatMap(({ text }, i) => {
    const actual = warning + count(textOf(post, i))
    // A text that is too long by itself is told by `limits`.
    if (actual <= max_characters || count(text) > max_characters) return []
    const fix = `Shorten the text, or the ${warning > 0 ? 'warning, which counts' : 'link, which is appended'}, by ${actual - max_characters}.`
    return [{ code: 'text-too-long', pointer: i === 0 ? '/text' : `/thread/${i - 1}/text`, actual, limit: max_characters, unit: 'Mastodon characters', fix }]
  })
}

/** Of GIFs, which become videos; a server does not tell its own figure (docs.joinmastodon.org/user/posting, 2026-07-02; attachmentable.rb). */
const gifMatrixLimit = 921_600

const pixelProblems = ({ parts }: Post, account: Account | undefined): Problem[] => {
  const { image_matrix_limit, video_matrix_limit } = configurationOf(account).media_attachments
  return parts.flatMap(({ media }, i) =>
    media.flatMap(({ type, mime, width, height }, j): Problem[] => {
      const limit = type === 'image' ? image_matrix_limit : type === 'video' ? video_matrix_limit : Number.POSITIVE_INFINITY
      const actual = (width ?? 0) * (height ?? 0)
      const problem = { code: 'media-pixels', pointer: `${i === 0 ? '' : `/thread/${i - 1}`}/media/${j}`, actual, unit: 'pixels' }
      const fix = 'Make the file smaller in width and height.'
      if (actual > limit) return [{ ...problem, limit, fix }]
      return mime === 'image/gif' && actual > gifMatrixLimit ? [{ ...problem, limit: gifMatrixLimit, fix, severity: 'warning' }] : []
    }),
  )
}

const pollProblems = (post: MastodonPost): Problem[] => {
  const { poll, options } = post
  if (!poll) return []
  const twice = new Set(poll.options).size < poll.options.length
  const mute = textOf(post, 0).trim() === '' && options?.spoilerText === undefined
  return [
    ...(twice ? [{ code: 'poll-options', pointer: '/poll/options', fix: 'Give each option its own text.' }] : []),
    ...(mute ? [{ code: 'empty', pointer: '/text', fix: 'Write a text: Mastodon takes no poll without one.' }] : []),
  ]
}

export const check = (post: MastodonPost, account: Account | undefined): Problem[] => [
  ...textProblems(post, account),
  ...pixelProblems(post, account),
  ...pollProblems(post),
]
