// The quickstart as its user runs it: real processes, a real database, the sandbox over HTTP.

import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Visible } from '@syndikit/sandbox'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../report.ts'
import { openSandbox, type Sandbox } from '../sandbox-process.ts'

const main = join(import.meta.dirname, '..', 'main.ts')
const conditions = '--conditions=@syndikit/source'
const { INIT_CWD: _, ...env } = process.env

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}
const run = (args: readonly string[], more: Record<string, string> = {}, cwd = folder): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [conditions, main, ...args], { cwd, env: { ...env, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })

/** It is started as the process that starts it, and vitest gives its workers no conditions. */
const startSandbox = async (dir?: string): Promise<Sandbox> => {
  process.execArgv.push(conditions)
  try {
    return await openSandbox({ folder: dir })
  } finally {
    process.execArgv.pop()
  }
}

let folder: string
let sandbox: Sandbox
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quickstart-'))
  sandbox = await startSandbox()
}, 30_000)
afterAll(async () => {
  await sandbox.close()
  await rm(folder, { recursive: true })
})

const visible = async (of = sandbox): Promise<Visible[]> => (await (await fetch(`${of.url}/_sandbox/visible`)).json()) as Visible[]
const post = async (name: string, ...lines: string[]): Promise<string> => {
  await writeFile(join(folder, name), lines.join('\n'))
  return name
}
const slow = { timeout: 180_000 }

test('the post beside it is published on three platforms, with its photo, by a process that leaves nothing behind', slow, async () => {
  const before = (await readdir(tmpdir())).filter((name) => name.startsWith('syndikit-quickstart-'))
  const { code, out } = await run(['--sandbox', sandbox.url])
  expect(code).toBe(0)
  expect(out).toMatch(/^x +published +\d+ +https:\/\/x\.com\/sandbox_sara\/status\/\d+ +\d+ ms$/m)
  const there = await visible()
  expect(there.map(({ platform, media }) => [platform, media]).sort()).toEqual([
    ['bluesky', 1],
    ['mastodon', 1],
    ['x', 1],
  ])
  for (const { text } of there) expect(text).toContain('👨‍👩‍👧‍👦')
  for (const { text } of there) expect(text).toContain('مساء الخير')
  expect((await readdir(tmpdir())).filter((name) => name.startsWith('syndikit-quickstart-'))).toEqual(before)
})

test('without its variant the same text is too long for one platform, and for that one only', slow, async () => {
  const text = await readFile(join(import.meta.dirname, '..', 'post.md'), 'utf8')
  await copyFile(join(import.meta.dirname, '..', 'lake.jpg'), join(folder, 'lake.jpg'))
  const file = await post('without-variants.md', text.replace(/^variants:[\s\S]*?(?=^---$)/m, ''))
  const { code, out } = await run([file, '--json', '--sandbox', sandbox.url])
  expect(code).toBe(1)
  const { deliveries, problems } = JSON.parse(out) as Report
  expect(deliveries).toEqual([])
  expect(problems).toMatchObject([{ code: 'text-too-long', platform: 'x', pointer: '/content/text', limit: 280 }])
})

test('twice on one database: the second run publishes nothing, says so, and shows the same ids, though its sandbox was started anew', slow, async () => {
  const file = await post('twice.md', '---', 'targets: [mastodon, x, bluesky]', 'at: in 1 second', '---', 'Only once')
  const first = await run([file, '--json', '--db', 'twice.db'])
  const second = await run([file, '--json', '--db', 'twice.db'])
  expect([first.code, second.code]).toEqual([0, 0])
  expect(JSON.parse(second.out)).toEqual(JSON.parse(first.out))
  expect((JSON.parse(first.out) as Report).deliveries.map(({ platform, status }) => [platform, status])).toEqual([
    ['mastodon', 'published'],
    ['x', 'published'],
    ['bluesky', 'published'],
  ])
  expect(second.err).toContain('Nothing new is published')
  expect((await stat(join(folder, 'twice.db.keys'))).mode & 0o777).toBe(0o600)
})

test('connections of a sandbox that has forgotten them are connected again', slow, async () => {
  const [one, two] = await Promise.all(
    ['one', 'two'].map((text) => post(`${text}.md`, '---', 'targets: [x, bluesky, mastodon]', 'at: in 1 second', '---', text)),
  )
  expect((await run([one as string, '--json', '--db', 'moved.db', '--sandbox', sandbox.url])).code).toBe(0)
  const { code, out, err } = await run([two as string, '--json', '--db', 'moved.db'])
  expect(err).toContain('Connected: x as sandbox_sara')
  expect((JSON.parse(out) as Report).deliveries.map(({ status }) => status)).toEqual(['published', 'published', 'published'])
  expect(code).toBe(0)
})

