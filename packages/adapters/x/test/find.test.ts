// The look-up against answers that the emulator does not give: the other spelling, cut-off lists, links that X resolved.

import type { Found, Placement, Trace } from '@syndikit/core'
import { httpFor } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { findEdit, findPost } from '../src/find.ts'
import { x } from '../src/index.ts'
import { type PostRequest, requestOf, type XPost } from '../src/request.ts'

const at = '2026-11-20T09:00:01.000Z'
type Pages = (query: URLSearchParams, path: string) => unknown

const looking = (answer: Pages) => {
  const asked: string[] = []
  const http = httpFor(x({ clientId: 'a' }), async ({ url }) => {
    const { searchParams, pathname } = new URL(url)
    asked.push(pathname)
    return Response.json(answer(searchParams, pathname))
  })
  const trace: Trace = {
    sentAt: new Date('2026-11-20T09:00:00.000Z'),
    pick: async <T extends Placement>(candidates: readonly T[]): Promise<Found<T>> => (candidates.length > 1 ? 'unknown' : (candidates[0] ?? 'absent')),
  }
  return { trace, asked, reading: { account: { id: '7', name: 'a' }, http, inCommunity: false } }
}
const sent = (text: string, { options = {}, ...more }: { options?: XPost['options']; parent?: string; previous?: string } = {}): PostRequest =>
  requestOf({ post: { parts: [{ text, media: [] }], options }, index: 0, mediaIds: [], parent: undefined, ...more })
const placed = (id: string): Placement => ({ id })

const look = async (request: PostRequest, posts: readonly object[], more: object = {}) => {
  const { trace, reading } = looking(() => ({ data: posts, meta: { result_count: posts.length }, ...more }))
  const found = await findPost(request, trace, reading, placed)
  return typeof found === 'string' ? found : found.id
}

