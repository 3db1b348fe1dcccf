import { existsSync } from 'node:fs'
import { appendFile, open, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PublishError } from '../../src/contract/error.ts'
import type { MediaInput } from '../../src/contract/media.ts'
import { type MediaOptions, mediaOpener } from '../../src/media/opener.ts'
import { systemClock } from '../../src/ports/system.ts'
import { guardedFetch } from '../../src/ports/transport.ts'
import { failure, httpServer } from '../ports/server.ts'
import * as files from './files.ts'

const openerOf = (options: MediaOptions = {}, allow: string[] = []) => mediaOpener({ ...options, clock: systemClock, fetch: guardedFetch({ allow }) })
const problem = async (promise: Promise<unknown>): Promise<PublishError> => {
  const error = await failure(promise)
  if (!PublishError.is(error)) throw error
  expect(error.outcome).toBe('not-published')
  expect(error.message).not.toContain('SECRET')
  return error
}
const all = async (pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const out: Uint8Array[] = []
  for await (const piece of pieces) out.push(piece)
  return out
}
const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7_919) % 251))
const picture = Buffer.concat([files.png(10, 20), noise])

test('a file, a URL and a ref with the same bytes have the same facts, but for the name', async () => {
  const server = await httpServer((_, response) => response.end(picture))
  const path = await files.saved(picture, 'from-disk.png')
  const opener = openerOf({ open: async () => ({ stream: ReadableStream.from([picture.subarray(0, 50), picture.subarray(50)]) }) }, [server.origin])
  const inFile = openerOf({ open: () => ({ file: path }) })
  const facts = {
    type: 'image',
    mime: 'image/png',
    width: 10,
    height: 20,
    bytes: picture.length,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    alt: 'A cat',
  }
  expect(await opener.probe({ file: path, alt: 'A cat' })).toEqual({ ...facts, name: 'from-disk.png' })
  expect(await opener.probe({ url: `${server.origin}/a/k%C3%A4se.png?sig=SECRET`, alt: 'A cat' })).toEqual({ ...facts, name: 'käse.png' })
  expect(await opener.probe({ ref: 'bucket/cat.png', alt: 'A cat' })).toEqual({ ...facts, name: 'cat.png' })
  expect(await inFile.probe({ ref: 'bucket/cat.png', alt: 'A cat', name: 'own.png' })).toEqual({ ...facts, name: 'own.png' })
})

test.each([
  ['a\r\nContent-Type: text/html', 'aContent-Type: texthtml'],
  ['../../etc/passwd', '....etcpasswd'],
  ['\0', 'file'],
])('a name cannot break out of a header or a folder: %j', async (name, safe) => {
  expect((await openerOf().probe({ file: await files.saved(picture), name })).name).toBe(safe)
})

test('chunks are exact, together they are the file, and they can be read again', async () => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const { media, close } = await opener.open(await opener.probe(input), input)
  for (const size of [1, 7, 65_536, picture.length - 1, picture.length, picture.length + 1].filter((size) => size > 1)) {
    const pieces = await all(media.chunks(size))
    expect(Buffer.concat(pieces).equals(picture)).toBe(true)
    expect(pieces.slice(0, -1).every((piece) => piece.byteLength === size)).toBe(true)
    expect(pieces).toHaveLength(Math.ceil(picture.length / size))
  }
  await close()
})

test('a stream begins where it is told', async () => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const { media, close } = await opener.open(await opener.probe(input), input)
  for (const from of [undefined, 0, 1, 70_000, picture.length - 1, picture.length, picture.length + 5])
    expect(Buffer.concat(await all(media.stream(from))).equals(picture.subarray(from ?? 0)), String(from)).toBe(true)
  await close()
})

test('a size or start that is no whole number is refused at once', async () => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const { media, close } = await opener.open(await opener.probe(input), input)
  for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => media.chunks(size)).toThrow(RangeError)
  expect(() => media.stream(-1)).toThrow('`from` is -1: it must be a whole number of at least 0.')
  await close()
})