test('killed in mid-work together with its sandbox, it finishes the job when it is started again', { timeout: 200_000 }, async () => {
  const file = await post('killed.md', '---', 'targets: [x, bluesky, mastodon]', 'at: in 1 second', '---', 'Survives')
  const child = spawn(process.execPath, [conditions, main, file, '--db', 'killed.db'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text) => {
      if (String(text).includes('Scheduled')) setTimeout(resolve, 900)
    })
  })
  child.kill('SIGKILL')
  const { code, out } = await run([file, '--json', '--db', 'killed.db'])
  const { deliveries } = JSON.parse(out) as Report
  expect(deliveries.map(({ platform, status }) => `${platform} ${status}`)).toEqual(['x published', 'bluesky published', 'mastodon published'])
  expect(code).toBe(0)
  const after = await startSandbox(join(folder, 'killed.db.sandbox'))
  const there = await visible(after)
  await after.close()
  expect(there.map(({ platform, id }) => `${platform} ${id}`).sort()).toEqual(deliveries.map(({ platform, id }) => `${platform} ${id}`).sort())
})

const head = (...lines: string[]) => ['---', ...lines, '---', 'Hello']
/** What each says on stderr, and as the one problem in its JSON. */
const bad: Readonly<Record<string, { readonly lines?: readonly string[]; readonly args?: readonly string[]; readonly says: RegExp; readonly code?: string }>> =
  {
    'a missing file': { args: ['nothing.md'], says: /nothing\.md cannot be read \(ENOENT\)\. Name a Markdown file/ },
    'a folder for a file': { args: ['.'], says: /cannot be read \(EISDIR\)/ },
    'two files': { args: ['a.md', 'b.md'], says: /One post at a time, not a\.md, b\.md/ },
    'an unknown option': { args: ['--databse', 'a.db'], says: /--databse[\s\S]*--db FILE +keeps everything there/ },
    'bad YAML': { lines: head('targets: [x'), says: /bad\.md:\d This is not YAML: / },
    'an unknown key': { lines: head('targets: [x]', 'title: a'), says: /bad\.md:3 `title` is not known here\. Remove it, or use one of: targets, / },
    'an unknown platform': { lines: head('targets: [x, tiktok]'), says: /There is no platform "tiktok" here\. Use x, bluesky, mastodon\./ },
    'a date in the past': { lines: head('targets: [x]', 'at: 2020-01-01T09:00:00Z'), says: /bad\.md:3 error: in-the-past/, code: 'in-the-past' },
    'a time without a zone': {
      lines: head('targets: [x]', 'at: 2030-01-01T09:00'),
      says: /bad\.md:3 error: time-without-zone .*Add `timeZone`/,
      code: 'time-without-zone',
    },
    'a time that is none': { lines: head('targets: [x]', 'at: tomorrow'), says: /bad\.md:3 error: no-such-time/, code: 'no-such-time' },
    'an unknown zone': {
      lines: head('targets: [x]', 'at: 2030-01-01T09:00', 'timeZone: Mars/Olympus'),
      says: /bad\.md:4 error: unknown-zone \("Mars\/Olympus"\) at \/timeZone\. Name an IANA time zone/,
      code: 'unknown-zone',
    },
    'a missing file of media': {
      lines: head('targets: [x]', 'media: [{ file: nothing.jpg, alt: a }]'),
      says: /bad\.md:3 error for x: media-unreadable at \/content\/media\/0\. The file .*nothing\.jpg" does not exist\./,
      code: 'media-unreadable',
    },
    'a text for a picture': {
      lines: head('targets: [x]', 'media: [{ file: bad.md, alt: a }]'),
      says: /bad\.md:3 error for x: media-/,
      code: 'media-unreadable',
    },
    'a picture in a private network': {
      lines: head('targets: [x]', 'media: [{ url: "http://127.0.0.1/a.jpg", alt: a }]'),
      says: /bad\.md:3 error for x: media-unreadable/,
      code: 'media-unreadable',
    },
    'a text that is too long': {
      lines: ['---', 'targets: [x]', '---', 'a'.repeat(281)],
      says: /bad\.md:4 error for x: text-too-long \(281 of 280 .*\) at \/content\/text\. Shorten it by 1/,
      code: 'text-too-long',
    },
    'no text and no media': { lines: ['---', 'targets: [x]', '---', ''], says: /error for x: empty at \/content\/text/, code: 'empty' },
    'an option that the platform does not have': {
      lines: head('targets: [mastodon]', 'variants:', '  mastodon:', '    options: { visibilty: public }'),
      says: /bad\.md:5 error for mastodon: unknown-member at \/variants\/mastodon\/options\. Remove or rename `visibilty`/,
      code: 'unknown-member',
    },
    'a folder for a database': { lines: head('targets: [x]'), args: ['bad.md', '--db', '.'], says: /is a folder\. Name a file in it/ },
    'a database in a folder that is not there': { lines: head('targets: [x]'), args: ['bad.md', '--db', 'no/a.db'], says: /folder of .* does not exist/ },
    'a database that is none': { lines: head('targets: [x]'), args: ['bad.md', '--db', 'bad.md'], says: /is not a SQLite database/ },
    'a database of another deployment': { lines: head('targets: [x]'), args: ['bad.md', '--db', 'theirs.db'], says: /belongs to the deployment "production"/ },
    'an address that is none': { lines: head('targets: [x]'), args: ['bad.md', '--sandbox', 'here'], says: /--sandbox here is not an address such as/ },
    'a sandbox that is not there': {
      lines: head('targets: [x]'),
      args: ['bad.md', '--sandbox', 'http://127.0.0.1:1'],
      says: /No sandbox answers at .*`npm run sandbox`/,
    },
  }
