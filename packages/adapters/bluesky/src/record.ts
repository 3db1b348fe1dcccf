// From one part of a post to the record `app.bsky.feed.post`: facets, reply, embed.

import { type Http, type Json, type Media, type Post, PublishError, type Run, type With } from '@syndikit/core'
import { z } from 'zod'
import { cardOf } from './card.ts'
import type { options } from './options.ts'
import { detectFacets } from './richtext.ts'
import { uploadBlob, uploadVideo } from './upload.ts'

export const collection = 'app.bsky.feed.post'

/** A record as others point to it: `com.atproto.repo.strongRef`. */
export const strongRef = z.object({ uri: z.string(), cid: z.string() })
export type StrongRef = z.output<typeof strongRef>
export interface Reply {
  readonly root: StrongRef
  readonly parent: StrongRef
}

/** Whole: one that only begins like it is another link. */
const hasLink = (text: string, url: string): boolean =>
  text.split(/\s/).includes(url) || detectFacets(text).some((facet) => facet.kind === 'link' && facet.uri === url)

/** Files leave no room for a card, so the link goes to the end of the text, where a facet makes it one. */
export const textOf = ({ parts, link }: Post, i: number): string => {
  const { text, media } = parts[i] ?? { text: '', media: [] }
  if (i > 0 || !link || media.length === 0 || hasLink(text, link.url)) return text
  return text === '' ? link.url : `${text}\n\n${link.url}`
}

/** Null where the server says that there is no such account: then the text stays text. */
const didOf = async (handle: string, http: Http): Promise<string | null> => {
  try {
    return (await http.get('com.atproto.identity.resolveHandle', { query: { handle }, accept: z.object({ did: z.string() }) })).did
  } catch (error) {
    if (PublishError.is(error) && error.status === 400 && error.platformCode !== undefined && error.code !== 'auth') return null
    throw error
  }
}

const facetsOf = async (text: string, at: string, { http, once }: Run): Promise<Json[]> => {
  const found = detectFacets(text)
  const handles = [...new Set(found.flatMap((facet) => (facet.kind === 'mention' ? [facet.handle] : [])))]
  const dids: Readonly<Record<string, string | null>> =
    handles.length === 0
      ? {}
      : await once(`${at}/mentions`, async () =>
          Object.fromEntries(await Promise.all(handles.map(async (handle) => [handle, await didOf(handle, http)] as const))),
        )
  return found.flatMap((facet) => {
    const { byteStart, byteEnd } = facet
    const feature = (type: string, value: Json) => [
      { index: { byteStart, byteEnd }, features: [{ $type: `app.bsky.richtext.facet#${type}`, ...(value as object) }] },
    ]
    if (facet.kind === 'link') return feature('link', { uri: facet.uri })
    if (facet.kind === 'tag') return feature('tag', { tag: facet.tag })
    const did = dids[facet.handle]
    return did ? feature('mention', { did }) : []
  })
}

const aspectRatio = ({ width, height }: Media) => (width && height ? { aspectRatio: { width, height } } : {})

const embedOf = async ({ parts, link }: Post, i: number, at: string, run: Run): Promise<Json> => {
  const media = parts[i]?.media ?? []
  const video = media.find(({ type }) => type === 'video')
  if (video)
    return { $type: 'app.bsky.embed.video', video: await uploadVideo(video, `${at}/video`, run), ...(video.alt && { alt: video.alt }), ...aspectRatio(video) }
  if (media.length > 0) {
    const images = media.map(async (file, j) => ({
      image: await run.once(`${at}/image-${j}`, () => uploadBlob(run.http, file.mime, file)),
      alt: file.alt ?? '',
      ...aspectRatio(file),
    }))
    return { $type: 'app.bsky.embed.images', images: await Promise.all(images) }
  }
  return i === 0 && link ? cardOf(link, run) : undefined
}

/** Its `createdAt` is when the post was due: the same in every run. */
export const recordOf = async (post: With<Post, typeof options>, i: number, reply: Reply | undefined, run: Run): Promise<Json> => {
  const at = `part-${i}`
  const text = textOf(post, i)
  const { langs = post.language === undefined ? undefined : [post.language], labels, tags } = post.options ?? {}
  const [facets, embed] = await Promise.all([facetsOf(text, at, run), embedOf(post, i, at, run)])
  return {
    $type: collection,
    text,
    createdAt: run.delivery.at.toISOString(),
    ...(langs && { langs }),
    ...(facets.length > 0 && { facets }),
    ...(reply && { reply: { root: reply.root, parent: reply.parent } }),
    ...(embed !== undefined && { embed }),
    ...(labels && { labels: { $type: 'com.atproto.label.defs#selfLabels', values: labels.map((val) => ({ val })) } }),
    ...(tags && i === 0 && { tags }),
  }
}
