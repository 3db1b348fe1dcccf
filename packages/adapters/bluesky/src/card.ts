// The card under a post with a link: what the host says of the page, else what the page says of itself (Open Graph).

import { type Http, type Json, type Link, PublishError, type Reply, type Run } from '@syndikit/core'
import { Parser } from 'htmlparser2'
import { type Blob, uploadBlob } from './upload.ts'

/** app.bsky.embed.external, lexicon of 2026-08-20. */
export const thumbnailBytes = 1_000_000

export interface Page {
  title?: string
  description?: string
  image?: string
}

const meta: Readonly<Record<string, keyof Page>> = {
  'og:title': 'title',
  'twitter:title': 'title',
  'og:description': 'description',
  'twitter:description': 'description',
  description: 'description',
  'og:image': 'image',
  'og:image:url': 'image',
  'twitter:image': 'image',
}

/** A page may say anything at any length; a card shows two lines of it. Half a character at the cut goes as well. */
const longest = { title: 300, description: 1_000 }
const shortened = (text: string, most: number): string =>
  text.length > most
    ? `${text
        .slice(0, most - 1)
        .replace(/[\uD800-\uDBFF]$/, '')
        .trimEnd()}…`
    : text

/** The first of each kind wins; the `title` element is the last resort. */
export const pageOf = (html: string): Page => {
  const page: Page = {}
  let title: string | undefined
  let inTitle = false
  const parser = new Parser({
    onopentag(name, { property, name: called, content }) {
      inTitle = name === 'title' && title === undefined
      const key = name === 'meta' ? meta[(property ?? called ?? '').toLowerCase()] : undefined
      if (key && content?.trim() && page[key] === undefined) page[key] = content.trim()
    },
    ontext(text) {
      if (inTitle) title = (title ?? '') + text
    },
    onclosetag() {
      inTitle = false
    },
  })
  parser.end(html)
  const heading = page.title ?? title?.replace(/\s+/g, ' ').trim()
  return {
    ...(heading && { title: shortened(heading, longest.title) }),
    ...(page.description && { description: shortened(page.description, longest.description) }),
    ...(page.image && page.image.length <= 2_000 && { image: page.image }),
  }
}

const charset = /charset\s*=\s*["']?([\w-]+)/i
/** What a page says of itself stands at its beginning; reading on would hold up everything else in this process. */
const longestPage = 1_000_000

/** Decoded as its header or else its first kilobyte says (the HTML standard's order); UTF-8 where neither does. */
const htmlOf = ({ headers, bytes, text }: Reply): string => {
  const begins = bytes?.subarray(0, longestPage)
  const label = charset.exec(headers.get('content-type') ?? '')?.[1] ?? charset.exec(text.slice(0, 1_024))?.[1]
  try {
    return new TextDecoder(label).decode(begins)
  } catch {
    return text.slice(0, longestPage)
  }
}

/** Without one, the card goes out with what is known: somebody else's page is no reason to fail a post. */
const orNothing = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work()
  } catch {
    return undefined
  }
}

const fetchPage = (url: string, http: Http): Promise<Page | undefined> =>
  orNothing(() => http.get(url, { foreign: true, timeoutMs: 10_000, headers: { accept: 'text/html' }, accept: (reply) => pageOf(htmlOf(reply)) }))

const fetchThumbnail = (image: string, page: string, http: Http): Promise<{ mime: string; bytes: Uint8Array } | undefined> =>
  orNothing(async () => {
    const { mime, bytes } = await http.get(new URL(image, page).href, {
      foreign: true,
      timeoutMs: 10_000,
      headers: { accept: 'image/*' },
      accept: ({ headers, bytes }) => ({ mime: (headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '', bytes }),
    })
    return bytes && bytes.length <= thumbnailBytes && /^image\/(jpeg|png|webp|gif)$/.test(mime) ? { mime, bytes } : undefined
  })

/** Measured: a server answers 500 to a corrupt picture. What it refuses for another reason, the post waits for. */
const isItsFault = (error: unknown): boolean => PublishError.is(error) && (error.status === 500 || error.code === 'media' || error.code === 'invalid')

const thumbnailOf = async (image: string, page: string, http: Http): Promise<Blob | null> => {
  const file = await fetchThumbnail(image, page, http)
  if (!file) return null
  try {
    return await uploadBlob(http, file.mime, file.bytes)
  } catch (error) {
    if (isItsFault(error)) return null
    throw error
  }
}

/** `app.bsky.embed.external`. */
export const cardOf = async (link: Link, { http, once }: Pick<Run, 'http' | 'once'>): Promise<Json> => {
  const { url, title, description, thumbnail } = link
  const complete = title !== undefined && description !== undefined && thumbnail
  const page: Page = complete ? {} : await once('card/page', async () => ({ ...(await fetchPage(url, http)) }))
  const { image } = page
  const thumb = thumbnail
    ? await once('card/thumbnail', () => uploadBlob(http, thumbnail.mime, thumbnail))
    : image && (await once('card/thumbnail', () => thumbnailOf(image, url, http)))
  return {
    $type: 'app.bsky.embed.external',
    external: { uri: url, title: title ?? page.title ?? new URL(url).host, description: description ?? page.description ?? '', ...(thumb && { thumb }) },
  }
}
