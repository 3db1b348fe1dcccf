// From what the host names (a path, a URL, a name of its own) to facts, and later to the same bytes again.

import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { PublishError } from '../contract/error.ts'
import type { Media, MediaFacts, MediaInput } from '../contract/media.ts'
import type { Clock, Fetch } from '../contract/ports.ts'
import { download } from '../ports/download.ts'
import { save, transient } from '../ports/save.ts'
import { changed, mediaOf, openFile, openInside } from './local.ts'
import { hashOf, probeOpen, type Shown } from './probe.ts'

/** What `media.open` answers: the path of a file that stays as it is, or its bytes. */
export type MediaSource = { readonly file: string } | { readonly stream: AsyncIterable<Uint8Array> }

/** How files are found, and how much of them is read. */
export interface MediaOptions {
  /** Opens a `ref`: an object key, an asset id. Asked when it is scheduled and again when it is published; both times the same bytes are expected. */
  open?: ((ref: string) => Promise<MediaSource> | MediaSource) | undefined
  /** Files named by `file` must lie in this folder, after every link was followed. Set it where paths come from users. Default: no limit. */
  root?: string | undefined
  /** For fetched files while they are used; each in a folder that only this user may open. Default: the system's. */
  tempDir?: string | undefined
  /** Largest file that is fetched from a URL or copied from a stream. Default 1 GiB. */
  maxBytes?: number | undefined
  /** Longest time for one of them. Default 10 minutes. */
  timeoutMs?: number | undefined
}

/** Reads files when they are scheduled, and the same bytes again when they are published. */
export interface MediaOpener {
  /** Reads the whole file once. Every failure is a `PublishError` that names the file. */
  probe(input: MediaInput): Promise<MediaFacts>
  /** The bytes are those of `facts` or it fails. Call `close` when done: it ends reading and removes what was fetched. */
  open(facts: MediaFacts, input: MediaInput): Promise<{ media: Media; close(): Promise<void> }>
}

interface Opened {
  readonly file: FileHandle
  close(): Promise<void>
}

/** Without the query: signed URLs carry their secret there. */
const labelOf = (input: MediaInput): string => {
  if (input.file !== undefined) return `The file ${JSON.stringify(input.file)}`
  if (input.ref !== undefined) return `The file with the ref ${JSON.stringify(input.ref)}`
  const url = URL.canParse(input.url) ? new URL(input.url) : undefined
  return url ? `The file at ${url.protocol}//${url.host}${url.pathname}` : 'The file'
}

const lastPart = (input: MediaInput): string => {
  if (input.file !== undefined) return basename(input.file)
  if (input.ref !== undefined) return input.ref.split(/[/\\]/).at(-1) ?? ''
  const part = URL.canParse(input.url) ? (new URL(input.url).pathname.split('/').at(-1) ?? '') : ''
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const shownOf = (input: MediaInput): Shown => ({
  label: labelOf(input),
  // It ends up in headers of multipart bodies.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  name: (input.name ?? lastPart(input)).replace(/[\x00-\x1f\x7f/\\]/g, '') || 'file',
  alt: input.alt,
})

const inTemporary = async (tempDir: string, label: string, fill: (path: string) => Promise<void>): Promise<Opened> => {
  const folder = await mkdtemp(join(tempDir, 'syndikit-')).catch((error: NodeJS.ErrnoException) => {
    throw new PublishError('setup', `Files cannot be kept in ${tempDir} (${error.code}). Create the folder, or set \`media.tempDir\`.`, { cause: error })
  })
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'file')
    await fill(path)
    const file = await openFile(path, label)
    return { file, close: () => file.close().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

const askHost = async (open: MediaOptions['open'], ref: string, label: string): Promise<MediaSource> => {
  if (!open)
    throw new PublishError(
      'setup',
      `${label} cannot be opened: createSyndikit has no \`media.open\`. Give a function that answers { file } or { stream } for a ref.`,
    )
  let source: MediaSource | undefined
  try {
    source = await open(ref)
  } catch (error) {
    if (PublishError.is(error)) throw error
    throw transient(`${label} could not be opened by \`media.open\` (${error instanceof Error ? error.name : typeof error}). Try again later.`, error)
  }
  if (typeof source !== 'object' || source === null || !('file' in source || 'stream' in source))
    throw new PublishError('setup', `${label} cannot be opened: \`media.open\` must answer { file } or { stream }.`)
  return source
}

interface Settings extends MediaOptions {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly maxBytes: number
  readonly timeoutMs: number
}

const copy = async (stream: AsyncIterable<Uint8Array>, into: string, label: string, { clock, maxBytes, timeoutMs }: Settings): Promise<void> => {
  const over = new AbortController()
  const done = new AbortController()
  void clock.sleep(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) over.abort(transient(`${label} did not arrive within ${timeoutMs} ms. Try again later.`))
  })
  const file = await open(into, 'wx', 0o600)
  const tooLarge = () =>
    new PublishError('media', `${label} is larger than the ${maxBytes} bytes that are copied at most. Give a smaller file, or raise \`media.maxBytes\`.`)
  try {
    await save(stream[Symbol.asyncIterator](), file, { maxBytes, signal: over.signal, tooLarge })
  } catch (error) {
    if (PublishError.is(error)) throw error
    throw transient(`${label} could not be read to its end (${error instanceof Error ? error.name : typeof error}). Try again later.`, error)
  } finally {
    done.abort()
    await file.close()
  }
}

const openInput = async (input: MediaInput, settings: Settings): Promise<Opened> => {
  const label = labelOf(input)
  const { fetch, clock, maxBytes, timeoutMs, root, tempDir = tmpdir() } = settings
  const plain = (file: FileHandle): Opened => ({ file, close: () => file.close() })
  if (input.file !== undefined) return plain(await (root === undefined ? openFile(input.file, label) : openInside(root, input.file, label)))
  if (input.url !== undefined) return inTemporary(tempDir, label, async (into) => void (await download(fetch, input.url, { clock, maxBytes, timeoutMs, into })))
  const source = await askHost(settings.open, input.ref, label)
  if ('file' in source) return plain(await openFile(source.file, label))
  return inTemporary(tempDir, label, (into) => copy(source.stream, into, label, settings))
}

const once = (close: () => Promise<void>): (() => Promise<void>) => {
  let closed: Promise<void> | undefined
  return () => {
    closed ??= close()
    return closed
  }
}

export const mediaOpener = (options: MediaOptions & { readonly fetch: Fetch; readonly clock: Clock }): MediaOpener => {
  const settings: Settings = { ...options, maxBytes: options.maxBytes ?? 2 ** 30, timeoutMs: options.timeoutMs ?? 600_000 }
  return {
    probe: async (input) => {
      const opened = await openInput(input, settings)
      try {
        return await probeOpen(opened.file, shownOf(input))
      } finally {
        await opened.close()
      }
    },
    open: async (facts, input) => {
      const opened = await openInput(input, settings)
      try {
        const label = labelOf(input)
        // The size first: of a file that grew by gigabytes nothing has to be read.
        const same = (await opened.file.stat()).size === facts.bytes && (await hashOf(opened.file, facts.bytes)).sha256 === facts.sha256
        if (!same) throw changed(label)
        return { media: mediaOf(facts, opened.file, label), close: once(opened.close) }
      } catch (error) {
        await opened.close()
        throw error
      }
    },
  }
}
