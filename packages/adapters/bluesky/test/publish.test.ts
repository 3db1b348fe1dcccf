import { describe, expect, it } from 'vitest'
import { tidOf } from '../src/tid.ts'
import { deliver, start } from './delivery.ts'
import { adapter, mp4, omar, png, postOf, sara, sceneOf, spec, withFiles } from './scene.ts'

const part = (text: string, from: string, type: 'link' | 'tag' | 'mention', value: object) => {
  const byteStart = Buffer.byteLength(text.slice(0, text.indexOf(from)))
  return { index: { byteStart, byteEnd: byteStart + Buffer.byteLength(from) }, features: [{ $type: `app.bsky.richtext.facet#${type}`, ...value }] }
}

describe('a post on Bluesky', () => {
  it('is a record under a key that follows from the delivery, dated when it was due', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish(postOf({ text: 'Good morning', language: 'en' }))
    const rkey = tidOf({ key: '0190aa00bb11cc22dd33ee44ff550001', at: new Date(start) }, 0)
    const { cid, value } = await scene.record(placement?.id ?? '')
    expect(placement).toEqual({
      id: `at://${sara.did}/app.bsky.feed.post/${rkey}`,
      url: `https://bsky.app/profile/${sara.did}/post/${rkey}`,
      data: { cid },
    })
    expect(value).toEqual({ $type: 'app.bsky.feed.post', text: 'Good morning', createdAt: '2026-11-20T09:00:00.000Z', langs: ['en'] })
  })

  it('names links, tags and mentions by their bytes, also behind Arabic and emoji', async () => {
    const scene = await sceneOf()
    const text = `👨‍👩‍👧‍👦 مرحبا @${omar.handle} شقة للبيع #دبي https://example.com/a?b=ج 🏠 @${sara.handle}`
    const { placement } = await scene.publish(postOf({ text }))
    const { value } = await scene.record(placement?.id ?? '')
    expect(value.facets).toEqual([
      part(text, `@${omar.handle}`, 'mention', { did: omar.did }),
      part(text, '#دبي', 'tag', { tag: 'دبي' }),
      part(text, 'https://example.com/a?b=ج', 'link', { uri: 'https://example.com/a?b=ج' }),
      part(text, `@${sara.handle}`, 'mention', { did: sara.did }),
    ])
  })

  it('leaves a handle that nobody has as text', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish(postOf({ text: 'Ask @nobody-here.bsky.social' }))
    expect((await scene.record(placement?.id ?? '')).value).not.toHaveProperty('facets')
  })

  it('does not go out without its mentions because a handle could not be asked for', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add([1, 2, 3].map(() => ({ fault: 'error-before' as const, platform: 'bluesky', nth: 1 })))
    const { placement, runs } = await scene.publish(postOf({ text: `@${omar.handle} hello` }))
    expect(runs).toBe(2)
    expect((await scene.record(placement?.id ?? '')).value.facets).toHaveLength(1)
  })

  it('carries pictures with their text and shape', async () => {
    const scene = await sceneOf()
    const files = [png('a', { alt: 'A door', width: 1600, height: 900 }), png('b')]
    const { placement } = await scene.publish(postOf({ text: 'Two', media: withFiles(...files) }, files))
    const { value } = await scene.record(placement?.id ?? '')
    const image = { $type: 'blob', mimeType: 'image/png', size: files[0]?.bytes, ref: { $link: expect.stringMatching(/^bafkrei/) } }
    expect(value.embed).toEqual({
      $type: 'app.bsky.embed.images',
      images: [
        { image, alt: 'A door', aspectRatio: { width: 1600, height: 900 } },
        { image, alt: '' },
      ],
    })
    expect(scene.sandbox.shown()[0]?.files.map(({ alt }) => alt)).toEqual(['A door', ''])
  })

  it('carries a warning, languages and hidden tags', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish(postOf({ text: 'x', language: 'de' }, [], { labels: ['nudity'], langs: ['en', 'ar'], tags: ['art'] }))
    expect((await scene.record(placement?.id ?? '')).value).toMatchObject({
      langs: ['en', 'ar'],
      tags: ['art'],
      labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'nudity' }] },
    })
  })

  it('is prepared again when its pictures were collected while it waited', async () => {
    const scene = await sceneOf()
    const files = [png('a')]
    const { runs, ending } = await scene.publish(postOf({ text: 'Late', media: withFiles(...files) }, files), {
      crash: { nth: 1, when: 'after' },
      before: (run) => run === 2 && scene.time.pass(2 * 3_600_000),
    })
    expect(ending.kind).toBe('placed')
    expect(runs).toBe(3)
    expect(scene.sandbox.shown().map(({ text, media }) => [text, media])).toEqual([['Late', 1]])
    expect(scene.sent.filter(({ url }) => url.endsWith('uploadBlob'))).toHaveLength(2)
  })

  it('goes out with a renewed session when the old one ends on the way', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add({ fault: 'expire-token', on: 'commit', nth: 1 })
    const { ending } = await scene.publish(postOf({ text: 'Still here' }))
    expect(ending.kind).toBe('placed')
    expect(scene.texts()).toEqual(['Still here'])
  })

  it('never writes over what has its key', async () => {
    const scene = await sceneOf()
    await scene.publish(postOf({ text: 'first' }))
    const { error } = await scene.publish(postOf({ text: 'second' }))
    expect(error).toMatchObject({ code: 'duplicate', platformCode: 'InvalidSwap', outcome: 'not-published' })
    expect(scene.texts()).toEqual(['first'])
  })

  it('waits as long as a throttled server says by its own clock', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add({ fault: 'throttle', on: 'commit', nth: 1 })
    const { ending, runs } = await scene.publish(postOf({ text: 'patient' }))
    expect([ending.kind, runs]).toEqual(['placed', 2])
    expect(scene.texts()).toEqual(['patient'])
  })
})

