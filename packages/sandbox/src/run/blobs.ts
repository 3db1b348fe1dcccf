// Uploaded bytes, kept by their hash: in memory, or as files.

import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { publishFile, replaceFileSync } from './files.ts'

export interface Blobs {
  keep(bytes: Uint8Array): string
  keepStream(body: AsyncIterable<Uint8Array>): Promise<{ readonly key: string; readonly bytes: number }>
  get(key: string): Uint8Array | undefined
  /** Of what was kept; without reading it. */
  size(key: string): number | undefined
  clear(): void
}

/** Sizes of what was too large to keep, by key; saved with the state. */
export type Large = Record<string, number>

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const isKey = (key: string): boolean => /^[0-9a-f]{64}$/.test(key)

/** Reads a body once, handing on each piece while the whole still fits into `most`. */
async function digest(body: AsyncIterable<Uint8Array>, most: number, fits: (piece: Uint8Array) => unknown): Promise<{ key: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of body) {
    hash.update(piece)
    bytes += piece.byteLength
    if (bytes <= most) await fits(piece)
  }
  return { key: hash.digest('hex'), bytes }
}

export function memoryBlobs(most: number, large: Large): Blobs {
  const kept = new Map<string, Uint8Array>()
  const keep = (bytes: Uint8Array): string => {
    const key = hashOf(bytes)
    if (bytes.byteLength > most) large[key] = bytes.byteLength
    else if (!kept.has(key)) kept.set(key, bytes.slice())
    return key
  }
  return {
    keep,
    async keepStream(body) {
      const pieces: Uint8Array[] = []
      const result = await digest(body, most, (piece) => pieces.push(piece))
      if (result.bytes > most) large[result.key] = result.bytes
      else keep(Buffer.concat(pieces))
      return result
    },
    get: (key) => kept.get(key),
    size: (key) => kept.get(key)?.byteLength,
    clear: () => kept.clear(),
  }
}

/** Files named by their hash. What a crash left half-written is removed at the start. */
export function folderBlobs(folder: string, most: number, large: Large): Blobs {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(folder)) if (!isKey(name)) rmSync(join(folder, name))
  return {
    keep(bytes) {
      const key = hashOf(bytes)
      if (bytes.byteLength > most) large[key] = bytes.byteLength
      else if (!existsSync(join(folder, key))) replaceFileSync(join(folder, key), bytes)
      return key
    },
    async keepStream(body) {
      const temporary = join(folder, `${randomUUID()}.tmp`)
      const file = await open(temporary, 'wx', 0o600)
      try {
        const result = await digest(body, most, (piece) => file.writeFile(piece))
        await file.sync()
        if (result.bytes > most) large[result.key] = result.bytes
        else await publishFile(temporary, join(folder, result.key))
        return result
      } finally {
        await file.close()
        await rm(temporary, { force: true })
      }
    },
    size: (key) => (isKey(key) ? statSync(join(folder, key), { throwIfNoEntry: false })?.size : undefined),
    get: (key) => (isKey(key) && existsSync(join(folder, key)) ? readFileSync(join(folder, key)) : undefined),
    clear() {
      for (const name of readdirSync(folder)) rmSync(join(folder, name))
    },
  }
}
