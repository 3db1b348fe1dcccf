import { sampleFile, sampleFiles, samplePng } from '@syndikit/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { options } from '../src/options.ts'
import { tidOf } from '../src/tid.ts'
import { sceneOf } from './scene.ts'

const { picture, film } = sampleFiles()
const scene = await sceneOf()
const codes = async (content: object) => (await scene.check(content)).map(({ code, pointer }) => `${code} ${pointer}`)
const pngOf = (bytes: number) => sampleFile(Buffer.concat([samplePng(), Buffer.alloc(bytes - samplePng().length)]), 'picture.png')

describe('the key of a record', () => {
  const at = new Date('2026-11-20T09:00:00.000Z')

  it('is a TID, the same in every run, near the time it stands for, and the next for the next part', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1_500_000_000_000, max: 4_000_000_000_000 }), fc.nat(99), (key, ms, part) => {
        const tid = tidOf({ key, at: new Date(ms) }, part)
        expect(tid).toMatch(/^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/)
        expect(tidOf({ key, at: new Date(ms) }, part)).toBe(tid)
        expect(tidOf({ key, at: new Date(ms) }, part + 1) > tid).toBe(true)
        const micros = [...tid].reduce((sum, char) => sum * 32n + BigInt('234567abcdefghijklmnopqrstuvwxyz'.indexOf(char)), 0n) >> 10n
        expect(Math.abs(Number(micros / 1000n) - ms)).toBeLessThanOrEqual(1_100)
      }),
    )
  })

  it('is another for each of 20,000 deliveries of the same millisecond', () => {
    const tids = new Set(Array.from({ length: 20_000 }, (_, i) => tidOf({ key: `delivery-${i}`, at }, 0)))
    expect(tids.size).toBe(20_000)
  })
})

describe('what Bluesky takes', () => {
  it('counts the link that files push into the text, in graphemes and in bytes', async () => {
    const media = [{ file: picture }]
    const url = 'https://example.com/house'
    const room = 300 - url.length - 2
    expect(await codes({ text: 'x'.repeat(room), media, link: { url } })).toEqual([])
    expect(await scene.check({ text: 'x'.repeat(room + 1), media, link: { url } })).toEqual([
      expect.objectContaining({ code: 'text-too-long', pointer: '/content/link', actual: 301, limit: 300, unit: 'graphemes' }),
    ])
    expect(await codes({ text: 'x'.repeat(300), link: { url } })).toEqual([])
    expect(await codes({ text: '👨‍👩‍👧‍👦'.repeat(119), media, link: { url } })).toEqual(['text-too-long /content/link'])
  })

  it('says that next to files nothing of a card is shown, and only where there was something to show', async () => {
    const url = 'https://example.com/house'
    const media = [{ file: picture, alt: 'A house' }]
    const all = async (content: object) => (await scene.check(content)).map(({ code, pointer, severity }) => `${code} ${pointer} ${severity ?? 'error'}`)
    expect(await all({ text: 'x', media, link: { url, title: 'A house' } })).toEqual(['card-left-out /content/link warning'])
    expect(await all({ text: 'x', media, link: { url } })).toEqual([])
    expect(await all({ text: 'x', link: { url, title: 'A house' } })).toEqual([])
  })

  it('holds files, polls and threads against what its lexicons take', async () => {
    const withFiles = (...files: string[]) => codes({ text: 'x', media: files.map((file) => ({ file })) })
    expect(await withFiles(pngOf(2_000_000), picture, picture, picture)).toEqual([])
    expect(await withFiles(pngOf(2_000_001))).toEqual(['media-too-large /content/media/0'])
    expect(await withFiles(picture, picture, picture, picture, picture)).toEqual(['too-many-media /content/media'])
    expect(await withFiles(film)).toEqual([])
    expect(await withFiles(film, film)).toEqual(['too-many-media /content/media'])
    expect(await withFiles(picture, film)).toEqual(['media-mix /content/media'])
    expect(await codes({ text: 'x', poll: { options: ['a', 'b'], durationMs: 3_600_000 } })).toEqual(['poll-unsupported /content/poll'])
    expect(await codes({ text: '1', thread: Array.from({ length: 99 }, () => ({ text: 'x' })) })).toEqual([])
    expect(await codes({ text: '1', thread: Array.from({ length: 100 }, () => ({ text: 'x' })) })).toEqual(['too-many-parts /content/thread/99'])
  })

  it('refuses a card’s picture that is too large or none', async () => {
    const withThumbnail = (file: string) => ({ text: 'x', link: { url: 'https://example.com', thumbnail: { file } } })
    expect(await codes(withThumbnail(pngOf(1_000_000)))).toEqual([])
    expect(await codes(withThumbnail(pngOf(1_000_001)))).toEqual(['media-too-large /content/link/thumbnail'])
    const fix = 'Give a picture of at most 1,000,000 bytes.'
    expect(await scene.check(withThumbnail(film))).toEqual([
      { code: 'media-type', platform: 'bluesky', pointer: '/content/link/thumbnail', actual: 'video/mp4', limit: 'image/*', fix },
    ])
  })

  it('wants to know which post is answered', async () => {
    const answering = (replyTo: object) => codes({ text: 'x', replyTo })
    expect(await answering({ id: 'at://did:plc:a/app.bsky.feed.post/3k' })).toEqual([])
    expect(await answering({ id: '1', url: 'https://bsky.app/profile/a.example/post/3k?ref=x' })).toEqual([])
    expect(await answering({ id: '1', url: 'https://evil.example/profile/a/post/3k' })).toEqual(['reply-unknown /content/replyTo'])
    expect(await answering({ id: 'at://did:plc:a/app.bsky.feed.like/3k' })).toEqual(['reply-unknown /content/replyTo'])
  })

  it('refuses options that it does not have', () => {
    expect(options.parse({ tags: [' #art'], langs: ['EN', 'ar-ae'] })).toEqual({ tags: ['art'], langs: ['en', 'ar-AE'] })
    for (const wrong of [
      { label: ['nudity'] },
      { labels: ['spam'] },
      { langs: ['en', 'ar', 'de', 'fr'] },
      { langs: ['not a language'] },
      { langs: ['english!'] },
      { tags: ['x'.repeat(65)] },
      { tags: ['#'] },
      { tags: Array(9).fill('x') },
    ])
      expect(options.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })
})
