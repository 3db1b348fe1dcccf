// The feed page as HTML: nothing that people post can become markup, and everything they post is shown.

import { createSandbox, type Shown, serveSandbox } from '@syndikit/sandbox'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { directionOf, languageOf, textHtml } from '../src/feed/text.ts'
import { threadsOf } from '../src/feed/threads.ts'
import { relative } from '../src/feed/when.ts'
import { picture } from './pictures.ts'
import { scene } from './scene.ts'
import { ask, postOf, sandbox as toy } from './toy.ts'

const serve = async (sandbox = createSandbox({ platforms: [toy], seed: 0 })) => {
  const server = await serveSandbox(sandbox)
  onTestFinished(() => server.close())
  return { sandbox, url: server.url, page: async (path = '/') => (await fetch(server.url + path)).text() }
}

const attacks = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg/onload=alert(1)>",
  '</textarea></title></style></script><script>alert(1)</script>',
  '<!--<script>alert(1)//-->',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  'javascript:alert(1)',
  'https://example.org/"onmouseover="alert(1)',
  "https://example.org/'onmouseover='alert(1)",
  'https://example.org/<script>alert(1)</script>',
  '#"><script>alert(1)</script>',
  '@a"><script>alert(1)</script>',
  '\u0000<script>alert(1)</script>',
  '$\u007balert(1)}{{constructor.constructor("alert(1)")()}}',
  '\u202e<script>alert(1)</script>',
]

