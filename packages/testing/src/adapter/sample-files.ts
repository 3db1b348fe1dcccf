// Small real files for samples: a picture and a film, built byte by byte, so that nobody has to ship any.

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

const crcOf = (bytes: Buffer): number => {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  return Buffer.concat([u32(data.length), body, u32(crcOf(body))])
}

/** A PNG of one colour that every decoder reads. */
export const samplePng = (width = 64, height = 48, grey = 128): Buffer => {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width, grey)])
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)))
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', Buffer.concat([u32(width), u32(height), Buffer.from([8, 0, 0, 0, 0])])),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const box = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body])
}
const unit = Buffer.concat([65_536, 0, 0, 0, 65_536, 0, 0, 0, 0x40000000].map(u32))

/** The frame of an MP4: it says its size and length as every film does; the pictures in it are empty. */
export const sampleMp4 = (width = 640, height = 360, durationMs = 5_000, bytes = 60_000): Buffer =>
  Buffer.concat([
    box('ftyp', Buffer.from('isom', 'latin1'), u32(512), Buffer.from('isomavc1', 'latin1')),
    box(
      'moov',
      box('mvhd', u32(0), u32(0), u32(0), u32(1_000), u32(durationMs), Buffer.alloc(80)),
      box(
        'trak',
        box('tkhd', u32(3), Buffer.alloc(36), unit, u32(width * 65_536), u32(height * 65_536)),
        box('mdia', box('mdhd', Buffer.alloc(24)), box('hdlr', u32(0), u32(0), Buffer.from('vide', 'latin1'), Buffer.alloc(13))),
      ),
    ),
    box('mdat', Buffer.alloc(bytes, 7)),
  ])

/** Writes bytes into a new temporary folder and answers the path. */
export const sampleFile = (bytes: Uint8Array, name: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'syndikit-samples-')), name)
  writeFileSync(path, bytes)
  return path
}

/** Two different pictures and a film, by their paths. */
export const sampleFiles = (): { readonly picture: string; readonly otherPicture: string; readonly film: string } => ({
  picture: sampleFile(samplePng(), 'picture.png'),
  otherPicture: sampleFile(samplePng(48, 64, 200), 'other.png'),
  film: sampleFile(sampleMp4(), 'film.mp4'),
})

/** The same request with `mark` blotted out in its body: without its `PNG` or `ftyp` a file is none that a platform can read. */
export const spoilt = async (request: Request, mark: string): Promise<Request> => {
  const body = Buffer.from(await request.arrayBuffer())
  const at = body.indexOf(mark)
  assert.ok(at >= 0, `the body of ${request.method} ${request.url} has no "${mark}"`)
  body.fill(0, at, at + mark.length)
  return new Request(request.url, { method: request.method, headers: request.headers, body })
}
