import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkContent } from '../../src/content/check.ts'
import { type PostInput, post } from '../../src/content/post.ts'
import type { Account } from '../../src/contract/auth.ts'
import type { Support } from '../../src/contract/kind.ts'
import type { Limits, Problem } from '../../src/contract/limits.ts'
import type { Media, MediaFacts } from '../../src/contract/media.ts'

const source = { source: 'https://platform.example/limits', checkedAt: '2026-11-20' }
const limits: Limits = {
  ...source,
  text: {
    text: [
      { max: 10, count: 'graphemes' },
      { max: 30, count: 'bytes' },
    ],
  },
  parts: 3,
  media: {
    atMost: 3,
    mix: 'one-type',
    alt: { max: 5, count: 'graphemes' },
    types: {
      image: { bytes: 1_000, mimes: ['image/jpeg', 'image/png'], width: [100, 4_000], height: [100, 4_000], ratio: [0.8, 1.91] },
      video: { atMost: 1, bytes: 5_000, mimes: ['video/mp4'], durationMs: [3_000, 60_000] },
    },
  },
}
const file = (facts: Partial<MediaFacts> = {}): Media => ({
  type: 'image',
  mime: 'image/png',
  bytes: 1_000,
  name: 'a.png',
  sha256: '00',
  alt: 'A cat',
  width: 1_000,
  height: 1_000,
  chunks: () => {
    throw new Error('A check reads no file.')
  },
  stream: () => {
    throw new Error('A check reads no file.')
  },
  ...facts,
})
const video = (facts: Partial<MediaFacts> = {}) => file({ type: 'video', mime: 'video/mp4', durationMs: 10_000, ...facts })
const supportOf = (spec: Partial<Parameters<typeof post>[0]> = {}): Support =>
  post({ limits, recovery: { class: 'blind' }, publish: async () => ({ id: '1' }), ...spec })

const some = { file: 'x' }
const check = (input: PostInput, files: readonly Media[] = [], support = supportOf(), at = (pointer: string) => `/content${pointer}`): Problem[] =>
  checkContent({ support, content: { ...(support.of.build(input, files) as object), options: undefined }, account: undefined, platform: 'p', at })
const codes = (problems: Problem[]) => problems.map(({ code, pointer }) => `${code} ${pointer}`)
const withFile = (facts: Partial<MediaFacts>, own = limits): Problem[] => check({ text: 'hi', media: [some] }, [file(facts)], supportOf({ limits: own }))

test('a content at its limits has no problem', () => {
  const input: PostInput = { text: 'x'.repeat(10), media: [some, some, some], thread: [{ text: 'b' }, { text: 'c', media: [some] }] }
  expect(check(input, [file(), file(), file(), video()])).toEqual([])
})

test('a text over a limit says how long it is, how long it may be, in what unit, and by how much to shorten it', () => {
  expect(check({ text: '👩‍👩‍👧‍👧'.repeat(11) })).toEqual([
    {
      code: 'text-too-long',
      platform: 'p',
      pointer: '/content/text',
      actual: 11,
      limit: 10,
      unit: 'graphemes',
      fix: 'Shorten it by 1 (counted in graphemes).',
    },
    { code: 'text-too-long', platform: 'p', pointer: '/content/text', actual: 275, limit: 30, unit: 'bytes', fix: 'Shorten it by 245 (counted in bytes).' },
  ])
})

test('a text may be too short, and a platform may count in its own way', () => {
  const own: Limits = { ...source, text: { text: [{ max: 100, min: 5, count: { name: 'weights', of: (text) => text.length * 2 } }] } }
  expect(check({ text: 'hi' }, [], supportOf({ limits: own }))).toEqual([
    { code: 'text-too-short', platform: 'p', pointer: '/content/text', actual: 4, limit: 5, unit: 'weights', fix: 'Lengthen it by 1 (counted in weights).' },
  ])
})

test('every part of a thread is held against the limits, and the thread against its own', () => {
  const long = 'x'.repeat(11)
  expect(
    codes(check({ text: 'a', thread: [{ text: long }, { text: 'b', media: [some, some, some, some] }, { text: long }] }, [file(), file(), file(), file()])),
  ).toEqual([
    'too-many-parts /content/thread/2',
    'text-too-long /content/thread/0/text',
    'too-many-media /content/thread/1/media',
    'text-too-long /content/thread/2/text',
  ])
})

