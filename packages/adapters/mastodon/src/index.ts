// Mastodon and servers that speak its API: the user names the server, the app registers there, and the server's limits hold.

import { type Adapter, defineAdapter, type Http, type Metrics, type OAuth2, type Placement, PublishError, post, type Run } from '@syndikit/core'
import { z } from 'zod'
import { type Attached, attach } from './attach.ts'
import { errors, rateOf } from './errors.ts'
import { findStatus, type Status, status } from './find.ts'
import { fromMastodon, keepsKeys, limitsOf, localId, readAccount } from './instance.ts'
import { check, type MastodonPost, options, statusOf } from './status.ts'

/** The app as its users see it: on the consent page and under every post. */
export interface MastodonOptions {
  readonly appName: string
  readonly website?: string | undefined
  /** Default: read the account and its statuses, write statuses and media. Servers before 4.3 know them too. */
  readonly scopes?: readonly string[] | undefined
}

const minute = 60_000
const usualScopes = ['read:accounts', 'read:statuses', 'write:statuses', 'write:media']

/** The files in `data` let an edit keep what is there. */
interface Posted extends Placement {
  readonly data: { readonly media: readonly { readonly id: string; readonly sha256: string }[] }
}

const placed = ({ id, url }: Pick<Status, 'id' | 'url'>, media: readonly Attached[]): Posted => ({
  id,
  ...(url && { url }),
  data: { media: media.map((file) => ({ ...file })) },
})
const posted = status.pick({ id: true, url: true })
const filesOf = ({ data }: Placement): Attached[] =>
  z.object({ media: z.array(z.object({ id: z.string(), sha256: z.string() })) }).safeParse(data).data?.media ?? []

/** One app per server and redirect URI. PKCE goes with every log-in: servers from 4.3 check it, older ones pass over it. */
const clientAt =
  ({ appName, website, scopes = usualScopes }: MastodonOptions): Extract<OAuth2['client'], CallableFunction> =>
  async ({ server, redirectUri, http }) => {
    const json = { client_name: appName, redirect_uris: redirectUri, scopes: scopes.join(' '), website }
    const accept = z.object({ client_id: z.string(), client_secret: z.string() })
    const { client_id, client_secret } = await fromMastodon(server, http.post('v1/apps', { json, accept }))
    return {
      id: client_id,
      secret: client_secret,
      auth: 'body',
      authorizeUrl: `${server}/oauth/authorize`,
      tokenUrl: `${server}/oauth/token`,
      revokeUrl: `${server}/oauth/revoke`,
    }
  }

/** A status that is gone is what deleting wants. Only the server's own word counts. */
const unlessGone = async (work: Promise<void>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!PublishError.is(error) || error.code !== 'gone' || error.outcome !== 'not-published') throw error
  }
}

const write = async (post: MastodonPost, i: number, before: string | undefined, appName: string, run: Run): Promise<Posted> => {
  const { account, http, delivery, credentials } = run
  // A token that was made by hand belongs to an application of any name.
  const application = credentials.token ? undefined : appName
  const media = await attach(post.parts[i]?.media ?? [], `part-${i}`, run)
  return run.commit(`part-${i}`, {
    request: { ...statusOf(post, i, media), visibility: post.options?.visibility, in_reply_to_id: before },
    ...(!keepsKeys(account) && { recovery: { class: 'look-up', settleMs: minute } }),
    send: async (json) => placed(await http.post('v1/statuses', { json, headers: { 'idempotency-key': `${delivery.key}:${i}` }, accept: posted }), media),
    find: (sent, trace) => findStatus(sent, trace, { accountId: localId(account), application, http, placed: (there) => placed(there, media) }),
  })
}

const there = z.object({ sensitive: z.boolean().catch(false), visibility: z.string().optional() })

/** What an edit must not change by itself: `sensitive` would bare files that the account's own setting hides. And what it cannot: who sees the status. */
const keptOf = async (post: MastodonPost, at: string, { id }: Placement, { http, once }: Run): Promise<{ sensitive: boolean }> => {
  const { sensitive, visibility } = post.options ?? {}
  if (sensitive !== undefined && visibility === undefined) return { sensitive }
  const is = await once(`${at}/there`, () => http.get(`v1/statuses/${id}`, { accept: there }))
  if (visibility === undefined || is.visibility === visibility) return { sensitive: sensitive ?? is.sensitive }
  throw new PublishError(
    'invalid',
    `Mastodon cannot change who sees a status: it is \`${is.visibility}\`. Leave \`visibility\` out, or unpublish it and publish it again as \`${visibility}\`.`,
    { platform: 'mastodon' },
  )
}