describe('looking for a post', () => {
  it('reads both spellings of what a post answers and of a long text', async () => {
    const request = sent('a & b', { parent: '1' })
    for (const name of ['referenced_tweets', 'referenced_posts'])
      expect(await look(request, [{ id: '2', text: 'a &amp; b', created_at: at, [name]: [{ type: 'replied_to', id: '1' }] }])).toBe('2')
    for (const name of ['note_tweet', 'note_post']) {
      const entities = { urls: [{ url: 'https://t.co/abc', expanded_url: 'https://example.com/x' }] }
      expect(
        await look(sent('long https://example.com/x'), [{ id: '3', text: 'lo…', created_at: at, [name]: { text: 'long https://t.co/abc', entities } }]),
      ).toBe('3')
    }
  })

  it('takes nulls where X writes them', async () => {
    const nulls = { entities: { urls: null }, attachments: { media_keys: null }, referenced_tweets: null, note_tweet: null }
    expect(await look(sent('a'), [{ id: '2', text: 'a', created_at: at, ...nulls }])).toBe('2')
    const entities = { urls: [{ url: null, expanded_url: 'https://example.com' }] }
    expect(await look(sent('a'), [{ id: '2', text: 'a', created_at: at, entities }])).toBe('2')
  })

  it('knows its own mention in front of an answer', async () => {
    const post = { id: '2', text: '@bob @alice Thanks', created_at: at, referenced_tweets: [{ type: 'replied_to', id: '1' }] }
    expect(await look(sent('Thanks', { parent: '1' }), [post])).toBe('2')
    expect(await look(sent('Thanks'), [{ ...post, referenced_tweets: [] }])).toBe('absent')
  })

  it('knows its own file behind a mention that X put there', async () => {
    const request = requestOf({ post: { parts: [{ text: '', media: [] }], options: {} }, index: 0, mediaIds: ['5'], parent: '1' })
    const entities = { urls: [{ url: 'https://t.co/abc', expanded_url: 'https://x.com/a/status/2/photo/1', media_key: '3_5' }] }
    const post = { id: '2', text: '@bob https://t.co/abc', created_at: at, entities, attachments: { media_keys: ['3_5'] } }
    expect(await look(request, [{ ...post, referenced_tweets: [{ type: 'replied_to', id: '1' }] }])).toBe('2')
  })

  it('does not take the same words to somebody else for its own answer', async () => {
    const post = { id: '2', text: '@bob Thanks', created_at: at, referenced_tweets: [{ type: 'replied_to', id: '1' }] }
    expect(await look(sent('@alice Thanks', { parent: '1' }), [post])).toBe('unknown')
    expect(await look(sent('@bob Thanks', { parent: '1' }), [post])).toBe('2')
    expect(await look(sent('hi', { parent: '1' }), [{ ...post, text: '@bob_hi' }])).toBe('absent')
  })

  it('takes no post with the same words for it that has files, or answers another', async () => {
    const twin = { text: 'Same words', created_at: at }
    const withFile = { ...twin, id: '2', attachments: { media_keys: ['3_1'] } }
    const answer = { ...twin, id: '3', referenced_tweets: [{ type: 'replied_to', id: '1' }] }
    expect(await look(sent('Same words'), [withFile, answer])).toBe('absent')
    expect(await look(sent('Same words'), [withFile, answer, { ...twin, id: '4' }])).toBe('4')
  })

  it('removes the link that X adds for a quoted post', async () => {
    const entities = { urls: [{ url: 'https://t.co/abc', expanded_url: 'https://x.com/bob/status/55' }] }
    expect(await look(sent('Look', { options: { quote: '55' } }), [{ id: '2', text: 'Look https://t.co/abc', created_at: at, entities }])).toBe('2')
  })

  it('does not know whether a link that X resolved is the one that was sent', async () => {
    const entities = { urls: [{ url: 'https://t.co/abc', expanded_url: 'https://elsewhere.example/landing' }] }
    expect(await look(sent('See https://bit.ly/1'), [{ id: '2', text: 'See https://t.co/abc', created_at: at, entities }])).toBe('unknown')
    expect(await look(sent('Say https://bit.ly/1'), [{ id: '2', text: 'See https://t.co/abc', created_at: at, entities }])).toBe('absent')
  })

  it('believes no list that is not whole', async () => {
    const noise = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `${i}`, text: `noise ${i}`, created_at: at }))
    expect(await look(sent('a'), noise(3))).toBe('absent')
    expect(await look(sent('a'), noise(3), { errors: [{ title: 'Field hydration failure' }] })).toBe('unknown')
    const { trace, reading, asked } = looking(() => ({ data: noise(100), meta: { result_count: 100, next_token: 'more' } }))
    expect(await findPost(sent('a'), trace, reading, placed)).toBe('unknown')
    expect(asked).toHaveLength(8)
  })

  it('does not turn pages for ever', async () => {
    const { trace, reading, asked } = looking(() => ({ meta: { result_count: 0, next_token: 'more' } }))
    expect(await findPost(sent('a'), trace, reading, placed)).toBe('unknown')
    expect(asked.length).toBeLessThan(50)
  })

  it('believes no answer without the fields that were asked for', async () => {
    await expect(look(sent('a'), [{ id: '2', text: 'a' }])).rejects.toMatchObject({ code: 'unknown' })
    const { trace, reading } = looking(() => ({ errors: [{ title: 'Not Found Error' }] }))
    await expect(findPost(sent('a'), trace, reading, placed)).rejects.toMatchObject({ code: 'unknown' })
  })
})

describe('looking for an edit', () => {
  const versions = (history: string[], texts: Record<string, string>, name = 'edit_history_tweet_ids'): Pages => {
    const post = (id: string) => ({ id, text: texts[id], created_at: at, [name]: history })
    return (query, path) => (path.endsWith('/tweets') ? { data: (query.get('ids') ?? '').split(',').map(post) } : { data: post(path.split('/').at(-1) ?? '') })
  }
  const edit = async (answer: Pages) => {
    const { trace, reading } = looking(answer)
    const found = await findEdit(sent('new', { previous: '2' }), trace, reading, placed)
    return typeof found === 'string' ? found : found.id
  }

  it('reads the history of the post that was edited, in both spellings', async () => {
    expect(await edit(versions(['1', '2'], { 2: 'old' }))).toBe('absent')
    expect(await edit(versions(['1', '2', '3'], { 2: 'old', 3: 'new' }))).toBe('3')
    expect(await edit(versions(['1', '2', '3'], { 2: 'old', 3: 'new' }, 'edit_history_post_ids'))).toBe('3')
    expect(await edit(versions(['1', '2', '3'], { 2: 'old', 3: 'by hand' }))).toBe('absent')
  })

  it('does not guess without a history', async () => {
    expect(await edit(() => ({ data: { id: '2', text: 'old', created_at: at } }))).toBe('unknown')
  })
})
