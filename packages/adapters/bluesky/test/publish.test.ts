import { sampleFile, sampleMp4, samplePng, spoilt } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { tidOf } from '../src/tid.ts'
import { omar, sara, sceneOf } from './scene.ts'

const wide = sampleFile(samplePng(1600, 900), 'wide.png')
const small = sampleFile(samplePng(64, 48), 'small.png')
const upright = sampleMp4(1080, 1920)
const film = sampleFile(upright, 'film.mp4')

const part = (text: string, from: string, type: 'link' | 'tag' | 'mention', value: object) => {
  const byteStart = Buffer.byteLength(text.slice(0, text.indexOf(from)))
  return { index: { byteStart, byteEnd: byteStart + Buffer.byteLength(from) }, features: [{ $type: `app.bsky.richtext.facet#${type}`, ...value }] }
}
const keyOf = ({ id, dueAt }: { id: string; dueAt: Date }) => tidOf({ key: id.replaceAll('-', ''), at: dueAt }, 0)

describe('a post on Bluesky', () => {
  it('is a record under a key that follows from the delivery, dated when it was due', async () => {
    const scene = await sceneOf()
    const delivery = await scene.publish({ text: 'Good morning', language: 'en' })
    const { cid, value } = await scene.record(delivery.placement?.id)
    const rkey = keyOf(delivery)
    expect(delivery.placement).toEqual({
      id: `at://${sara.did}/app.bsky.feed.post/${rkey}`,
      url: `https://bsky.app/profile/${sara.did}/post/${rkey}`,
      data: { cid },
    })
    expect(value).toEqual({ $type: 'app.bsky.feed.post', text: 'Good morning', createdAt: delivery.dueAt.toISOString(), langs: ['en'] })
  })

  it('names links, tags and mentions by their bytes, also behind Arabic and emoji', async () => {
    const scene = await sceneOf()
    const text = `👨‍👩‍👧‍👦 مرحبا @${omar.handle} شقة للبيع #دبي https://example.com/a?b=ج 🏠 @${sara.handle}`
    const { placement } = await scene.publish({ text })
    const { value } = await scene.record(placement?.id)
    expect(value.facets).toEqual([
      part(text, `@${omar.handle}`, 'mention', { did: omar.did }),
      part(text, '#دبي', 'tag', { tag: 'دبي' }),
      part(text, 'https://example.com/a?b=ج', 'link', { uri: 'https://example.com/a?b=ج' }),
      part(text, `@${sara.handle}`, 'mention', { did: sara.did }),
    ])
  })

  it('leaves a handle that nobody has as text', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'Ask @nobody-here.bsky.social' })
    expect((await scene.record(placement?.id)).value).not.toHaveProperty('facets')
  })

  it('does not go out without its mentions because a handle could not be asked for', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add([1, 2, 3].map(() => ({ fault: 'error-before' as const, nth: 1 })))
    const { id, placement } = await scene.publish({ text: `@${omar.handle} hello` })
    expect(await scene.attempts(id)).toHaveLength(2)
    expect((await scene.record(placement?.id)).value.facets).toHaveLength(1)
  })

  it('does not go out without its mentions because something other than Bluesky answered', async () => {
    const scene = await sceneOf(async (request, platform) =>
      request.url.includes('resolveHandle') ? new Response('<html>Bad Request</html>', { status: 400 }) : platform(request),
    )
    expect((await scene.publish({ text: `@${omar.handle} hello` })).state).toBe('failed')
    expect(scene.texts()).toEqual([])
  })

  it('carries pictures with their text and shape', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'Two', media: [{ file: wide, alt: 'A door' }, { file: small }] })
    const { value } = await scene.record(placement?.id)
    const image = { $type: 'blob', mimeType: 'image/png', size: expect.any(Number), ref: { $link: expect.stringMatching(/^bafkrei/) } }
    expect(value.embed).toEqual({
      $type: 'app.bsky.embed.images',
      images: [
        { image: { ...image, size: samplePng(1600, 900).length }, alt: 'A door', aspectRatio: { width: 1600, height: 900 } },
        { image, alt: '', aspectRatio: { width: 64, height: 48 } },
      ],
    })
    expect(scene.sandbox.shown()[0]?.files.map(({ alt }) => alt)).toEqual(['A door', ''])
  })

  it('carries a warning, languages and hidden tags', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'x', language: 'de' }, { labels: ['nudity'], langs: ['en', 'ar'], tags: ['art'] })
    expect((await scene.record(placement?.id)).value).toMatchObject({
      langs: ['en', 'ar'],
      tags: ['art'],
      labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'nudity' }] },
    })
  })

  it('is prepared again when its pictures were collected while it waited', async () => {
    const scene = await sceneOf()
    scene.sandbox.faults.add({ fault: 'throttle', on: 'commit', nth: 1 })
    const id = await scene.schedule({ text: 'Late', media: [{ file: small }] })
    await scene.work(0)
    await scene.clock.pass(2 * 3_600_000)
    await scene.work()
    expect((await scene.delivery(id)).state).toBe('published')
    expect((await scene.attempts(id)).map(({ reason }) => reason?.code)).toEqual(['rate', 'stale', undefined])
    expect(scene.sandbox.shown().map(({ text, media }) => [text, media])).toEqual([['Late', 1]])
    expect(scene.asked().filter((path) => path.endsWith('uploadBlob'))).toHaveLength(2)
  })

  it('never writes over what has its key', async () => {
    const scene = await sceneOf()
    const id = await scene.schedule({ text: 'mine' })
    const rkey = keyOf(await scene.delivery(id))
    const record = { $type: 'app.bsky.feed.post', text: 'theirs', createdAt: '2026-11-20T09:00:00.000Z' }
    await scene.asAccount('https://bsky.social/xrpc/com.atproto.repo.putRecord', { repo: sara.did, collection: 'app.bsky.feed.post', rkey, record })
    await scene.work()
    expect(await scene.delivery(id)).toMatchObject({ state: 'failed', reason: { code: 'duplicate' } })
    expect(scene.texts()).toEqual(['theirs'])
  })

  it('is uncertain where its record was changed after a lost answer', async () => {
    let changed = false
    const scene = await sceneOf(async (request, platform) => {
      if (!request.url.endsWith('putRecord') || changed) return platform(request)
      changed = true
      const body = (await request.json()) as { record: object }
      const json = JSON.stringify({ ...body, record: { ...body.record, text: 'changed' } })
      await platform(new Request(request.url, { method: 'POST', headers: request.headers, body: json }))
      throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } })
    })
    expect((await scene.publish({ text: 'mine' })).state).toBe('uncertain')
    expect(scene.texts()).toEqual(['changed'])
  })
})

