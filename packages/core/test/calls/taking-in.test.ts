// Drafts that are taken in, and drafts that are not: every problem at once, with where and how much and what to do, and nothing stored.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Post, type Problem, PublishError } from '../../src/index.ts'
import { adapterOf, hour, minute, openRig, type Rig, tenant } from '../engine/rig.ts'

let rig: Rig
let folder: string
const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const limits = {
  text: { text: [{ max: 20, count: 'graphemes' as const }] },
  parts: 2,
  media: {
    atMost: 1,
    alt: { max: 5, count: 'graphemes' as const },
    types: { image: { bytes: 1_000, mimes: ['image/gif'] } },
  },
  poll: false as const,
  source: 'made up',
  checkedAt: '2026-11-20',
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taking-in-'))
  await writeFile(join(folder, 'a.gif'), gif)
  await writeFile(join(folder, 'b.gif'), gif)
  await writeFile(join(folder, 'text.gif'), 'This is no picture.')
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  rig = await openRig({
    spec: { limits },
    settings: { media: { root: folder }, fetch: async () => Promise.reject(new Error('no network')) },
  })
})

const draft = (more: object = {}) => ({ tenant, content: { text: 'hello' }, to: [rig.connectionId], ...more }) as never
const inMs = (ms: number) => new Date(rig.clock.now() + ms)
const publish = (given: unknown) => rig.clock.drive(rig.syndikit.publisher.publish(given as never))
const schedule = (given: unknown) => rig.clock.drive(rig.syndikit.scheduler.schedule(given as never))
const check = (given: unknown) => rig.clock.drive(rig.syndikit.publisher.check(given as never))
const stored = async () => Object.values(await rig.storage.deliveries.counts()).reduce((sum, count) => sum + count, 0)

/** Refused with one error that holds every problem, with nothing stored; `check` finds the same. */
const refused = async (given: unknown, way = publish): Promise<readonly Problem[]> => {
  const error = await way(given).then(
    (result) => Promise.reject(new Error(`It was taken in: ${JSON.stringify(result)}`)),
    (error: unknown) => error,
  )
  if (!PublishError.is(error)) throw error
  expect([error.code, error.outcome]).toEqual(['invalid', 'not-published'])
  for (const { code, pointer, fix } of error.problems) {
    expect(error.message).toContain(`${code} at ${pointer}`)
    expect(fix.length).toBeGreaterThan(5)
  }
  expect(await stored()).toBe(0)
  expect(rig.told('delivery:scheduled')).toEqual([])
  return error.problems
}
const short = (problems: readonly Problem[]) => problems.map(({ code, pointer }) => `${code} ${pointer}`).sort()

