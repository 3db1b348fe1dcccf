// The kind `post`: text, files, a link, a poll, a thread. What most platforms show.

import { z } from 'zod'
import type { Json } from '../contract/json.ts'
import { defineKind } from '../contract/kind.ts'
import type { Limits, Problem } from '../contract/limits.ts'
import type { Media, MediaInput } from '../contract/media.ts'
import { countText, unitOf } from './count.ts'

/** A post as the host writes it. */
export interface PostInput {
  kind?: 'post' | undefined
  text?: string | undefined
  media?: readonly MediaInput[] | undefined
  /**
   * A link to show as a card where the platform has cards; elsewhere it is appended to the text unless the text has it. Title, description and thumbnail are
   * for cards that the poster makes (Bluesky); platforms that read the page themselves (X, Mastodon) show what it says.
   */
  link?: { url: string; title?: string | undefined; description?: string | undefined; thumbnail?: MediaInput | undefined } | undefined
  poll?: { options: readonly string[]; durationMs: number; multiple?: boolean | undefined; hideTotals?: boolean | undefined } | undefined
  /** The parts after the first, each answering the one before. */
  thread?: readonly { text?: string | undefined; media?: readonly MediaInput[] | undefined }[] | undefined
  /** A post to answer: the placement that an earlier delivery left. */
  replyTo?: { id: string; url?: string | undefined; data?: Json } | undefined
  /** BCP 47. */
  language?: string | undefined
}

/** One post of a thread. Its text may be empty where it has files. */
export interface PostPart {
  readonly text: string
  readonly media: readonly Media[]
}
/** Only what the host gave: an adapter may ask the page for the rest. */
export interface Link {
  readonly url: string
  readonly title?: string
  readonly description?: string
  readonly thumbnail?: Media
}
/** With its defaults filled in: one answer, totals shown. */
export interface Poll {
  readonly options: readonly string[]
  readonly durationMs: number
  readonly multiple: boolean
  readonly hideTotals: boolean
}
/** A post as an adapter reads it. */
export interface Post {
  /** The thread, the first part included. */
  readonly parts: readonly PostPart[]
  readonly link?: Link
  readonly poll?: Poll
  readonly replyTo?: { readonly id: string; readonly url?: string; readonly data?: Json }
  readonly language?: string
}

const url = z.string().refine((text) => /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''), 'Give a whole http or https URL')
/** It may stand in a text, where a space would end it; platforms refuse it with the whole post. */
const linkUrl = url.refine((text) => !/\s/.test(text), 'Write the spaces of the address as %20')
const milliseconds = 'Give a whole number of milliseconds above 0'
/** Exactly one of `file`, `url`, `ref`. */
export const mediaInput: z.ZodType<MediaInput> = z
  .strictObject({
    file: z.string().min(1).optional(),
    url: url.optional(),
    ref: z.string().min(1).optional(),
    alt: z.string().optional(),
    name: z.string().min(1).optional(),
  })
  .refine(
    ({ file, url, ref }) => [file, url, ref].filter((where) => where !== undefined).length === 1,
    'Give exactly one of `file`, `url` or `ref`',
  ) as z.ZodType<MediaInput>
const json: z.ZodType<Json> = z.json({ error: 'Give JSON: texts, numbers, true, false, null, and lists and objects of them' })
const part = z.strictObject({ text: z.string().optional(), media: z.array(mediaInput).optional() })
const schema: z.ZodType<PostInput> = z.strictObject({
  kind: z.literal('post').optional(),
  text: z.string().optional(),
  media: z.array(mediaInput).optional(),
  link: z.strictObject({ url: linkUrl, title: z.string().optional(), description: z.string().optional(), thumbnail: mediaInput.optional() }).optional(),
  poll: z
    .strictObject({
      options: z.array(z.string().trim().min(1)).min(2),
      durationMs: z.int(milliseconds).positive(milliseconds),
      multiple: z.boolean().optional(),
      hideTotals: z.boolean().optional(),
    })
    .optional(),
  thread: z.array(part).optional(),
  replyTo: z.strictObject({ id: z.string().min(1), url: z.string().optional(), data: json.optional() }).optional(),
  language: z
    .string()
    .refine((tag) => {
      try {
        return Intl.getCanonicalLocales(tag).length === 1
      } catch {
        return false
      }
    }, 'Give a BCP 47 language tag such as `en` or `ar-AE`')
    .optional(),
})

