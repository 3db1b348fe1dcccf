// The addresses of the feed page: itself, its columns alone, and the files that hang on posts.

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { RunningSandbox } from '../sandbox.ts'
import { type Answer, json } from '../server/exchange.ts'
import { contentPolicy, feedHtml, pageHtml } from './page.ts'
import type { Filter } from './threads.ts'

const filterOf = ({ platforms }: RunningSandbox, message: IncomingMessage): Filter => {
  const { searchParams } = new URL(message.url ?? '/', 'http://sandbox')
  if (!platforms.some(({ platform }) => platform === searchParams.get('platform'))) searchParams.delete('platform')
  return Object.fromEntries(['platform', 'account', 'q'].flatMap((name) => (searchParams.get(name) ? [[name, searchParams.get(name)]] : [])))
}

const addressOf = ({ headers: { host = '127.0.0.1' } }: IncomingMessage): string => `http://${host}`

const headers = [
  ['content-type', 'text/html; charset=utf-8'],
  ['content-security-policy', contentPolicy],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cache-control', 'no-cache'],
] as const

/** Times pass without a change: they are not part of what the tag stands for. */
const tagOf = (text: string): string =>
  `"${createHash('sha256')
    .update(text.replaceAll(/ data-now="-?\d+"|(?<=data-as="relative">)[^<]*/g, ''))
    .digest('base64url')}"`

function feed(sandbox: RunningSandbox, message: IncomingMessage): Answer {
  const body = feedHtml(sandbox, filterOf(sandbox, message), addressOf(message)).html
  const tag = tagOf(body)
  return { status: message.headers['if-none-match'] === tag ? 304 : 200, headers: [...headers, ['etag', tag]], body }
}

const shownTypes = /^(image\/(png|jpeg|gif|webp|avif|bmp)|video\/[a-z0-9.+-]+|audio\/[a-z0-9.+-]+)$/

/** The type is what the post says, and only where a browser cannot run it. */
const typeOf = (sandbox: RunningSandbox, platform: string, key: string): string => {
  const posts = sandbox.shown().filter((post) => post.platform === platform)
  const mime = posts.flatMap(({ files }) => files).find(({ blob }) => blob === key)?.mime ?? (posts.some(({ card }) => card?.blob === key) ? 'image/jpeg' : '')
  return shownTypes.test(mime) ? mime : 'application/octet-stream'
}

/** Players ask for pieces: one range, as in RFC 9110. `undefined`: the whole. */
function rangeOf(header: string | undefined, size: number): [from: number, to: number] | 'none' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (from === '' && to === '') return undefined
  const range: [number, number] =
    from === '' ? [Math.max(0, size - Number(to)), size - 1] : [Number(from), to === '' ? size - 1 : Math.min(Number(to), size - 1)]
  return range[0] > range[1] ? 'none' : range
}

function blob(sandbox: RunningSandbox, message: IncomingMessage, platform: string, key: string): Answer {
  const bytes = sandbox.platforms.some((one) => one.platform === platform) ? sandbox.blob(platform, key)?.read() : undefined
  if (!bytes) return json(404, { error: 'blob', message: 'There is no such file, or it was too large to keep.' })
  const range = rangeOf(message.headers.range, bytes.byteLength)
  const common: Answer['headers'] = [
    ['content-type', typeOf(sandbox, platform, key)],
    ['content-security-policy', "default-src 'none'; sandbox"],
    ['x-content-type-options', 'nosniff'],
    ['accept-ranges', 'bytes'],
  ]
  if (range === undefined) return { status: 200, headers: common, body: bytes }
  if (range === 'none') return { status: 416, headers: [...common, ['content-range', `bytes */${bytes.byteLength}`]], body: '' }
  const [from, to] = range
  return { status: 206, headers: [...common, ['content-range', `bytes ${from}-${to}/${bytes.byteLength}`]], body: bytes.subarray(from, to + 1) }
}

/** `undefined`: the address is none of the page's. */
export function answerFeed(sandbox: RunningSandbox, message: IncomingMessage, path: string): Answer | undefined {
  if (message.method !== 'GET' && message.method !== 'HEAD') return undefined
  if (path === '/') return { status: 200, headers, body: pageHtml(sandbox, filterOf(sandbox, message), addressOf(message)) }
  if (path === '/_sandbox/feed') return feed(sandbox, message)
  const [, platform, key] = /^\/_sandbox\/blobs\/([a-z0-9-]+)\/([0-9a-f]{64})$/.exec(path) ?? []
  return platform === undefined || key === undefined ? undefined : blob(sandbox, message, platform, key)
}
