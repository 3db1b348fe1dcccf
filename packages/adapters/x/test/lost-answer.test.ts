// A post whose answer was lost: found again among what the account shows, or sent again, once, or left to a human. Never guessed.

import { rmSync } from 'node:fs'
import { type DeliveryInfo, PublishError } from '@syndikit/core'
import type { Fault } from '@syndikit/sandbox'
import { sampleFile, samplePng } from '@syndikit/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Scene, type SceneOptions, sara, sceneOf } from './scene.ts'

const picture = (grey: number) => ({ file: sampleFile(samplePng(64, 48, grey), 'picture.png') })
const [one, other] = [picture(100), picture(200)]

/** Publishes with a fault at the next commit; `commits` counts the posts that were sent from then on. */
const lost = async (scene: Scene, content: object, { fault = 'drop-reply' as Fault, options = undefined as unknown } = {}) => {
  const before = scene.asked('tweets').length
  scene.sandbox.faults.add({ fault, on: 'commit', nth: 1 })
  const delivery = await scene.publish(content, options)
  return { ...delivery, commits: scene.asked('tweets').length - before }
}
const isFirst = (scene: Scene, { placement }: Pick<DeliveryInfo, 'placement'>) => placement !== undefined && placement.id === scene.sandbox.shown()[0]?.id

