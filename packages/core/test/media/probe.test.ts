import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { PublishError } from '../../src/contract/error.ts'
import { probe } from '../../src/media/probe.ts'
import { headerBudget } from '../../src/media/reader.ts'
import { failure } from '../ports/server.ts'
import * as files from './files.ts'

const { bytes, u32, box } = files
const shown = { label: 'The file "x"', name: 'x' }
const factsOf = async (content: string | Uint8Array, name?: string) => probe(await files.saved(content, name), shown)
const refusal = async (content: string | Uint8Array): Promise<PublishError> => {
  const error = await failure(factsOf(content))
  if (!PublishError.is(error)) throw error
  return error
}

const known: [what: string, content: Buffer, facts: object][] = [
  ['png', files.png(640, 480), { type: 'image', mime: 'image/png', width: 640, height: 480 }],
  ['gif', files.gif(65_535, 1), { type: 'image', mime: 'image/gif', width: 65_535, height: 1 }],
  ['bmp', files.bmp(3, 4), { type: 'image', mime: 'image/bmp', width: 3, height: 4 }],
  ['bmp whose rows run downwards', files.bmp(3, -4), { type: 'image', mime: 'image/bmp', width: 3, height: 4 }],
  ['jpeg', files.jpeg(640, 480), { type: 'image', mime: 'image/jpeg', width: 640, height: 480 }],
  ['jpeg with 5 MB before its frame', files.jpeg(640, 480, bytes(...Array.from({ length: 80 }, () => files.ballast(65_000)))), { width: 640, height: 480 }],
  ['jpeg turned upside down', files.jpeg(640, 480, files.exif(3)), { width: 640, height: 480 }],
  ['jpeg turned by a quarter', files.jpeg(640, 480, files.exif(6)), { width: 480, height: 640 }],
  ['jpeg turned by a quarter, little-endian', files.jpeg(640, 480, files.exif(8, true)), { width: 480, height: 640 }],
  ['lossy webp', files.webp.lossy(640, 480), { type: 'image', mime: 'image/webp', width: 640, height: 480 }],
  ['lossless webp', files.webp.lossless(640, 480), { mime: 'image/webp', width: 640, height: 480 }],
  ['extended webp', files.webp.extended(70_000, 480), { mime: 'image/webp', width: 70_000, height: 480 }],
  ['mp4', files.mp4(files.videoTrack(1920, 1080)), { type: 'video', mime: 'video/mp4', width: 1920, height: 1080, durationMs: 12_345 }],
  ['mp4 with sound first', files.mp4(bytes(files.soundTrack(), files.videoTrack(1920, 1080))), { mime: 'video/mp4', width: 1920, height: 1080 }],
  ['mp4 held upright', files.mp4(files.videoTrack(1920, 1080, files.quarterTurn)), { width: 1080, height: 1920 }],
  [
    'mp4 with 64-bit lengths and times',
    files.mp4(files.videoTrack(8, 6), {
      header: box('mvhd', [1, 0, 0, 0], new Uint8Array(16), u32(600), u32(0), u32(3_000), new Uint8Array(80)),
      before: files.longBox('mdat', new Uint8Array(9)),
    }),
    { width: 8, height: 6, durationMs: 5_000 },
  ],
  [
    'fragmented mp4',
    files.mp4(bytes(files.videoTrack(8, 6), box('mvex', box('mehd', u32(0), u32(7_000)))), { header: files.movieHeader(1000, 0) }),
    { width: 8, height: 6, durationMs: 7_000 },
  ],
  ['mp4 of unknown length', files.mp4(files.videoTrack(8, 6), { header: files.movieHeader(1000, 0xffffffff) }), { type: 'video', width: 8 }],
  ['mov', files.mp4(files.videoTrack(8, 6), { brand: 'qt  ' }), { type: 'video', mime: 'video/quicktime', width: 8, height: 6 }],
  ['old mov without a brand', box('moov', files.movieHeader(600, 600), files.videoTrack(8, 6)), { mime: 'video/quicktime', durationMs: 1_000 }],
  ['m4v', files.mp4(files.videoTrack(8, 6), { brand: 'M4V ' }), { type: 'video', mime: 'video/x-m4v' }],
  ['m4a', files.mp4(files.soundTrack(), { brand: 'M4A ' }), { type: 'audio', mime: 'audio/mp4', durationMs: 12_345 }],
  ['mp4 with sound only', files.mp4(files.soundTrack()), { type: 'audio', mime: 'audio/mp4' }],
  ['webm', files.webm(1280, 720), { type: 'video', mime: 'video/webm', width: 1280, height: 720, durationMs: 4_200 }],
  ['webm of unknown length, as browsers record it', files.webm(1280, 720, { open: true, durationMs: 0 }), { mime: 'video/webm', width: 1280 }],
  ['webm with sound only', files.webm(0, 0, { trackType: 2 }), { type: 'audio', mime: 'audio/webm' }],
  ['mp3', files.mp3(), { type: 'audio', mime: 'audio/mpeg' }],
  ['mp3 behind a tag of 3 MB', files.mp3(3_000_000), { type: 'audio', mime: 'audio/mpeg' }],
  ['ogg', files.ogg('OpusHead'), { type: 'audio', mime: 'audio/ogg' }],
  ['pdf', files.pdf(), { type: 'document', mime: 'application/pdf' }],
]
test.each(known)('recognises and measures: %s', async (_, content, facts) => {
  expect(await factsOf(content)).toMatchObject({ ...facts, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') })
})

test('a length that is not known is left out', async () => {
  expect(await factsOf(files.mp4(files.videoTrack(8, 6), { header: files.movieHeader(1000, 0xffffffff) }))).not.toHaveProperty('durationMs')
  expect(await factsOf(files.webm(8, 6, { durationMs: Number.NaN }))).not.toHaveProperty('durationMs')
})

test('a lying name is not believed', async () => {
  expect((await factsOf(files.png(1, 2), 'movie.mp4')).mime).toBe('image/png')
  const html = await failure(factsOf('<!DOCTYPE html><p>404 not found</p>', 'photo.jpg'))
  expect(html.message).toMatch(/^The file "x" is an HTML page, which cannot be published\. Give a JPEG, /)
})

test.each([
  ['an SVG drawing', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['plain text', 'BREAKING: nothing happened'],
  ['a ZIP archive (or an Office document)', 'PK\x03\x04....'],
  ['gzip-compressed data', bytes('\x1f\x8b\x08\0', new Uint8Array(20))],
  ['a HEIF (iPhone) image', box('ftyp', 'heic', u32(0), 'mif1')],
  ['an AVIF image', box('ftyp', 'avif', u32(0))],
  ['a WAV sound', bytes('RIFF', u32(40), 'WAVEfmt ', new Uint8Array(30))],
  ['an AAC sound', bytes([0xff, 0xf1, 0x50, 0x80], new Uint8Array(30))],
  ['a TIFF image', bytes('II*\0', new Uint8Array(30))],
  ['a Matroska (MKV) video', files.webm(8, 6, { docType: 'matroska' })],
  ['an Ogg video', files.ogg('\x80theora\0')],
  ['data of an unknown kind', new Uint8Array(100)],
  ['a PNG image whose header is damaged or cut off', bytes('\x89PNG\r\n\x1a\n', 'junkjunkjunkjunk')],
  ['a PNG image whose header is damaged or cut off', files.png(0, 5)],
  ['a JPEG image whose header is damaged or cut off', files.jpeg(8, 6).subarray(0, 21)],
  ['an MP4 or QuickTime file whose header is damaged or cut off', box('ftyp', 'isom', u32(0))],
  ['an MP4 or QuickTime file whose header is damaged or cut off', files.mp4(files.videoTrack(0, 0))],
  ['a WebM file whose header is damaged or cut off', files.webm(8, 6).subarray(0, 60)],
  ['an MP3 sound whose header is damaged or cut off', bytes('ID3', [4, 0, 0, 0, 0, 0, 9], new Uint8Array(40))],
])('refuses %s and says so', async (found, content) => {
  const error = await refusal(content)
  expect([error.code, error.outcome]).toEqual(['media', 'not-published'])
  expect(error.message).toContain(`The file "x" is ${found}, which cannot be published.`)
})

test.each([
  ['a jpeg of fill bytes', bytes([0xff, 0xd8], Buffer.alloc(300_000, 0xff))],
  ['a jpeg of empty segments', bytes([0xff, 0xd8], ...Array.from({ length: 60_000 }, () => [0xff, 0xe5, 0, 2]))],
  ['an mp4 of empty boxes', bytes(box('ftyp', 'isom'), ...Array.from({ length: 20_000 }, () => box('free')))],
  ['an mp4 of tracks without end', files.mp4(bytes(...Array.from({ length: 5_000 }, () => files.soundTrack())))],
  [
    'a webm of empty elements',
    bytes(
      files.element([0x1a, 0x45, 0xdf, 0xa3], files.element([0x42, 0x82], 'webm')),
      [0x18, 0x53, 0x80, 0x67],
      0xff,
      ...Array.from({ length: 50_000 }, () => [0xec, 0x80]),
    ),
  ],
])('%s is given up after a bounded header', async (_, content) => {
  expect((await refusal(content)).message).toContain(`a file whose header is longer than the ${headerBudget.bytes} bytes that are read of it`)
})

test('a box that says it is as long as the universe, or shorter than itself, is a damaged file', async () => {
  const endless = bytes(box('ftyp', 'isom'), u32(1), 'moov', u32(0xffffffff), u32(0xffffffff), files.movieHeader(1, 1))
  const nested = bytes(box('ftyp', 'isom'), u32(0), 'moov', u32(7), 'trak', u32(3), 'tkhd')
  for (const content of [endless, nested]) expect((await refusal(content)).message).toContain('damaged or cut off')
})

test('headers of any content, cut anywhere, are facts or a problem, never another error', async () => {
  const path = await files.saved('x')
  const samples = [...known.map(([, content]) => content.subarray(0, 20_000)), Buffer.alloc(0)]
  let runs = 0
  const hostile = fc
    .record({
      sample: fc.constantFrom(...samples),
      cut: fc.nat(),
      noise: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 12 }),
      tail: fc.uint8Array({ maxLength: 64 }),
    })
    .map(({ sample, cut, noise, tail }) => {
      const content = Buffer.concat([sample.subarray(0, cut % (sample.length + 1)), tail])
      for (const { at, byte } of noise) if (content.length > 0) content[at % Math.min(content.length, 400)] = byte
      return content
    })
  await fc.assert(
    fc.asyncProperty(hostile, async (content) => {
      runs++
      await writeFile(path, content)
      const facts = await probe(path, shown).catch((error: unknown) => {
        if (PublishError.is(error) && error.code === 'media') return undefined
        throw error
      })
      if (facts?.type === 'image') expect(facts.width && facts.height).toBeGreaterThan(0)
      if (facts?.durationMs !== undefined) expect(Number.isFinite(facts.durationMs)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
  expect(runs).toBeGreaterThanOrEqual(2_000)
}, 60_000)

test('a missing, an empty and an unreadable file, a folder and a socket are each a problem of their own', async () => {
  const folder = await files.folder()
  const socket = createServer().listen(join(folder, 'socket'))
  onTestFinished(() => void socket.close())
  await writeFile(join(folder, 'empty'), '')
  await mkdir(join(folder, 'folder'))
  execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', join(folder, 'pipe')])
  await writeFile(join(folder, 'secret'), files.png(1, 1))
  await chmod(join(folder, 'secret'), 0)
  const cases: [path: string, words: string][] = [
    [join(folder, 'nothing'), 'does not exist. Check the path'],
    [join(folder, 'empty', 'below'), 'a part of its path is a file'],
    [join(folder, 'empty'), 'is empty. Write it completely'],
    [join(folder, 'folder'), 'is a folder. Name one file.'],
    [join(folder, 'pipe'), 'is neither a file nor a link to one'],
    ['/dev/zero', 'is neither a file nor a link to one'],
    [`${folder}/a\0b`, 'has a name that no file can have'],
    [join(folder, 'x'.repeat(5_000)), 'has a name that is too long'],
    ...(process.getuid?.() === 0 ? [] : [[join(folder, 'secret'), 'has no permission'] as [string, string]]),
  ]
  for (const [path, words] of cases) {
    const error = await failure(probe(path, shown))
    expect(PublishError.is(error) && error.code, error.message).toBe('media')
    expect(error.message).toMatch(/^The file "x" /)
    expect(error.message).toContain(words)
  }
  const unopened = await failure(probe(join(folder, 'socket'), shown))
  expect(PublishError.is(unopened)).toBe(true)
})

test('a file of 300 MB is measured without being held', async () => {
  const path = await files.saved(files.png(1, 1))
  await truncate(path, 300_000_000)
  const before = process.memoryUsage().rss
  expect((await probe(path, shown)).bytes).toBe(300_000_000)
  expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000)
})
