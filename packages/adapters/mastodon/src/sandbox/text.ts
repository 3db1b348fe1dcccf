// What Mastodon finds in a text, how it counts it, and the HTML it makes of it (app/lib/extractor.rb, text_formatter.rb, status_length_validator.rb).

export interface Person {
  readonly username: string
  readonly url: string
}
/** Who a mention names, `user` or `user@domain`; nobody: it stays text. */
export type Find = (name: string) => Person | undefined

type Entity = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'mention'; readonly name: string }
)

const urlLength = 23
const domain = String.raw`(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)+\p{L}{2,}`
const path = String.raw`(?:/(?:[^\s<>()?]|\([^\s<>()?]*\))*)?`
const query = String.raw`(?:\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^\u{a0}-\u{10fffd}]*)?`
const urls = new RegExp(String.raw`(?<![a-z0-9@＠$#＃])https?://${domain}(?::\d+)?${path}${query}`, 'giu')
const mentions = /(?<![=/\p{L}\p{N}_])@([a-z0-9_]+(?:[.-]+[a-z0-9_]+)*(?:@[\p{L}\p{N}_]+(?:[.-]+[\p{L}\p{N}_]+)*)?)/giu
const tags = /(?<=^|\s)[#＃]([\p{L}\p{N}\p{M}_]*[\p{L}_][\p{L}\p{N}\p{M}_]*)/gmu
// The real one knows the list of top-level domains; of those that are none, the reserved ones matter here.
const reserved = /^https?:\/\/[^/?#:]*\.(?:example|test|invalid|localhost|local|internal)(?=[/?#:]|$)/i

const trimmed = (url: string): string => {
  const end = url.includes('?') ? /[^\p{L}\p{N}_&=#/-]+$/u : /[?!*"'「」<>;:=,.$%[\]~&|]+$/u
  return url.replace(end, '')
}

const entitiesIn = (text: string, withTags: boolean): Entity[] => {
  const found: Entity[] = []
  for (const match of text.matchAll(urls)) {
    const url = trimmed(match[0])
    if (!reserved.test(url)) found.push({ kind: 'url', url, start: match.index, end: match.index + url.length })
  }
  for (const match of text.matchAll(mentions)) found.push({ kind: 'mention', name: match[1] ?? '', start: match.index, end: match.index + match[0].length })
  if (withTags)
    for (const match of text.matchAll(tags)) found.push({ kind: 'tag', tag: match[1] ?? '', start: match.index, end: match.index + match[0].length })
  found.sort((a, b) => a.start - b.start)
  let end = 0
  return found.filter((entity) => {
    if (entity.start < end) return false
    end = entity.end
    return true
  })
}

const rewrite = (text: string, entities: readonly Entity[], between: (text: string) => string, of: (entity: Entity) => string): string => {
  let out = ''
  let from = 0
  for (const entity of entities) {
    out += between(text.slice(from, entity.start)) + of(entity)
    from = entity.end
  }
  return out + between(text.slice(from))
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
export const graphemes = (text: string): number => {
  let count = 0
  for (const _ of segmenter.segment(text)) count++
  return count
}

/** Warning and text together; a URL is 23, of a mention only the name counts. */
export const countOf = (text: string, spoiler: string): number => {
  const countable = rewrite(
    text,
    entitiesIn(text, false),
    (between) => between,
    (entity) => (entity.kind === 'url' ? 'x'.repeat(urlLength) : entity.kind === 'mention' ? `@${entity.name.split('@')[0]}` : ''),
  )
  return graphemes(spoiler + countable)
}

export const tagsIn = (text: string): string[] => [...new Set(entitiesIn(text, true).flatMap((entity) => (entity.kind === 'tag' ? [entity.tag] : [])))]
export const mentionsIn = (text: string): string[] => [
  ...new Set(entitiesIn(text, false).flatMap((entity) => (entity.kind === 'mention' ? [entity.name] : []))),
]

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char)

const linkTo = (url: string, rel: string): string => {
  const prefix = /^https?:\/\/(www\.)?/i.exec(url)?.[0] ?? ''
  const rest = [...url.slice(prefix.length)]
  const cut = rest.length > 31
  const [shown, hidden] = cut ? [rest.slice(0, 30).join(''), rest.slice(30).join('')] : [rest.join(''), '']
  const span = (part: string, name: string) => `<span class="${name}">${escaped(part)}</span>`
  return `<a href="${escaped(url)}" target="_blank" rel="${rel}" translate="no">${span(prefix, 'invisible')}${span(shown, cut ? 'ellipsis' : '')}${span(hidden, 'invisible')}</a>`
}

const linkToTag = (tag: string, host: string): string =>
  `<a href="https://${host}/tags/${encodeURIComponent(tag)}" class="mention hashtag" rel="tag">#<span>${escaped(tag)}</span></a>`

const linkToPerson = ({ username, url }: Person): string =>
  `<span class="h-card" translate="no"><a href="${escaped(url)}" class="u-url mention">@<span>${escaped(username)}</span></a></span>`

const paragraphs = (html: string): string =>
  html
    .replace(/\r\n?/g, '\n')
    .split(/\n\n+/)
    .map((part) => `<p>${part.replace(/([^\n]\n)(?=[^\n])/g, '$1<br />')}</p>`)
    .join('')
    .replaceAll('\n', '')

/** The `content` of a status. */
export const htmlOf = (text: string, host: string, rel: string, find: Find): string => {
  if (text.trim() === '') return ''
  const html = rewrite(text, entitiesIn(text, true), escaped, (entity) => {
    if (entity.kind === 'url') return linkTo(entity.url, rel)
    if (entity.kind === 'tag') return linkToTag(entity.tag, host)
    const person = find(entity.name)
    return person ? linkToPerson(person) : `@${escaped(entity.name)}`
  })
  return paragraphs(html)
}