test('a platform without threads takes one part', () => {
  const { parts: _, ...own } = limits
  expect(check({ text: 'a', thread: [{ text: 'b' }] }, [], supportOf({ limits: own }))).toMatchObject([
    { code: 'too-many-parts', limit: 1, actual: 2, fix: expect.stringContaining('Leave the thread out') },
  ])
})

test.each<[string, Partial<MediaFacts>, object]>([
  [
    'a type the platform does not take',
    { type: 'audio', mime: 'audio/mpeg' },
    { code: 'media-type', actual: 'audio', limit: ['image', 'video'], fix: 'Use one of: image, video.' },
  ],
  ['a format it does not take', { mime: 'image/gif' }, { code: 'media-format', actual: 'image/gif', limit: ['image/jpeg', 'image/png'] }],
  ['too many bytes', { bytes: 1_001 }, { code: 'media-too-large', actual: 1_001, limit: 1_000, unit: 'bytes', fix: 'Make it smaller by 1 bytes.' }],
  ['too narrow', { width: 99, height: 100 }, { code: 'media-width', actual: 99, limit: [100, 4_000], unit: 'px' }],
  ['too high', { width: 4_000, height: 4_001 }, { code: 'media-height', actual: 4_001, limit: [100, 4_000], unit: 'px' }],
  ['too wide for its height', { width: 2_000, height: 1_000 }, { code: 'media-ratio', actual: 2, limit: [0.8, 1.91] }],
  ['too high for its width', { width: 700, height: 1_000 }, { code: 'media-ratio', actual: 0.7, limit: [0.8, 1.91] }],
  ['too short', { type: 'video', mime: 'video/mp4', durationMs: 2_999 }, { code: 'media-duration', actual: 2_999, limit: [3_000, 60_000], unit: 'ms' }],
  ['too long', { type: 'video', mime: 'video/mp4', durationMs: 60_001 }, { code: 'media-duration', actual: 60_001 }],
])('a file that is %s', (_, facts, problem) => {
  expect(withFile(facts)).toMatchObject([{ ...problem, pointer: '/content/media/0', platform: 'p' }])
})

test('half a pixel off a ratio is not a problem', () => {
  expect(withFile({ width: 1_079, height: 1_349 })).toEqual([])
  expect(withFile({ width: 1_078, height: 1_349 })).toMatchObject([{ code: 'media-ratio' }])
})

test('everything that is wrong with a file is said at once', () => {
  expect(codes(withFile({ mime: 'image/gif', bytes: 2_000, width: 50, height: 5_000, alt: 'too long' }))).toEqual([
    'media-width /content/media/0',
    'media-height /content/media/0',
    'media-ratio /content/media/0',
    'media-format /content/media/0',
    'media-too-large /content/media/0',
    'alt-too-long /content/media/0/alt',
  ])
})

test('what could not be measured is a warning where there is a range for it', () => {
  const { durationMs: _, ...unmeasured } = video()
  const found = check({ text: 'a', media: [some] }, [unmeasured])
  expect(found).toMatchObject([{ code: 'media-duration-unknown', severity: 'warning', limit: [3_000, 60_000] }])
})

test('a missing description of an image is a warning, where the platform shows descriptions', () => {
  const { alt: _, ...silent } = file()
  for (const image of [silent, file({ alt: '  ' })])
    expect(check({ text: 'a', media: [some] }, [image])).toMatchObject([{ code: 'alt-missing', pointer: '/content/media/0/alt', severity: 'warning' }])
  const { alt: __, ...own } = limits.media as NonNullable<Limits['media']>
  expect(check({ text: 'a', media: [some] }, [silent], supportOf({ limits: { ...limits, media: own } }))).toEqual([])
})

test('counts of all files, of one type, and the mix of types are held against their limits', () => {
  expect(check({ text: 'a', media: [some, some, some, some] }, [video(), video(), file(), file()])).toEqual([
    { code: 'too-many-media', platform: 'p', pointer: '/content/media', actual: 4, limit: 3, unit: 'files', fix: 'Leave out 1 of the files.' },
    { code: 'too-many-media', platform: 'p', pointer: '/content/media', actual: 2, limit: 1, unit: 'videos', fix: 'Leave out 1 of the videos.' },
    {
      code: 'media-mix',
      platform: 'p',
      pointer: '/content/media',
      actual: ['video', 'image'],
      limit: 1,
      unit: 'types',
      fix: 'Use only videos or only images.',
    },
  ])
})

