import { sampleFiles } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { omar, type Scene, sara, sceneOf } from './scene.ts'

const { picture, otherPicture } = sampleFiles()
const thread = {
  text: `First @${omar.handle}`,
  media: [{ file: picture }, { file: otherPicture }],
  thread: [{ text: 'Second', media: [{ file: picture }] }, { text: 'Third' }],
}
const referenceTo = async (scene: Scene, uri = '') => ({ uri, cid: (await scene.record(uri)).cid })
const replyIn = async (scene: Scene, uri: string | undefined) => (await scene.record(uri)).value.reply

describe('a thread on Bluesky', () => {
  it('answers part by part, with the first as its root', async () => {
    const scene = await sceneOf()
    const { parts } = await scene.publish(thread)
    expect(scene.sandbox.shown().map(({ text, media }) => [text, media])).toEqual([
      [thread.text, 2],
      ['Second', 1],
      ['Third', 0],
    ])
    const [first, second] = await Promise.all(parts.map(({ id }) => referenceTo(scene, id)))
    expect(await replyIn(scene, parts[1]?.id)).toEqual({ root: first, parent: first })
    expect(await replyIn(scene, parts[2]?.id)).toEqual({ root: first, parent: second })
  })

  it('carries languages and warnings in every part, hidden tags and the card in the first', async () => {
    const scene = await sceneOf()
    const link = { url: 'https://example.com/house', title: 'House', description: 'Big', thumbnail: { file: picture } }
    const { parts } = await scene.publish({ text: 'One', link, thread: [{ text: 'Two' }] }, { langs: ['ar'], labels: ['nudity'], tags: ['art'] })
    const [first, second] = await Promise.all(parts.map(({ id }) => scene.record(id)))
    const every = { langs: ['ar'], labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'nudity' }] } }
    expect(first?.value).toMatchObject({ ...every, tags: ['art'], embed: { $type: 'app.bsky.embed.external' } })
    expect(second?.value).toMatchObject(every)
    expect(second?.value).not.toHaveProperty('tags')
    expect(second?.value).not.toHaveProperty('embed')
  })

  it('goes, last part first, and takes nothing else along', async () => {
    const scene = await sceneOf()
    const { id, parts } = await scene.publish(thread)
    await scene.publish({ text: 'another' })
    expect((await scene.unpublish(id)).state).toBe('published')
    expect(scene.texts()).toEqual(['another'])
    const deleted = scene.sent.filter(({ url }) => url.endsWith('deleteRecord')).map((request) => request.json() as Promise<{ rkey: string }>)
    expect((await Promise.all(deleted)).map(({ rkey }) => rkey)).toEqual(parts.map((part) => part.id.split('/').at(-1)).reverse())
  })
})

describe('a reply on Bluesky', () => {
  it('takes address and hash from what the earlier delivery left, and asks nobody', async () => {
    const scene = await sceneOf()
    const { parts } = await scene.publish(thread)
    const [first, , last] = parts
    const before = scene.sent.length
    const { placement } = await scene.publish({ text: 'Answer', replyTo: { id: last?.id, data: last?.data } })
    expect(scene.sent.length).toBe(before + 1)
    const root = await referenceTo(scene, first?.id)
    expect(await replyIn(scene, placement?.id)).toEqual({ root, parent: await referenceTo(scene, last?.id) })
    expect(placement?.data).toMatchObject({ root })
  })

  for (const [how, replyTo] of [
    ['its at:// address', (uri: string) => ({ id: uri })],
    ['its page', (uri: string) => ({ id: 'x', url: `https://bsky.app/profile/${sara.handle}/post/${uri.split('/').at(-1)}` })],
  ] as const)
    it(`finds the post, and the first of its thread, by ${how}`, async () => {
      const scene = await sceneOf()
      const { parts } = await scene.publish(thread)
      const { placement } = await scene.publish({ text: 'Answer', replyTo: replyTo(parts[1]?.id ?? '') })
      expect(await replyIn(scene, placement?.id)).toMatchObject({ root: { uri: parts[0]?.id }, parent: { uri: parts[1]?.id } })
      const lookUp = scene.sent.find(({ url }) => url.includes('getPosts'))
      expect(lookUp?.headers.has('authorization')).toBe(false)
    })

  it('does not go out as a post of its own when what it answers is gone', async () => {
    const scene = await sceneOf()
    const { state, reason } = await scene.publish({ text: 'Answer', replyTo: { id: `at://${sara.did}/app.bsky.feed.post/3mzzzzzzzzz2z` } })
    expect([state, reason]).toEqual(['failed', { code: 'gone', message: 'Bluesky: the post to answer is not there.' }])
    expect(scene.texts()).toEqual([])
  })
})

describe('the numbers of posts on Bluesky', () => {
  it('come from one request that carries no credential', async () => {
    const scene = await sceneOf()
    const first = await scene.publish(thread)
    const second = await scene.publish({ text: 'another' })
    await scene.clock.pass(3_600_000)
    const before = scene.sent.length
    const numbers = await scene.metrics(first.id, second.id)
    const usual = { likes: 10, shares: 2, saves: 1, native: { quotes: 0 } }
    expect(Object.fromEntries(numbers)).toEqual({ [first.id]: { ...usual, comments: 1 }, [second.id]: { ...usual, comments: 0 } })
    expect(scene.sent.slice(before).map(({ headers }) => headers.has('authorization'))).toEqual([false])
  })

  it('come in requests of 25, as many as the network answers', async () => {
    const scene = await sceneOf()
    const ids = await Promise.all(Array.from({ length: 26 }, (_, i) => scene.schedule({ text: `${i}` })))
    await scene.work()
    expect((await scene.metrics(...ids)).size).toBe(26)
    expect(scene.asked().filter((path) => path === 'app.bsky.feed.getPosts')).toHaveLength(2)
  })
})
