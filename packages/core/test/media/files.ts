// Small files of every format, built byte by byte as their specifications say.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export const bytes = (...parts: (string | number | Uint8Array | readonly number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))),
  )
const u16 = (value: number) => [(value >>> 8) & 255, value & 255]
export const u32 = (value: number) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
const le16 = (value: number) => u16(value).reverse()
const le32 = (value: number) => u32(value).reverse()

export const png = (width: number, height: number) => bytes('\x89PNG\r\n\x1a\n', u32(13), 'IHDR', u32(width), u32(height), [8, 6, 0, 0, 0], u32(0))
export const gif = (width: number, height: number) => bytes('GIF89a', le16(width), le16(height), [0, 0, 0], ';')
export const bmp = (width: number, height: number) => bytes('BM', le32(54), le32(0), le32(54), le32(40), le32(width), le32(height), [1, 0, 24, 0])

const segment = (marker: number, body: Buffer) => bytes([0xff, marker], u16(body.length + 2), body)
export const exif = (orientation: number, little = false) => {
  const [n16, n32] = little ? [le16, le32] : [u16, u32]
  return segment(0xe1, bytes('Exif\0\0', little ? 'II' : 'MM', n16(42), n32(8), n16(1), n16(0x0112), n16(3), n32(1), n16(orientation), n16(0), n32(0)))
}
export const jpeg = (width: number, height: number, before: Buffer = Buffer.alloc(0)) =>
  bytes(
    [0xff, 0xd8],
    segment(0xe0, bytes('JFIF\0', [1, 1, 0], u16(1), u16(1), [0, 0])),
    before,
    segment(0xc2, bytes(8, u16(height), u16(width), [3, 1, 17, 0])),
    [0xff, 0xd9],
  )
/** A colour profile or thumbnail, as cameras put megabytes of before the frame. */
export const ballast = (length: number) => segment(0xe2, Buffer.alloc(length, 7))

const riff = (chunk: Buffer) => bytes('RIFF', le32(chunk.length + 4), 'WEBP', chunk)
export const webp = {
  lossy: (width: number, height: number) => riff(bytes('VP8 ', le32(20), [0, 0, 0], [0x9d, 1, 0x2a], le16(width), le16(height), [0, 0])),
  lossless: (width: number, height: number) => riff(bytes('VP8L', le32(20), 0x2f, le32(((width - 1) | ((height - 1) << 14)) >>> 0), [0, 0, 0, 0, 0])),
  extended: (width: number, height: number) => riff(bytes('VP8X', le32(10), [0, 0, 0, 0], le32(width - 1).slice(0, 3), le32(height - 1).slice(0, 3))),
}

export const box = (type: string, ...parts: Parameters<typeof bytes>) => {
  const body = bytes(...parts)
  return bytes(u32(body.length + 8), type, body)
}
/** With the 64-bit length that files over 4 GB have. */
export const longBox = (type: string, ...parts: Parameters<typeof bytes>) => {
  const body = bytes(...parts)
  return bytes(u32(1), type, u32(0), u32(body.length + 16), body)
}
const unit = [u32(65_536), u32(0), u32(0), u32(0), u32(65_536), u32(0), u32(0), u32(0), u32(0x40000000)].flat()
export const quarterTurn = [u32(0), u32(65_536), u32(0), u32(-65_536 >>> 0), u32(0), u32(0), u32(0), u32(0), u32(0x40000000)].flat()
const handler = (type: string) => box('hdlr', u32(0), u32(0), type, new Uint8Array(12), '\0')
export const videoTrack = (width: number, height: number, matrix: readonly number[] = unit) =>
  box(
    'trak',
    box('tkhd', [0, 0, 0, 3], new Uint8Array(36), matrix, u32(width * 65_536), u32(height * 65_536)),
    box('mdia', box('mdhd', new Uint8Array(24)), handler('vide'), box('minf', new Uint8Array(5_000))),
  )
export const soundTrack = () => box('trak', box('tkhd', new Uint8Array(84)), box('mdia', handler('soun')))
export const movieHeader = (timescale: number, duration: number) => box('mvhd', u32(0), u32(0), u32(0), u32(timescale), u32(duration), new Uint8Array(80))
export const mp4 = (tracks: Buffer, { brand = 'isom', header = movieHeader(1000, 12_345), before = box('mdat', new Uint8Array(100_000)) } = {}) =>
  bytes(box('ftyp', brand, u32(512), 'isom'), before, box('moov', header, tracks), box('free', 'x'))

export const element = (id: readonly number[], ...parts: Parameters<typeof bytes>) => {
  const body = bytes(...parts)
  return bytes(id, 0x08, u32(body.length), body)
}
const double = (value: number) => {
  const out = Buffer.alloc(8)
  out.writeDoubleBE(value)
  return out
}
export const webm = (width: number, height: number, { docType = 'webm', durationMs = 4_200, trackType = 1, open = false } = {}) => {
  const content = bytes(
    element([0x15, 0x49, 0xa9, 0x66], element([0x2a, 0xd7, 0xb1], u32(1_000_000)), element([0x44, 0x89], double(durationMs))),
    element([0x16, 0x54, 0xae, 0x6b], element([0xae], element([0x83], trackType), element([0xe0], element([0xb0], u16(width)), element([0xba], u16(height))))),
    element([0x1f, 0x43, 0xb6, 0x75], new Uint8Array(9_000)),
  )
  const segment = [0x18, 0x53, 0x80, 0x67]
  return bytes(
    element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], docType)),
    open ? bytes(segment, 0x01, [255, 255, 255, 255, 255, 255, 255], content) : element(segment, content),
  )
}

/** MPEG 1, layer III, 128 kbit/s, 44.1 kHz. */
const frame = [0xff, 0xfb, 0x90, 0x64]
export const mp3 = (tag = 0) =>
  bytes(
    tag ? bytes('ID3', [4, 0, 0], [(tag >>> 21) & 127, (tag >>> 14) & 127, (tag >>> 7) & 127, tag & 127], new Uint8Array(tag)) : '',
    frame,
    new Uint8Array(413),
  )
export const ogg = (codec: string) => bytes('OggS', new Uint8Array(22), [1, 30], codec, new Uint8Array(22))
export const pdf = () => bytes('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n')

export const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'media-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}
export const saved = async (content: string | Uint8Array, name = 'file'): Promise<string> => {
  const path = join(await folder(), name)
  await writeFile(path, content)
  return path
}