test('a file of 500 MB read in chunks of 5 MB keeps memory flat', async () => {
  const path = await files.saved(files.png(1, 1))
  await truncate(path, 500_000_000)
  const opener = openerOf()
  const facts = await opener.probe({ file: path })
  const { media, close } = await opener.open(facts, { file: path })
  const before = process.memoryUsage().rss
  let [most, bytes] = [0, 0]
  for await (const piece of media.chunks(5_000_000)) {
    bytes += piece.byteLength
    most = Math.max(most, process.memoryUsage().rss - before)
  }
  await close()
  expect(bytes).toBe(500_000_000)
  console.info(`500 MB in chunks of 5 MB: at most ${Math.round(most / 1e6)} MB more than before`)
  expect(most).toBeLessThan(100_000_000)
}, 30_000)

// ---- the same bytes, or nothing

const changes: [what: string, change: (path: string) => Promise<unknown>][] = [
  ['longer', (path) => appendFile(path, 'x')],
  ['shorter', (path) => truncate(path, 100)],
  ['other bytes of the same length', (path) => writeFile(path, Buffer.concat([files.png(10, 21), noise]))],
]
test.each(changes)('a file that is %s when it is published is refused', async (_, change) => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const facts = await opener.probe(input)
  await change(input.file)
  const error = await problem(opener.open(facts, input))
  expect([error.code, error.message]).toEqual([
    'media',
    `The file ${JSON.stringify(input.file)} changed since it was scheduled. Put the same bytes back, or cancel this publication and schedule the new file.`,
  ])
})

test('the same bytes under a new date are the same file', async () => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const facts = await opener.probe(input)
  await rm(input.file)
  await writeFile(input.file, picture)
  await utimes(input.file, 1, 1)
  const { close } = await opener.open(facts, input)
  await close()
})

test('a file that is replaced while it is open is read as it was', async () => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const { media, close } = await opener.open(await opener.probe(input), input)
  await writeFile(`${input.file}.new`, 'something else')
  await rename(`${input.file}.new`, input.file)
  expect(Buffer.concat(await all(media.chunks(1_000))).equals(picture)).toBe(true)
  await close()
})

test.each([
  ['cut off', (path: string) => truncate(path, 90_000)],
  [
    'written over',
    async (path: string) => {
      const file = await open(path, 'r+')
      await file.write('other', 150_000)
      await file.close()
    },
  ],
])('a file that is %s while it is uploaded never becomes a whole upload', async (_, change) => {
  const input = { file: await files.saved(picture) }
  const opener = openerOf()
  const facts = await opener.probe(input)
  for (const read of ['chunks', 'stream'] as const) {
    await writeFile(input.file, picture)
    const { media, close } = await opener.open(facts, input)
    let bytes = 0
    const reading = (async () => {
      for await (const piece of read === 'chunks' ? media.chunks(10_000) : media.stream()) {
        if (bytes === 0) await change(input.file)
        bytes += piece.byteLength
      }
    })()
    expect((await problem(reading)).message).toContain('changed since it was scheduled')
    expect(bytes).toBeLessThan(facts.bytes)
    await close()
  }
})

// ---- by URL

test('what was fetched is removed on close, once, and nobody else may open it meanwhile', async () => {
  const server = await httpServer((_, response) => response.end(picture))
  const tempDir = await files.folder()
  const opener = openerOf({ tempDir }, [server.origin])
  const input = { url: `${server.origin}/cat.png` }
  const facts = await opener.probe(input)
  expect(await readdir(tempDir)).toEqual([])
  const { media, close } = await opener.open(facts, input)
  const [folder] = await readdir(tempDir)
  expect((await stat(join(tempDir, folder ?? ''))).mode & 0o077).toBe(0)
  expect(Buffer.concat(await all(media.chunks(50_000))).equals(picture)).toBe(true)
  await Promise.all([close(), close()])
  expect(await readdir(tempDir)).toEqual([])
  expect(server.seen).toHaveLength(2)
  await expect(all(media.chunks(10))).rejects.toThrow()
})

test('a URL that brings other bytes when it is published is refused and leaves nothing behind', async () => {
  let served: Buffer = picture
  const server = await httpServer((_, response) => response.end(served))
  const tempDir = await files.folder()
  const opener = openerOf({ tempDir }, [server.origin])
  const input = { url: `${server.origin}/cat.png?sig=SECRET` }
  const facts = await opener.probe(input)
  served = files.png(10, 20)
  expect((await problem(opener.open(facts, input))).message).toContain(`The file at ${server.origin}/cat.png changed since it was scheduled.`)
  served = Buffer.from('<html>gone</html>')
  expect((await problem(opener.probe(input))).message).toContain('/cat.png is an HTML page')
  served = Buffer.alloc(0)
  expect((await problem(opener.probe(input))).message).toContain('/cat.png is empty')
  expect(await readdir(tempDir)).toEqual([])
})