for (const [what, { lines, args = ['bad.md', '--sandbox'], says, code = 'not-started' }] of Object.entries(bad))
  test.concurrent(`${what} is refused with what, where and how to mend it, and nothing is posted`, slow, async () => {
    const own = await mkdtemp(join(folder, 'bad-'))
    const theirs = sqliteStorage(join(own, 'theirs.db'))
    await theirs.open('production')
    await theirs.close()
    if (lines) await writeFile(join(own, 'bad.md'), lines.join('\n'))
    const { code: exit, out, err } = await run([...(args.at(-1) === '--sandbox' ? [...args, sandbox.url] : args), '--json'], {}, own)
    expect(err).toMatch(says)
    expect(exit).toBe(1)
    expect(err).not.toMatch(/ {4}at .*\.ts:/)
    const report = JSON.parse(out) as Report
    expect(report).toMatchObject({ deliveries: [], problems: [{ code }] })
    // Others post to the same sandbox meanwhile.
    expect((await visible()).filter(({ text }) => lines?.includes(text))).toEqual([])
  })

test('a key ring that cannot open what is stored is said so, and nothing is lost', slow, async () => {
  const file = await post('keys.md', '---', 'targets: [x]', 'at: in 1 second', '---', 'Mine')
  const args = [file, '--json', '--db', 'keys.db', '--sandbox', sandbox.url]
  expect((await run(args)).code).toBe(0)
  const wrong = await run(args, { SYNDIKIT_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64') })
  expect(wrong.code).toBe(1)
  expect(wrong.err).toMatch(/keys\.db holds credentials that are sealed with another key \([\w-]{8}\)\. Put that key back/)
  expect((await run(args)).code).toBe(0)
})

test('keys that are none are refused, and the sandbox that was started for it ends', slow, async () => {
  const { code, err } = await run([], { SYNDIKIT_KEYS: 'abc', NODE_OPTIONS: conditions })
  expect(code).toBe(1)
  expect(err).toContain('keys: the key has 2 bytes; it must have 32')
})

test('half of a real account’s variables are refused before anything is done', slow, async () => {
  const { code, err } = await run(['--sandbox', sandbox.url], { MASTODON_TOKEN: 'secret-token-of-mine' })
  expect(code).toBe(1)
  expect(err).toContain('Set MASTODON_SERVER too, or none of them')
  expect(err).not.toContain('secret-token-of-mine')
})

test('a real server’s address that is none is refused with how to write it', slow, async () => {
  const { code, out, err } = await run(['--json', '--sandbox', sandbox.url], {
    BLUESKY_SERVICE: 'bsky',
    BLUESKY_HANDLE: 'me.example',
    BLUESKY_APP_PASSWORD: 'mine',
  })
  expect(code).toBe(1)
  expect(err).toContain('/fields/service: a whole https address of a server, such as `https://bsky.social`')
  expect(JSON.parse(out)).toMatchObject({ deliveries: [], problems: [{ code: 'field-invalid', platform: 'bluesky', pointer: '/fields/service' }] })
})

test('a server that is no sandbox is not taken for one', slow, async () => {
  const other = createServer((_, response) => response.end('{"ok":true}'))
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { code, err } = await run(['--sandbox', `http://127.0.0.1:${(other.address() as AddressInfo).port}`])
  other.close()
  expect(code).toBe(1)
  expect(err).toContain('No sandbox answers at')
})

test('--serve leaves the feed open until it is interrupted', slow, async () => {
  await mkdir(join(folder, 'served'))
  const file = await post('served.md', '---', 'targets: [bluesky]', 'at: in 1 second', '---', 'Look')
  const child = spawn(process.execPath, [conditions, main, file, '--serve', '--db', 'served/a.db'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const feed = await new Promise<string>((resolve) => {
    child.stdout.on('data', (text) => {
      const [, url] = /See it at (\S+)/.exec(String(text)) ?? []
      if (url) resolve(url)
    })
  })
  expect(await (await fetch(feed)).text()).toContain('Look')
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  expect(await exit).toBe(0)
  await expect(fetch(feed)).rejects.toThrow()
})
