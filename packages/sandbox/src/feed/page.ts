// The feed page: what people would see on the platforms, side by side.

import { createHash } from 'node:crypto'
import type { Sandbox, Shown } from '../contract.ts'
import type { RunningSandbox } from '../sandbox.ts'
import { type Html, html, trusted } from './html.ts'
import { threadHtml, type View } from './post.ts'
import { script } from './script.ts'
import { style } from './style.ts'
import { type Filter, passes, threadsOf } from './threads.ts'

const query = (filter: Filter): string => {
  const given = Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '/' : `/?${new URLSearchParams(given)}`
}

const viewOf = (sandbox: RunningSandbox): View => {
  const names = new Map(sandbox.platforms.flatMap(({ platform, accounts }) => accounts.map(({ name, displayName }) => [`${platform}/${name}`, displayName])))
  return {
    now: sandbox.now(),
    displayName: (platform, account) => names.get(`${platform}/${account}`) || account,
    look: (platform, key) => sandbox.blob(platform, key),
  }
}

/** More than anybody scrolls through. */
const threadsShown = 300

const plural = (n: number, one: string): string => `${n} ${n === 1 ? one : `${one}s`}`

const emptyHtml = (accounts: Sandbox['accounts'], filtered: boolean): Html => {
  if (filtered) return html`<li class="empty" data-key="empty"><p>No post matches.</p></li>`
  const names = accounts.map(({ name }, at) => html`${at > 0 && (at === accounts.length - 1 ? ' or ' : ', ')}<bdi>@${name}</bdi>`)
  return html`<li class="empty" data-key="empty"><p><b>Nothing here yet.</b> Connect ${names.length === 0 ? 'an account' : names} and publish: the post shows up here by itself.</p></li>`
}

function columnHtml(platform: Sandbox, posts: readonly Shown[], view: View, filter: Filter): Html {
  const own = posts.filter((post) => post.platform === platform.platform)
  const threads = threadsOf(own).filter((thread) => thread.some((post) => passes(post, filter)))
  const filtered = filter.account !== undefined || filter.q !== undefined
  const matching = own.filter((post) => passes(post, filter)).length
  const count = `${filtered ? `${matching} of ` : ''}${plural(own.length, 'post')}`
  const older = threads.length - threadsShown
  const items = threads.length === 0 ? emptyHtml(platform.accounts, filtered) : threads.slice(0, threadsShown).map((thread) => threadHtml(thread, view))
  const id = `platform-${platform.platform}`
  return html`<section class="column" aria-labelledby="${id}" data-key="${id}" data-deep>
<h2 id="${id}" data-key="${id}-head" data-rev="${count}">${platform.name} <span class="count">${count}</span></h2>
<ol class="threads" data-key="${id}-threads" data-deep>${items}${older > 0 && html`<li class="empty" data-key="older" data-rev="${older}">${plural(older, 'older thread')} not shown</li>`}</ol>
</section>`
}

const startHtml = (address: string): Html => html`<section class="start" data-key="start" aria-labelledby="start">
<h2 id="start">Send your app's posts here</h2>
<pre tabindex="0"><code>import { sandboxFetch } from '@syndikit/sandbox'

createSyndikit({ fetch: sandboxFetch('${address}'), … })</code></pre>
</section>`

/** What the page replaces bit by bit as posts come and go: the columns. `address` is where the reader found the page. */
export function feedHtml(sandbox: RunningSandbox, filter: Filter, address: string): Html {
  const posts = sandbox.shown()
  const view = viewOf(sandbox)
  const platforms = sandbox.platforms.filter(({ platform }) => filter.platform === undefined || filter.platform === platform)
  const columns = platforms.map((platform) => columnHtml(platform, posts, view, filter))
  return html`<main id="feed" tabindex="-1" data-now="${sandbox.now()}" data-count="${posts.length}" class="${columns.length === 1 ? 'single' : 'many'}">${posts.length === 0 && startHtml(address)}${columns}</main>`
}

const chip = (label: string, filter: Filter, isCurrent: boolean): Html =>
  html`<li><a href="${query(filter)}"${isCurrent && trusted(' aria-current="page"')}>${label}</a></li>`

function navigation({ platforms }: RunningSandbox, { platform, account, q }: Filter): Html | undefined {
  const current = platforms.find((one) => one.platform === platform) ?? (platforms.length === 1 ? platforms[0] : undefined)
  const chips = [
    chip('All', {}, platform === undefined && account === undefined && q === undefined),
    ...platforms.map((one) => chip(one.name, { platform: one.platform }, one.platform === platform && account === undefined)),
  ]
  const accounts = (current?.accounts ?? []).map(({ name }) => chip(`@${name}`, { platform: current?.platform ?? '', account: name }, name === account))
  const rows = [platforms.length > 1 || accounts.length > 1 ? chips : [], accounts.length > 1 ? accounts : []].filter((row) => row.length > 0)
  return rows.length === 0 ? undefined : html`<nav aria-label="Platforms and accounts">${rows.map((row) => html`<ul>${row}</ul>`)}</nav>`
}

const searched = ({ q, ...rest }: Filter): Html | undefined =>
  q === undefined ? undefined : html`<p class="searched">Posts with <b><bdi>${q}</bdi></b> <a href="${query(rest)}">Show all</a></p>`

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#2c7a4b"/><path d="M9 11h14M9 16h14M9 21h8" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/></svg>'
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
/** Nothing runs or loads but what this page brought. */
export const contentPolicy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; img-src 'self' data:; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

export function pageHtml(sandbox: RunningSandbox, filter: Filter, address: string): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Syndikit sandbox</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#feed">Skip to the posts</a>
<header class="top" role="banner">
<div class="title"><h1><a href="/">Sandbox</a></h1><p>What people would see. None of it left this machine.</p></div>
<p class="live" id="live" role="status"><span class="dot" aria-hidden="true"></span><span id="live-text">Live</span></p>
${navigation(sandbox, filter)}
</header>
${searched(filter)}
${feedHtml(sandbox, filter, address)}
<script>${trusted(script)}</script>
</body>
</html>
`.html
}
