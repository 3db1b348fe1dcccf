// Bluesky: posts are records in the account's own repository. We choose their keys, so writing one twice leaves one.

import { isDeepStrictEqual } from 'node:util'
import { type Adapter, defineAdapter, type Http, type Metrics, type Placement, PublishError, post } from '@syndikit/core'
import { z } from 'zod'
import { errors, rateOf } from './errors.ts'
import { check, limits, options } from './options.ts'
import { collection, type Reply, recordOf, type StrongRef, strongRef } from './record.ts'
import { publicView, replyOf } from './reply.ts'
import { appPasswordSession, entryway } from './session.ts'
import { tidOf } from './tid.ts'

/** What `replyTo.data` wants back, to answer the post without looking it up. */
interface Posted extends Placement {
  readonly url: string
  readonly data: { readonly cid: string; readonly root?: StrongRef }
}

const rkeyOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1)

const placed = ({ uri, cid }: StrongRef, did: string, reply: Reply | undefined): Posted => ({
  id: uri,
  url: `https://bsky.app/profile/${did}/post/${rkeyOf(uri)}`,
  data: { cid, ...(reply && { root: { ...reply.root } }) },
})

const stored = strongRef.extend({ value: z.unknown() })

/** The record under a key, or nothing. Only the server's own word for it counts as nothing. */
const recordAt = async (http: Http, repo: string, rkey: string): Promise<z.output<typeof stored> | undefined> => {
  try {
    return await http.get('com.atproto.repo.getRecord', { query: { repo, collection, rkey }, accept: stored })
  } catch (error) {
    if (PublishError.is(error) && error.platformCode === 'RecordNotFound') return undefined
    throw error
  }
}

const counts = z.object({
  posts: z.array(
    z.object({
      uri: z.string(),
      likeCount: z.number().optional(),
      repostCount: z.number().optional(),
      replyCount: z.number().optional(),
      quoteCount: z.number().optional(),
      bookmarkCount: z.number().optional(),
    }),
  ),
})

const metricsOf = ({
  likeCount: likes,
  repostCount: shares,
  replyCount: comments,
  bookmarkCount: saves,
  quoteCount: quotes,
}: z.output<typeof counts>['posts'][number]): Metrics => ({
  ...(likes !== undefined && { likes }),
  ...(shares !== undefined && { shares }),
  ...(comments !== undefined && { comments }),
  ...(saves !== undefined && { saves }),
  ...(quotes !== undefined && { native: { quotes } }),
})

const hour = 60 * 60_000

const posts = post({
  options,
  limits,
  check,
  recovery: { class: 'idempotent' }, // for ever: a key is taken once

  async publish(post, run) {
    const { account, http, commit, delivery } = run
    const answered = await replyOf(post, run)
    const done: Posted[] = []
    for (const i of post.parts.keys()) {
      const before = done.at(-1)
      const root = answered?.root ?? (done[0] && { uri: done[0].id, cid: done[0].data.cid })
      const reply = before && root ? { root, parent: { uri: before.id, cid: before.data.cid } } : answered
      const record = await recordOf(post, i, reply, run)
      done.push(
        await commit(`part-${i}`, {
          // `swapRecord: null` writes only where nothing is: a key that is taken, by us or by chance, is never overwritten.
          request: { repo: account.id, collection, rkey: tidOf(delivery, i), record, swapRecord: null },
          send: async (json) => placed(await http.post('com.atproto.repo.putRecord', { json, accept: strongRef }), account.id, reply),
          find: async ({ repo, rkey, record }) => {
            const there = await recordAt(http, repo, rkey)
            if (!there) return 'absent'
            return isDeepStrictEqual(there.value, record) ? placed(there, account.id, reply) : 'unknown'
          },
        }),
      )
    }
    return done[0] as Posted // a post has a first part
  },

  async unpublish({ parts }, { account, http, commit }) {
    for (const { id } of parts.toReversed()) {
      await commit(`delete-${rkeyOf(id)}`, {
        request: { repo: account.id, collection, rkey: rkeyOf(id) },
        // Deleting what is not there answers 200 as well.
        send: async (json) => {
          await http.post('com.atproto.repo.deleteRecord', { json })
          return { id }
        },
        find: async ({ repo, rkey }) => ((await recordAt(http, repo, rkey)) ? 'absent' : { id }),
      })
    }
  },

  metrics: {
    atOnce: 25,
    async read(placements, { http }) {
      const uris = placements.map(({ id }) => `uris=${encodeURIComponent(id)}`).join('&')
      const { posts } = await http.get(`${publicView}/app.bsky.feed.getPosts?${uris}`, { foreign: true, accept: counts })
      return new Map(posts.map((post) => [post.uri, metricsOf(post)]))
    },
  },
})

/**
 * Bluesky and other servers of the AT Protocol, by app password. There is no `update`: a server takes a rewritten post, but the app goes on showing
 * the first text, and likes and replies that name its hash come loose (social-app#673, social-app#8781).
 */
export const bluesky = (): Adapter<'bluesky', typeof posts> =>
  defineAdapter({
    contract: 1,
    id: 'bluesky',
    name: 'Bluesky',
    auth: [appPasswordSession],
    http: {
      base: ({ server = entryway }) => `${server}/xrpc/`,
      hosts: ({ server = entryway }) => [new URL(server).host],
    },
    // Without a server: a log-in or a renewal tells it, and the latest one counts.
    async accounts({ http }) {
      const { did, handle } = await http.get('com.atproto.server.getSession', { accept: z.object({ did: z.string(), handle: z.string() }) })
      return [{ id: did, name: handle, url: `https://bsky.app/profile/${did}` }]
    },
    content: [posts],
    errors,
    // 5,000 points an hour and 35,000 a day (docs.bsky.app rate-limits, 2026-04-21); a putRecord takes 2 (atproto putRecord.ts@d6296a1), a delete 1.
    rates: [
      { on: 'publish', limit: 2_500, windowMs: hour, per: 'account' },
      { on: 'publish', limit: 17_500, windowMs: 24 * hour, per: 'account' },
      { on: 'unpublish', limit: 5_000, windowMs: hour, per: 'account' },
    ],
    rateOf,
  })
