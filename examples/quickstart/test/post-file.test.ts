// What a post file may say, what it becomes, and what its writer is told where it is wrong.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Problem } from '@syndikit/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PostFile, readPostFile } from '../post-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'post-file-'))
})
afterEach(() => rm(folder, { recursive: true }))

const now = Date.UTC(2026, 10, 20, 12)
const read = async (...lines: string[]): Promise<PostFile> => {
  await writeFile(join(folder, 'post.md'), lines.join('\n'))
  return readPostFile(join(folder, 'post.md'), now)
}
const lineOf = (post: PostFile, pointer: string) => post.lineOf({ code: 'any', pointer, fix: '' } satisfies Problem)

test('the text below the front matter is the content, and a relative time counts from now', async () => {
  const { targets, draft } = await read('---', 'targets: [bluesky, x, bluesky]', 'at: in 3 seconds', 'language: ar', '---', '', 'مرحبا 👨‍👩‍👧‍👦', '')
  expect(targets).toEqual(['bluesky', 'x'])
  expect(draft).toMatchObject({ content: { text: 'مرحبا 👨‍👩‍👧‍👦', media: [], thread: [], language: 'ar' }, at: new Date(now + 3_000) })
})

test('a wall time and its zone are handed on as they are written', async () => {
  const { draft } = await read('---', 'targets: [x]', 'at: 2026-12-01T09:00', 'timeZone: Asia/Dubai', 'times: { x: in 2 days }', '---', 'hi')
  expect(draft).toMatchObject({ at: '2026-12-01T09:00', timeZone: 'Asia/Dubai', times: { x: new Date(now + 2 * 86_400_000) } })
})

test('lines of --- part a thread, files go to the part they name, and lie beside the post', async () => {
  const media = ['media:', '  - { file: a.jpg, alt: A }', '  - { file: sub/b.jpg, part: 2 }', '  - { url: "https://example.com/c.jpg", part: 2 }']
  const { draft } = await read('---', 'targets: [x]', ...media, '---', 'one', '', '--- ', '', 'two', '---', 'three --- not a line of its own')
  expect(draft.content).toEqual({
    text: 'one',
    media: [{ file: join(folder, 'a.jpg'), alt: 'A' }],
    thread: [
      { text: 'two', media: [{ file: join(folder, 'sub/b.jpg') }, { url: 'https://example.com/c.jpg' }] },
      { text: 'three --- not a line of its own', media: [] },
    ],
  })
})

test('Windows line ends and a byte order mark change nothing', async () => {
  const { draft } = await read('\uFEFF---\r', 'targets: [x]\r', '---\r', 'one\r', '---\r', 'two\r')
  expect(draft.content).toMatchObject({ text: 'one', thread: [{ text: 'two' }] })
})

test('a variant holds only what differs', async () => {
  const { draft } = await read(
    '---',
    'targets: [x]',
    'variants: { x: { text: short, options: { madeWithAi: true } } }',
    'media: [{ file: a.jpg }]',
    '---',
    'long',
  )
  expect(draft.variants).toEqual({ x: { text: 'short', options: { madeWithAi: true } } })
})

test('a variant with a text of its own does not inherit the thread, but the files of its parts', async () => {
  const head = ['---', 'targets: [x]', 'variants:', '  x:', '    text: |', '      uno', '      ---', '      dos', '  mastodon: { text: solo }']
  const { draft } = await read(...head, 'media: [{ file: b.jpg, part: 2 }]', '---', 'one', '---', 'two', '---', 'three')
  expect(draft.variants).toEqual({
    x: { text: 'uno', thread: [{ text: 'dos', media: [{ file: join(folder, 'b.jpg') }] }] },
    mastodon: { text: 'solo', thread: [] },
  })
})

test('the key is the same for the same file and pictures, and another for other ones', async () => {
  const post = ['---', 'targets: [x]', 'media: [{ file: a.jpg }]', '---', 'text']
  const keys: (string | undefined)[] = []
  for (const [picture, text] of [
    ['one', 'text'],
    ['one', 'text'],
    ['two', 'text'],
    ['two', 'text!'],
  ] as const) {
    await writeFile(join(folder, 'a.jpg'), picture)
    keys.push((await read(...post.slice(0, -1), text)).draft.idempotencyKey)
  }
  expect(keys[1]).toBe(keys[0])
  expect(new Set(keys).size).toBe(3)
})

test('a problem of the draft is found in its line of the file', async () => {
  const post = await read(
    '---', // 1
    'targets: [x, bluesky]',
    'at: in 3 seconds',
    'link:',
    '  url: https://example.com', // 5
    'media:',
    '  - file: a.jpg',
    '    alt: A',
    '  - { file: b.jpg, part: 2 }',
    'variants:', // 10
    '  x:',
    '    text: short',
    '    options:',
    '      unknown: 1',
    '---', // 15
    '',
    'one',
    '---',
    '',
    'two', // 20
  )
  const lines = {
    '/content/text': 17,
    '/content/thread/0/text': 20,
    '/content/thread/0': 20,
    '/content/media/0': 7,
    '/content/media/0/alt': 8,
    '/content/thread/0/media/0': 9,
    '/content/link/url': 5,
    '/variants/x/text': 12,
    '/variants/x/thread/0/media/0': 9,
    '/variants/x/options/unknown': 14,
    '/at': 3,
    '/timeZone': 2,
    '/to/1': 2,
  }
  expect(Object.fromEntries(Object.keys(lines).map((pointer) => [pointer, lineOf(post, pointer)]))).toEqual(lines)
})

