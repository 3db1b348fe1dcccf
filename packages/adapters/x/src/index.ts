// X (API v2). https://docs.x.com/x-api/introduction

import { isDeepStrictEqual } from 'node:util'
import { defineAdapter, type OAuth2, type Placed, type Placement, type Post, PublishError, post, type Rate, type Run } from '@syndikit/core'
import { z } from 'zod'
import { problemsOf } from './check.ts'
import { errors, rateOf } from './errors.ts'
import { findEdit, findPost } from './find.ts'
import { limitsFor } from './limits.ts'
import { readMetrics } from './metrics.ts'
import { type Given, options, optionsOf, requestOf, textOf, type XPost } from './request.ts'
import { altOf, uploadAll } from './upload.ts'

/** Of the app, from "Keys and tokens" in X's developer console. */
export interface XOptions {
  /** The OAuth 2.0 client id. */
  clientId: string
  /** Of a confidential client; a public one has none. */
  clientSecret?: string | undefined
  /** Lets accounts with Premium write 25,000 characters. Off by default: X does not say whether its API takes more than 280, and reports disagree (unverified). */
  longPosts?: boolean | undefined
}

const xOptions = z.strictObject(
  {
    clientId: z
      .string('a string: copy the OAuth 2.0 Client ID from "Keys and tokens" in the X developer console')
      .trim()
      .min(1, 'not empty: copy the OAuth 2.0 Client ID from "Keys and tokens" in the X developer console'),
    clientSecret: z
      .string('a string: copy the OAuth 2.0 Client Secret, or leave it out for a public client')
      .trim()
      .min(1, 'not empty: copy the OAuth 2.0 Client Secret, or leave it out for a public client')
      .optional(),
    longPosts: z.boolean('true or false').optional(),
  },
  'an object with a `clientId`',
)

const checked = (given: XOptions): z.output<typeof xOptions> => {
  const read = xOptions.safeParse(given)
  if (read.success) return read.data
  const wrong = read.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `there is no option ${issue.keys.map((key) => `\`${key}\``).join(', ')}; remove it`
      : `\`${issue.path.join('.') || 'options'}\` must be ${issue.message}`,
  )
  throw new TypeError(`x(): ${wrong.join('; ')}.`)
}

const minuteMs = 60_000

/** Left on every part, so that an edit knows what it would change. */
const traces = z.object({ media: z.array(z.string()), options: z.record(z.string(), z.json()).default({}), replyTo: z.string().optional() })
const tracesOf = (post: XPost, index: number, replyTo?: string) => {
  const media = (post.parts[index]?.media ?? []).map((file) => `${file.sha256} ${altOf(file) ?? ''}`.trim())
  return { media, options: optionsOf(post, index), ...(replyTo !== undefined && { replyTo }) }
}
const withId = z.object({ data: z.object({ id: z.string().min(1) }) }).transform(({ data }) => data)

/** One post, once: sent, or found where the answer was lost. */
const commitPost = (name: string, given: Given, { account, http, commit }: Run): Promise<Placement> => {
  const { post, index, parent, previous } = given
  const data = tracesOf(post, index, parent)
  const placed = (id: string): Placement => ({ id, url: `https://x.com/${account.name}/status/${id}`, data })
  const find = previous === undefined ? findPost : findEdit
  return commit(name, {
    request: requestOf(given),
    send: async (json) => placed((await http.post('tweets', { json, accept: withId })).id),
    find: (sent, trace) => find(sent, trace, { account, http, inCommunity: post.options.communityId !== undefined }, placed),
  })
}

const publish = async (content: XPost, run: Run): Promise<Placement> => {
  const media = await uploadAll(
    content.parts.map((part) => part.media),
    run,
  )
  const posted: Placement[] = []
  for (const [index, mediaIds] of media.entries()) {
    const parent = posted.at(-1)?.id ?? content.replyTo?.id
    posted.push(await commitPost(`part-${index}`, { post: content, index, mediaIds, parent }, run))
  }
  return posted[0] as Placement
}

