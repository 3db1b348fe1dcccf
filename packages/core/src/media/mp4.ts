// Tracks, size and length of MP4 and QuickTime files, from the boxes of their index (`moov`). Jumps over everything else.

import { ascii, type Reader } from './reader.ts'

export interface Movie {
  readonly mime: string
  readonly width?: number
  readonly height?: number
  readonly durationMs?: number
}

interface Box {
  readonly type: string
  /** Of its content. */
  readonly start: number
  readonly end: number
}

/** Boxes between two places. Ends at the first that is broken. */
async function* boxes(file: Reader, from: number, to: number): AsyncGenerator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const head = await file.read(at, 16)
    if (head.byteLength < 8) return
    const stated = head.getUint32(0)
    const long = stated === 1
    if (long && head.byteLength < 16) return
    const size = long ? Number(head.getBigUint64(8)) : stated === 0 ? to - at : stated
    const header = long ? 16 : 8
    if (size < header) return
    yield { type: ascii(head, 4, 4), start: at + header, end: Math.min(at + size, to) }
    at += size
  }
}

interface Found {
  width?: number
  height?: number
  durationMs?: number
  timescale?: number
  picture: boolean
  sound: boolean
}

const unknownLength = new Set([0, 0xff_ff_ff_ff, Number(0xff_ff_ff_ff_ff_ff_ff_ffn)])

/** `mvhd`; version 1 has 64-bit times. */
const movieHeader = async (file: Reader, { start }: Box, found: Found): Promise<void> => {
  const head = await file.read(start, 32)
  if (head.byteLength < 32) return
  const wide = head.getUint8(0) === 1
  const timescale = head.getUint32(wide ? 20 : 12)
  const duration = wide ? Number(head.getBigUint64(24)) : head.getUint32(16)
  found.timescale = timescale
  if (timescale > 0 && !unknownLength.has(duration)) found.durationMs = Math.round((duration / timescale) * 1000)
}

/** `tkhd`: size in 16.16 fixed point, and a matrix that turns it. */
const trackSize = async (file: Reader, { start }: Box): Promise<{ width: number; height: number } | undefined> => {
  const version = await file.read(start, 1)
  const wide = version.byteLength > 0 && version.getUint8(0) === 1
  const tail = await file.read(start + (wide ? 52 : 40), 44)
  if (tail.byteLength < 44) return undefined
  const [width, height] = [Math.round(tail.getUint32(36) / 65_536), Math.round(tail.getUint32(40) / 65_536)]
  const quarterTurn = tail.getInt32(0) === 0 && tail.getInt32(4) !== 0
  return quarterTurn ? { width: height, height: width } : { width, height }
}

const track = async (file: Reader, box: Box, found: Found): Promise<void> => {
  let size: { width: number; height: number } | undefined
  for await (const part of boxes(file, box.start, box.end)) {
    if (part.type === 'tkhd') size = await trackSize(file, part)
    if (part.type !== 'mdia') continue
    for await (const media of boxes(file, part.start, part.end)) {
      if (media.type !== 'hdlr') continue
      const handler = ascii(await file.read(media.start + 8, 4), 0, 4)
      if (handler === 'soun') found.sound = true
      if (handler !== 'vide') continue
      found.picture = true
      if (size && found.width === undefined) Object.assign(found, size)
    }
  }
}

/** `mvex` of a fragmented file, where the movie header states no length. */
const fragments = async (file: Reader, box: Box, found: Found): Promise<void> => {
  for await (const part of boxes(file, box.start, box.end)) {
    if (part.type !== 'mehd') continue
    const head = await file.read(part.start, 12)
    if (head.byteLength < 8) return
    const duration = head.getUint8(0) === 1 ? (head.byteLength < 12 ? 0 : Number(head.getBigUint64(4))) : head.getUint32(4)
    if (found.timescale && !unknownLength.has(duration)) found.durationMs ??= Math.round((duration / found.timescale) * 1000)
  }
}

const mimeOf = (brand: string | undefined, found: Found): string => {
  if (!found.picture) return 'audio/mp4'
  if (brand === undefined || brand === 'qt  ') return 'video/quicktime'
  return /^M4V/.test(brand) ? 'video/x-m4v' : 'video/mp4'
}

/** `undefined`: no index, or an index without a track; the file is cut off or broken. */
export const movieOf = async (file: Reader): Promise<Movie | undefined> => {
  let brand: string | undefined
  const found: Found = { picture: false, sound: false }
  for await (const box of boxes(file, 0, file.size)) {
    if (box.type === 'ftyp') brand = ascii(await file.read(box.start, 4), 0, 4)
    if (box.type !== 'moov') continue
    for await (const part of boxes(file, box.start, box.end)) {
      if (part.type === 'mvhd') await movieHeader(file, part, found)
      if (part.type === 'trak') await track(file, part, found)
      if (part.type === 'mvex') await fragments(file, part, found)
    }
    break
  }
  if (!found.picture && !found.sound) return undefined
  const { width, height, durationMs } = found
  if (found.picture && !(width && height)) return undefined
  return { mime: mimeOf(brand, found), ...(width && height && { width, height }), ...(durationMs !== undefined && { durationMs }) }
}
