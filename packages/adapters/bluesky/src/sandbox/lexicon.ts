// The lexicon of `app.bsky.feed.post` and what it embeds, as data, and the check against it with the reference server's words.

import { isFields } from './reply.ts'
import type { Fields, Json } from './state.ts'

interface Rule {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'blob' | 'union'
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Rule>>
  readonly items?: Rule
  /** Items of an array, or UTF-8 bytes of a string. */
  readonly maxLength?: number
  readonly maxGraphemes?: number
  readonly minimum?: number
  readonly format?: keyof typeof formats
  readonly accept?: string
  readonly maxSize?: number
  /** Open: an unknown `$type` passes. */
  readonly refs?: Readonly<Record<string, Rule>>
}

const isLanguage = (tag: string): boolean => {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}
const formats = {
  datetime: (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  uri: (text: string) => /^[a-z][a-z0-9.+-]*:\S+$/i.test(text) && text.length <= 8_192,
  DID: (text: string) => /^did:[a-z]+:[\w.:%-]*[\w.-]$/.test(text),
  'CID string': (text: string) => /^[a-zA-Z0-9+=]{8,256}$/.test(text),
  'at-uri': (text: string) => /^at:\/\/[\w.:%-]+(\/[\w.-]+(\/[\w.~:-]+)?)?$/.test(text),
  language: isLanguage,
} as const

const string: Rule = { type: 'string' }
const count: Rule = { type: 'integer', minimum: 0 }
const object = (properties: Record<string, Rule>, ...required: string[]): Rule => ({ type: 'object', properties, required })
const list = (items: Rule, maxLength?: number): Rule => ({ type: 'array', items, ...(maxLength !== undefined && { maxLength }) })
const blob = (accept: string, maxSize: number): Rule => ({ type: 'blob', accept, maxSize })
const tag: Rule = { type: 'string', maxLength: 640, maxGraphemes: 64 }
const uri: Rule = { type: 'string', format: 'uri' }

const strongRef = object({ uri: { type: 'string', format: 'at-uri' }, cid: { type: 'string', format: 'CID string' } }, 'uri', 'cid')
const aspectRatio = object({ width: { type: 'integer', minimum: 1 }, height: { type: 'integer', minimum: 1 } }, 'width', 'height')
const image = { image: blob('image/*', 2_000_000), alt: string, aspectRatio }
const caption = object({ lang: { type: 'string', format: 'language' }, file: blob('text/vtt', 20_000) }, 'lang', 'file')

const media: Record<string, Rule> = {
  'app.bsky.embed.images': object({ images: list(object(image, 'image', 'alt'), 4) }, 'images'),
  'app.bsky.embed.video': object(
    { video: blob('video/mp4', 300_000_000), captions: list(caption, 20), alt: string, aspectRatio, presentation: string },
    'video',
  ),
  'app.bsky.embed.gallery': object(
    { items: list({ type: 'union', refs: { 'app.bsky.embed.gallery#image': object(image, 'image', 'alt', 'aspectRatio') } }, 20) },
    'items',
  ),
  'app.bsky.embed.external': object(
    { external: object({ uri, title: string, description: string, thumb: blob('image/*', 1_000_000) }, 'uri', 'title', 'description') },
    'external',
  ),
}
const record = object({ record: strongRef }, 'record')
const facet = object(
  {
    index: object({ byteStart: count, byteEnd: count }, 'byteStart', 'byteEnd'),
    features: list({
      type: 'union',
      refs: {
        'app.bsky.richtext.facet#mention': object({ did: { type: 'string', format: 'DID' } }, 'did'),
        'app.bsky.richtext.facet#link': object({ uri }, 'uri'),
        'app.bsky.richtext.facet#tag': object({ tag }, 'tag'),
      },
    }),
  },
  'index',
  'features',
)

/** Lexicon of 2026-08. */
const post = object(
  {
    text: { type: 'string', maxLength: 3_000, maxGraphemes: 300 },
    facets: list(facet),
    reply: object({ root: strongRef, parent: strongRef }, 'root', 'parent'),
    embed: {
      type: 'union',
      refs: {
        ...media,
        'app.bsky.embed.record': record,
        'app.bsky.embed.recordWithMedia': object({ record, media: { type: 'union', refs: media } }, 'record', 'media'),
      },
    },
    langs: list({ type: 'string', format: 'language' }, 3),
    labels: {
      type: 'union',
      refs: { 'com.atproto.label.defs#selfLabels': object({ values: list(object({ val: { type: 'string', maxLength: 128 } }, 'val'), 10) }, 'values') },
    },
    tags: list(tag, 8),
    createdAt: { type: 'string', format: 'datetime' },
  },
  'text',
  'createdAt',
)

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
const graphemes = (text: string): number => [...segmenter.segment(text)].length

const shown = (value: Json | undefined): string => {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 256 ? `${text.slice(0, 255)}…` : text
}
const at = (path: string, message: string): string[] => [`${message} at ${path}`]
const tooBig = (what: string, maximum: number, got: number): string => `${what} too big (maximum ${maximum}, got ${got})`

const stringIssues = (value: Json, { maxLength, maxGraphemes, format }: Rule, path: string): string[] => {
  if (typeof value !== 'string') return at(path, `Expected string value type (got ${shown(value)})`)
  const bytes = Buffer.byteLength(value)
  if (maxLength !== undefined && bytes > maxLength) return at(path, tooBig('string', maxLength, bytes))
  if (maxGraphemes !== undefined && bytes > maxGraphemes && graphemes(value) > maxGraphemes) return at(path, tooBig('grapheme', maxGraphemes, graphemes(value)))
  return format && !formats[format](value) ? at(path, `Invalid ${format} (got ${shown(value)})`) : []
}

const blobIssues = (value: Json, { accept = '*/*', maxSize = 0 }: Rule, path: string): string[] => {
  if (!isFields(value) || value.$type !== 'blob' || !isFields(value.ref) || typeof value.ref.$link !== 'string')
    return at(path, `Expected blob value type (got ${shown(value)})`)
  const { mimeType, size } = value
  if (typeof mimeType !== 'string' || !Number.isInteger(size)) return at(path, `Expected blob value type (got ${shown(value)})`)
  if (!mimeType.startsWith(accept.replace('*', ''))) return at(`${path}.mimeType`, `Expected ${JSON.stringify(accept)} (got ${shown(mimeType)})`)
  return Number(size) > maxSize ? at(path, tooBig('blob', maxSize, Number(size))) : []
}

const objectIssues = (value: Json, { required = [], properties = {} }: Rule, path: string): string[] => {
  if (!isFields(value)) return at(path, `Expected object value type (got ${shown(value)})`)
  const missing = required.filter((key) => value[key] === undefined).flatMap((key) => at(path, `Missing required key "${key}"`))
  const inner = Object.entries(properties).flatMap(([key, rule]) => {
    const member = value[key]
    return member === undefined ? [] : issues(member, rule, `${path}.${key}`)
  })
  return [...missing, ...inner]
}

const unionIssues = (value: Json, { refs = {} }: Rule, path: string): string[] => {
  if (!isFields(value) || typeof value.$type !== 'string')
    return at(path, `Expected an object which includes the "$type" property value type (got ${shown(value)})`)
  const rule = Object.hasOwn(refs, value.$type) ? refs[value.$type] : undefined
  return rule ? issues(value, rule, path) : []
}

const issues = (value: Json, rule: Rule, path: string): string[] => {
  switch (rule.type) {
    case 'string':
      return stringIssues(value, rule, path)
    case 'blob':
      return blobIssues(value, rule, path)
    case 'object':
      return objectIssues(value, rule, path)
    case 'union':
      return unionIssues(value, rule, path)
    case 'integer':
      if (!Number.isInteger(value)) return at(path, `Expected integer value type (got ${shown(value)})`)
      return Number(value) < (rule.minimum ?? 0) ? at(path, `integer too small (minimum ${rule.minimum}, got ${shown(value)})`) : []
    case 'array':
      if (!Array.isArray(value)) return at(path, `Expected array value type (got ${shown(value)})`)
      if (value.length > (rule.maxLength ?? value.length)) return at(path, tooBig('array', rule.maxLength ?? 0, value.length))
      return rule.items ? value.flatMap((item, i) => issues(item, rule.items as Rule, `${path}[${i}]`)) : []
  }
}

/** Every way in which a record is no post; empty where it is one. */
export const postIssues = (value: Fields): string[] => issues(value, post, '$.record')
