// Files of this machine: opened with a clear problem where they cannot be, kept inside a root, and read in pieces.

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { PublishError } from '../contract/error.ts'
import type { Media, MediaFacts } from '../contract/media.ts'

const problem = (label: string, what: string, cause?: unknown): PublishError => new PublishError('media', `${label} ${what}`, { cause })

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist. Check the path, and that the file is still there when it is published.',
  ENOTDIR: 'does not exist: a part of its path is a file. Check the path.',
  EACCES: 'cannot be read: this process has no permission. Let its user read the file.',
  EPERM: 'cannot be read: this process has no permission. Let its user read the file.',
  ELOOP: 'is a link that may not be followed. Name the file itself.',
  ENAMETOOLONG: 'has a name that is too long for this machine.',
  ERR_INVALID_ARG_VALUE: 'has a name that no file can have.',
}

const explained = (error: unknown, label: string): PublishError => {
  const code = (error as NodeJS.ErrnoException).code ?? 'error'
  const reason = reasons[code]
  if (reason) return problem(label, reason, error)
  return new PublishError('transient', `${label} cannot be opened (${code}). Try again later.`, { outcome: 'not-published', cause: error })
}

/** Opens a regular, non-empty file. Never waits on a pipe or a device. */
export const openFile = async (path: string, label: string, flags = 0): Promise<FileHandle> => {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags)
  } catch (error) {
    throw explained(error, label)
  }
  const stat = await file.stat()
  const what = stat.isDirectory()
    ? 'is a folder. Name one file.'
    : !stat.isFile()
      ? 'is neither a file nor a link to one. Name a regular file.'
      : stat.size === 0
        ? 'is empty. Write it completely before it is scheduled.'
        : undefined
  if (what === undefined) return file
  await file.close()
  throw problem(label, what)
}

const inside = (root: string, path: string): boolean => path.startsWith(root.endsWith(sep) ? root : root + sep)

/** Opens a file that lies in `root`, by its name and after every link in its path was followed. */
export const openInside = async (root: string, path: string, label: string): Promise<FileHandle> => {
  const outside = problem(label, 'lies outside of the folder that `media.root` allows. Move it there, or change `media.root`.')
  const stated = resolve(root, path)
  // By name first: whether a file outside exists is nobody's business.
  if (!inside(resolve(root), stated)) throw outside
  const base = await realpath(root).catch((error: NodeJS.ErrnoException) => {
    throw new PublishError('setup', `\`media.root\` cannot be opened (${error.code}). Create the folder or change the option.`, { cause: error })
  })
  const real = await realpath(stated).catch((error: unknown) => {
    throw explained(error, label)
  })
  if (!inside(base, real)) throw outside
  // The path is resolved by now: a link in its last part was put there in between.
  return openFile(real, label, constants.O_NOFOLLOW ?? 0)
}

export const changed = (label: string): PublishError =>
  problem(label, 'changed since it was scheduled. Put the same bytes back, or cancel this publication and schedule the new file.')

const readExactly = async (file: FileHandle, at: number, length: number, label: string): Promise<Uint8Array<ArrayBuffer>> => {
  const piece = new Uint8Array(length)
  for (let got = 0; got < length; ) {
    const { bytesRead } = await file.read(piece, got, length - got, at + got)
    if (bytesRead === 0) throw changed(label)
    got += bytesRead
  }
  return piece
}

const wholeNumber = (name: string, value: number, least: number): void => {
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`\`${name}\` is ${value}: it must be a whole number of at least ${least}.`)
}

const streamPieceBytes = 64 * 1024

/** Reads from an open file that was checked. Each call of `chunks` and `stream` begins anew. */
export const mediaOf = (facts: MediaFacts, file: FileHandle, label: string): Media => {
  const pieces = async function* (from: number, size: number) {
    const hash = from === 0 ? createHash('sha256') : undefined
    for (let at = from; at < facts.bytes; at += size) {
      const piece = await readExactly(file, at, Math.min(size, facts.bytes - at), label)
      // Held against a file that is written over while it is uploaded: the last piece does not leave, so the upload cannot become whole.
      if (hash?.update(piece) && at + size >= facts.bytes && hash.digest('hex') !== facts.sha256) throw changed(label)
      yield piece
    }
  }
  return {
    ...facts,
    chunks: (size) => {
      wholeNumber('size', size, 1)
      return pieces(0, size)
    },
    stream: (from = 0) => {
      wholeNumber('from', from, 0)
      return ReadableStream.from(pieces(from, streamPieceBytes)) as ReadableStream<Uint8Array>
    },
  }
}
