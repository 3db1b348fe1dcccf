// What a host may set for Bluesky only, and what Bluesky takes.

import { countText, graphemes, type Limits, type Post, type Problem, unitOf, utf8Bytes, type With } from '@syndikit/core'
import { z } from 'zod'
import { thumbnailBytes } from './card.ts'
import { textOf } from './record.ts'
import { addressOf } from './reply.ts'

const tag = z
  .string()
  .transform((text) => text.trim().replace(/^#/, ''))
  .refine((text) => text !== '' && graphemes(text) <= 64 && utf8Bytes(text) <= 640, '1 to 64 characters and at most 640 bytes')

const language = z.string().transform((tag, at) => {
  try {
    return Intl.getCanonicalLocales(tag)[0] as string
  } catch {
    at.addIssue('a BCP 47 language tag such as `en` or `ar-AE`')
    return z.NEVER
  }
})

export const options = z
  .strictObject({
    /** Content warnings (docs.bsky.app moderation guide, 2026-04-21): readers see the post as their settings for them say. */
    labels: z
      .array(z.enum(['sexual', 'nudity', 'porn', 'graphic-media']))
      .min(1)
      .optional(),
    /** BCP 47. Default: the post's `language`. */
    langs: z.array(language).min(1).max(3).optional(),
    /** Further hashtags that the text does not show. */
    tags: z.array(tag).min(1).max(8).optional(),
  })
  .optional()

const text = [
  { max: 300, count: 'graphemes' },
  { max: 3_000, count: 'bytes' },
] as const

/** The most that one delivery writes; Bluesky itself has no longest thread. */
const longestThread = 100

export const limits: Limits = {
  text: { text },
  parts: longestThread,
  media: {
    atMost: 4,
    mix: 'one-type',
    types: {
      // The lexicon takes image/*; that the app shows these four well is unverified.
      image: { atMost: 4, bytes: 2_000_000, mimes: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] },
      video: { atMost: 1, bytes: 300_000_000, mimes: ['video/mp4'] },
    },
  },
  poll: false,
  source: 'lexicons app.bsky.feed.post, app.bsky.embed.images and app.bsky.embed.video, bluesky-social/atproto@d6296a1 (2026-08-20)',
  checkedAt: '2026-11-20',
}

/** What is not said by `limits`: the text with the link that files push into it, the card's picture, the address of a post to answer. */
export const check = (post: With<Post, typeof options>): Problem[] => {
  const problems: Problem[] = []
  const first = post.parts[0]?.text ?? ''
  const sent = textOf(post, 0)
  for (const { max, count } of text) {
    const actual = countText(sent, count)
    if (actual > max && countText(first, count) <= max)
      problems.push({
        code: 'text-too-long',
        pointer: '/link',
        actual,
        limit: max,
        unit: unitOf(count),
        fix: 'Shorten the text: next to files the link is a part of it.',
      })
  }
  const { title, description, thumbnail } = post.link ?? {}
  if ((post.parts[0]?.media.length ?? 0) > 0 && (title ?? description ?? thumbnail) !== undefined)
    problems.push({
      code: 'card-left-out',
      pointer: '/link',
      fix: 'Leave out either the files or what the card should show: Bluesky has no room for both, and the link alone goes into the text.',
      severity: 'warning',
    })
  const pointer = '/link/thumbnail'
  const fix = `Give a picture of at most ${thumbnailBytes.toLocaleString('en')} bytes.`
  if (thumbnail && thumbnail.type !== 'image') problems.push({ code: 'media-type', pointer, actual: thumbnail.mime, limit: 'image/*', fix })
  else if (thumbnail && thumbnail.bytes > thumbnailBytes)
    problems.push({ code: 'media-too-large', pointer, actual: thumbnail.bytes, limit: thumbnailBytes, unit: 'bytes', fix })
  if (post.replyTo && !addressOf(post.replyTo))
    problems.push({ code: 'reply-unknown', pointer: '/replyTo', fix: 'Give the at:// address of the post as `id`, or its bsky.app address as `url`.' })
  return problems
}