test('private addresses, files that are too large and slow servers are refused and leave nothing behind', async () => {
  const server = await httpServer(({ url }, response) => (url === '/slow' ? response.write('x') : response.end(picture)))
  const tempDir = await files.folder()
  expect((await problem(openerOf({ tempDir }).probe({ url: `${server.origin}/a.png` }))).code).toBe('invalid')
  expect((await problem(openerOf({ tempDir, maxBytes: 1_000 }, [server.origin]).probe({ url: `${server.origin}/a.png` }))).message).toContain(
    'larger than the 1000 bytes',
  )
  expect((await problem(openerOf({ tempDir, timeoutMs: 50 }, [server.origin]).probe({ url: `${server.origin}/slow` }))).code).toBe('transient')
  expect(await readdir(tempDir)).toEqual([])
})

test('a temporary folder that is not there is the app owner’s problem', async () => {
  const error = await problem(openerOf({ tempDir: '/nowhere/at/all' }).probe({ url: 'https://a.example/b.png' }))
  expect([error.code, error.message]).toEqual(['setup', 'Files cannot be kept in /nowhere/at/all (ENOENT). Create the folder, or set `media.tempDir`.'])
})

// ---- by ref

test('a ref without a hook, and a hook that answers neither, are the app owner’s problem', async () => {
  const none = await problem(openerOf().probe({ ref: 'a/b' }))
  expect([none.code, none.message]).toEqual([
    'setup',
    'The file with the ref "a/b" cannot be opened: createSyndikit has no `media.open`. Give a function that answers { file } or { stream } for a ref.',
  ])
  for (const answer of [undefined, null, 'path', {}]) {
    const error = await problem(openerOf({ open: () => answer as never }).probe({ ref: 'a' }))
    expect(error.message).toContain('`media.open` must answer { file } or { stream }')
  }
})

test('a hook that fails, breaks off, hangs, yields text or too much is bounded, and its words are not repeated', async () => {
  const tempDir = await files.folder()
  const stream = (pieces: () => AsyncGenerator<unknown>) => () => ({ stream: pieces() as AsyncIterable<Uint8Array> })
  const cases: [open: NonNullable<MediaOptions['open']>, code: string, words: string][] = [
    [() => Promise.reject(new RangeError('key SECRET')), 'transient', 'could not be opened by `media.open` (RangeError)'],
    [
      stream(async function* () {
        yield picture
        throw new Error('SECRET')
      }),
      'transient',
      'could not be read to its end (Error)',
    ],
    [
      stream(async function* () {
        yield 'SECRET text'
      }),
      'transient',
      'could not be read to its end (TypeError)',
    ],
    [
      stream(async function* () {
        for (;;) yield picture
      }),
      'media',
      'larger than the 1000000 bytes',
    ],
    [
      stream(async function* () {
        yield picture
        await new Promise(() => {})
      }),
      'transient',
      'did not arrive within 100 ms',
    ],
    [() => ({ file: '/nowhere/SECRET.png' }), 'media', 'does not exist'],
  ]
  for (const [openRef, code, words] of cases) {
    const error = await problem(openerOf({ tempDir, open: openRef, maxBytes: 1_000_000, timeoutMs: 100 }).probe({ ref: 'a' }))
    expect([error.code, error.message.includes(words)], error.message).toEqual([code, true])
  }
  expect(await readdir(tempDir)).toEqual([])
})

test('every opened file is closed again, whatever happens', async () => {
  if (!existsSync('/proc/self/fd')) return
  const count = async () => (await readdir('/proc/self/fd')).length
  const input: MediaInput = { file: await files.saved(picture) }
  const bad: MediaInput = { file: await files.saved('text') }
  const opener = openerOf()
  const facts = await opener.probe(input)
  const before = await count()
  for (let i = 0; i < 20; i++) {
    await (await opener.open(facts, input)).close()
    await problem(opener.probe(bad))
    await problem(opener.open(facts, bad))
    await problem(opener.probe({ file: '/tmp' }))
  }
  expect(await count()).toBeLessThanOrEqual(before + 2)
  expect((await readFile(input.file ?? '')).equals(picture)).toBe(true)
})
