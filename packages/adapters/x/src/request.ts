// One part of a post as X's `POST /2/tweets` takes it.

import type { Post, With } from '@syndikit/core'
import { z } from 'zod'
import { findLinks } from './links.ts'

export const isId = (text: string): boolean => /^[0-9]{1,19}$/.test(text)
const id = z.string().refine(isId, 'an id of X: up to 19 digits')

/** `variants.x.options`. Unless said otherwise, of the first post of a thread. */
export const options = z.strictObject({
  /** Who may answer. Default: everybody. */
  replySettings: z.enum(['following', 'mentionedUsers', 'subscribers', 'verified']).optional(),
  /** A post to quote. X takes it from Enterprise apps only (since 2026-04-20), and with neither files nor a poll. */
  quote: id.optional(),
  /** The community to post in. A lost answer cannot be looked up there: such a post becomes `uncertain`. */
  communityId: id.optional(),
  placeId: z.string().min(1).optional(),
  /** Up to 10 users to tag in the files. */
  taggedUserIds: z.array(id).min(1).max(10).optional(),
  /** Discloses media made with AI, on every post of a thread. */
  madeWithAi: z.boolean().optional(),
  /** Discloses paid promotion, on every post of a thread. */
  paidPartnership: z.boolean().optional(),
})
export type XPost = With<Post, typeof options>

const linksIn = (text: string): string[] => {
  const normal = text.normalize('NFC')
  return findLinks(normal).map(({ start, end }) => normal.slice(start, end))
}

/** X ends a link at a letter of most scripts, Arabic among them: such an address is written in its encoded form. */
const addressOf = (url: string): string => (linksIn(url)[0] === url.normalize('NFC') ? url : new URL(url).href)

/** X makes cards from links in the text, so the link goes there, unless the text has it. */
export const textOf = ({ parts, link }: Post, index: number): string => {
  const text = parts[index]?.text ?? ''
  if (index > 0 || !link) return text
  const address = addressOf(link.url)
  if (linksIn(text).includes(address.normalize('NFC'))) return text
  return text.trim() === '' ? address : `${text}\n\n${address}`
}

const onEveryPart = ['madeWithAi', 'paidPartnership']

/** The options that a part of the thread carries. */
export const optionsOf = ({ options }: XPost, index: number) =>
  Object.fromEntries(Object.entries(options).filter(([name]) => index === 0 || onEveryPart.includes(name)))

export interface Given {
  readonly post: XPost
  readonly index: number
  readonly mediaIds: readonly string[]
  /** The post it answers. */
  readonly parent: string | undefined
  /** The version it replaces. */
  readonly previous?: string
}

/** X finds out the language by itself: there is no field for `post.language`. */
export const requestOf = ({ post, index, mediaIds, parent, previous }: Given) => {
  const { replySettings, quote, communityId, placeId, taggedUserIds, madeWithAi, paidPartnership } = post.options
  const first = index === 0
  return {
    text: textOf(post, index),
    media: mediaIds.length > 0 ? { media_ids: mediaIds, tagged_user_ids: first ? taggedUserIds : undefined } : undefined,
    poll: first && post.poll ? { options: post.poll.options, duration_minutes: Math.round(post.poll.durationMs / 60_000) } : undefined,
    reply: parent !== undefined ? { in_reply_to_tweet_id: parent } : undefined,
    reply_settings: first ? replySettings : undefined,
    quote_tweet_id: first ? quote : undefined,
    community_id: first ? communityId : undefined,
    geo: first && placeId !== undefined ? { place_id: placeId } : undefined,
    made_with_ai: madeWithAi,
    paid_partnership: paidPartnership,
    edit_options: previous !== undefined ? { previous_post_id: previous } : undefined,
  }
}
export type PostRequest = ReturnType<typeof requestOf>
