// One post, and a thread of them.

import { createHash } from 'node:crypto'
import type { Shown } from '../contract.ts'
import { type Html, html } from './html.ts'
import { attachmentsHtml, type Look } from './media.ts'
import { directionOf, languageOf, textHtml, webAddress } from './text.ts'
import { absolute, relative } from './when.ts'

export interface View {
  readonly now: number
  readonly look: Look
  /** As people know the account; its `name` where the emulator has no other. */
  displayName(platform: string, account: string): string
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const anchor = (post: Shown): string => `post-${digest(`${post.platform}/${post.id}`).slice(0, 12)}`
const hue = (post: Shown): number => Number.parseInt(digest(`${post.platform}/${post.account}`).slice(0, 4), 16) % 8

const initials = (name: string): string => {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ['?']
  const first = words.slice(0, 2).map((word) => [...word][0] ?? '')
  return first.join(/\p{Script=Arabic}/u.test(name) ? '\u200c' : '').toUpperCase()
}

const badges = (post: Shown): Html[] => [
  ...(post.visibility === undefined || post.visibility === 'public' ? [] : [html`<span class="badge">${post.visibility}</span>`]),
  ...(post.edited ? [html`<span class="badge quiet">Edited</span>`] : []),
]

const headHtml = (post: Shown, view: View): Html => {
  const display = view.displayName(post.platform, post.account)
  const address = `/?platform=${encodeURIComponent(post.platform)}&account=${encodeURIComponent(post.account)}`
  const handle = display !== post.account && html` <span class="handle" dir="ltr">@${post.account.replace(/^@/, '')}</span>`
  const time = html`<time datetime="${new Date(post.at).toISOString()}" data-at="${post.at}" data-as="relative">${relative(post.at, view.now)}</time>`
  return html`<header><h3><a class="who" href="${address}"><bdi class="name">${display}</bdi>${handle}</a></h3><a class="when" href="#${anchor(post)}">${time}</a>${badges(post)}</header>`
}

const footHtml = (post: Shown): Html => {
  const address = post.url === undefined ? undefined : webAddress(post.url)
  const where = address === undefined ? post.id : address.replace(/^https?:\/\/(www\.)?/, '')
  const time = html`<time datetime="${new Date(post.at).toISOString()}" data-at="${post.at}" data-as="absolute">${absolute(post.at)}</time>`
  return html`<footer dir="ltr">${time}<span class="address" title="Where it would be on the real platform">${where}</span></footer>`
}

/** People mix languages in one post: every line runs its own way, one without letters as the post does. */
const paragraphs = (text: string, direction: string): Html[] =>
  text.split('\n').map((line) => html`<p dir="${/\p{L}/u.test(line) ? directionOf(line) : direction}">${textHtml(line)}</p>`)

const bodyHtml = (post: Shown, direction: string, look: Look): Html => {
  const lang = languageOf(post.language)
  const text =
    post.text !== '' && html`<div class="text" dir="${direction}"${lang !== undefined && html` lang="${lang}"`}>${paragraphs(post.text, direction)}</div>`
  const body = html`${text}${attachmentsHtml(post, look)}`
  if (post.warning === undefined) return body
  return html`<details class="warning" data-keep><summary><bdi>${post.warning || 'Content warning'}</bdi></summary>${body}</details>`
}

/** Changes whenever the page would show the post differently, apart from the passing of time. */
const revision = (post: Shown, view: View): string =>
  digest(JSON.stringify([post, view.displayName(post.platform, post.account), post.files.map(({ blob }) => view.look(post.platform, blob)?.kept)])).slice(0, 12)

function postHtml(post: Shown, above: Shown | undefined, view: View): Html {
  const direction = directionOf(post.text || (post.warning ?? ''))
  const lost = above === undefined && post.replyTo !== undefined && html`<p class="context">Answers a post that is not here</p>`
  const aside = above !== undefined && post.replyTo !== above.id && html`<p class="context">Answers an earlier post of this thread</p>`
  return html`<article class="post" id="${anchor(post)}" data-key="${anchor(post)}" data-rev="${revision(post, view)}" dir="${direction}" lang="en">
<span class="avatar hue${hue(post)}" aria-hidden="true">${initials(view.displayName(post.platform, post.account))}</span>
<div class="body">${headHtml(post, view)}${lost}${aside}${bodyHtml(post, direction, view.look)}${footHtml(post)}</div>
</article>`
}

/** The key is the first post's, so that a thread stays where it is while it grows. */
export function threadHtml(thread: readonly Shown[], view: View): Html {
  const [first] = thread
  if (!first) return html``
  const inside = thread.map((post, at) => postHtml(post, thread[at - 1], view))
  return html`<li class="thread" data-key="thread-${anchor(first)}" data-deep>${inside}</li>`
}