describe('a video on Bluesky', () => {
  it('goes through the video service with a token of its own, and waits for it without holding a worker', async () => {
    const scene = await sceneOf()
    const files = [mp4('film', { alt: 'The house', width: 1080, height: 1920 })]
    const { placement, runs } = await scene.publish(postOf({ text: 'Film', media: withFiles(...files) }, files))
    expect(runs).toBeGreaterThan(2)
    const { value } = await scene.record(placement?.id ?? '')
    expect(value.embed).toMatchObject({
      $type: 'app.bsky.embed.video',
      alt: 'The house',
      aspectRatio: { width: 1080, height: 1920 },
      video: { mimeType: 'video/mp4' },
    })
    const upload = scene.sent.find(({ url }) => url.includes('uploadVideo'))
    expect(new URL(upload?.url ?? '').host).toBe('video.bsky.app')
    expect(upload?.headers.get('authorization')).not.toBe(`Bearer ${scene.login.applied().bearer}`)
    expect(upload?.headers.get('content-length')).toBe(String(files[0]?.bytes))
  })

  it('takes up the job of an upload whose answer was lost', async () => {
    const scene = await sceneOf()
    const files = [mp4('film')]
    let uploads = 0
    const { fetch } = scene
    const lossy = {
      ...scene,
      fetch: async (request: Request) => {
        const reply = await fetch(request)
        if (request.url.includes('uploadVideo') && uploads++ === 0) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } })
        return reply
      },
    }
    const post = postOf({ text: 'Film', media: withFiles(...files) }, files)
    const { ending } = await deliver(lossy, adapter, scene.login, (run) => spec.publish(post, run))
    expect(ending.kind).toBe('placed')
    expect(uploads).toBe(2)
    expect(scene.sandbox.shown().map(({ media }) => media)).toEqual([1])
  })

  it('fails with the reason when the service cannot read it', async () => {
    const scene = await sceneOf()
    const broken = png('not a film', { type: 'video', mime: 'video/mp4', name: 'film.mp4' })
    const { error } = await scene.publish(postOf({ text: 'Film', media: withFiles(broken) }, [broken]))
    expect(error).toMatchObject({ code: 'media', message: 'Bluesky could not process the video: The file is not a video that can be read.' })
    expect(scene.texts()).toEqual([])
  })
})
