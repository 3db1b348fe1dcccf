// What a file is, by its first bytes. Pure.

import { ascii } from './reader.ts'

/** Formats that can be published and measured. */
export type Format = 'jpeg' | 'png' | 'gif' | 'webp' | 'bmp' | 'mp4' | 'webm' | 'mp3' | 'ogg' | 'pdf'

/** `found`: for people, where it cannot be published. */
export type Sniffed = { readonly format: Format } | { readonly found: string }

/** How many bytes of the start `sniff` wants. */
export const sniffBytes = 512

const signatures: readonly (readonly [at: number, bytes: string, is: Sniffed])[] = [
  [0, '\xff\xd8\xff', { format: 'jpeg' }],
  [0, '\x89PNG\r\n\x1a\n', { format: 'png' }],
  [0, 'GIF87a', { format: 'gif' }],
  [0, 'GIF89a', { format: 'gif' }],
  [8, 'WEBP', { format: 'webp' }],
  [0, 'BM', { format: 'bmp' }],
  [0, '%PDF-', { format: 'pdf' }],
  [0, 'OggS', { format: 'ogg' }],
  [0, 'ID3', { format: 'mp3' }],
  [8, 'WAVE', { found: 'a WAV sound' }],
  [8, 'AVI ', { found: 'an AVI video' }],
  [0, 'II*\0', { found: 'a TIFF image' }],
  [0, 'MM\0*', { found: 'a TIFF image' }],
  [0, 'fLaC', { found: 'a FLAC sound' }],
  [0, 'FLV\x01', { found: 'a Flash video' }],
  [0, '\0\0\x01\0', { found: 'an icon' }],
  [0, '\xff\x0a', { found: 'a JPEG XL image' }],
  [4, 'JXL ', { found: 'a JPEG XL image' }],
  [4, 'jP  ', { found: 'a JPEG 2000 image' }],
  [0, '8BPS', { found: 'a Photoshop file' }],
  [0, 'PK\x03\x04', { found: 'a ZIP archive (or an Office document)' }],
  [0, '\x1f\x8b', { found: 'gzip-compressed data' }],
  [0, 'MZ', { found: 'a Windows program' }],
  [0, '\x7fELF', { found: 'a Linux program' }],
  [0, '0&\xb2u', { found: 'a Windows Media file' }],
]

/** Brands of the same container that are images. */
const imageBrands = /^(avif|avis|heic|heix|heim|heis|hevc|mif1|msf1)$/
/** QuickTime files from before there were brands begin with one of these. */
const oldQuickTime = /^(moov|mdat|wide|free|skip|pnot)$/

const container = (head: DataView): Sniffed | undefined => {
  const box = ascii(head, 4, 4)
  if (box === 'ftyp') {
    const brand = ascii(head, 8, 4)
    return imageBrands.test(brand) ? { found: `${/^avi/.test(brand) ? 'an AVIF' : 'a HEIF (iPhone)'} image` } : { format: 'mp4' }
  }
  return oldQuickTime.test(box) ? { format: 'mp4' } : undefined
}

/** The header of an MPEG audio frame: sync, layer III, and neither bit rate nor sampling rate out of range. */
export const mp3Frame = (bits: number): boolean =>
  bits >>> 21 === 0x7ff && ((bits >>> 19) & 3) !== 1 && ((bits >>> 17) & 3) === 1 && ![0, 15].includes((bits >>> 12) & 15) && ((bits >>> 10) & 3) !== 3

const frame = (head: DataView): Sniffed | undefined => {
  if (head.byteLength < 4) return undefined
  const bits = head.getUint32(0)
  if (mp3Frame(bits)) return { format: 'mp3' }
  return bits >>> 20 === 0xfff && ((bits >>> 17) & 3) === 0 ? { found: 'an AAC sound' } : undefined
}

const text = (head: DataView): Sniffed => {
  const start = ascii(head, 0, sniffBytes)
  if (/^[\s\xef\xbb\xbf]*<(!doctype html|html|head|body|script)/i.test(start)) return { found: 'an HTML page' }
  if (/<svg[\s>]/i.test(start)) return { found: 'an SVG drawing' }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
  return { found: /^[^\x00-\x08\x0e-\x1f]+$/.test(start) ? 'plain text' : 'data of an unknown kind' }
}

export const sniff = (head: DataView): Sniffed => {
  for (const [at, bytes, is] of signatures) {
    if (ascii(head, at, bytes.length) !== bytes) continue
    // These two follow the container's own signature.
    if (at === 8 && ascii(head, 0, 4) !== 'RIFF') continue
    return is
  }
  if (head.byteLength >= 4 && head.getUint32(0) === 0x1a45dfa3) return { format: 'webm' }
  return container(head) ?? frame(head) ?? text(head)
}