test.each(attacks)('%j in any field is shown as text and never becomes markup', async (attack) => {
  const { sandbox, page } = await serve()
  const fields = {
    warning: attack,
    visibility: attack,
    language: attack,
    replyTo: attack,
    url: attack,
    card: { url: attack, title: attack, description: attack, blob: attack },
    poll: { options: [attack] },
    files: [
      { mime: attack, alt: attack, blob: attack },
      { mime: 'image/png', alt: attack, blob: attack },
    ],
  }
  await sandbox.fetch(postOf(attack, fields))
  const kept = sandbox.shown()[0] as Shown
  Object.assign(kept, { account: attack, id: attack })
  const clean = await page()
  const scripts = clean.match(/<script/gi) ?? []
  expect(scripts).toHaveLength(1)
  expect(clean).not.toMatch(/<(img|svg)[^>]*\son\w+=/i)
  expect(clean).not.toMatch(/<[a-z][^<>]*["'\s](onerror|onload|onmouseover)\s*=\s*["']?alert/i)
  expect(clean).not.toMatch(/(href|src)="\s*javascript:/i)
  const searched = await page(`/?q=${encodeURIComponent(attack)}&platform=${encodeURIComponent(attack)}&account=${encodeURIComponent(attack)}`)
  expect(searched.match(/<script/gi)).toHaveLength(1)
})

test('whatever text is posted, taking the tags out again and unescaping gives the text back, but for shortened links', () => {
  const sign = fc.constantFrom('<', '>', '&', '"', "'", '@', '#', '/', ':', '.', '(', ')', 'a', 'ب', ' ', '\n', '😀', 'x', '1', '_')
  fc.assert(
    fc.property(fc.string({ unit: sign, maxLength: 60 }), (text) => {
      const shown = textHtml(text)
        .html.replace(/<\/?(a|bdi)\b[^>]*>/g, '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&')
      expect(shown).toBe(text)
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ['see https://example.org/a_(b), ok', ['https://example.org/a_(b)']],
  ['(https://example.org/a)', ['https://example.org/a']],
  ['https://example.org/?a=1&b=2.', ['https://example.org/?a=1&amp;b=2']],
  ['http://[broken and https://ok.example!', ['https://ok.example/']],
  ['hi @alice, @bob@mastodon.example. and me@mail.example', ['/?q=%40alice', '/?q=%40bob%40mastodon.example']],
  ['#one #دليل #1 a#b &#39; #2day', ['/?q=%23one', `/?q=${encodeURIComponent('#دليل')}`, '/?q=%232day']],
])('in %j these can be clicked: %j', (text, links) => {
  expect([...textHtml(text).html.matchAll(/href="([^"]*)"/g)].map((match) => match[1])).toEqual(links)
})

test('a long hostile text is read in no time', () => {
  const texts = [
    '@'.repeat(50_000),
    `@a${'.'.repeat(50_000)}`,
    '#'.repeat(50_000),
    `https://${'('.repeat(5000)}${')'.repeat(5000)}`,
    `@${'a@'.repeat(20_000)}`,
    `https://a${'.'.repeat(20_000)}`,
  ]
  const start = performance.now()
  for (const text of texts) textHtml(text)
  expect(performance.now() - start).toBeLessThan(1500)
})

test.each([
  ['hello', 'ltr'],
  ['صباح الخير', 'rtl'],
  ['שלום', 'rtl'],
  ['https://example.org صباح', 'rtl'],
  ['@alice صباح', 'rtl'],
  ['#صباح hello', 'ltr'],
  ['#صباح', 'rtl'],
  ['123 !', 'ltr'],
  ['', 'ltr'],
])('%j reads %s', (text, direction) => {
  expect(directionOf(text)).toBe(direction)
})

test('only a well-formed language tag is written down', () => {
  expect(['ar', 'pt-BR', 'zh-Hant-TW', 'x"y', '', 'a', undefined].map(languageOf)).toEqual([
    'ar',
    'pt-BR',
    'zh-Hant-TW',
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test.each([
  [0, 'now'],
  [-59_000, 'now'],
  [-60_000, '1m ago'],
  [-3_599_000, '59m ago'],
  [-7_200_000, '2h ago'],
  [-200_000_000, '2d ago'],
  [180_000, 'in 3m'],
])('%i ms from now is %s', (distance, words) => {
  expect(relative(1e12 + distance, 1e12)).toBe(words)
})

const shown = (id: string, at: number, replyTo?: string): Shown => ({
  platform: 'toy',
  account: 'a',
  id,
  text: id,
  media: 0,
  files: [],
  at,
  ...(replyTo !== undefined && { replyTo }),
})
const ids = (threads: Shown[][]) => threads.map((thread) => thread.map(({ id }) => id).join(' '))

test('threads are drawn together, the one with the newest post first, and a lost predecessor breaks nothing', () => {
  expect(ids(threadsOf([shown('a', 1), shown('b', 2), shown('c', 3, 'a'), shown('d', 4, 'c'), shown('e', 5, 'gone')]))).toEqual(['e', 'a c d', 'b'])
})

test('posts that answer each other in a circle are still shown', () => {
  const circle = threadsOf([shown('a', 1, 'b'), shown('b', 2, 'a'), shown('c', 3, 'c')])
  expect(
    circle
      .flat()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(['a', 'b', 'c'])
})

test('5,000 posts in one thread are put together in no time', () => {
  const posts = Array.from({ length: 5000 }, (_, at) => shown(String(at), at, at > 0 ? String(at - 1) : undefined))
  const start = performance.now()
  expect(threadsOf(posts)).toHaveLength(1)
  expect(performance.now() - start).toBeLessThan(500)
})

test('of very many threads the newest are shown, and the number of the others', async () => {
  const { sandbox, page } = await serve()
  for (let at = 1; at <= 305; at++) await sandbox.fetch(postOf(`post number ${at}.`, { at }))
  const text = await page()
  expect(text.match(/class="thread"/g)).toHaveLength(300)
  expect(text).toContain('5 older threads not shown')
  expect([text.includes('post number 305.'), text.includes('post number 5.')]).toEqual([true, false])
})

test('the page shows everything a post can have', async () => {
  const { page } = await serve(await scene())
  const text = await page()
  for (const part of [
    'Spoilers for the last chapter',
    'unlisted',
    'Edited',
    'No alt text',
    'The sun going down behind a headland',
    'Moving a large archive',
    'Poll · no votes',
    '1.2 MB, too large to keep',
    'Nothing here yet.',
    '@alice.quiet.example',
    'lang="ar"',
  ])
    expect(text).toContain(part)
})

test('an empty sandbox says what to do', async () => {
  const { page, url } = await serve()
  const text = await page()
  expect(text).toContain('Nothing here yet.')
  expect(text).toContain(`sandboxFetch('${url}')`)
})

test('filters keep what they are for', async () => {
  const { page } = await serve(await scene())
  const texts = async (path: string) => [...(await page(path)).matchAll(/id="post-/g)].length
  expect([
    await texts('/'),
    await texts('/?account=layla&platform=toy'),
    await texts('/?platform=quiet'),
    await texts('/?q=%23coast'),
    await texts('/?q=nothing'),
  ]).toEqual([11, 1, 0, 3, 0])
})

test('the columns have a tag that changes with the posts and not with time', async () => {
  let now = 1e12
  const { url, sandbox } = await serve(createSandbox({ platforms: [toy], clock: { now: () => now, elapsed: () => now, sleep: async () => undefined } }))
  const look = (tag = '') => fetch(`${url}/_sandbox/feed`, { headers: { 'if-none-match': tag } })
  await sandbox.fetch(postOf('a'))
  const tag = (await look()).headers.get('etag') ?? ''
  now += 3_600_000
  expect((await look(tag)).status).toBe(304)
  await sandbox.fetch(postOf('b'))
  expect((await look(tag)).status).toBe(200)
})

test('the page loads nothing from elsewhere, and its policy would not let it', async () => {
  const { url } = await serve(await scene())
  const reply = await fetch(url)
  expect(reply.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; img-src 'self' data:;/)
  expect((await reply.text()).match(/(src|<link[^>]*href)="(?!\/|data:)[^"]*"/g)).toBeNull()
})

test('files are served in pieces, and nothing that a browser could run', async () => {
  const { sandbox, url } = await serve()
  const upload = async (bytes: Uint8Array) => ((await (await sandbox.fetch(ask('/upload', { method: 'POST', body: bytes }))).json()) as { key: string }).key
  const [image, page] = [await upload(picture(8, 8, [0, 0, 0], [9, 9, 9])), await upload(Buffer.from('<script>alert(1)</script>'))]
  await sandbox.fetch(
    postOf('files', {
      files: [
        { mime: 'image/png', alt: '', blob: image },
        { mime: 'text/html', alt: '', blob: page },
      ],
    }),
  )
  const get = (key: string, range?: string) => fetch(`${url}/_sandbox/blobs/toy/${key}`, { headers: range === undefined ? {} : { range } })
  const whole = await get(image)
  const { byteLength: size } = await whole.arrayBuffer()
  expect([whole.status, whole.headers.get('content-type'), whole.headers.get('x-content-type-options')]).toEqual([200, 'image/png', 'nosniff'])
  const evil = await get(page)
  expect([evil.headers.get('content-type'), evil.headers.get('content-security-policy')]).toEqual(['application/octet-stream', "default-src 'none'; sandbox"])
  for (const [range, status, content] of [
    ['bytes=0-3', 206, `bytes 0-3/${size}`],
    [`bytes=${size - 2}-`, 206, `bytes ${size - 2}-${size - 1}/${size}`],
    ['bytes=-5', 206, `bytes ${size - 5}-${size - 1}/${size}`],
    [`bytes=${size}-`, 416, `bytes */${size}`],
    ['lines=1', 200, null],
  ] as const) {
    const reply = await get(image, range)
    expect([reply.status, reply.headers.get('content-range')]).toEqual([status, content])
  }
  expect([
    (await get('0'.repeat(64))).status,
    (await fetch(`${url}/_sandbox/blobs/nope/${image}`)).status,
    (await fetch(`${url}/_sandbox/blobs/toy/..%2Fstate.json`)).status,
  ]).toEqual([404, 404, 404])
})
