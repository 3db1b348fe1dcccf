// A post in a file: front matter and Markdown become a draft, and what `check` says about the draft finds its line in the file again.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Problem } from '@syndikit/core'
import type { Draft, Platform } from './app.ts'
import { type FrontMatter, type Head, type MediaEntry, PostFileError, readFrontMatter } from './front-matter.ts'

export interface PostFile {
  /** As messages show it. */
  readonly name: string
  readonly targets: readonly Platform[]
  /** Without tenant and connections: a file knows neither. */
  readonly draft: Omit<Draft, 'tenant' | 'to'>
  /** The line that a problem's pointer means. */
  lineOf(problem: Problem): number
}

const units: Readonly<Record<string, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** `in 3 seconds`, counted from now; an instant or a wall time is for `check` to read. */
const instantOf = (at: string, now: number): Date | string => {
  const [, count, unit = ''] = /^in (\d{1,6}) (second|minute|hour|day)s?$/.exec(at.trim()) ?? []
  return count === undefined ? at : new Date(now + Number(count) * (units[unit] as number))
}

interface Part {
  readonly text: string
  readonly line: number
}

/** The parts of a thread stand between lines of `---`. */
const partsOf = (text: string, firstLine: number): Part[] => {
  const parts: { lines: string[]; line: number }[] = [{ lines: [], line: firstLine }]
  for (const [i, line] of text.split('\n').entries()) {
    if (/^---[ \t]*$/.test(line)) parts.push({ lines: [], line: firstLine + i + 1 })
    else parts.at(-1)?.lines.push(line)
  }
  return parts.map(({ lines, line }) => {
    const blank = lines.findIndex((one) => one.trim() !== '')
    return { text: lines.join('\n').trim(), line: line + Math.max(0, blank) }
  })
}

/** Files are named relative to the file that names them. */
const mediaIn = (folder: string, entries: readonly MediaEntry[] = [], part: number) =>
  entries
    .filter((entry) => entry.part === part)
    .map(({ file, url, alt }) => ({
      ...(file !== undefined && { file: resolve(folder, file) }),
      ...(url !== undefined && { url }),
      ...(alt !== undefined && { alt }),
    }))

const withoutUndefined = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T

const eachOf = <T, R>(of: Partial<Record<Platform, T | undefined>>, map: (value: T) => R): Partial<Record<Platform, R>> =>
  Object.fromEntries(Object.entries(of).flatMap(([platform, value]) => (value === undefined ? [] : [[platform, map(value)]])))

type Variant = NonNullable<NonNullable<FrontMatter['variants']>[Platform]>

const contentOf = (folder: string, parts: readonly Part[], { media, link, poll, language }: Pick<FrontMatter, 'media' | 'link' | 'poll' | 'language'>) => {
  const [first, ...others] = parts.map(({ text }, i) => ({ text, media: mediaIn(folder, media, i + 1) }))
  return withoutUndefined({ ...first, thread: others, link, poll, language })
}

/** Only what differs: a variant replaces members of the content, one by one. A text of its own is a thread of its own. */
const variantOf = (folder: string, base: readonly Part[], front: FrontMatter, variant: Variant) => {
  const { text, media, link, poll, language, options } = variant
  const parts = text === undefined ? base : partsOf(text, 0)
  const own = contentOf(folder, parts, { ...front, ...withoutUndefined({ media }) })
  const changed = text !== undefined || media !== undefined
  return withoutUndefined({
    text: text === undefined ? undefined : own.text,
    media: media === undefined ? undefined : own.media,
    thread: changed && (parts.length > 1 || base.length > 1) ? own.thread : undefined,
    ...{ link, poll, language, options },
  })
}

/** `part` of an entry must be there. */
const strayMedia = (front: FrontMatter, parts: readonly Part[], lineOf: Head['lineOf']): PostFileError['wrong'] => {
  const stray = (entries: readonly MediaEntry[] = [], most: number, path: readonly string[]) =>
    entries.flatMap(({ part }, i) =>
      part <= most
        ? []
        : [{ line: lineOf([...path, i, 'part']), text: `\`part: ${part}\` is not there: the text has ${most}. Parts stand between lines of \`---\`.` }],
    )
  const variants = Object.entries(front.variants ?? {}).flatMap(([platform, { text, media } = {}]) =>
    stray(media, text === undefined ? parts.length : partsOf(text, 0).length, ['variants', platform, 'media']),
  )
  return [...stray(front.media, parts.length, ['media']), ...variants]
}

/** The n-th file of a part, as it is counted in the front matter. */
const entryIndex = (entries: readonly MediaEntry[] = [], part: number, n: number): number =>
  entries.flatMap((entry, i) => (entry.part === part ? [i] : []))[n] ?? 0

