// The post that is answered. Bluesky wants address and content hash, of it and of the first post of its thread.

import { type Post, PublishError, type Run } from '@syndikit/core'
import { z } from 'zod'
import { collection, type Reply, strongRef } from './record.ts'

/** Reads need no account: the public view of the network. */
export const publicView = 'https://public.api.bsky.app/xrpc'

const ours = z.object({ cid: z.string(), root: strongRef.optional() })
const view = z.object({ posts: z.array(strongRef.extend({ record: z.object({ reply: z.object({ root: strongRef }).optional() }) })) })

const atUri = /^at:\/\/([^/]+)\/app\.bsky\.feed\.post\/([^/]+)$/
const webUrl = /^https:\/\/bsky\.app\/profile\/([^/]+)\/post\/([^/?#]+)/

/** Whose post, and its record key. */
export const addressOf = ({ id, url }: NonNullable<Post['replyTo']>): { actor: string; rkey: string } | undefined => {
  const [, actor, rkey] = atUri.exec(id) ?? webUrl.exec(url ?? id) ?? []
  return actor && rkey ? { actor, rkey } : undefined
}

const lookUp = async (replyTo: NonNullable<Post['replyTo']>, http: Run['http']): Promise<Reply> => {
  const address = addressOf(replyTo)
  if (!address)
    throw new PublishError('invalid', 'Bluesky: `replyTo` names no post. Give the at:// address of the post as `id`, or its bsky.app address as `url`.')
  const { actor, rkey } = address
  const did = actor.startsWith('did:')
    ? actor
    : (await http.get('com.atproto.identity.resolveHandle', { query: { handle: actor }, accept: z.object({ did: z.string() }) })).did
  const { posts } = await http.get(`${publicView}/app.bsky.feed.getPosts`, {
    query: { uris: `at://${did}/${collection}/${rkey}` },
    foreign: true,
    accept: view,
  })
  const [found] = posts
  if (!found) throw new PublishError('gone', 'Bluesky: the post to answer is not there.', { platform: 'bluesky' })
  const parent = { uri: found.uri, cid: found.cid }
  return { root: found.record.reply?.root ?? parent, parent }
}

/** From what an earlier delivery left, or looked up by address. */
export const replyOf = async ({ replyTo }: Post, { http, once }: Run): Promise<Reply | undefined> => {
  if (!replyTo) return undefined
  const known = ours.safeParse(replyTo.data).data
  if (!known || !atUri.test(replyTo.id)) return once('reply-to', async () => ({ ...(await lookUp(replyTo, http)) }))
  const parent = { uri: replyTo.id, cid: known.cid }
  return { root: known.root ?? parent, parent }
}
