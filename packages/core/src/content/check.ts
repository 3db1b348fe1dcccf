// Holds a content against a platform's limits, before anything leaves. Pure, and finds every problem, never just the first.

import type { Account } from '../contract/auth.ts'
import type { Section, Support } from '../contract/kind.ts'
import type { Limits, MediaLimit, Problem, Range, TextLimit } from '../contract/limits.ts'
import type { Media, MediaType } from '../contract/media.ts'
import { countText, unitOf } from './count.ts'

export interface Checking {
  readonly support: Support
  /** As `build` made it, with its options. */
  readonly content: object
  readonly account: Account | undefined
  readonly platform: string
  /** Where something below the content was written in the draft: `/text` may be `/content/text` or `/variants/x/text`. */
  readonly at: (pointer: string) => string
  /** Whether the adapter's own check is run too: it may rely on options that are right. Default true. */
  readonly own?: boolean
}

const nouns: Readonly<Record<MediaType, string>> = { image: 'images', video: 'videos', audio: 'sounds', document: 'documents' }

const textProblems = (text: string, limit: TextLimit, pointer: string, code = 'text'): Problem[] => {
  const actual = countText(text, limit.count)
  const unit = unitOf(limit.count)
  const { max, min = 0 } = limit
  if (actual > max) return [{ code: `${code}-too-long`, pointer, actual, limit: max, unit, fix: `Shorten it by ${actual - max} (counted in ${unit}).` }]
  if (actual < min) return [{ code: `${code}-too-short`, pointer, actual, limit: min, unit, fix: `Lengthen it by ${min - actual} (counted in ${unit}).` }]
  return []
}

const sectionTexts = ({ pointer, texts }: Section, limits: Limits): Problem[] =>
  Object.entries(limits.text ?? {}).flatMap(([field, all]) => {
    const text = Object.hasOwn(texts, field) ? texts[field] : undefined
    return text === undefined ? [] : all.flatMap((limit) => textProblems(text, limit, `${pointer}/${field}`))
  })

const partProblems = (sections: readonly Section[], { parts = 1 }: Limits): Problem[] => {
  const [actual, extra] = [sections.length, sections[parts]]
  if (!extra) return []
  const fix = parts === 1 ? 'Leave the thread out: this platform takes one part.' : `Leave out ${actual - parts} of the parts.`
  return [{ code: 'too-many-parts', pointer: extra.pointer, actual, limit: parts, unit: 'parts', fix }]
}

/** What a file's figure is called, whether it can be too small, and what to do. */
const measures = [
  ['width', 'px', 'Scale or crop it to a width within the range.'],
  ['height', 'px', 'Scale or crop it to a height within the range.'],
  ['ratio', 'width / height', 'Crop it, or add borders, to a ratio within the range.'],
  ['durationMs', 'ms', 'Cut it to a length within the range.'],
] as const

const figureOf = (file: Media, name: (typeof measures)[number][0]): number | undefined => {
  if (name !== 'ratio') return file[name]
  return file.width && file.height ? file.width / file.height : undefined
}

/** A crop to 4:5 is rarely exact to the pixel: half a pixel in either direction is not a problem. */
const slackOf = (file: Media, name: string): number => (name === 'ratio' && file.height ? 0.5 / file.height : 0)

const figureProblems = (file: Media, limit: MediaLimit, pointer: string): Problem[] =>
  measures.flatMap(([name, unit, fix]): Problem[] => {
    const range: Range | undefined = limit[name]
    if (!range) return []
    const code = `media-${name === 'durationMs' ? 'duration' : name}`
    const actual = figureOf(file, name)
    if (actual === undefined)
      return [
        { code: `${code}-unknown`, pointer, limit: [...range], unit, fix: 'It could not be measured here; the platform may refuse it.', severity: 'warning' },
      ]
    const slack = slackOf(file, name)
    if (actual >= range[0] - slack && actual <= range[1] + slack) return []
    return [{ code, pointer, actual: name === 'ratio' ? Number(actual.toFixed(3)) : actual, limit: [...range], unit, fix }]
  })