describe('a video on Bluesky', () => {
  it('goes through the video service with a token of its own, and waits for it without holding a worker', async () => {
    const scene = await sceneOf()
    const delivery = await scene.publish({ text: 'Film', media: [{ file: film, alt: 'The house' }] })
    const { id, placement } = delivery
    expect((await scene.attempts(id)).length).toBeGreaterThan(1)
    const { value } = await scene.record(placement?.id)
    expect(value.embed).toMatchObject({
      $type: 'app.bsky.embed.video',
      alt: 'The house',
      aspectRatio: { width: 1080, height: 1920 },
      video: { mimeType: 'video/mp4' },
    })
    const asked = scene.sent.find(({ url }) => url.includes('getServiceAuth'))
    const { aud, lxm, exp } = Object.fromEntries(new URL(asked?.url ?? '').searchParams)
    expect([aud, lxm]).toEqual(['did:web:morel.us-east.host.bsky.network', 'com.atproto.repo.uploadBlob'])
    expect(Number(exp) * 1000 - delivery.dueAt.getTime()).toBeGreaterThan(29 * 60_000)
    const [upload] = scene.sent.filter(({ url }) => url.includes('uploadVideo'))
    expect(new URL(upload?.url ?? '').host).toBe('video.bsky.app')
    expect(upload?.headers.get('content-length')).toBe(String(upright.length))
    const session = scene.sent.findLast(({ url }) => url.endsWith('putRecord'))?.headers.get('authorization')
    expect(upload?.headers.get('authorization')).toMatch(/^Bearer /)
    expect(upload?.headers.get('authorization')).not.toBe(session)
  })

  it('fails with the reason when the service cannot read it', async () => {
    const scene = await sceneOf(async (request, platform) => platform(request.url.includes('uploadVideo') ? await spoilt(request, 'ftyp') : request))
    const { state, reason } = await scene.publish({ text: 'Film', media: [{ file: film }] })
    const message = 'Bluesky could not process the video: The file is not a video that can be read (unsupported_codec).'
    expect([state, reason]).toEqual(['failed', { code: 'media', message }])
    expect(scene.texts()).toEqual([])
  })

  const failing = (failure: object, times: number) => {
    let polls = 0
    return sceneOf(async (request, platform) => {
      if (!request.url.includes('getJobStatus') || ++polls > times) return platform(request)
      const jobId = new URL(request.url).searchParams.get('jobId')
      return Response.json({ jobStatus: { jobId, did: sara.did, state: 'JOB_STATE_FAILED', message: 'Failed to process video', ...failure } })
    })
  }

  it.each(['pds_upload_failure', 'generic_failure'])('is uploaded again after %s, which is not the fault of the file', async (failureCode) => {
    const scene = await failing({ failureCode }, 1)
    const { id, state } = await scene.publish({ text: 'Film', media: [{ file: film }] })
    expect(state).toBe('published')
    expect((await scene.attempts(id)).map(({ reason }) => reason?.code)).toContain('stale')
    expect(scene.asked().filter((path) => path.endsWith('uploadVideo'))).toHaveLength(2)
  })

  it.each([
    [{ failureCode: 'validation_failure', error: 'video_too_long' }, 'Bluesky could not process the video: Failed to process video (video_too_long).'],
    [{ failureCode: 'encoding_failure' }, 'Bluesky could not process the video: Failed to process video.'],
    [
      { failureCode: 'pds_upload_unsupported_blob_size' },
      "Bluesky could not process the video: Failed to process video. The account's server takes no video of this size: make it smaller.",
    ],
    [{ error: 'bad_aspect_ratio', message: undefined }, 'Bluesky could not process the video: it gives no reason (bad_aspect_ratio).'],
  ])('fails at once after %j, which another upload would not change', async (failure, message) => {
    const scene = await failing(failure, Number.POSITIVE_INFINITY)
    const { state, reason } = await scene.publish({ text: 'Film', media: [{ file: film }] })
    expect([state, reason]).toEqual(['failed', { code: 'media', message }])
    expect(scene.asked().filter((path) => path.endsWith('uploadVideo'))).toHaveLength(1)
  })

  it('waits for a revoked account as a text does, and uses up no try', async () => {
    const scene = await sceneOf()
    await scene.sandbox.act('bluesky', 'revoke')
    const id = await scene.schedule({ text: 'Film', media: [{ file: film }] })
    await scene.work(0)
    expect(await scene.delivery(id)).toMatchObject({ state: 'scheduled', tries: 0, reason: { code: 'reconnect' } })
  })

  it('waits an hour when the day’s allowance is used up, before it uploads again', async () => {
    const words = 'User has exceeded daily upload videos limit'
    let uploads = 0
    const scene = await sceneOf(async (request, platform) =>
      request.url.includes('uploadVideo') && ++uploads === 1 ? Response.json({ error: words, message: words }, { status: 400 }) : platform(request),
    )
    const id = await scene.schedule({ text: 'Film', media: [{ file: film }] })
    await scene.work(59 * 60_000)
    expect(await scene.delivery(id)).toMatchObject({ state: 'scheduled', tries: 0, reason: { code: 'rate' } })
    expect(uploads).toBe(1)
    await scene.work()
    expect((await scene.delivery(id)).state).toBe('published')
  })
})
