// Width and height of images, from their headers: as people see them, turned where the file says so. Decodes nothing.

import { ascii, type Reader } from './reader.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

const png = async (file: Reader): Promise<Size | undefined> => {
  const head = await file.read(8, 16)
  if (head.byteLength < 16 || ascii(head, 4, 4) !== 'IHDR') return undefined
  return { width: head.getUint32(8), height: head.getUint32(12) }
}

const gif = async (file: Reader): Promise<Size | undefined> => {
  const head = await file.read(6, 4)
  return head.byteLength < 4 ? undefined : { width: head.getUint16(0, true), height: head.getUint16(2, true) }
}

const bmp = async (file: Reader): Promise<Size | undefined> => {
  const head = await file.read(14, 12)
  if (head.byteLength < 12 || ![12, 40, 52, 56, 64, 108, 124].includes(head.getUint32(0, true))) return undefined
  if (head.getUint32(0, true) === 12) return { width: head.getUint16(4, true), height: head.getUint16(6, true) }
  // A negative height means that the rows run downwards.
  return { width: head.getInt32(4, true), height: Math.abs(head.getInt32(8, true)) }
}

const webp = async (file: Reader): Promise<Size | undefined> => {
  const head = await file.read(12, 18)
  if (head.byteLength < 18) return undefined
  const u24 = (at: number) => head.getUint16(at, true) | (head.getUint8(at + 2) << 16)
  switch (ascii(head, 0, 4)) {
    case 'VP8 ':
      return ascii(head, 11, 3) === '\x9d\x01\x2a' ? { width: head.getUint16(14, true) & 0x3fff, height: head.getUint16(16, true) & 0x3fff } : undefined
    case 'VP8L': {
      if (head.getUint8(8) !== 0x2f) return undefined
      const bits = head.getUint32(9, true)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'VP8X':
      return { width: u24(12) + 1, height: u24(15) + 1 }
    default:
      return undefined
  }
}

/** Whether the EXIF block turns the picture by a quarter (orientation 5 to 8). */
const quarterTurn = (exif: DataView): boolean => {
  if (ascii(exif, 0, 6) !== 'Exif\0\0' || exif.byteLength < 16) return false
  const little = ascii(exif, 6, 2) === 'II'
  const directory = 6 + exif.getUint32(10, little)
  if (directory + 2 > exif.byteLength) return false
  const entries = exif.getUint16(directory, little)
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i
    if (at + 12 > exif.byteLength) return false
    if (exif.getUint16(at, little) === 0x0112) return exif.getUint16(at + 8, little) >= 5 && exif.getUint16(at + 8, little) <= 8
  }
  return false
}

const startOfFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

const jpeg = async (file: Reader): Promise<Size | undefined> => {
  let turned = false
  for (let at = 2; at + 9 <= file.size; ) {
    const head = await file.read(at, 9)
    if (head.byteLength < 9 || head.getUint8(0) !== 0xff) return undefined
    const marker = head.getUint8(1)
    // Fill bytes and markers that stand alone.
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2
    else if (marker === 0xd9 || marker === 0xda) return undefined
    else {
      const length = head.getUint16(2)
      if (length < 2) return undefined
      if (startOfFrame(marker)) {
        const [height, width] = [head.getUint16(5), head.getUint16(7)]
        return turned ? { width: height, height: width } : { width, height }
      }
      if (marker === 0xe1 && !turned) turned = quarterTurn(await file.read(at + 4, Math.min(length - 2, 1024)))
      at += 2 + length
    }
  }
  return undefined
}

/** `undefined`: the header is broken. */
export const imageSize: Record<'jpeg' | 'png' | 'gif' | 'webp' | 'bmp', (file: Reader) => Promise<Size | undefined>> = { jpeg, png, gif, webp, bmp }