describe('a post whose answer was lost', () => {
  const foundByText = async (text: string, more: SceneOptions = {}) => {
    const scene = await sceneOf(more)
    const found = await lost(scene, { text })
    expect([found.state, scene.texts(), found.commits, isFirst(scene, found)]).toEqual(['published', [text], 1, true])
  }

  it.each([
    ['ampersands and angle brackets', 'a & b < c > d &amp; &lt;'],
    ['quotes', `"double" 'single' “curly”`],
    ['a link with a query', 'See https://example.com/a?b=1&c=2#d and more'],
    ['two links and a bare one', 'https://EXAMPLE.com/ then example.org, and https://example.com/x_(y)'],
    ['Arabic with a link', 'إعلان جديد في دبي https://example.ae/شقة الآن'],
    ['an emoji family', '👨‍👩‍👧‍👦🏳️‍🌈 1️⃣ 👍🏽'],
    ['line breaks and spaces', 'one\n\n\ntwo   three\n'],
    ['Windows line breaks', 'one\r\ntwo'],
    ['letters that are composed differently', 'cafe\u0301 Å'],
    ['Japanese against a link', '見てexample.comです'],
    ['hashtags and mentions', '#tag @sandbox_omar $AAPL'],
    ['nothing but a link', 'https://example.com'],
  ])('is found again by its text: %s', (_, text) => foundByText(text))

  it('is found again when it is long', () => foundByText(`${'long '.repeat(100)}https://example.com/${'x'.repeat(50)} end`, { longPosts: true }))

  // biome-ignore format: a table
  const plain = fc.constantFrom(
    '&', '<', '>', '"', "'", ' ', '\n', '\n\n', '&amp;', '&amp;lt;', 'https://example.com/a?b&c', 'http://a.io', 'example.com', 'HTTPS://Example.COM/Path/',
    'سلام', '日本', '👩🏽‍🚀', '👨‍👩‍👧‍👦', '🇦🇪', 'é', 'e\u0301', '@x', '#y', '.', '(', ')', 'https://t.co/abc', '\u200f', '\t',
  )
  const joined = (pieces: fc.Arbitrary<string>) => fc.array(pieces, { minLength: 1, maxLength: 12 }).map((some) => `t ${some.join('')}`)

  /** Nothing where Syndikit or X does not take the text: then nothing of it is there. */
  const lostOnce = async (text: string) => {
    const scene = await sceneOf()
    const delivery = await lost(scene, { text }).catch((error: unknown) => {
      if (!PublishError.is(error)) throw error
      return undefined
    })
    if (!delivery || delivery.state === 'failed') {
      expect(scene.texts()).toEqual([])
      return undefined
    }
    return { state: delivery.state, commits: delivery.commits, right: isFirst(scene, delivery) }
  }

  it('is found again whatever the text is made of', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(joined(plain), async (text) => {
        const found = await lostOnce(text)
        if (!found) return
        taken++
        expect(found).toEqual({ state: 'published', commits: 1, right: true })
      }),
      { numRuns: 150 },
    )
    expect(taken).toBeGreaterThan(100)
  }, 60_000)

  it('is never published twice, however odd the text', async () => {
    let taken = 0
    const odd = fc.oneof(plain, fc.string({ maxLength: 6, unit: 'grapheme' }), fc.string({ maxLength: 4, unit: 'binary' }))
    await fc.assert(
      fc.asyncProperty(joined(odd), async (text) => {
        const found = await lostOnce(text)
        if (!found) return
        taken++
        // Where X and we may cut a link differently, a human is asked.
        expect([found.commits, found.state === 'uncertain' || (found.state === 'published' && found.right)]).toEqual([1, true])
      }),
      { numRuns: 150 },
    )
    expect(taken).toBeGreaterThan(75)
  }, 60_000)

  it('is found again without a text, by its files, which are not read again', async () => {
    const scene = await sceneOf()
    const media = [picture(100), picture(200)]
    scene.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
    const id = await scene.schedule({ media })
    await scene.work(0)
    for (const { file } of media) rmSync(file)
    await scene.work()
    expect([(await scene.delivery(id)).state, scene.sandbox.shown().map(({ media }) => media), scene.asked('tweets').length]).toEqual(['published', [2], 1])
  })

  it('is found behind a hundred newer posts', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
    const id = await scene.schedule({ text: 'needle' })
    await scene.work(0)
    for (let i = 0; i < 130; i++) {
      scene.state.windows = {}
      await scene.tweet({ text: `noise ${i}` })
    }
    await scene.work()
    const delivery = await scene.delivery(id)
    expect([delivery.state, isFirst(scene, delivery)]).toEqual(['published', true])
    expect(scene.asked(`users/${sara.id}/tweets`, 'GET').length).toBeGreaterThan(1)
  })

  it('is looked for among its own posts since two minutes before the send, answers included', async () => {
    const scene = await sceneOf()
    await lost(scene, { text: 'Asked' })
    const sentAt = scene.sandbox.requests.find(({ path }) => path === '/2/tweets')?.at ?? 0
    const query = new URL(scene.asked(`users/${sara.id}/tweets`, 'GET')[0]?.url ?? '').searchParams
    expect(Object.fromEntries(query)).toMatchObject({
      start_time: `${new Date(sentAt - 120_000).toISOString().slice(0, 19)}Z`,
      exclude: 'retweets',
      max_results: '100',
    })
  })

  it('is sent again, once, when the request never arrived, and not before X must have shown it', async () => {
    const scene = await sceneOf()
    const { state, commits } = await lost(scene, { text: 'Never arrived' }, { fault: 'drop-request' })
    expect([state, scene.texts(), commits]).toEqual(['published', ['Never arrived'], 2])
    const [first = 0, second = 0] = scene.sandbox.requests.filter(({ path }) => path === '/2/tweets').map(({ at }) => at)
    expect(second - first).toBeGreaterThanOrEqual(150_000)
  })

  it('is not taken for a twin that another delivery left', async () => {
    const scene = await sceneOf()
    await scene.publish({ media: [other] })
    const { state, placement } = await lost(scene, { media: [one] }, { fault: 'drop-request' })
    expect([
      state,
      scene.sandbox
        .shown()
        .map(({ id }) => id)
        .indexOf(placement?.id ?? ''),
      scene.texts().length,
    ]).toEqual(['published', 1, 2])
  })

  it('is uncertain between two twins, never a guess', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
    const id = await scene.schedule({ media: [one] })
    await scene.work(0)
    // As if somebody had posted the same picture by hand.
    for (const post of scene.state.posts.slice()) scene.state.posts.push({ ...post, id: `${BigInt(post.id) + 1n}`, history: [`${BigInt(post.id) + 1n}`] })
    await scene.work()
    expect([(await scene.delivery(id)).state, scene.texts().length, scene.asked('tweets').length]).toEqual(['uncertain', 2, 1])
  })

  it('is uncertain when only the links differ, because X may have resolved them', async () => {
    const scene = await sceneOf()
    await scene.tweet({ text: 'New flat https://example.com/2' })
    const { state } = await lost(scene, { text: 'New flat https://example.com/1' }, { fault: 'drop-request' })
    expect([state, scene.texts()]).toEqual(['uncertain', ['New flat https://example.com/2']])
  })

  it('is told apart from another delivery’s post that differs in its link', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'New flat https://example.com/2' })
    const { state } = await lost(scene, { text: 'New flat https://example.com/1' }, { fault: 'drop-request' })
    expect([state, scene.texts()]).toEqual(['published', ['New flat https://example.com/2', 'New flat https://example.com/1']])
  })

  it('is never sent again to a community, where absence proves nothing', async () => {
    const scene = await sceneOf()
    const { state, commits } = await lost(scene, { text: 'In there' }, { fault: 'drop-request', options: { communityId: '7' } })
    expect([state, commits]).toEqual(['uncertain', 1])
  })

  it('is never sent again to a community when it is a later part of a thread', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add({ fault: 'drop-request', on: 'commit', nth: 2 })
    const { state } = await scene.publish({ text: 'One', thread: [{ text: 'Two' }] }, { communityId: '7' })
    expect([state, scene.texts(), scene.asked('tweets').length]).toEqual(['uncertain', ['One'], 2])
  })

  it('is refused where it repeats an earlier post, and not taken for that one', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'Earlier' })
    await scene.clock.pass(600_000)
    const { state, reason } = await scene.publish({ text: 'Earlier' })
    expect([state, reason?.code, scene.texts()]).toEqual(['failed', 'duplicate', ['Earlier']])
  })
})