test('a platform that takes no files says so', () => {
  const own: Limits = { ...source, media: { atMost: 0, types: {} } }
  expect(check({ text: 'a', media: [some] }, [file()], supportOf({ limits: own })).map(({ fix }) => fix)).toEqual([
    'Leave the files out: this platform takes none here.',
    'Leave the file out: this platform takes none.',
  ])
})

test('limits may follow the account', () => {
  const of = (account: Account | undefined): Limits => ({
    ...source,
    text: { text: [{ max: (account?.facts as { max: number } | undefined)?.max ?? 1, count: 'utf16' }] },
  })
  const support = supportOf({ limits: of })
  const content = { ...(support.of.build({ text: 'abc' }, []) as object), options: undefined }
  const found = (account: Account | undefined) => checkContent({ support, content, account, platform: 'p', at: (pointer) => pointer })
  expect(found({ id: '1', name: 'premium', facts: { max: 3 } })).toEqual([])
  expect(found({ id: '2', name: 'free', facts: { max: 2 } })).toMatchObject([{ limit: 2 }])
  expect(found(undefined)).toMatchObject([{ limit: 1 }])
})

test('problems of the kind and of the adapter join those of the limits, with pointers into the draft', () => {
  const support = post({
    limits: { ...limits, poll: false, reply: false },
    options: z.object({ topic: z.string() }),
    recovery: { class: 'blind' },
    publish: async () => ({ id: '1' }),
    check: ({ options, parts }) => [
      { code: 'topic-unknown', pointer: '/options/topic', actual: options.topic, fix: 'Use a known topic.' },
      { code: 'shouting', pointer: '/text', actual: parts[0]?.text ?? '', fix: 'Whisper.', severity: 'warning' },
    ],
  }) as Support
  const input: PostInput = { text: 'LOUD AS CAN BE', poll: { options: ['a', 'b'], durationMs: 1 }, replyTo: { id: '1' } }
  const content = { ...(support.of.build(input, []) as object), options: { topic: 'x' } }
  const at = (pointer: string) => (pointer.startsWith('/text') ? `/variants/p${pointer}` : `/content${pointer}`)
  expect(codes(checkContent({ support, content, account: undefined, platform: 'p', at }))).toEqual([
    'text-too-long /variants/p/text',
    'poll-unsupported /content/poll',
    'reply-unsupported /content/replyTo',
    'topic-unknown /variants/p/options/topic',
    'shouting /variants/p/text',
  ])
})

test('a text field named like a member of every object has no limit by accident', () => {
  const text = Object.fromEntries(['constructor', 'toString'].map((name) => [name, [{ max: 0, count: 'utf16' as const }]]))
  expect(check({ text: 'a' }, [], supportOf({ limits: { ...source, text } }))).toEqual([])
})

test('without limits nothing is refused but what the kind refuses everywhere', () => {
  const bare = post({ recovery: { class: 'blind' }, publish: async () => ({ id: '1' }) }) as Support
  expect(check({ text: 'x'.repeat(1e5), media: [some] }, [file({ bytes: 1e12 })], bare)).toEqual([])
  expect(codes(check({ text: ' ' }, [], bare))).toEqual(['empty /content/text'])
})

test('any text and files: an error exactly where a limit is broken', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 40, unit: 'grapheme' }),
      fc.array(fc.record({ bytes: fc.nat(2_000), width: fc.integer({ min: 1, max: 5_000 }) }), { maxLength: 5 }),
      (text, sizes) => {
        const own: Limits = {
          ...source,
          text: { text: [{ max: 20, count: 'utf16' }] },
          media: { atMost: 3, types: { image: { bytes: 1_000, mimes: ['image/png'], width: [100, 4_000] } } },
        }
        const found = check(
          { text: `x${text}`, media: sizes.map(() => some) },
          sizes.map((size) => file(size)),
          supportOf({ limits: own }),
        )
        const expected =
          Number(text.length + 1 > 20) +
          Number(sizes.length > 3) +
          sizes.filter(({ bytes }) => bytes > 1_000).length +
          sizes.filter(({ width }) => width < 100 || width > 4_000).length
        expect(found).toHaveLength(expected)
        expect(found.every(({ pointer, platform, fix }) => pointer.startsWith('/content/') && platform === 'p' && fix.endsWith('.'))).toBe(true)
      },
    ),
  )
})
