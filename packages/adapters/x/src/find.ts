// Looks for a post whose answer was lost. X knows no idempotency key, so what the account shows is read and compared with what was sent.

import type { Found, Placement, Reading, Trace } from '@syndikit/core'
import { z } from 'zod'
import { findLinks } from './links.ts'
import type { PostRequest } from './request.ts'

const url = z.object({ url: z.string().nullish(), expanded_url: z.string().nullish(), media_key: z.string().nullish() })
const entities = z.object({ urls: z.array(url).nullish() }).nullish()
const note = z.object({ text: z.string(), entities }).nullish()
const references = z.array(z.object({ type: z.string(), id: z.string() })).nullish()
const ids = z.array(z.string()).nullish()
/** Two spellings: of the specification (2.167, `post`) and of the pages beside it (`tweet`). `created_at` is demanded: without it X has not read the fields that were asked for. */
const post = z.object({
  id: z.string(),
  text: z.string(),
  created_at: z.iso.datetime(),
  entities,
  attachments: z.object({ media_keys: ids }).nullish(),
  referenced_tweets: references,
  referenced_posts: references,
  note_tweet: note,
  note_post: note,
  edit_history_tweet_ids: ids,
  edit_history_post_ids: ids,
})
type Shown = z.output<typeof post>
const problems = z.array(z.unknown()).optional()
const page = z.object({ data: z.array(post).default([]), errors: problems, meta: z.object({ result_count: z.number(), next_token: z.string().optional() }) })
const one = z.object({ data: post })
const several = z.object({ data: z.array(post).default([]), errors: problems })

const fields = 'created_at,entities,attachments,referenced_tweets,note_tweet,edit_history_tweet_ids'
/** X ends a timeline without a word: after 3,200 posts, after 800 where some are left out. */
const surelyListed = 800
const beforeSendMs = 120_000
/** Of up to 100 posts: pages may come short. */
const mostPages = 20

/** The account's posts since the send, answers included: the parts of a thread are answers. `whole`: none can be missing. */
const timeline = async ({ account, http }: Reading, sentAt: Date): Promise<{ posts: Shown[]; whole: boolean }> => {
  const posts: Shown[] = []
  const since = `${new Date(sentAt.getTime() - beforeSendMs).toISOString().slice(0, 19)}Z`
  for (let token: string | undefined, whole = true, pages = 1; ; pages++) {
    const { data, errors, meta } = await http.get(`users/${account.id}/tweets`, {
      query: { max_results: 100, start_time: since, exclude: 'retweets', 'tweet.fields': fields, pagination_token: token },
      accept: page,
    })
    posts.push(...data)
    whole &&= !errors?.length
    token = meta.next_token
    if (token === undefined) return { posts, whole: whole && posts.length < surelyListed }
    if (posts.length >= surelyListed || pages === mostPages) return { posts, whole: false }
  }
}

const characters: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' }
const escapes = /&(?:amp|lt|gt);/g
const unescaped = (text: string): string => text.replace(escapes, (name) => characters[name] as string)

/** A link without what X may write differently: its scheme, the case of its host, a slash at its end. */
const linkKey = (link: string): string => {
  const address = /^https?:\/\//i.test(link) ? link : `http://${link}`
  if (!URL.canParse(address)) return link.toLowerCase()
  const { host, pathname, search, hash } = new URL(address)
  return `${host}${pathname.replace(/\/$/, '')}${search}${hash}`
}
const marked = (link: string): string => `\0${linkKey(unescaped(link))}\0`
const tidy = (text: string): string => text.normalize('NFC').replaceAll('\r\n', '\n').trim()

const asSent = (text: string): string => {
  let result = ''
  let at = 0
  for (const { start, end } of findLinks(text)) {
    result += text.slice(at, start) + marked(text.slice(start, end))
    at = end
  }
  return tidy(result + text.slice(at))
}