describe('bad input', () => {
  test.each<[string, () => object, string[]]>([
    ['no text and no media', () => ({ content: {} }), ['empty /content/text']],
    ['nothing but spaces', () => ({ content: { text: ' \n\t ' } }), ['empty /content/text']],
    ['an empty part', () => ({ content: { text: 'a', thread: [{}] } }), ['empty /content/thread/0']],
    ['too many parts', () => ({ content: { text: 'a', thread: [{ text: 'b' }, { text: 'c' }] } }), ['too-many-parts /content/thread/1']],
    ['a misspelt member', () => ({ content: { text: 'a', medias: [] } }), ['unknown-member /content']],
    ['a misspelt member of the draft', () => ({ idempotentKey: 'x' }), ['unknown-member ']],
    ['a text that is none', () => ({ content: { text: 7 } }), ['invalid-value /content/text']],
    ['a link with a space', () => ({ content: { text: 'a', link: { url: 'https://example.com/a b' } } }), ['invalid-value /content/link/url']],
    ['a link that is none', () => ({ content: { text: 'a', link: { url: 'javascript:alert(1)' } } }), ['invalid-value /content/link/url']],
    ['a language that is none', () => ({ content: { text: 'a', language: 'english please' } }), ['invalid-value /content/language']],
    ['a poll with one option', () => ({ content: { text: 'a', poll: { options: ['x'], durationMs: 1 } } }), ['invalid-value /content/poll/options']],
    ['a poll where there are none', () => ({ content: { text: 'a', poll: { options: ['x', 'y'], durationMs: 1 } } }), ['poll-unsupported /content/poll']],
    ['a kind nobody takes', () => ({ content: { kind: 'listing' } }), ['kind-unsupported /content/kind']],
    ['a platform nobody knows', () => ({ variants: { myspace: {} } }), ['unknown-platform /variants/myspace']],
    ['options where there are none', () => ({ variants: { toy: { options: { loud: true } } } }), ['invalid-value /variants/toy/options']],
    ['no connection', () => ({ to: [] }), ['invalid-value /to']],
    ['a connection nobody has', () => ({ to: ['nobody'] }), ['no-such-connection /to/0']],
    ['a connection twice', () => ({ to: [rig.connectionId, rig.connectionId] }), ['connection-twice /to/1']],
    ['no tenant', () => ({ tenant: '' }), ['invalid-value /tenant']],
    ['a priority that is none', () => ({ priority: 'asap' }), ['invalid-value /priority']],
    ['a lateness that is none', () => ({ maxLatenessMs: -1 }), ['invalid-value /maxLatenessMs']],
    ['a policy that is none', () => ({ onUncertain: 'guess' }), ['invalid-value /onUncertain']],
    ['a file that is missing', () => ({ content: { media: [{ file: join(folder, 'none.gif') }] } }), ['media-unreadable /content/media/0']],
    ['a file that is no picture', () => ({ content: { media: [{ file: join(folder, 'text.gif') }] } }), ['media-unreadable /content/media/0']],
    ['a file outside of the root', () => ({ content: { media: [{ file: '/etc/passwd' }] } }), ['media-unreadable /content/media/0']],
    ['a file that is named in two ways', () => ({ content: { media: [{ file: 'a', url: 'https://a.example/b' }] } }), ['invalid-value /content/media/0']],
    [
      'too many files',
      () => ({
        content: {
          media: [
            { file: join(folder, 'a.gif'), alt: 'a' },
            { file: join(folder, 'b.gif'), alt: 'b' },
          ],
        },
      }),
      ['too-many-media /content/media'],
    ],
    ['an alt text that is too long', () => ({ content: { media: [{ file: join(folder, 'a.gif'), alt: '123456' }] } }), ['alt-too-long /content/media/0/alt']],
  ])('%s', async (_, more, expected) => {
    const problems = await refused(draft(more()))
    expect(short(problems)).toEqual(expected)
    expect(short((await check(draft(more()))).filter(({ severity }) => severity !== 'warning'))).toEqual(expected)
  })

  test('a text too long says how long, how long it may be, in what it is counted, where, and by how much to shorten it', async () => {
    expect(await refused(draft({ content: { text: 'x'.repeat(25) } }))).toEqual([
      {
        code: 'text-too-long',
        platform: 'toy',
        pointer: '/content/text',
        actual: 25,
        limit: 20,
        unit: 'graphemes',
        fix: 'Shorten it by 5 (counted in graphemes).',
      },
    ])
    const family = '👨‍👩‍👧‍👦'
    expect((await publish(draft({ content: { text: family.repeat(20) } }))).status).toBe('scheduled')
  })

  test('what a variant says is pointed at where it stands', async () => {
    const given = draft({ content: { text: 'x'.repeat(30) }, variants: { toy: { text: 'y'.repeat(21) } } })
    expect(short(await refused(given))).toEqual(['text-too-long /variants/toy/text'])
    const mended = draft({ content: { text: 'x'.repeat(30) }, variants: { toy: { text: 'short' } } })
    expect((await publish(mended)).status).toBe('scheduled')
  })

  test('everything that is wrong is told at once', async () => {
    const given = draft({
      content: { text: 'x'.repeat(25), thread: [{}, { text: 'y'.repeat(21) }], media: [{ file: join(folder, 'a.gif'), alt: '1234567' }] },
      to: [rig.connectionId, 'nobody', rig.connectionId],
      variants: { myspace: {} },
      at: '2026-12-01T09:00',
      timeZone: 'Mars/Olympus',
    })
    expect(short(await refused(given, schedule))).toEqual([
      'alt-too-long /content/media/0/alt',
      'connection-twice /to/2',
      'empty /content/thread/0',
      'no-such-connection /to/1',
      'text-too-long /content/text',
      'text-too-long /content/thread/1/text',
      'too-many-parts /content/thread/1',
      'unknown-platform /variants/myspace',
      'unknown-zone /timeZone',
    ])
  })

  test('a file that cannot be read hides nothing else: text, other files, options and the frame are told with it', async () => {
    const given = draft({
      content: {
        text: 'x'.repeat(25),
        media: [
          { file: join(folder, 'none.gif'), alt: '1234567' },
          { file: join(folder, 'a.gif'), alt: '1234567' },
        ],
      },
      variants: { toy: { options: { loud: true } } },
      priority: 'asap',
      maxLatenessMs: 1.5,
      idempotencyKey: 'k'.repeat(10_000),
      at: inMs(-hour),
      collour: 'red',
    })
    expect(short(await refused(given, schedule))).toEqual([
      'alt-too-long /content/media/0/alt',
      'alt-too-long /content/media/1/alt',
      'in-the-past /at',
      'invalid-value /idempotencyKey',
      'invalid-value /maxLatenessMs',
      'invalid-value /priority',
      'invalid-value /variants/toy/options',
      'media-unreadable /content/media/0',
      'text-too-long /content/text',
      'too-many-media /content/media',
      'unknown-member ',
    ])
  })

  test('nothing is made up about a file that cannot be read', async () => {
    const strict = { bytes: 10, mimes: ['image/png'], width: [100, 200] as const }
    const one = await openRig({ spec: { limits: { ...limits, media: { atMost: 4, mix: 'one-type', types: { image: strict, video: strict } } } } })
    const error = await one.publish('hello', { content: { text: 'a', media: [{ file: '/nowhere/a.gif' }] } }).catch((error: unknown) => error)
    expect(PublishError.is(error) && short(error.problems)).toEqual(['media-unreadable /content/media/0'])
  })

  test('a moment that has passed is told though no connection is known', async () =>
    expect(short(await refused(draft({ to: ['nobody'], at: inMs(-hour) }), schedule))).toEqual(['in-the-past /at', 'no-such-connection /to/0']))

  test('the message says figures where there are any, what the draft itself is, and ends', async () => {
    await expect(publish(draft({ content: { text: 'x'.repeat(1_100_000) } }))).rejects.toThrow(
      /too-large at the draft \(the limit is 1000000 bytes\)\. Make it smaller/,
    )
    await expect(publish(draft({ to: ['nobody'] }))).rejects.toThrow('no-such-connection at /to/0 ("nobody"). Name a connection of this tenant')
    await expect(publish(draft({ idempotencyKey: 'k'.repeat(256) }))).rejects.toThrow('at /idempotencyKey. Give a key as a text of 1 to 255 characters.')
    await expect(publish(draft({ maxLatenessMs: Number.NaN }))).rejects.toThrow('at /maxLatenessMs. Give a whole number of milliseconds above 0.')
    const error = await publish(draft({ to: Array.from({ length: 10_000 }, (_, n) => `nobody-${n}-${'x'.repeat(60)}`) })).catch(
      (error: unknown) => error as PublishError,
    )
    expect(PublishError.is(error) && error.problems).toHaveLength(10_000)
    expect((error as PublishError).message).toMatch(/And 9950 more: see `problems`\.$/)
    expect((error as PublishError).message.length).toBeLessThan(20_000)
  })

  test.each<[string, string, string, string]>([
    ['NUL', 'a\0b', 'nul-character', 'Take out the NUL character at position 1'],
    ['half an emoji', 'ab\ud83d', 'half-character', 'Take out half a character (a lone surrogate, left where an emoji was cut in two) at position 2'],
    ['the other half', '\ude00ab', 'half-character', 'at position 0'],
  ])('%s, wherever a text stands: no platform would show what was checked', async (_, text, code, fix) => {
    const problems = await refused(
      draft({ content: { text, media: [{ file: join(folder, 'a.gif'), alt: text }], thread: [{ text }] }, variants: { toy: { options: { loud: text } } } }),
    )
    expect(short(problems)).toEqual(
      ['/content/media/0/alt', '/content/text', '/content/thread/0/text', '/variants/toy/options/loud'].map((at) => `${code} ${at}`),
    )
    expect(problems[0]?.fix).toContain(fix)
    expect((await publish(draft({ content: { text: '😀' } }))).status).toBe('scheduled')
  })

  test('a fix says what was too small as well as what was too large', async () => {
    const strict = await openRig({ spec: { limits: { ...limits, text: { text: [{ max: 20, min: 8, count: 'utf16' }] } } } })
    await expect(strict.publish('short')).rejects.toThrow('toy: text-too-short at /content/text (5 utf16, the limit is 8). Lengthen it by 3')
  })

  test.each([['__proto__'], ['constructor'], ['prototype']])('a member called %s, anywhere', async (name) => {
    const evil = JSON.parse(`{"polluted":{"${name}":{"isAdmin":true}}}`) as object
    for (const more of [{ variants: { toy: { options: evil } } }, { content: { text: 'a', ...evil } }, evil]) {
      const problems = await refused(draft(more))
      expect(problems.map(({ code }) => code)).toContain('forbidden-key')
      expect(problems.at(0)?.pointer).toContain(`/polluted/${name}`)
    }
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test('something that contains itself, and something that is too large', async () => {
    const loop: Record<string, unknown> = {}
    loop.loop = loop
    expect((await refused(draft({ variants: { toy: { options: loop } } })))[0]?.code).toBe('too-deep')
    expect((await refused(draft({ content: { text: 'x'.repeat(1_100_000) } })))[0]?.code).toBe('too-large')
  })

  test.each([[null], [undefined], [7], ['text'], [[]]])('%j is no draft', async (given) => expect((await refused(given)).length).toBeGreaterThan(0))

  test('the value itself is not repeated: it may be long, or secret', async () => {
    const secret = 'canary-secret-in-a-draft'
    await expect(publish(draft({ content: { text: 'a', link: { url: secret } }, priority: secret }))).rejects.not.toThrow(secret)
  })
})

describe('a moment', () => {
  test.each<[string, () => object, string]>([
    ['in the past', () => ({ at: inMs(-2 * minute) }), 'in-the-past /at'],
    ['without a zone', () => ({ at: '2026-12-01T09:00' }), 'time-without-zone /at'],
    ['in an unknown zone', () => ({ at: '2026-12-01T09:00', timeZone: 'Nowhere' }), 'unknown-zone /timeZone'],
    ['in an unknown zone that is not needed', () => ({ at: inMs(hour), timeZone: 'Nowhere' }), 'unknown-zone /timeZone'],
    ['that is no day', () => ({ at: '2026-02-30T09:00Z' }), 'no-such-time /at'],
    ['of a platform in the past', () => ({ at: inMs(hour), times: { toy: inMs(-hour) } }), 'in-the-past /times/toy'],
    ['of a platform nobody knows', () => ({ at: inMs(hour), times: { myspace: inMs(hour) } }), 'unknown-platform /times/myspace'],
    ['that was forgotten', () => ({}), 'time-missing /at'],
    ['that is undefined', () => ({ at: undefined }), 'time-missing /at'],
  ])('%s is refused', async (_, more, expected) => expect(short(await refused(draft(more()), schedule))).toEqual([expected]))

  test('of a publish is refused: it would not go out now', async () =>
    expect(short(await refused(draft({ at: inMs(hour), timeZone: 'UTC' })))).toEqual(['unknown-member /at', 'unknown-member /timeZone']))

  test('that has just passed is now', async () => {
    expect((await schedule(draft({ at: inMs(-30_000) }))).status).toBe('scheduled')
    await rig.tick()
    expect(rig.platform.posts).toHaveLength(1)
  })

  test('that the clocks skip or show twice is taken, and `check` says what it becomes', async () => {
    for (const [at, code] of [
      ['2027-03-28T02:30', 'time-does-not-exist'],
      ['2027-10-31T02:30', 'time-exists-twice'],
    ] as const) {
      const given = draft({ at, timeZone: 'Europe/Berlin', contentKey: at })
      expect(await check(given)).toMatchObject([{ code, pointer: '/at', severity: 'warning' }])
      expect((await schedule(given)).status).toBe('scheduled')
    }
  })

  test('goes out at its moment and not before, and the wall time stays beside it', async () => {
    const result = await schedule(draft({ at: '2026-12-01T09:00', timeZone: 'Asia/Dubai' }))
    if (!('deliveries' in result)) throw new Error(result.status)
    expect(result.deliveries[0]?.dueAt).toEqual(new Date('2026-12-01T05:00:00Z'))
    await rig.work(30 * 24 * hour)
    expect(rig.platform.posts[0]?.at).toBe(Date.parse('2026-12-01T05:00:00Z'))
    expect(JSON.parse((await rig.storage.publications.get(tenant, result.publicationId))?.body ?? '').wall).toEqual({
      '': { at: '2026-12-01T09:00', timeZone: 'Asia/Dubai' },
    })
  })

  test('can be another one for a platform', async () => {
    const other = { ...adapterOf({}, rig), id: 'other', name: 'Other' }
    const two = rig.process({ adapters: [adapterOf({}, rig), other] as never })
    const [connection] = await rig.clock.drive(two.connections.open({ tenant, platform: 'other', fields: { token: 't', user: 'u' } }))
    const to = [rig.connectionId, connection?.id as string]
    const result = await rig.clock.drive(two.scheduler.schedule({ ...(draft({ to, at: inMs(hour), times: { other: inMs(3 * hour) } }) as object) } as never))
    if (!('deliveries' in result)) throw new Error(result.status)
    expect(result.deliveries.map(({ platform, dueAt }) => [platform, (dueAt.getTime() - rig.clock.now()) / hour])).toEqual([
      ['toy', 1],
      ['other', 3],
    ])
  })
})

describe('several at once', () => {
  const all = (drafts: unknown[]) => rig.clock.drive(rig.syndikit.scheduler.scheduleAll(drafts as never))
  const at = () => ({ at: inMs(hour) })

  test('are all stored, or none; every problem says of which draft', async () => {
    const error = await all([draft({ ...at(), contentKey: 'a' }), draft({ ...at(), content: {} }), draft({ ...at(), to: ['nobody'] })]).catch(
      (error: unknown) => error,
    )
    expect(PublishError.is(error) && short(error.problems)).toEqual(['empty /1/content/text', 'no-such-connection /2/to/0'])
    expect(await stored()).toBe(0)
    const results = await all([draft({ ...at(), contentKey: 'a' }), draft({ ...at(), contentKey: 'b' })])
    expect(results).toMatchObject([{ status: 'scheduled' }, { status: 'scheduled' }])
    expect(await stored()).toBe(2)
  })

  test('that are the same content to the same connection are refused together', async () => {
    expect(await all([draft(at()), draft(at())])).toMatchObject({ status: 'active', deliveryIds: [expect.any(String)] })
    expect(await stored()).toBe(0)
  })

  test('with one key and one content are one, with another content they are refused', async () => {
    const given = { ...at(), idempotencyKey: 'k' }
    expect(await all([draft(given), draft({ ...given, content: { text: 'other' } })])).toMatchObject({ status: 'key-reused' })
    expect(await stored()).toBe(0)
    expect(await all([draft(given), draft(given)])).toMatchObject([{ status: 'scheduled' }, { status: 'replayed' }])
    expect(await stored()).toBe(1)
  })

  test.each([[undefined], [{}], ['drafts']])('%j is no list of drafts', async (given) => {
    await expect(all(given as never)).rejects.toThrow('`drafts` is a list of drafts.')
  })

  test('none is nothing', async () => expect(await all([])).toEqual([]))
})

describe('the same again', () => {
  test('with its key is the same publication: nothing new is stored or sent, however often and from however many', async () => {
    const results = await Promise.all(Array.from({ length: 100 }, () => publish(draft({ idempotencyKey: 'k' }))))
    expect(new Set(results.map((result) => 'publicationId' in result && result.publicationId)).size).toBe(1)
    expect(results.filter(({ status }) => status === 'scheduled')).toHaveLength(1)
    expect(results.filter(({ status }) => status === 'replayed')).toHaveLength(99)
    await rig.work()
    expect(rig.platform.posts).toHaveLength(1)
    expect((await publish(draft({ idempotencyKey: 'k' }))).status).toBe('replayed')
    expect(rig.told('delivery:scheduled')).toHaveLength(1)
  })

  test('the order of members and members that are undefined make no other request; anything else does', async () => {
    await publish({ tenant, content: { text: 'hello' }, to: [rig.connectionId], idempotencyKey: 'k' })
    expect(
      (await publish({ idempotencyKey: 'k', to: [rig.connectionId], priority: undefined, content: { text: 'hello', media: undefined }, tenant })).status,
    ).toBe('replayed')
    for (const more of [{ content: { text: 'Hello' } }, { priority: 'high' }, { contentKey: 'x' }])
      expect((await publish(draft({ idempotencyKey: 'k', ...more }))).status, JSON.stringify(more)).toBe('key-reused')
  })

  test('without a key it is refused as long as the first is on its way, a hundred at once included', async () => {
    const results = await Promise.all(Array.from({ length: 100 }, () => publish(draft())))
    const first = results.find((result) => result.status === 'scheduled')
    expect(results.filter(({ status }) => status === 'active')).toHaveLength(99)
    const ids = first && 'deliveries' in first ? first.deliveries.map(({ id }) => id) : []
    for (const result of results) if (result.status === 'active') expect(result.deliveryIds).toEqual(ids)
    await rig.work()
    expect((await publish(draft())).status).toBe('scheduled')
  })

  test('a key is its tenant’s own', async () => {
    const other = await rig.connect('bob', 'toy-2')
    await publish(draft({ idempotencyKey: 'k' }))
    expect((await publish({ tenant: 'bob', content: { text: 'bob’s' }, to: [other], idempotencyKey: 'k' })).status).toBe('scheduled')
  })
})

test('a publication to more connections than a page holds is answered whole: when it is taken in, again, and by `wait`', async () => {
  const own = { tenant, platform: 'toy', state: 'active' as const }
  const row = await rig.storage.connections.get(tenant, rig.connectionId)
  const grant = await rig.storage.connections.grant(tenant, row?.grantId as string)
  if (!row || !grant) throw new Error('There is a connection.')
  const ids = Array.from({ length: 1_100 }, (_, n) => `connection-${n}`)
  await rig.storage.connections.put(
    { ...grant, id: 'many' },
    ids.map((id) => ({ ...row, ...own, id, accountId: id, grantId: 'many' })),
  )
  const given = draft({ to: ids, at: inMs(hour), idempotencyKey: 'many' })
  const first = await schedule(given)
  const second = await schedule(given)
  if (!('deliveries' in first && 'deliveries' in second)) throw new Error('It is taken in.')
  expect(first.deliveries).toHaveLength(1_100)
  expect(second).toEqual({ ...first, status: 'replayed' })
  const seen = await rig.clock.drive(rig.syndikit.publisher.wait({ tenant, publicationId: first.publicationId, timeoutMs: 0 }))
  expect(new Set(seen.map(({ id }) => id)).size).toBe(1_100)
})

test('who has a head start goes first among what is due, and nobody goes out early', async () => {
  const one = await openRig({ settings: { slots: 1 } })
  for (const priority of ['low', 'normal', 'high', 'urgent'] as const) await one.publish(priority, { priority })
  await one.schedule('urgent later', hour, { priority: 'urgent' })
  for (let n = 0; n < 4; n++) await one.tick()
  expect(one.platform.posts.map(({ text }) => text)).toEqual(['urgent', 'high', 'normal', 'low'])
  await one.work()
  expect(one.platform.posts.at(-1)?.text).toBe('urgent later')
})

test('a queue that fails, at once or later, costs nothing but time', async () => {
  for (const hint of [
    () => {
      throw new Error('no Redis')
    },
    async () => Promise.reject(new Error('no Redis')),
  ]) {
    const one = await openRig({ settings: { queue: { horizonMs: 0, hint, run: () => ({ wake: () => undefined, stop: async () => undefined }) } } })
    await one.publish('hello')
    await one.work()
    expect(one.platform.posts).toHaveLength(1)
  }
})

test('what the adapter’s own check says is told where it was written', async () => {
  const one = await openRig({
    spec: {
      check: (content: Post) => (content.parts[0]?.text.includes('!') ? [{ code: 'too-loud', pointer: '/text', fix: 'Say it quietly.' }] : []),
    },
  })
  await expect(one.publish('Hey!')).rejects.toThrow('toy: too-loud at /content/text. Say it quietly.')
})