/** Below `/content` or a variant, `/thread/0` is the second part: its text stands in the body or in the variant's `text`, its files in `media`. */
const contentPath = (below: readonly string[], entries: readonly MediaEntry[] | undefined): { part: number; path: (string | number)[] } => {
  const part = below[0] === 'thread' ? Number(below[1]) + 2 : 1
  const [member = 'text', n, ...rest] = below[0] === 'thread' ? below.slice(2) : below
  if (member === 'media' && n !== undefined) return { part, path: ['media', entryIndex(entries, part, Number(n)), ...rest] }
  return { part, path: [member, ...(n === undefined ? [] : [n, ...rest])] }
}

/** Where the writer of the file looks for what a JSON pointer into the draft means. */
const lineFinder =
  ({ front, bodyLine, lineOf }: Head, parts: readonly Part[]): PostFile['lineOf'] =>
  ({ pointer }) => {
    const [top = '', ...below] = pointer.slice(1).split('/')
    if (top === 'to') return lineOf(['targets', ...below])
    if (top === 'content') {
      const { part, path } = contentPath(below, front.media)
      return path[0] === 'text' ? (parts[part - 1]?.line ?? bodyLine) : lineOf(path)
    }
    if (top !== 'variants') return lineOf([top, ...below])
    const [platform = '', ...inVariant] = below
    const own = front.variants?.[platform as Platform]
    const { path } = contentPath(inVariant, own?.media ?? front.media)
    // A thread of the variant may have its files from the content.
    return path[0] === 'media' && !own?.media ? lineOf(path) : lineOf(['variants', platform, ...path])
  }

const example = 'Name a Markdown file with front matter, such as examples/quickstart/post.md.'
const mostBytes = 1_000_000

/** A pipe or a device might never end. */
const textOf = async (path: string): Promise<string> => {
  const fail = (why: string, cause?: unknown): never => {
    throw new Error(`The post ${path} ${why} ${example}`, { cause })
  }
  const cannot = (cause: NodeJS.ErrnoException) => fail(`cannot be read (${cause.code}).`, cause)
  const found = await stat(path).catch(cannot)
  if (found.isDirectory()) return fail('cannot be read (EISDIR).')
  if (!found.isFile()) return fail('is no regular file.')
  if (found.size > mostBytes) return fail(`has ${found.size} bytes, and a post ${mostBytes} at most.`)
  const bytes = await readFile(path).catch(cannot)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return fail('is not UTF-8 text: save it as UTF-8.')
  }
}

/** @throws PostFileError with lines, Error where the file cannot be read. */
export const readPostFile = async (path: string, now: number = Date.now()): Promise<PostFile> => {
  const name = basename(path)
  const source = await textOf(path)
  const head = readFrontMatter(name, source)
  const { front, body, bodyLine, lineOf } = head
  const parts = partsOf(body, bodyLine)
  const stray = strayMedia(front, parts, lineOf)
  if (stray.length > 0) throw new PostFileError(name, stray)
  const folder = dirname(resolve(path))
  const { targets, at = 'in 3 seconds', timeZone, times = {}, priority, variants = {} } = front
  const draft = withoutUndefined({
    content: contentOf(folder, parts, front),
    variants: eachOf(variants, (variant) => variantOf(folder, parts, front, variant)),
    at: instantOf(at, now),
    timeZone,
    times: eachOf(times, (time) => instantOf(time, now)),
    priority,
    idempotencyKey: await keyOf(source, folder, front),
  })
  // The adapters hold options and files to their own schemas, at run time: a file has no compile time.
  return { name, targets: [...new Set(targets)], draft: draft as object as PostFile['draft'], lineOf: lineFinder(head, parts) }
}

const hashOfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  try {
    // A pipe would be waited for without end.
    if (!(await stat(path)).isFile()) return 'unreadable'
    for await (const piece of createReadStream(path)) hash.update(piece)
    return hash.digest('hex')
  } catch {
    return 'unreadable' // `check` says so, with its line
  }
}

/** The same for the same file with the same pictures, whatever the time: it goes out once. */
const keyOf = async (source: string, folder: string, front: FrontMatter): Promise<string> => {
  const entries = [front, ...Object.values(front.variants ?? {})].flatMap((one) => one?.media ?? [])
  const files = await Promise.all(entries.map(({ file }) => (file === undefined ? 'url' : hashOfFile(resolve(folder, file)))))
  return createHash('sha256')
    .update(JSON.stringify([source, files]))
    .digest('hex')
}
