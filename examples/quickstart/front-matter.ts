// The head of a post file: YAML between two lines of `---`, checked, with the line of everything in it.

import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { platforms } from './app.ts'

/** Says what is wrong in which line of the file, and how to mend it. */
export class PostFileError extends Error {
  override readonly name = 'PostFileError'
  readonly wrong: readonly { readonly line: number; readonly text: string }[]
  constructor(file: string, wrong: PostFileError['wrong']) {
    super(wrong.map(({ line, text }) => `${file}:${line} ${text}`).join('\n'))
    this.wrong = wrong
  }
}

const list = (names: readonly string[]): string => names.join(', ')

/** An object whose unknown members are refused with the ones that there are. */
const members = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `is not known here. Remove it, or use one of: ${list(Object.keys(shape))}.`
        : `must have members, such as \`${Object.keys(shape)[0]}: …\`.`,
  })

const text = (example: string) => z.string(`must be a text, such as \`${example}\`.`)
const platform = z.enum(platforms, { error: ({ input }) => `There is no platform ${JSON.stringify(input)} here. Use ${list(platforms)}.` })
const perPlatform = <S extends z.ZodType>(of: S) => members({ x: of.optional(), bluesky: of.optional(), mastodon: of.optional() })

const media = z.array(
  members({
    file: text('photo.jpg').optional(),
    url: text('https://…').optional(),
    alt: text('A boat on a lake').optional(),
    part: z.int('must be the number of a part, 1 for the first.').positive('must be the number of a part, 1 for the first.').default(1),
  }),
  'must be a list, each with `file` (or `url`) and `alt`.',
)
const content = {
  media: media.optional(),
  link: members({ url: text('https://…'), title: text('…').optional(), description: text('…').optional() }).optional(),
  poll: members({
    options: z.array(text('Yes'), 'must be a list of answers.'),
    durationMs: z.number('must be a number of milliseconds.'),
    multiple: z.boolean('must be true or false.').optional(),
  }).optional(),
  language: text('en').optional(),
}

const schema = members({
  targets: z.array(platform, `must be a list of platforms, such as [${list(platforms)}].`).min(1, `must name a platform: ${list(platforms)}.`),
  at: text('2026-12-01T09:00').optional(),
  timeZone: text('Asia/Dubai').optional(),
  times: perPlatform(text('2026-12-01T09:00')).optional(),
  priority: z.enum(['low', 'normal', 'high', 'urgent'], 'must be low, normal, high or urgent.').optional(),
  variants: perPlatform(
    // What the options are is for each adapter to say: `check` does.
    members({ text: text('…').optional(), ...content, options: z.record(z.string(), z.json(), 'must have members.').optional() }),
  ).optional(),
  ...content,
})
export type FrontMatter = z.output<typeof schema>
export type MediaEntry = NonNullable<FrontMatter['media']>[number]

export interface Head {
  readonly front: FrontMatter
  readonly body: string
  readonly bodyLine: number
  /** Of a member, or of the closest one around it that is there. */
  lineOf(path: readonly PropertyKey[]): number
}

const opening = /^---[ \t]*\n/
const closing = /^---[ \t]*(?:\n|$)/m
const example = `Begin it with lines such as\n---\ntargets: [${list(platforms)}]\nat: in 3 seconds\n---`

const split = (file: string, source: string) => {
  const fail = (line: number, what: string): never => {
    throw new PostFileError(file, [{ line, text: what }])
  }
  const whole = source.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  if (!opening.test(whole)) return fail(1, `The file has no front matter. ${example}`)
  const rest = whole.replace(opening, '')
  const end = closing.exec(rest)
  if (!end) return fail(1, 'The front matter has no end. Put a line of `---` between it and the text.')
  return { yaml: rest.slice(0, end.index), body: rest.slice(end.index + end[0].length) }
}

const linesBefore = (yaml: string): number => yaml.split('\n').length + 1

/** Where a member's name stands, or an item of a list. */
const offsetOf = (root: unknown, path: readonly PropertyKey[]): number => {
  let at = root
  let offset = 0
  for (const step of path) {
    const next: unknown = isMap(at)
      ? at.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : isSeq(at)
        ? at.items[Number(step)]
        : undefined
    const named: unknown = isPair(next) ? next.key : next
    if (!named) break
    offset = (named as { range?: [number, number, number] }).range?.[0] ?? offset
    at = isPair(next) ? next.value : next
  }
  return offset
}

const wrongIn = (error: z.ZodError, lineOf: Head['lineOf']): PostFileError['wrong'] =>
  error.issues.flatMap((issue) => {
    const named = (path: readonly PropertyKey[]) => ({
      line: lineOf(path),
      text: `${path.length === 0 ? 'The front matter' : `\`${path.map(String).join('.')}\``} ${issue.message}`,
    })
    return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => named([...issue.path, key])) : [named(issue.path)]
  })

/** A few lines of aliases could stand for gigabytes. */
const readYaml = (file: string, document: Document): unknown => {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new PostFileError(file, [{ line: 2, text: `This is not YAML for a post: ${(error as Error).message}` }])
  }
}

/** @throws PostFileError with everything that is wrong. */
export const readFrontMatter = (file: string, source: string): Head => {
  const { yaml, body } = split(file, source)
  const counter = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: counter, prettyErrors: false })
  const lineAt = (offset: number) => counter.linePos(offset).line + 1
  const broken = document.errors.map(({ pos: [from], message }) => ({ line: lineAt(from), text: `This is not YAML: ${message}` }))
  if (broken.length > 0) throw new PostFileError(file, broken)
  const lineOf: Head['lineOf'] = (path) => lineAt(offsetOf(document.contents, path))
  const read = schema.safeParse(readYaml(file, document) ?? {})
  if (!read.success) throw new PostFileError(file, wrongIn(read.error, lineOf))
  return { front: read.data, body, bodyLine: linesBefore(yaml) + 1, lineOf }
}