const fileProblems = (file: Media, media: NonNullable<Limits['media']>, pointer: string): Problem[] => {
  const limit = media.types[file.type]
  if (!limit) {
    const taken = Object.keys(media.types)
    return [
      {
        code: 'media-type',
        pointer,
        actual: file.type,
        limit: taken,
        fix: taken.length > 0 ? `Use one of: ${taken.join(', ')}.` : 'Leave the file out: this platform takes none.',
      },
    ]
  }
  const problems = figureProblems(file, limit, pointer)
  if (!limit.mimes.includes(file.mime))
    problems.push({ code: 'media-format', pointer, actual: file.mime, limit: [...limit.mimes], fix: `Convert it to one of: ${limit.mimes.join(', ')}.` })
  if (file.bytes > limit.bytes)
    problems.push({
      code: 'media-too-large',
      pointer,
      actual: file.bytes,
      limit: limit.bytes,
      unit: 'bytes',
      fix: `Make it smaller by ${file.bytes - limit.bytes} bytes.`,
    })
  return problems
}

const altProblems = (file: Media, alt: TextLimit | undefined, pointer: string): Problem[] => {
  if (!alt) return []
  if (file.alt?.trim()) return textProblems(file.alt, alt, `${pointer}/alt`, 'alt')
  return file.type === 'image'
    ? [{ code: 'alt-missing', pointer: `${pointer}/alt`, fix: 'Say what the image shows, for people who cannot see it.', severity: 'warning' }]
    : []
}

const countProblems = (files: readonly Media[], media: NonNullable<Limits['media']>, pointer: string): Problem[] => {
  const problems: Problem[] = []
  const tooMany = (actual: number, limit: number, unit: string) => {
    const fix = limit === 0 ? `Leave the ${unit} out: this platform takes none here.` : `Leave out ${actual - limit} of the ${unit}.`
    if (actual > limit) problems.push({ code: 'too-many-media', pointer, actual, limit, unit, fix })
  }
  tooMany(files.length, media.atMost, 'files')
  for (const [type, limit] of Object.entries(media.types) as [MediaType, MediaLimit][])
    if (limit.atMost !== undefined && limit.atMost < media.atMost) tooMany(files.filter((file) => file.type === type).length, limit.atMost, nouns[type])
  const types = [...new Set(files.map(({ type }) => type))]
  if (media.mix === 'one-type' && types.length > 1)
    problems.push({
      code: 'media-mix',
      pointer,
      actual: types,
      limit: 1,
      unit: 'types',
      fix: `Use only ${types.map((type) => nouns[type]).join(' or only ')}.`,
    })
  return problems
}

const mediaProblems = ({ pointer, media: files }: Section, { media }: Limits): Problem[] =>
  media
    ? [
        ...countProblems(files, media, `${pointer}/media`),
        ...files.flatMap((file, i) => [...fileProblems(file, media, `${pointer}/media/${i}`), ...altProblems(file, media.alt, `${pointer}/media/${i}`)]),
      ]
    : []

const limitProblems = (sections: readonly Section[], limits: Limits): Problem[] => [
  ...partProblems(sections, limits),
  ...sections.flatMap((section) => [...sectionTexts(section, limits), ...mediaProblems(section, limits)]),
]

/**
 * Everything that is wrong with one content for one account, by the platform's limits, by its kind, and by the adapter's own check.
 * Warnings are among it (`severity`); the content goes out all the same.
 */
export const checkContent = ({ support, content, account, platform, at, own = true }: Checking): Problem[] => {
  const { of: kind, spec } = support
  const limits = typeof spec.limits === 'function' ? spec.limits(account) : spec.limits
  const found = [
    ...(limits ? limitProblems(kind.sections(content), limits) : []),
    ...(kind.check?.(content, limits) ?? []),
    ...((own && spec.check?.(content as Parameters<NonNullable<typeof spec.check>>[0], account)) || []),
  ]
  // Options stand in the variant only.
  const where = (pointer: string) => (/^\/options(\/|$)/.test(pointer) ? `/variants/${platform}${pointer}` : at(pointer))
  return found.map((problem) => ({ ...problem, platform: problem.platform ?? platform, pointer: where(problem.pointer) }))
}
