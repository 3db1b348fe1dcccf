// What a file is, found out by reading it. Its name is never believed.

import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { PublishError } from '../contract/error.ts'
import type { MediaFacts, MediaType } from '../contract/media.ts'
import { imageSize } from './image.ts'
import { openFile } from './local.ts'
import { movieOf } from './mp4.ts'
import { ascii, createReader, HeaderTooLong, headerBudget, type Reader } from './reader.ts'
import { type Format, mp3Frame, sniff, sniffBytes } from './sniff.ts'
import { webmOf } from './webm.ts'

interface Measured {
  readonly mime: string
  readonly width?: number
  readonly height?: number
  readonly durationMs?: number
}
/** `found` for people: why it cannot be published. */
type Reading = Measured | { readonly found: string }

const takes = 'Give a JPEG, PNG, GIF, WebP or BMP image, an MP4, MOV or WebM video, an MP3, M4A or Ogg sound, or a PDF.'
const broken = (what: string): Reading => ({ found: `${what} whose header is damaged or cut off` })

const image =
  (format: keyof typeof imageSize) =>
  async (file: Reader): Promise<Reading> => {
    const size = await imageSize[format](file)
    return size && size.width > 0 && size.height > 0 ? { mime: `image/${format}`, ...size } : broken(`a ${format.toUpperCase()} image`)
  }

/** A tag may stand before the first frame, with pictures of megabytes in it, and padding after it. */
const mp3 = async (file: Reader): Promise<Reading> => {
  const tag = await file.read(0, 10)
  const tagged = tag.byteLength === 10 && ascii(tag, 0, 3) === 'ID3'
  const start = tagged ? 10 + [6, 7, 8, 9].reduce((size, at) => size * 128 + (tag.getUint8(at) & 127), 0) : 0
  const frames = await file.read(start, 4096)
  for (let at = 0; at + 4 <= frames.byteLength; at++) if (mp3Frame(frames.getUint32(at))) return { mime: 'audio/mpeg' }
  return broken('an MP3 sound')
}

const ogg = async (file: Reader): Promise<Reading> => {
  const page = await file.read(0, 27 + 255 + 8)
  const codec = page.byteLength > 27 ? ascii(page, 27 + page.getUint8(26), 8) : ''
  if (['\x01vorbis', 'OpusHead', 'Speex   ', '\x7fFLAC'].some((sound) => codec.startsWith(sound))) return { mime: 'audio/ogg' }
  return codec.startsWith('\x80theora') ? { found: 'an Ogg video' } : broken('an Ogg file')
}

const readings: Readonly<Record<Format, (file: Reader) => Promise<Reading>>> = {
  jpeg: image('jpeg'),
  png: image('png'),
  gif: image('gif'),
  webp: image('webp'),
  bmp: image('bmp'),
  mp4: async (file) => (await movieOf(file)) ?? broken('an MP4 or QuickTime file'),
  webm: async (file) => (await webmOf(file)) ?? broken('a WebM file'),
  mp3,
  ogg,
  pdf: async () => ({ mime: 'application/pdf' }),
}

const measure = async (file: Reader): Promise<Reading> => {
  try {
    const sniffed = sniff(await file.read(0, sniffBytes))
    return 'found' in sniffed ? sniffed : await readings[sniffed.format](file)
  } catch (error) {
    if (error instanceof HeaderTooLong) return { found: `a file whose header is longer than the ${headerBudget.bytes} bytes that are read of it` }
    throw error
  }
}

/** One pass, one buffer. Stops where the file turns out longer than `size`: then `bytes` differs from it. */
export const hashOf = async (file: FileHandle, size: number): Promise<{ readonly sha256: string; readonly bytes: number }> => {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(1024 * 1024)
  let bytes = 0
  while (bytes <= size) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, bytes)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    bytes += bytesRead
  }
  return { sha256: hash.digest('hex'), bytes }
}

export interface Shown {
  /** How messages call it. */
  readonly label: string
  readonly name: string
  readonly alt?: string | undefined
}

export const probeOpen = async (file: FileHandle, { label, name, alt }: Shown): Promise<MediaFacts> => {
  const { size } = await file.stat()
  const reading = await measure(createReader(file, size))
  if ('found' in reading) throw new PublishError('media', `${label} is ${reading.found}, which cannot be published. ${takes}`)
  const { sha256, bytes } = await hashOf(file, size)
  if (bytes !== size) throw new PublishError('media', `${label} changed while it was read. Schedule it once it is written completely.`)
  const type = reading.mime === 'application/pdf' ? 'document' : (reading.mime.split('/')[0] as MediaType)
  return { type, ...reading, bytes, name, sha256, ...(alt !== undefined && { alt }) }
}

/**
 * Reads a file of this machine: its type, size in pixels (as people see it) and length from its header, its hash from all of it.
 * Of the header at most 64 kB are read and nothing is decoded. Fails with a `PublishError` of code `media` that says what was found.
 */
export const probe = async (path: string, shown: Shown): Promise<MediaFacts> => {
  const file = await openFile(path, shown.label)
  try {
    return await probeOpen(file, shown)
  } finally {
    await file.close()
  }
}
