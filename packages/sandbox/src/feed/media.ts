// What hangs on a post: pictures, films, other files, a link card, a poll.

import type { Shown } from '../contract.ts'
import { type Html, html } from './html.ts'
import { webAddress } from './text.ts'

type File = Shown['files'][number]
/** Answers the size of a file in bytes and whether the bytes are there to be shown. */
export type Look = (platform: string, key: string) => { readonly size: number; readonly kept: boolean } | undefined

const blobPath = (platform: string, key: string): string => `/_sandbox/blobs/${encodeURIComponent(platform)}/${encodeURIComponent(key)}`

const sizeOf = (bytes: number): string => {
  const step = bytes < 1000 ? 0 : bytes < 1_000_000 ? 1 : 2
  return `${(bytes / 1000 ** step).toFixed(step === 0 || bytes / 1000 ** step >= 100 ? 0 : 1)} ${['bytes', 'kB', 'MB'][step]}`
}

const altHtml = (alt: string): Html =>
  alt === ''
    ? html`<span class="alt none">No alt text</span>`
    : html`<details class="alt" data-keep><summary aria-label="Alternative text">Alt</summary><p dir="auto">${alt}</p></details>`

const placeholder = (post: Shown, { mime, alt, blob }: File, look: Look): Html => {
  const found = look(post.platform, blob)
  const why = found === undefined ? 'not found' : `${sizeOf(found.size)}${found.kept ? '' : ', too large to keep'}`
  const name = html`<b>${mime}</b><span>${why}</span>`
  const body = found?.kept ? html`<a class="file" href="${blobPath(post.platform, blob)}" download>${name}</a>` : html`<div class="file">${name}</div>`
  return html`<figure class="document">${body}${alt !== '' && html`<figcaption dir="auto">${alt}</figcaption>`}</figure>`
}

function fileHtml(post: Shown, file: File, look: Look): Html {
  const { mime, alt, blob } = file
  const src = blobPath(post.platform, blob)
  if (look(post.platform, blob)?.kept !== true) return placeholder(post, file, look)
  if (mime.startsWith('image/') && mime !== 'image/svg+xml')
    return html`<figure class="picture"><img src="${src}" alt="${alt}" loading="lazy">${altHtml(alt)}</figure>`
  if (mime.startsWith('video/'))
    return html`<figure class="film"><video src="${src}" controls playsinline preload="metadata" aria-label="${alt || 'Video'}"></video>${altHtml(alt)}</figure>`
  if (mime.startsWith('audio/'))
    return html`<figure class="sound"><audio src="${src}" controls preload="metadata" aria-label="${alt || 'Audio'}"></audio></figure>`
  return placeholder(post, file, look)
}

const cardHtml = (post: Shown, look: Look): Html | undefined => {
  const { card } = post
  if (!card) return undefined
  const href = webAddress(card.url)
  const image =
    card.blob !== undefined && look(post.platform, card.blob)?.kept === true && html`<img src="${blobPath(post.platform, card.blob)}" alt="" loading="lazy">`
  const inside = html`${image}<span class="words"><span class="host" dir="ltr">${href === undefined ? card.url : new URL(href).host.replace(/^www\./, '')}</span><b dir="auto">${card.title}</b><span class="about" dir="auto">${card.description}</span></span>`
  return href === undefined
    ? html`<div class="card">${inside}</div>`
    : html`<a class="card" href="${href}" rel="noreferrer noopener nofollow" target="_blank">${inside}</a>`
}

const pollHtml = ({ poll }: Shown): Html | undefined =>
  poll && html`<div class="poll"><ul aria-label="Poll">${poll.options.map((option) => html`<li dir="auto">${option}</li>`)}</ul><p>Poll · no votes</p></div>`

export function attachmentsHtml(post: Shown, look: Look): Html {
  const gallery =
    post.files.length > 0 && html`<div class="files n${Math.min(post.files.length, 5)}">${post.files.map((file) => fileHtml(post, file, look))}</div>`
  return html`${gallery}${pollHtml(post)}${cardHtml(post, look)}`
}
