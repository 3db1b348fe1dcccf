// What users get wrong, on the three platforms and a real database: the whole message, and that nothing was stored or sent.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { bluesky } from '@syndikit/bluesky'
import { sandbox as blueskySandbox } from '@syndikit/bluesky/sandbox'
import { type Clock, createSyndikit, type Fetch, generateKey, guardedFetch, PublishError, systemClock } from '@syndikit/core'
import { mastodon } from '@syndikit/mastodon'
import { sandbox as mastodonSandbox } from '@syndikit/mastodon/sandbox'
import { consent, createSandbox } from '@syndikit/sandbox'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { x } from '@syndikit/x'
import { sandbox as xSandbox } from '@syndikit/x/sandbox'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'bad-input-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)
const file = (name: string, bytes: string | Uint8Array): string => {
  writeFileSync(path(name), bytes)
  return path(name)
}
const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const keys = generateKey()
const tenant = 'ann'

/** The machine's time, and what a test puts in front of it. */
const movable = (): Clock & { ahead: number } => {
  const clock = {
    ahead: 0,
    now: () => Date.now() + clock.ahead,
    elapsed: () => performance.now() + clock.ahead,
    sleep: systemClock.sleep,
  }
  return clock
}
const sceneOf = async (database: string) => {
  const clock = movable()
  const sandbox = createSandbox({ platforms: [xSandbox, blueskySandbox, mastodonSandbox], clock })
  const guarded = guardedFetch({ lookup: async (name) => [{ address: name === 'inside.example' ? '10.0.0.7' : '192.0.2.1', family: 4 }] })
  const redirects: Readonly<Record<string, string>> = {
    'https://cdn.example/metadata.jpg': 'http://169.254.169.254/latest/meta-data?token=SECRET',
    'https://cdn.example/inside.jpg': 'https://inside.example/a.jpg',
    'https://cdn.example/disk.jpg': 'file:///etc/passwd',
    'https://cdn.example/round.jpg': 'https://cdn.example/round.jpg',
  }
  const fetch: Fetch = async (request) => {
    const { hostname } = new URL(request.url)
    const location = redirects[request.url]
    if (location) return new Response(null, { status: 302, headers: { location } })
    if (request.url === 'https://cdn.example/page.jpg') return new Response('<!doctype html><title>Log in</title>')
    return sandbox.knows(hostname) ? sandbox.fetch(request) : guarded(request)
  }
  const open = (pragmas: Record<string, number> = {}) =>
    createSyndikit({
      adapters: [x({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' }), bluesky(), mastodon({ appName: 'Bad input' })],
      storage: sqliteStorage({ file: database, clock, pragmas }),
      keys,
      clock,
      fetch,
    })
  const syndikit = open()
  const redirectUri = 'https://app.example/callback'
  const connect = async (of: string, platform: 'x' | 'mastodon', server?: string) => {
    const { url } = await syndikit.connections.begin({ tenant: of, platform, redirectUri, server })
    return syndikit.connections.complete({ tenant: of, callbackUrl: await consent(fetch, url) })
  }
  const fields = { identifier: 'sandbox-sara.bsky.social', appPassword: 'sand-boxx-pass-0001' }
  const connected = [
    await connect(tenant, 'x'),
    await syndikit.connections.open({ tenant, platform: 'bluesky', fields }),
    await connect(tenant, 'mastodon', 'https://mastodon.example'),
  ]
  const [bobs] = await connect('bob', 'x')
  return { clock, sandbox, syndikit, open, to: connected.map(([one]) => one?.id as string), bobs: bobs?.id as string, database }
}

describe('a draft', () => {
  let scene: Awaited<ReturnType<typeof sceneOf>>
  beforeAll(async () => {
    scene = await sceneOf(path('drafts.db'))
    file('a.gif', gif)
    mkdirSync(path('folder'))
    execFileSync('mkfifo', [path('pipe')])
    symlinkSync(path('loop'), path('loop'))
    file('large.gif', Buffer.concat([gif, Buffer.alloc(21 * 1024 * 1024)]))
  })
  afterAll(() => scene.syndikit.close())

  const media = (...named: object[]) => ({ content: { text: 'a', media: named.map((one) => ({ alt: 'a', ...one })) } })
  const several = (count: number) => media(...Array.from({ length: count }, () => ({ file: path('a.gif') })))
  const takes = 'Give a JPEG, PNG, GIF, WebP or BMP image, an MP4, MOV or WebM video, an MP3, M4A or Ogg sound, or a PDF.'
  const eachOn = (what: string) => ['x', 'bluesky', 'mastodon'].map((platform) => `${platform}: ${what}`)
  const unreadable = (what: string) => eachOn(`media-unreadable at /content/media/0. ${what}`)
  const evil = (name: string) => JSON.parse(`{"${name}":{"polluted":true}}`) as object
  const forbidden = (name: string, at: string) => [`forbidden-key at ${at}/${name}. Rename the member: \`${name}\` is reserved by JavaScript.`]

  const table: [what: string, draft: () => object, says: readonly string[]][] = [
    [
      'a text that is too long, as each platform counts',
      () => ({ content: { text: '👨‍👩‍👧‍👦'.repeat(501) } }),
      [
        'x: text-too-long at /content/text (1002 weighted characters, the limit is 280). Shorten it by 722 (counted in weighted characters).',
        'bluesky: text-too-long at /content/text (501 graphemes, the limit is 300). Shorten it by 201 (counted in graphemes).',
        'bluesky: text-too-long at /content/text (12525 bytes, the limit is 3000). Shorten it by 9525 (counted in bytes).',
        'mastodon: text-too-long at /content/text (501 Mastodon characters, the limit is 500). Shorten it by 1 (counted in Mastodon characters).',
      ],
    ],
    ['no text and no media', () => ({ content: {} }), eachOn('empty at /content/text. Write a text or add a file.')],
    [
      'a file that is missing',
      () => media({ file: path('none.gif') }),
      unreadable(`The file "${path('none.gif')}" does not exist. Check the path, and that the file is still there when it is published.`),
    ],
    ['a folder', () => media({ file: path('folder') }), unreadable(`The file "${path('folder')}" is a folder. Name one file.`)],
    ['a pipe', () => media({ file: path('pipe') }), unreadable(`The file "${path('pipe')}" is neither a file nor a link to one. Name a regular file.`)],
    ['a device without end', () => media({ file: '/dev/zero' }), unreadable('The file "/dev/zero" is neither a file nor a link to one. Name a regular file.')],
    [
      'a link to itself',
      () => media({ file: path('loop') }),
      unreadable(`The file "${path('loop')}" is a link that may not be followed. Name the file itself.`),
    ],
    [
      'an empty file',
      () => media({ file: file('empty.gif', '') }),
      unreadable(`The file "${path('empty.gif')}" is empty. Write it completely before it is scheduled.`),
    ],
    [
      'a lying extension',
      () => media({ file: file('text.gif', 'hello') }),
      unreadable(`The file "${path('text.gif')}" is plain text, which cannot be published. ${takes}`),
    ],
    [
      'a page for a picture',
      () => media({ url: 'https://cdn.example/page.jpg' }),
      unreadable(`The file at https://cdn.example/page.jpg is an HTML page, which cannot be published. ${takes}`),
    ],
    [
      'a file that is too large',
      () => media({ file: path('large.gif') }),
      [
        'x: media-too-large at /content/media/0 (22020138 bytes, the limit is 15728640). Make it smaller by 6291498 bytes.',
        'bluesky: media-too-large at /content/media/0 (22020138 bytes, the limit is 2000000). Make it smaller by 20020138 bytes.',
        'mastodon: media-too-large at /content/media/0 (22020138 bytes, the limit is 16777216). Make it smaller by 5242922 bytes.',
      ],
    ],
    ['too many files', () => several(5), eachOn('too-many-media at /content/media (5 files, the limit is 4). Leave out 1 of the files.')],
    [
      'a type that nobody takes',
      () => media({ file: file('a.pdf', '%PDF-1.7\n') }),
      [
        'bluesky: media-type at /content/media/0 ("document", the limit is ["image","video"]). Use one of: image, video.',
        'mastodon: media-type at /content/media/0',
      ],
    ],
    [
      'an alt text that is too long',
      () => media({ file: path('a.gif'), alt: 'a'.repeat(1_501) }),
      [
        'x: alt-too-long at /content/media/0/alt (1501 code-points, the limit is 1000). Shorten it by 501 (counted in code-points).',
        'mastodon: alt-too-long at /content/media/0/alt (1501 code-points, the limit is 1500). Shorten it by 1 (counted in code-points).',
      ],
    ],
    [
      'a private address',
      () => media({ url: 'http://0x7f.1/a.jpg' }),
      unreadable('http://127.0.0.1 was not called: 127.0.0.1 is not public (loopback). Use a public address'),
    ],
    [
      'a redirect into a private network',
      () => media({ url: 'https://cdn.example/metadata.jpg' }),
      unreadable('http://169.254.169.254 was not called: 169.254.169.254 is not public (linkLocal).'),
    ],
    [
      'a redirect to a name that resolves into a private network',
      () => media({ url: 'https://cdn.example/inside.jpg' }),
      unreadable('https://inside.example was not called: inside.example resolves to 10.0.0.7, which is not public (private).'),
    ],
    [
      'a redirect to the disk',
      () => media({ url: 'https://cdn.example/disk.jpg' }),
      unreadable('https://cdn.example/disk.jpg redirects to an address that begins with file:: only http and https files can be fetched.'),
    ],
    [
      'a redirect without end',
      () => media({ url: 'https://cdn.example/round.jpg' }),
      unreadable('https://cdn.example/round.jpg redirects more than 3 times. Give the address of the file itself.'),
    ],
    ['an unknown platform', () => ({ variants: { tiktok: {} } }), ['unknown-platform at /variants/tiktok ("tiktok"). Use one of x, bluesky, mastodon.']],
    [
      'an unknown connection',
      () => ({ to: ['nobody'] }),
      ['no-such-connection at /to/0 ("nobody"). Name a connection of this tenant: see `connections.list`.'],
    ],
    ["another tenant's connection", () => ({ to: [scene.bobs] }), ['no-such-connection at /to/0']],
    ['a connection twice', () => ({ to: [scene.to[0], scene.to[0]] }), ['x: connection-twice at /to/1', 'Name each connection once.']],
    [
      'a date in the past',
      () => ({ at: '2020-01-01T09:00:00+04:00' }),
      ['in-the-past at /at ("2020-01-01T05:00:00.000Z", the limit is "20', 'Choose a time to come, or `publish` it now.'],
    ],
    [
      'an unknown zone',
      () => ({ at: '2030-01-01T09:00', timeZone: 'Mars/X' }),
      ['unknown-zone at /timeZone ("Mars/X"). Name an IANA time zone such as `Europe/Berlin` or `Asia/Dubai`.'],
    ],
    [
      'an option that is none',
      () => ({ variants: { mastodon: { options: { visibilty: 'public' } } } }),
      ['mastodon: unknown-member at /variants/mastodon/options. Remove or rename `visibilty`.'],
    ],
    ...['__proto__', 'constructor', 'prototype'].flatMap((name): typeof table => [
      [`${name} among the options`, () => ({ variants: { x: { options: evil(name) } } }), forbidden(name, '/variants/x/options')],
      [`${name} for a platform`, () => ({ variants: evil(name) }), forbidden(name, '/variants')],
      [`${name} in a link`, () => ({ content: { text: 'a', link: { url: 'https://a.example', ...evil(name) } } }), forbidden(name, '/content/link')],
      [
        `${name} in data`,
        () => ({ content: { text: 'a', replyTo: { id: '1', data: { deep: [evil(name)] } } } }),
        forbidden(name, '/content/replyTo/data/deep/0'),
      ],
    ]),
    [
      'a text of 2 MB',
      () => ({ content: { text: 'x'.repeat(2_000_000) } }),
      ['too-large at the draft (the limit is 1000000 bytes). Make it smaller: files are named by `file`, `url` or `ref`, not put in.'],
    ],
    ['a key of 10 kB', () => ({ idempotencyKey: 'k'.repeat(10_000) }), ['invalid-value at /idempotencyKey. Give a key as a text of 1 to 255 characters.']],
    [
      'NUL in a text',
      () => ({ content: { text: 'a\0' } }),
      ['nul-character at /content/text (1 utf16). Take out the NUL character at position 1: no platform can show it.'],
    ],
    [
      'half an emoji in a text',
      () => ({ content: { text: '😀'.slice(0, 1) } }),
      ['half-character at /content/text (0 utf16). Take out half a character (a lone surrogate, left where an emoji was cut in two)'],
    ],
  ]
  const rows = (): number => {
    const database = new DatabaseSync(scene.database)
    const counted = ['publications', 'deliveries', 'attempts', 'placements'].map((name) => `(select count(*) from syndikit_${name})`)
    const { sum } = database.prepare(`select ${counted.join(' + ')} as sum`).get() as { sum: number }
    database.close()
    return sum
  }

  test.each(table)('%s', async (_, draft, says) => {
    const given = { tenant, content: { text: 'hello' }, to: scene.to, at: new Date(scene.clock.now() + 60_000), ...draft() }
    const asked = scene.sandbox.requests.length
    const error = await scene.syndikit.scheduler.schedule(given as never).catch((error: unknown) => error)
    if (!PublishError.is(error)) throw error
    expect([error.code, error.outcome]).toEqual(['invalid', 'not-published'])
    for (const part of says) expect(error.message).toContain(part)
    expect(error.message).not.toContain('SECRET')
    expect([rows(), scene.sandbox.requests.length - asked, scene.sandbox.visible()]).toEqual([0, 0, []])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

test('a file that changes between the check and the send goes out nowhere, and the reason is the file', async () => {
  const { syndikit, sandbox, clock, to } = await sceneOf(path('changes.db'))
  onTestFinished(() => syndikit.close())
  const picture = file('changes.gif', gif)
  const result = await syndikit.scheduler.schedule({
    tenant,
    content: { text: 'a', media: [{ file: picture, alt: 'a' }] },
    to,
    at: new Date(clock.now() + 60_000),
  })
  if (!('publicationId' in result)) throw new Error(result.status)
  file('changes.gif', Buffer.concat([gif, Buffer.from('more')]))
  clock.ahead += 120_000
  await syndikit.tick({ budgetMs: 5_000 })
  const deliveries = await syndikit.publisher.wait({ tenant, publicationId: result.publicationId, timeoutMs: 0 })
  expect(deliveries.map(({ state, reason }) => [state, reason?.code, reason?.message])).toEqual(
    to.map(() => [
      'failed',
      'media',
      `The file "${picture}" changed since it was scheduled. Put the same bytes back, or cancel this publication and schedule the new file.`,
    ]),
  )
  expect(sandbox.visible()).toEqual([])
})

test('on a disk that fills up in the middle of the work nothing is lost, nothing goes out twice, and it goes on once there is room', {
  timeout: 60_000,
}, async () => {
  const { syndikit, sandbox, clock, to, open, database } = await sceneOf(path('full.db'))
  const texts = Array.from({ length: 12 }, (_, n) => `Post ${n}`)
  for (const text of texts) await syndikit.scheduler.schedule({ tenant, content: { text }, to, at: new Date(clock.now() + 60_000) })
  await syndikit.close()
  const handle = new DatabaseSync(database)
  const { page_count: pages } = handle.prepare('pragma page_count').get() as { page_count: number }
  handle.close()
  clock.ahead += 120_000
  const full = open({ max_page_count: pages + 3 })
  await full.tick({ budgetMs: 3_000 }).catch(() => undefined)
  const counts = await full.scheduler.counts({ tenant })
  await full.close()
  expect(counts.published).toBeLessThan(36)
  expect(counts.failed + counts.missed + counts.canceled).toBe(0)
  const roomy = open()
  onTestFinished(() => roomy.close())
  for (let n = 0; n < 20 && (await roomy.scheduler.counts({ tenant })).published < 36; n++) {
    clock.ahead += 90_000
    await roomy.tick({ budgetMs: 1_500 })
  }
  const { items } = await roomy.scheduler.list({ tenant, limit: 200 })
  expect(items.map(({ state }) => state)).toEqual(Array.from({ length: 36 }, () => 'published'))
  const there = sandbox.visible()
  expect(there.map(({ platform, text }) => `${platform} ${text}`).sort()).toEqual(
    ['bluesky', 'mastodon', 'x'].flatMap((platform) => texts.map((text) => `${platform} ${text}`)).sort(),
  )
  expect(items.map(({ placement }) => placement?.id).sort()).toEqual(there.map(({ id }) => id).sort())
})