/** An edit is a new post in place of the old one. X lets Premium accounts do it for an hour (its pages disagree: 30 minutes), five times. */
const update = async (content: XPost, { parts, content: old }: Placed<Post>, run: Run): Promise<Placement> => {
  if (parts.length !== content.parts.length || content.poll || old.poll)
    throw new PublishError(
      'invalid',
      `X edits posts one by one: a thread keeps its ${parts.length} posts, and a poll cannot be edited. Delete it and publish anew.`,
      { platform: 'x' },
    )
  const was = parts.map((part) => ({ part, left: traces.safeParse(part.data).data }))
  const changed = was.map(({ left }, i) => textOf(content, i) !== textOf(old, i) || !isDeepStrictEqual(left, tracesOf(content, i, left?.replyTo)))
  const media = await uploadAll(
    content.parts.map((part, i) => (changed[i] ? part.media : [])),
    run,
  )
  const now: Placement[] = []
  for (const [index, { part, left }] of was.entries()) {
    const given = { post: content, index, mediaIds: media[index] ?? [], parent: left?.replyTo, previous: part.id }
    // A post that stays as it is costs no edit, but is a part of what is there all the same.
    const kept = () => run.commit(`keep-${index}`, { request: null, recovery: { class: 'idempotent' }, send: async () => part })
    now.push(await (changed[index] ? commitPost(`edit-${index}`, given, run) : kept()))
  }
  return now[0] as Placement
}

const deleted = z.object({ data: z.object({ deleted: z.literal(true) }) })

/** From the last part to the first. One that is gone is done, by X's own word only. */
const unpublish = async ({ parts }: Placed<Post>, { http, commit }: Run): Promise<void> => {
  for (const { id } of parts.toReversed())
    await commit(`delete-${id}`, {
      request: { id },
      recovery: { class: 'idempotent' },
      send: async ({ id }) => {
        try {
          await http.delete(`tweets/${id}`, { accept: deleted })
        } catch (error) {
          if (!PublishError.is(error) || error.code !== 'gone' || error.outcome !== 'not-published') throw error
        }
        return { id }
      },
    })
}

const me = z.object({
  data: z.object({ id: z.string(), name: z.string(), username: z.string(), verified: z.boolean().optional(), subscription_type: z.string().optional() }),
})

/**
 * X, by OAuth 2 of your own app.
 * @throws TypeError for wrong options; it names each and the mend.
 */
const authOf = ({ clientId, clientSecret }: XOptions): OAuth2 => ({
  type: 'oauth2',
  client: {
    id: clientId,
    ...(clientSecret !== undefined && { secret: clientSecret }),
    authorizeUrl: 'https://x.com/i/oauth2/authorize',
    tokenUrl: 'https://api.x.com/2/oauth2/token',
    revokeUrl: 'https://api.x.com/2/oauth2/revoke', // unverified: that tokens of the account's other consents live on
    auth: clientSecret === undefined ? 'none' : 'basic',
  },
  scopes: ['tweet.read', 'tweet.write', 'users.read', 'media.write', 'offline.access'],
  lifeMs: 2 * 60 * minuteMs,
  rotation: 'family',
})

// Trust the headers: another page says 200 in 15 minutes and 300 in three hours.
const rates: readonly Rate[] = [
  { on: 'publish', limit: 100, windowMs: 15 * minuteMs, per: 'account' },
  { on: 'publish', limit: 10_000, windowMs: 24 * 60 * minuteMs, per: 'app' },
  { on: 'update', limit: 100, windowMs: 15 * minuteMs, per: 'account' },
  { on: 'update', limit: 10_000, windowMs: 24 * 60 * minuteMs, per: 'app' },
  { on: 'unpublish', limit: 50, windowMs: 15 * minuteMs, per: 'account' },
]

/** X, for one app. Throws a `TypeError` that names the option where one is wrong. */
export const x = (app: XOptions) => {
  const given = checked(app)
  const limits = limitsFor(given.longPosts ?? false)
  return defineAdapter({
    contract: 1,
    id: 'x',
    name: 'X',
    auth: [authOf(given)],
    http: { base: 'https://api.x.com/2/', hosts: ['api.x.com'] },
    accounts: async ({ http }) => {
      const { data } = await http.get('users/me', { query: { 'user.fields': 'verified,subscription_type' }, accept: me })
      const facts = { displayName: data.name, verified: data.verified ?? false, subscription: data.subscription_type ?? 'None' }
      return [{ id: data.id, name: data.username, url: `https://x.com/${data.username}`, facts }]
    },
    content: [
      post({
        options,
        limits,
        check: (content, account) => problemsOf(content, limits(account)),
        // X says nothing of how soon a post is in its author's timeline; it is seconds as a rule (unverified), and two minutes leave room.
        recovery: { class: 'look-up', settleMs: 2 * minuteMs },
        publish,
        update,
        unpublish,
        metrics: { atOnce: 100, read: readMetrics },
      }),
    ],
    errors,
    rateOf,
    rates,
  })
}
