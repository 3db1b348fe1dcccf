import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check, limits, options } from '../src/options.ts'
import { tidOf } from '../src/tid.ts'
import { start } from './delivery.ts'
import { png, postOf, withFiles } from './scene.ts'

const codes = (...given: Parameters<typeof postOf>) => check(postOf(...given)).map(({ code, pointer }) => `${code} ${pointer}`)

describe('the key of a record', () => {
  const at = new Date(start)

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
  it('is said with source and date', () => {
    expect(limits.source).toMatch(/2026-08-20/)
    expect(limits.checkedAt).toMatch(/^\d{4}-\d\d-\d\d$/)
  })

  it('counts the link that files push into the text, in graphemes and in bytes', () => {
    const files = [png('a')]
    const url = 'https://example.com/house'
    const room = 300 - url.length - 2
    expect(codes({ text: 'x'.repeat(room), media: withFiles(...files), link: { url } }, files)).toEqual([])
    expect(check(postOf({ text: 'x'.repeat(room + 1), media: withFiles(...files), link: { url } }, files))).toEqual([
      expect.objectContaining({ code: 'text-too-long', pointer: '/link', actual: 301, limit: 300, unit: 'graphemes' }),
    ])
    expect(codes({ text: 'x'.repeat(300), link: { url } })).toEqual([])
    const families = '👨‍👩‍👧‍👦'.repeat(119)
    expect(codes({ text: families, media: withFiles(...files), link: { url } }, files)).toEqual(['text-too-long /link'])
  })

  it('refuses a card’s picture that is too large or none', () => {
    const link = { url: 'https://example.com', thumbnail: { file: '0' } }
    expect(codes({ link }, [png('a', { bytes: 1_000_000 })])).toEqual([])
    expect(codes({ link }, [png('a', { bytes: 1_000_001 })])).toEqual(['media-too-large /link/thumbnail'])
    expect(codes({ link }, [png('a', { type: 'video', mime: 'video/mp4' })])).toEqual(['media-type /link/thumbnail'])
  })

  it('wants to know which post is answered', () => {
    expect(codes({ text: 'x', replyTo: { id: 'at://did:plc:a/app.bsky.feed.post/3k' } })).toEqual([])
    expect(codes({ text: 'x', replyTo: { id: '1', url: 'https://bsky.app/profile/a.example/post/3k?ref=x' } })).toEqual([])
    expect(codes({ text: 'x', replyTo: { id: '1', url: 'https://evil.example/profile/a/post/3k' } })).toEqual(['reply-unknown /replyTo'])
    expect(codes({ text: 'x', replyTo: { id: 'at://did:plc:a/app.bsky.feed.like/3k' } })).toEqual(['reply-unknown /replyTo'])
  })

  it('refuses options that it does not have', () => {
    expect(options.parse({ tags: ['#art'] })).toEqual({ tags: ['art'] })
    for (const wrong of [
      { label: ['nudity'] },
      { labels: ['spam'] },
      { langs: ['en', 'ar', 'de', 'fr'] },
      { tags: ['x'.repeat(65)] },
      { tags: Array(9).fill('x') },
    ])
      expect(options.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })
})
