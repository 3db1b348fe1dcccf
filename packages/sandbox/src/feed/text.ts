// A post's text as people read it: its links, mentions and hashtags can be clicked, nothing else is markup.

import { type Html, html } from './html.ts'

const token =
  /(?<link>https?:\/\/[^\s<>"'`\p{Cc}]+)|(?<mention>(?<![\p{L}\p{N}_/@.])@[\p{L}\p{N}_][\p{L}\p{N}_.-]*(?:@[a-z0-9-]+(?:\.[a-z0-9-]+)+)?)|(?<tag>(?<![\p{L}\p{N}_&/#])#[\p{L}\p{N}\p{M}_]+)/giu
const closers: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

const count = (text: string, sign: string): number => text.split(sign).length - 1

/** Where a link ends in prose: a full stop or a bracket that it did not open is not part of it. */
function trim(link: string): string {
  let end = link.length
  for (; end > 0; end--) {
    const last = link[end - 1] ?? ''
    const opener = closers[last]
    const isLoose = opener !== undefined && count(link.slice(0, end), last) > count(link.slice(0, end), opener)
    if (!isLoose && !/[.,;:!?…»“”]/.test(last)) break
  }
  return link.slice(0, end)
}

/** Only http and https ever become an address. */
export const webAddress = (url: string): string | undefined => {
  if (!URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  return protocol === 'https:' || protocol === 'http:' ? href : undefined
}

const link = (shown: string): Html => {
  const href = webAddress(shown)
  const label = shown.replace(/^https?:\/\/(www\.)?/i, '').replace(/\/$/, '')
  return href === undefined ? html`${shown}` : html`<a href="${href}" dir="ltr" rel="noreferrer noopener nofollow" target="_blank">${label}</a>`
}
const search = (shown: string): Html => html`<a href="/?q=${encodeURIComponent(shown)}"><bdi>${shown}</bdi></a>`

export function textHtml(text: string): Html {
  const pieces: Html[] = []
  let from = 0
  for (const match of text.matchAll(token)) {
    const { link: found, mention, tag } = match.groups ?? {}
    const shown = found === undefined ? (mention?.replace(/[.-]+$/, '') ?? tag ?? '') : trim(found)
    if (tag !== undefined && !/[\p{L}_]/u.test(tag)) continue
    pieces.push(html`${text.slice(from, match.index)}`, found === undefined ? search(shown) : link(shown))
    from = match.index + shown.length
  }
  pieces.push(html`${text.slice(from)}`)
  return html`${pieces}`
}

const strong = /(?<rtl>[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}])|(?<ltr>\p{L})/u

/** By the first strong letter, as `dir="auto"` decides, but without links, mentions and hashtags in front: they say nothing about the language. */
export const directionOf = (text: string): 'rtl' | 'ltr' =>
  (strong.exec(text.replaceAll(token, ' ')) ?? strong.exec(text))?.groups?.rtl === undefined ? 'ltr' : 'rtl'

/** A language tag that is safe to write down; anything else is none. */
export const languageOf = (tag: string | undefined): string | undefined => (tag !== undefined && /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag) ? tag : undefined)