/** A full replacement: the files that stay are named again, with their descriptions. */
const rewrite = async (post: MastodonPost, i: number, old: Placement, run: Run): Promise<Posted> => {
  const { http } = run
  const { sensitive } = await keptOf(post, `part-${i}`, old, run)
  const files = post.parts[i]?.media ?? []
  const media = await attach(files, `part-${i}`, run, filesOf(old))
  return run.commit(`part-${i}`, {
    request: { ...statusOf(post, i, media), sensitive, media_attributes: media.map(({ id }, j) => ({ id, description: files[j]?.alt ?? '' })) },
    recovery: { class: 'idempotent' }, // the same edit twice changes nothing
    send: async (json) => placed(await http.put(`v1/statuses/${old.id}`, { json, accept: posted }), media),
  })
}

const remove = (id: string, { http, commit }: Run): Promise<Placement> =>
  commit(`delete-${id}`, {
    request: { id },
    recovery: { class: 'idempotent' },
    send: async ({ id }) => {
      await unlessGone(http.delete(`v1/statuses/${id}`))
      return { id }
    },
  })

const counts = z.object({ replies_count: z.number(), reblogs_count: z.number(), favourites_count: z.number(), quotes_count: z.number().optional() })

const readMetrics = async (id: string, http: Http): Promise<Metrics> => {
  const there = await http.get(`v1/statuses/${id}`, { accept: counts })
  return {
    comments: there.replies_count,
    shares: there.reblogs_count,
    likes: there.favourites_count,
    ...(there.quotes_count !== undefined && { native: { quotes: there.quotes_count } }),
  }
}

const postsOf = ({ appName }: MastodonOptions) =>
  post({
    options,
    limits: limitsOf,
    check,
    // "Up to 1 hour", and the key is written after the status: a second send must not overtake the first (docs methods/statuses, 2026-07-02; post_status_service.rb).
    recovery: { class: 'idempotent', forMs: 60 * minute, settleMs: minute },

    async publish(post, run) {
      const done: Posted[] = []
      for (const i of post.parts.keys()) done.push(await write(post, i, done.at(-1)?.id ?? post.replyTo?.id, appName, run))
      return done[0] as Posted // a post has a first part
    },

    async update(post, { parts }, run) {
      const done: Posted[] = []
      for (const i of post.parts.keys()) {
        const old = parts[i]
        done.push(old ? await rewrite(post, i, old, run) : await write(post, i, done.at(-1)?.id, appName, run))
      }
      // Not commits: what they leave are not parts of the post any more.
      for (const { id } of parts.slice(post.parts.length).toReversed()) await run.once(`delete-${id}`, () => unlessGone(run.http.delete(`v1/statuses/${id}`)))
      return done[0]
    },

    async unpublish({ parts }, run) {
      for (const { id } of parts.toReversed()) await remove(id, run)
    },

    metrics: {
      atOnce: 1,
      read: async (placements, { http }) => new Map(await Promise.all(placements.map(async ({ id }) => [id, await readMetrics(id, http)] as const))),
    },
  })

/** Mastodon 4, and its relatives as far as they follow it. */
export const mastodon = (options: MastodonOptions): Adapter<'mastodon', ReturnType<typeof postsOf>> => {
  if (!options.appName?.trim()) throw new TypeError('mastodon: `appName` is missing. Give the name that people see on the consent page and under posts.')
  const { scopes = usualScopes } = options
  return defineAdapter({
    contract: 1,
    id: 'mastodon',
    name: 'Mastodon',
    // Tokens live until they are revoked; one may also be made by hand, under Preferences, Development.
    auth: [
      { type: 'oauth2', client: clientAt(options), scopes, refresh: false, rotation: 'none' },
      { type: 'keys', fields: z.strictObject({ token: z.string().trim().min(1) }) },
    ],
    http: {
      base: ({ server }) => `${server ?? 'https://no-server.invalid'}/api/`,
      hosts: ({ server }) => (server === undefined ? [] : [new URL(server).host]),
    },
    accounts: async ({ http, server }) => (server === undefined ? [] : [await readAccount(http, server)]),
    content: [postsOf(options)],
    errors,
    // docs.joinmastodon.org/api/rate-limits (2026-07-02) and app/lib/rate_limiter.rb; an operator may have others, and the headers correct them.
    rates: [
      { on: 'publish', limit: 300, windowMs: 3 * 60 * minute, per: 'account' },
      { on: 'publish', limit: 300, windowMs: 5 * minute, per: 'account' },
      { on: 'update', limit: 300, windowMs: 5 * minute, per: 'account' },
      { on: 'unpublish', limit: 30, windowMs: 30 * minute, per: 'account' },
    ],
    rateOf,
  })
}