const refused: Readonly<Record<string, readonly [lines: readonly string[], message: RegExp]>> = {
  'no front matter': [['Hello'], /^post\.md:1 The file has no front matter\. Begin it with/],
  'an empty file': [[''], /^post\.md:1 The file has no front matter/],
  'front matter without an end': [['---', 'targets: [x]', 'Hello'], /^post\.md:1 The front matter has no end/],
  'bad YAML': [['---', 'targets: [x]', 'link: [', '---', 'Hello'], /^post\.md:\d This is not YAML: /],
  'a key twice': [['---', 'targets: [x]', 'at: in 1 day', 'at: in 2 days', '---', 'Hello'], /^post\.md:4 This is not YAML: Map keys must be unique/],
  'a list for front matter': [['---', '- x', '---', 'Hello'], /^post\.md:2 The front matter must have members/],
  'no targets': [['---', 'language: en', '---', 'Hello'], /^post\.md:2 `targets` must be a list of platforms, such as \[x, bluesky, mastodon\]\./],
  'an unknown key': [
    ['---', 'targets: [x]', 'tragets: [x]', '---', 'Hello'],
    /^post\.md:3 `tragets` is not known here\. Remove it, or use one of: targets, at, timeZone/,
  ],
  'an unknown key below': [
    ['---', 'targets: [x]', 'media:', '  - file: a.jpg', '    atl: A', '---', 'Hello'],
    /^post\.md:5 `media\.0\.atl` is not known here\. .* file, url, alt, part\./,
  ],
  'an unknown platform': [
    ['---', 'targets:', '  - x', '  - tiktok', '---', 'Hello'],
    /^post\.md:4 `targets\.1` There is no platform "tiktok" here\. Use x, bluesky, mastodon\./,
  ],
  'an unknown platform among the variants': [
    ['---', 'targets: [x]', 'variants: { tiktok: { text: a } }', '---', 'Hello'],
    /^post\.md:3 `variants\.tiktok` is not known here/,
  ],
  'a file for a part that is not there': [
    ['---', 'targets: [x]', 'media:', '  - file: a.jpg', '    part: 3', '---', 'one', '---', 'two'],
    /^post\.md:5 `part: 3` is not there: the text has 2/,
  ],
  'a time that YAML takes for a number': [['---', 'targets: [x]', 'at: 2026', '---', 'Hello'], /^post\.md:3 `at` must be a text, such as/],
  '__proto__ keys': [['---', 'targets: [x]', '__proto__: { polluted: true }', '---', 'Hello'], /^post\.md:3 `__proto__` is not known here/],
  'an alias bomb': [
    ['---', 'a: &a [x,x,x,x,x,x,x,x,x]', 'b: &b [*a,*a,*a,*a,*a,*a,*a,*a]', 'c: &c [*b,*b,*b,*b,*b,*b,*b]', 'targets: [*c,*c,*c,*c,*c]', '---', 'Hello'],
    /^post\.md:2 This is not YAML for a post: Excessive alias count/,
  ],
}
for (const [what, [lines, message]] of Object.entries(refused))
  test(`${what} is refused, with the line and the mend`, async () => {
    await expect(read(...lines)).rejects.toThrow(message)
    expect('polluted' in {}).toBe(false)
  })

test('everything that is wrong is said at once', async () => {
  await expect(read('---', 'targets: [tiktok]', 'colour: red', 'priority: soon', '---', 'Hello')).rejects.toThrow(/post\.md:2 .*\npost\.md:4 .*\npost\.md:3 /)
})

test('a file that is not there is named, with an example of one that is', async () => {
  await expect(readPostFile(join(folder, 'nothing.md'))).rejects.toThrow(/nothing\.md cannot be read \(ENOENT\)\. Name a Markdown file/)
})

test('what is no UTF-8 text file is refused at once: a pipe, a device, a folder, another encoding, a file without end', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await symlink('/dev/zero', join(folder, 'zero'))
  await writeFile(join(folder, 'latin1.md'), Buffer.from('---\ntargets: [x]\n---\nCaf\xe9', 'latin1'))
  await writeFile(join(folder, 'utf16.md'), Buffer.from('\ufeff---\ntargets: [x]\n---\nHello', 'utf16le'))
  await writeFile(join(folder, 'long.md'), `---\ntargets: [x]\n---\n${'x'.repeat(1_000_000)}`)
  for (const [name, why] of Object.entries({
    pipe: 'is no regular file.',
    zero: 'is no regular file.',
    '.': 'cannot be read (EISDIR).',
    'latin1.md': 'is not UTF-8 text: save it as UTF-8.',
    'utf16.md': 'is not UTF-8 text: save it as UTF-8.',
    'long.md': 'has 1000021 bytes, and a post 1000000 at most.',
  }))
    await expect(readPostFile(join(folder, name))).rejects.toThrow(`The post ${join(folder, name)} ${why} Name a Markdown file with front matter`)
})

test('a pipe or a folder among the files does not keep the post from being read: `check` says what it is', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe.jpg')])
  const { draft } = await read('---', 'targets: [x]', 'media: [{ file: pipe.jpg }, { file: . }, { file: /dev/zero }]', '---', 'hi')
  expect(draft.idempotencyKey).toMatch(/^[0-9a-f]{64}$/)
})