const mediaOf = (input: PostInput): { pointer: string; media: MediaInput }[] => [
  ...(input.media ?? []).map((media, i) => ({ pointer: `/media/${i}`, media })),
  ...(input.thread ?? []).flatMap((part, i) => (part.media ?? []).map((media, j) => ({ pointer: `/thread/${i}/media/${j}`, media }))),
  ...(input.link?.thumbnail ? [{ pointer: '/link/thumbnail', media: input.link.thumbnail }] : []),
]

const build = (input: PostInput, files: readonly Media[]): Post => {
  const rest = [...files]
  const take = (count: number) => rest.splice(0, count)
  const first = { text: input.text ?? '', media: take(input.media?.length ?? 0) }
  const thread = (input.thread ?? []).map((part) => ({ text: part.text ?? '', media: take(part.media?.length ?? 0) }))
  const { link, poll, replyTo, language } = input
  const thumbnail = link?.thumbnail && take(1)[0]
  return {
    parts: [first, ...thread],
    ...(link && {
      link: {
        url: link.url,
        ...(link.title !== undefined && { title: link.title }),
        ...(link.description !== undefined && { description: link.description }),
        ...(thumbnail && { thumbnail }),
      },
    }),
    ...(poll && { poll: { options: poll.options, durationMs: poll.durationMs, multiple: poll.multiple ?? false, hideTotals: poll.hideTotals ?? false } }),
    ...(replyTo && {
      replyTo: { id: replyTo.id, ...(replyTo.url !== undefined && { url: replyTo.url }), ...(replyTo.data !== undefined && { data: replyTo.data }) },
    }),
    ...(language !== undefined && { language: Intl.getCanonicalLocales(language)[0] as string }),
  }
}

const pointerOf = (part: number): string => (part === 0 ? '' : `/thread/${part - 1}`)

const emptyParts = (post: Post): Problem[] =>
  post.parts.flatMap((part, i) =>
    part.text.trim() === '' && part.media.length === 0 && !(i === 0 && (post.link || post.poll))
      ? [{ code: 'empty', pointer: pointerOf(i) || '/text', fix: 'Write a text or add a file.' }]
      : [],
  )

const pollProblems = ({ poll, parts }: Post, limits: Limits | undefined): Problem[] => {
  if (!poll || !limits || limits.poll === undefined) return []
  if (limits.poll === false) return [{ code: 'poll-unsupported', pointer: '/poll', fix: 'Leave the poll out for this platform: it has none.' }]
  const { options, option, durationMs, withMedia } = limits.poll
  const problems: Problem[] = []
  if (poll.options.length < options[0] || poll.options.length > options[1])
    problems.push({
      code: 'poll-options',
      pointer: '/poll/options',
      actual: poll.options.length,
      limit: [...options],
      unit: 'options',
      fix: `Give ${options[0]} to ${options[1]} options.`,
    })
  for (const [i, text] of poll.options.entries()) {
    const actual = countText(text, option.count)
    if (actual > option.max)
      problems.push({
        code: 'text-too-long',
        pointer: `/poll/options/${i}`,
        actual,
        limit: option.max,
        unit: unitOf(option.count),
        fix: `Shorten the option by ${actual - option.max}.`,
      })
  }
  if (poll.durationMs < durationMs[0] || poll.durationMs > durationMs[1])
    problems.push({
      code: 'poll-duration',
      pointer: '/poll/durationMs',
      actual: poll.durationMs,
      limit: [...durationMs],
      unit: 'ms',
      fix: 'Choose a duration within the range.',
    })
  if (!withMedia && (parts[0]?.media.length ?? 0) > 0)
    problems.push({ code: 'poll-with-media', pointer: '/poll', fix: 'Leave out either the poll or the files: the platform takes one of them.' })
  return problems
}

/** Adds the kind `post` to an adapter: `content: [post({ limits, recovery, publish })]`. */
export const post = defineKind<'post', Post, PostInput>({
  kind: 'post',
  schema,
  media: mediaOf,
  build,
  sections: (content) => content.parts.map(({ text, media }, i) => ({ pointer: pointerOf(i), texts: { text }, media })),
  check: (content, limits) => [
    ...emptyParts(content),
    ...pollProblems(content, limits),
    ...(content.replyTo && limits?.reply === false
      ? [{ code: 'reply-unsupported', pointer: '/replyTo', fix: 'Leave `replyTo` out: this platform takes no replies.' }]
      : []),
  ],
})