/** As X shows it, taken back to what was typed: t.co links opened, the ones X adds for files and for a quoted post removed, `&`, `<` and `>` unescaped. */
const asShown = (shown: Shown, { quote_tweet_id: quote }: PostRequest): string => {
  const long = shown.note_tweet ?? shown.note_post
  const known = [...(shown.entities?.urls ?? []), ...(long?.entities?.urls ?? [])]
  const links = new Map(known.flatMap((entity) => (entity.url ? [[entity.url, entity]] : [])))
  // Longest first, so that no address is taken for the beginning of another.
  const addresses = [...links.keys()].sort((a, b) => b.length - a.length).map((address) => address.replace(/\W/g, '\\$&'))
  const typed = (long?.text ?? shown.text).replace(new RegExp([...addresses, escapes.source].join('|'), 'g'), (part) => {
    const link = links.get(part)
    if (!link) return unescaped(part)
    const added = link.media_key || (quote !== undefined && link.expanded_url?.endsWith(`/status/${quote}`))
    return added ? '' : marked(link.expanded_url ?? part)
  })
  return tidy(typed)
}

const parentOf = ({ referenced_tweets, referenced_posts }: Shown): string | undefined =>
  (referenced_tweets ?? referenced_posts)?.find(({ type }) => type === 'replied_to')?.id

const fits = (shown: Shown, request: PostRequest): boolean =>
  parentOf(shown) === request.reply?.in_reply_to_tweet_id && (shown.attachments?.media_keys?.length ?? 0) === (request.media?.media_ids.length ?? 0)

const mentions = /^(?:@\w+\s+)+/

/** What stands in front of an answer may be X's own. */
const isSent = (shown: string, sent: string, answer: boolean): boolean => {
  const before = shown.slice(0, shown.length - sent.length)
  return shown === sent || (answer && shown.endsWith(sent) && (sent === '' ? `${before} ` : before).replace(mentions, '') === '')
}

/** What is left without links, which X may resolve to other addresses, and without mentions that may be its own. */
const bare = (text: string, answer: boolean): string =>
  (answer ? `${text} `.replace(mentions, '') : text)
    .replace(/\0[^\0]*\0/g, '')
    .replace(/\s+/g, ' ')
    .trim()

/** Equal to the letter: it. Equal but for links and mentions: nobody can know. */
const among = async <T extends Placement>(
  shown: readonly Shown[],
  request: PostRequest,
  trace: Trace,
  placed: (shown: Shown) => T & { at?: Date },
): Promise<Found<T>> => {
  // Whether X composes letters before it looks for links is unverified: both are ours.
  const sent = [request.text, request.text.normalize('NFC')].map(asSent)
  const answer = request.reply !== undefined
  const blank = new Set(sent.map((text) => bare(text, answer)))
  const candidates = shown.filter((one) => fits(one, request)).map((one) => ({ one, text: asShown(one, request) }))
  const same = candidates.filter(({ text }) => sent.some((mine) => isSent(text, mine, answer)))
  if (same.length > 0) return trace.pick(same.map(({ one }) => placed(one)))
  const alike = candidates.filter(({ text }) => blank.has(bare(text, answer)))
  return (await trace.pick(alike.map(({ one }) => placed(one)))) === 'absent' ? 'absent' : 'unknown'
}

export interface Looking extends Reading {
  /** In a community, or in a thread there: that need not be on the account's timeline (unverified), so its absence proves nothing. */
  readonly inCommunity: boolean
}

export const findPost = async <T extends Placement>(request: PostRequest, trace: Trace, reading: Looking, placed: (id: string) => T): Promise<Found<T>> => {
  const { posts, whole } = await timeline(reading, trace.sentAt)
  const found = await among(posts, request, trace, ({ id, created_at }) => ({ ...placed(id), at: new Date(created_at) }))
  return found === 'absent' && (!whole || reading.inCommunity) ? 'unknown' : found
}

/** An edit is a new post in the history of the old one, which names them all. */
export const findEdit = async <T extends Placement>(request: PostRequest, trace: Trace, { http }: Reading, placed: (id: string) => T): Promise<Found<T>> => {
  const previous = request.edit_options?.previous_post_id ?? ''
  const { data } = await http.get(`tweets/${previous}`, { query: { 'tweet.fields': fields }, accept: one })
  const history = data.edit_history_tweet_ids ?? data.edit_history_post_ids
  if (!history?.includes(previous)) return 'unknown'
  const later = history.slice(history.indexOf(previous) + 1)
  if (later.length === 0) return 'absent'
  const { data: versions, errors } = await http.get('tweets', { query: { ids: later.join(), 'tweet.fields': fields }, accept: several })
  const found = await among(versions, request, trace, ({ id }) => placed(id))
  return found === 'absent' && errors?.length ? 'unknown' : found
}
