// A worker that comes back after the hour in which Mastodon knows its keys: it has to look.

import { sampleFiles } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { type Scene, sceneOf, server } from './scene.ts'

const hour = 3_600_000
const { picture, otherPicture } = sampleFiles()
const thread = {
  text: 'First #house',
  media: [{ file: picture }, { file: otherPicture }],
  thread: [{ text: 'Second & more', media: [{ file: picture }] }, { text: 'Third' }],
}

/** Every status says that an app of another name wrote it. */
const renamed = async (request: Request, platform: (request: Request) => Promise<Response>): Promise<Response> => {
  const reply = await platform(request)
  const body = (await reply.text()).replaceAll('"application":{"name":"Syndikit Test"', '"application":{"name":"Syndikit Before"')
  return new Response(body, reply)
}

/** Meets the fault at its `nth` commit, and is taken up again two hours later. */
const late = async (
  scene: Scene,
  content: object,
  fault: 'drop-request' | 'drop-reply' | 'error-after',
  { nth = 1, options, meanwhile = async (): Promise<unknown> => 0 }: { nth?: number; options?: object; meanwhile?: () => Promise<unknown> } = {},
) => {
  scene.sandbox.faults.add({ fault, on: 'commit', nth })
  const id = await scene.schedule(content, options)
  await scene.work(0)
  await meanwhile()
  await scene.clock.pass(2 * hour)
  await scene.work()
  return scene.delivery(id)
}

describe('looking for a post after its hour on Mastodon', () => {
  for (const fault of ['drop-request', 'drop-reply', 'error-after'] as const)
    it(`finds a thread, or sends it again, once, after ${fault}`, async () => {
      for (const nth of [1, 2, 3]) {
        const scene = await sceneOf()
        const { state, parts } = await late(scene, thread, fault, { nth })
        expect([nth, state, scene.texts()]).toEqual([nth, 'published', ['First #house', 'Second & more', 'Third']])
        expect(parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
        expect(scene.posts()).toHaveLength(fault === 'drop-request' ? 4 : 3)
      }
    })

  it('finds it behind more than a page of newer ones', async () => {
    const scene = await sceneOf()
    const meanwhile = async () => {
      for (let i = 0; i < 90; i++) await scene.write(`noise ${i}`)
    }
    const { state, placement } = await late(scene, { text: 'Mine' }, 'drop-reply', { meanwhile })
    expect([state, placement?.id]).toEqual(['published', scene.sandbox.shown()[0]?.id])
    expect(scene.texts().filter((text) => text === 'Mine')).toHaveLength(1)
  })

  it('does not guess between two that are alike', async () => {
    const scene = await sceneOf()
    const { state } = await late(scene, { text: 'Twin' }, 'drop-reply', { meanwhile: () => scene.write('Twin') })
    expect([state, scene.texts()]).toEqual(['uncertain', ['Twin', 'Twin']])
  })

  it('takes the one that no other delivery has', async () => {
    const scene = await sceneOf()
    let other: string | undefined
    const meanwhile = async () => {
      other = await scene.schedule({ text: 'Twin', language: 'en' })
      await scene.work(0)
    }
    const { state, placement } = await late(scene, { text: 'Twin' }, 'drop-reply', { meanwhile })
    const [first, second] = scene.sandbox.shown()
    expect([state, placement?.id]).toEqual(['published', first?.id])
    expect((await scene.delivery(other ?? '')).placement?.id).toBe(second?.id)
    expect(scene.texts()).toHaveLength(2)
  })

  it('does not send again while one of the same shape has another text: the server may have changed ours', async () => {
    const scene = await sceneOf()
    await scene.write('Nearly mine')
    const { state } = await late(scene, { text: 'Mine' }, 'drop-request')
    expect([state, scene.texts()]).toEqual(['uncertain', ['Nearly mine']])
  })

  it('finds a picture behind a warning without a text, whose warning Mastodon makes the text', async () => {
    const scene = await sceneOf()
    const { state } = await late(scene, { media: [{ file: picture }] }, 'drop-reply', { options: { spoilerText: 'Loud!' } })
    expect([state, scene.texts()]).toEqual(['published', ['Loud!']])
  })

  it('finds a mention that Mastodon writes as the person does', async () => {
    const scene = await sceneOf()
    const { state } = await late(scene, { text: 'Hi @Omar and @OMAR@Mastodon.example' }, 'drop-reply')
    expect([state, scene.texts()]).toEqual(['published', ['Hi @Omar and @OMAR@Mastodon.example']])
  })

  it('does not send again where the same text stands under another application: the app may have had another name when it registered', async () => {
    const scene = await sceneOf({ between: renamed })
    const { state } = await late(scene, { text: 'Mine' }, 'drop-reply')
    expect([state, scene.texts()]).toEqual(['uncertain', ['Mine']])
  })

  it('does not say that an answer is not there when what it answers has gone', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'Question' })
    const meanwhile = () => scene.remove(placement?.id)
    const { state } = await late(scene, { text: 'Answer', replyTo: { id: placement?.id } }, 'drop-reply', { meanwhile })
    expect([state, scene.texts()]).toEqual(['uncertain', ['Answer']])
  })

  for (const [what, content, theirs] of [
    ['answers another one', { text: 'Twin' }, (first: string) => ({ in_reply_to_id: first })],
    ['has no file', { text: 'Twin', media: [{ file: picture }] }, () => ({})],
  ] as const)
    it(`does not take for its own one of the same text that ${what}`, async () => {
      const scene = await sceneOf()
      const { placement } = await scene.publish({ text: 'First' })
      const meanwhile = () => scene.asAccount(`${server}/api/v1/statuses`, { status: 'Twin', ...theirs(placement?.id ?? '') })
      const { state } = await late(scene, content, 'drop-request', { meanwhile })
      expect([state, scene.texts()]).toEqual(['uncertain', ['First', 'Twin']])
    })

  it('sends it again where another one of the same text has another warning, and is not like it otherwise', async () => {
    const scene = await sceneOf()
    const meanwhile = () => scene.asAccount(`${server}/api/v1/statuses`, { status: 'Twin', spoiler_text: 'Theirs' })
    const { state } = await late(scene, { text: 'Twin' }, 'drop-request', { meanwhile })
    expect([state, scene.texts()]).toEqual(['published', ['Twin', 'Twin']])
  })

  it('proves nothing by what it has read where there is more', async () => {
    const scene = await sceneOf()
    const meanwhile = async () => {
      for (let i = 0; i < 210; i++) await scene.asAccount(`${server}/api/v1/statuses`, { status: `noise ${i}`, spoiler_text: 'Noise' })
    }
    const { state } = await late(scene, { text: 'Mine' }, 'drop-request', { meanwhile })
    expect([state, scene.texts().includes('Mine')]).toEqual(['uncertain', false])
  })

  it('reads on where a server gives fewer than it was asked for', async () => {
    const scene = await sceneOf({ between: (request, platform) => platform(new Request(request.url.replace('limit=40', 'limit=20'), request)) })
    const meanwhile = async () => {
      for (let i = 0; i < 30; i++) await scene.write(`noise ${i}`)
    }
    const { state } = await late(scene, { text: 'Mine' }, 'drop-reply', { options: { spoilerText: 'W' }, meanwhile })
    expect([state, scene.texts().filter((text) => text === 'Mine')]).toEqual(['published', ['Mine']])
  })
})
