// Writing on the emulated X: posts, replies, edits, deletion (platforms-major 1.2, 1.4, 1.6).

import { createHash } from 'node:crypto'
import { isUsable, kindOf, mediaKey } from './media.ts'
import { blank, bodyOf, type Call, type Fault, invalid, isObject, json, missing, notEnrolled, Refused } from './reply.ts'
import { type Schema, schemaFaults } from './schema.ts'
import { type Account, isCurrent, livePost, type Medium, nextId, type Post, type State } from './state.ts'
import { cashtagsIn, hasInvalidCharacters, mentionsIn, rewritten, weightOf } from './text.ts'

const maxWeight = 280
// Unverified: sources disagree on whether and how far the API lets Premium accounts go beyond 280 (platforms-major 1.4).
const maxWeightPremium = 25_000
// Unverified: X does not say for how long it remembers a text.
const duplicateWindowMs = 86_400_000
// Two sources disagree (an hour; 30 minutes and 5 edits): the newer hour, and the only number of edits.
const editWindowMs = 3_600_000
const maxEdits = 5

const id: Schema = { type: 'string', pattern: /^[0-9]{1,19}$/ }
const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const whoReplies: Schema = { type: 'string', enum: ['following', 'mentionedUsers', 'subscribers', 'verified'] }
const ids = (minItems: number, maxItems: number): Schema => ({ type: 'array', items: id, minItems, maxItems })
const createSchema: Schema = {
  type: 'object',
  properties: {
    text,
    media: {
      type: 'object',
      required: ['media_ids'],
      properties: { media_ids: ids(1, 4), tagged_user_ids: ids(0, 10), description: text, title: text, embeddable: flag, preview_media_id: id },
    },
    reply: {
      type: 'object',
      required: ['in_reply_to_tweet_id'],
      properties: { in_reply_to_tweet_id: id, exclude_reply_user_ids: { type: 'array', items: text }, auto_populate_reply_metadata: flag },
    },
    poll: {
      type: 'object',
      required: ['options', 'duration_minutes'],
      properties: {
        options: { type: 'array', minItems: 2, maxItems: 4, items: { type: 'string', minLength: 1, maxLength: 25 } },
        duration_minutes: { type: 'integer', minimum: 5, maximum: 10_080 },
        reply_settings: whoReplies,
      },
    },
    edit_options: { type: 'object', required: ['previous_post_id'], properties: { previous_post_id: id } },
    geo: { type: 'object', properties: { place_id: text } },
    quote_tweet_id: id,
    reply_settings: whoReplies,
    community_id: id,
    card_uri: text,
    direct_message_deep_link: text,
    share_with_followers: flag,
    for_super_followers_only: flag,
    nullcast: flag,
    made_with_ai: flag,
    paid_partnership: flag,
  },
}

const exclusive = ['card_uri', 'quote_tweet_id', 'poll', 'media'] as const

interface Draft {
  text: string
  media: string[]
  poll?: { options: string[]; minutes: number }
  replyTo?: string
  edits?: string
}

const member = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined)

const draftOf = (body: Record<string, unknown>): Draft => {
  const faults: Fault[] = schemaFaults(body, createSchema)
  const used = exclusive.filter((key) => body[key] !== undefined)
  // The wording of the next two is unverified.
  if (used.length > 1) faults.push({ message: `Only one of [${used.join(', ')}] may be given.`, parameters: {} })
  if ((body.text ?? '') === '' && body.media === undefined) faults.push({ message: '$.text: is missing but it is required', parameters: {} })
  if (faults.length > 0) throw new Refused(invalid(...faults))
  const replyTo = member(body.reply, 'in_reply_to_tweet_id')
  const edits = member(body.edit_options, 'previous_post_id')
  return {
    text: String(body.text ?? ''),
    media: (member(body.media, 'media_ids') as string[] | undefined) ?? [],
    ...(isObject(body.poll) && { poll: { options: body.poll.options as string[], minutes: Number(body.poll.duration_minutes) } }),
    ...(replyTo !== undefined && { replyTo: String(replyTo) }),
    ...(edits !== undefined && { edits: String(edits) }),
  }
}

const checkText = ({ text }: Draft, author: Account): void => {
  if (weightOf(text) > (author.subscription === 'Premium' ? maxWeightPremium : maxWeight))
    throw new Refused(blank(403, 'You are not permitted to perform this action.'))
  // Unverified status; the words are what integrators look for in the body.
  if (cashtagsIn(text) > 1) throw new Refused(blank(403, 'Posts are limited to a maximum of one cashtag.'))
  if (hasInvalidCharacters(text)) throw new Refused(invalid({ message: 'The text contains characters that are not allowed.', parameters: { text: [] } }))
}

