// Tracks, size and length of WebM files, from the EBML elements before the first cluster.

import type { Movie } from './mp4.ts'
import { ascii, type Reader } from './reader.ts'

const ids = {
  docType: 0x4282,
  segment: 0x18538067,
  info: 0x1549a966,
  timecodeScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
  video: 0xe0,
  width: 0xb0,
  height: 0xba,
  cluster: 0x1f43b675,
} as const

interface Element {
  readonly id: number
  readonly start: number
  readonly end: number
}

/** Length of a number by its leading zeros; 0 where it is none. */
const widthOf = (first: number): number => (first === 0 ? 0 : Math.clz32(first) - 23)

async function* elements(file: Reader, from: number, to: number): AsyncGenerator<Element> {
  for (let at = from; at < to; ) {
    const head = await file.read(at, 12)
    if (head.byteLength < 2) return
    const idWidth = widthOf(head.getUint8(0))
    if (idWidth < 1 || idWidth > 4 || idWidth >= head.byteLength) return
    const sizeWidth = widthOf(head.getUint8(idWidth))
    if (sizeWidth < 1 || idWidth + sizeWidth > head.byteLength) return
    let id = 0
    for (let i = 0; i < idWidth; i++) id = id * 256 + head.getUint8(i)
    let size = head.getUint8(idWidth) - 2 ** (8 - sizeWidth)
    let open = size === 2 ** (8 - sizeWidth) - 1
    for (let i = 1; i < sizeWidth; i++) {
      const byte = head.getUint8(idWidth + i)
      open &&= byte === 255
      size = size * 256 + byte
    }
    const start = at + idWidth + sizeWidth
    const end = open ? to : Math.min(start + size, to)
    yield { id, start, end }
    at = open ? to : start + size
  }
}

const unsigned = async (file: Reader, { start, end }: Element): Promise<number> => {
  const bytes = await file.read(start, Math.min(end - start, 8))
  let value = 0
  for (let i = 0; i < bytes.byteLength; i++) value = value * 256 + bytes.getUint8(i)
  return value
}

const float = async (file: Reader, { start, end }: Element): Promise<number | undefined> => {
  const bytes = await file.read(start, Math.min(end - start, 8))
  if (bytes.byteLength === 8) return bytes.getFloat64(0)
  return bytes.byteLength === 4 ? bytes.getFloat32(0) : undefined
}

const lengthOf = async (file: Reader, info: Element): Promise<number | undefined> => {
  let scale = 1_000_000
  let duration: number | undefined
  for await (const part of elements(file, info.start, info.end)) {
    if (part.id === ids.timecodeScale) scale = await unsigned(file, part)
    if (part.id === ids.duration) duration = await float(file, part)
  }
  const ms = ((duration ?? Number.NaN) * scale) / 1e6
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : undefined
}

interface Track {
  type: number
  width: number
  height: number
}

const trackOf = async (file: Reader, entry: Element): Promise<Track> => {
  const track: Track = { type: 0, width: 0, height: 0 }
  for await (const part of elements(file, entry.start, entry.end)) {
    if (part.id === ids.trackType) track.type = await unsigned(file, part)
    if (part.id !== ids.video) continue
    for await (const field of elements(file, part.start, part.end)) {
      if (field.id === ids.width) track.width = await unsigned(file, field)
      if (field.id === ids.height) track.height = await unsigned(file, field)
    }
  }
  return track
}

const segmentOf = async (file: Reader, segment: Element): Promise<{ tracks: Track[]; durationMs: number | undefined }> => {
  const tracks: Track[] = []
  let durationMs: number | undefined
  for await (const part of elements(file, segment.start, segment.end)) {
    if (part.id === ids.info) durationMs = await lengthOf(file, part)
    if (part.id === ids.tracks)
      for await (const entry of elements(file, part.start, part.end)) if (entry.id === ids.trackEntry) tracks.push(await trackOf(file, entry))
    if (part.id === ids.cluster) break
  }
  return { tracks, durationMs }
}

/** `undefined`: broken. `{ found }`: the same container, but no WebM. */
export const webmOf = async (file: Reader): Promise<Movie | { readonly found: string } | undefined> => {
  let docType = ''
  for await (const top of elements(file, 0, file.size)) {
    if (docType === '') {
      for await (const part of elements(file, top.start, top.end))
        if (part.id === ids.docType) docType = ascii(await file.read(part.start, Math.min(part.end - part.start, 16)), 0, 16).replace(/\0+$/, '')
      if (docType !== 'webm') return { found: docType === 'matroska' ? 'a Matroska (MKV) video' : 'an EBML file of an unknown kind' }
      continue
    }
    if (top.id !== ids.segment) continue
    const { tracks, durationMs } = await segmentOf(file, top)
    const picture = tracks.find(({ type }) => type === 1)
    if (tracks.length === 0 || (picture && !(picture.width && picture.height))) return undefined
    return {
      mime: picture ? 'video/webm' : 'audio/webm',
      ...(picture && { width: picture.width, height: picture.height }),
      ...(durationMs !== undefined && { durationMs }),
    }
  }
  return undefined
}