const mediaOf = ({ media }: Draft, { stage, account }: Call): Medium[] => {
  const found = media.map((key) => (Object.hasOwn(stage.state.media, key) ? stage.state.media[key] : undefined))
  const usable = found.filter((medium): medium is Medium => medium !== undefined && isUsable(medium, account.id, stage.now()))
  const alone = usable.some((medium) => kindOf(medium) !== 'photo')
  // One body for unknown, foreign, expired, unprocessed and wrongly mixed media; only the first is observed.
  if (usable.length < media.length || new Set(media).size < media.length || (alone && media.length > 1))
    throw new Refused(invalid({ message: 'Your media IDs are invalid.', parameters: { 'media.media_ids': media } }))
  return usable
}

const checkReply = ({ replyTo }: Draft, { stage, account }: Call): void => {
  if (replyTo === undefined) return
  const target = livePost(stage.state, replyTo)
  // Unverified wording.
  if (!target) throw new Refused(blank(403, 'You attempted to reply to a Tweet that is deleted or not visible to you.'))
  if (target.author !== account.id && !mentionsIn(target.typed).includes(account.username.toLowerCase()))
    throw new Refused(blank(403, 'You can only reply to or quote posts where you are mentioned or are the author.'))
}

// Harsh on purpose where X is silent: the same words with newly uploaded media are a new post.
const isDuplicate = (state: State, draft: Draft, author: Account, now: number): boolean =>
  state.posts.some(
    (post) =>
      isCurrent(state, post) &&
      post.author === author.id &&
      post.id !== draft.edits &&
      post.at > now - duplicateWindowMs &&
      post.typed.normalize('NFC').trim() === draft.text.normalize('NFC').trim() &&
      post.media.join() === draft.media.join() &&
      draft.text + draft.media.join() !== '',
  )

const historyOf = ({ edits }: Draft, { stage, account }: Call): string[] => {
  if (edits === undefined) return []
  const previous = livePost(stage.state, edits)
  const first = previous && stage.state.posts.find(({ id }) => id === previous.history[0])
  const answersAnother = previous?.replyTo !== undefined && stage.state.posts.find(({ id }) => id === previous.replyTo)?.author !== account.id
  const allowed =
    previous?.author === account.id &&
    account.subscription === 'Premium' &&
    isCurrent(stage.state, previous) &&
    previous.history.length <= maxEdits &&
    (first?.at ?? 0) > stage.now() - editWindowMs &&
    !previous.poll &&
    !answersAnother
  if (!allowed) throw new Refused(blank(403, 'You are not permitted to perform this action.'))
  return previous.history
}

export const createPost = async (call: Call): Promise<Response> => {
  const { stage, account } = call
  const body = await bodyOf(call.request)
  const draft = draftOf(body)
  if (body.quote_tweet_id !== undefined) throw new Refused(notEnrolled())
  checkText(draft, account)
  const media = mediaOf(draft, call)
  checkReply(draft, call)
  const history = historyOf(draft, call)
  if (isDuplicate(stage.state, draft, account, stage.now())) throw new Refused(blank(403, 'You are not allowed to create a Tweet with duplicate content.'))
  const post = added(call, draft, media, history)
  return json({ data: { id: post.id, text: post.text, edit_history_post_ids: post.history } }, 201)
}

const added = ({ stage, account }: Call, draft: Draft, media: readonly Medium[], history: readonly string[]): Post => {
  const id = nextId(stage)
  const attached = media.map((medium, i) => ({
    key: mediaKey(medium),
    url: `https://x.com/${account.username}/status/${id}/${kindOf(medium) === 'photo' ? 'photo' : 'video'}/${kindOf(medium) === 'photo' ? i + 1 : 1}`,
  }))
  const slug = () => createHash('sha256').update(stage.id('x-link-')).digest('hex').slice(0, 10)
  const versions = [...history, id]
  const replyTo = draft.replyTo ?? stage.state.posts.find((post) => post.id === history.at(-1))?.replyTo
  const post: Post = {
    id,
    author: account.id,
    typed: draft.text,
    ...rewritten(draft.text, attached, slug),
    media: draft.media,
    ...(draft.poll && { poll: draft.poll }),
    ...(replyTo !== undefined && { replyTo }),
    at: stage.now(),
    history: versions,
    deleted: false,
  }
  for (const earlier of stage.state.posts) if (history.includes(earlier.id)) earlier.history = versions
  stage.state.posts.push(post)
  return post
}

// Unverified: what X answers for a post that is gone, and for somebody else's.
export const deletePost = ({ stage, account, path }: Call): Response => {
  const post = livePost(stage.state, path[0] ?? '')
  if (!post) throw new Refused(missing('tweet', path[0] ?? ''))
  if (post.author !== account.id) throw new Refused(blank(403, 'You are not authorized to delete this Tweet.'))
  for (const version of stage.state.posts) if (post.history.includes(version.id)) version.deleted = true
  return json({ data: { deleted: true } })
}
