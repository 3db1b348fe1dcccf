// Files become media ids in pieces: initialize, append, finalize, wait for the processing, describe.

import { type Media, PublishError, type Run } from '@syndikit/core'
import { z } from 'zod'

/** Of at most 1,000. Unverified for API 2; API 1.1 took 5 MB. */
const segmentBytes = 4 * 1024 * 1024
const appendMs = 5 * 60_000

const processing = z.object({ state: z.string(), check_after_secs: z.number().optional(), error: z.object({ message: z.string() }).partial().optional() })
const uploaded = z.object({ data: z.object({ id: z.string().min(1), processing_info: processing.optional() }) }).transform(({ data }) => data)

/** Read, because an answer that is not X's own proves nothing. */
const taken = z.object({ data: z.object({}) })

const categoryOf = ({ type, mime }: Media): string => (type === 'video' ? 'tweet_video' : mime === 'image/gif' ? 'tweet_gif' : 'tweet_image')

/** X describes pictures and GIFs only (media/metadata of API 1.1; the data dictionary of API 2). */
export const altOf = ({ type, alt }: Media): string | undefined => (type === 'image' && alt ? alt : undefined)

/** Pieces by their number, counted up: those asked for are handed out, those that an earlier run sent are passed over, and a file nobody asks for stays closed. */
const pieces = (media: Media) => {
  const source = media.chunks(segmentBytes)[Symbol.asyncIterator]()
  let next = 0
  return {
    count: Math.ceil(media.bytes / segmentBytes),
    at: async (index: number): Promise<Blob> => {
      for (;;) {
        const { value, done } = await source.next()
        if (done) throw new PublishError('media', `X: ${media.name} ended before its ${media.bytes} bytes were read. Publish it again with the whole file.`)
        if (next++ === index) return new Blob([value as Uint8Array<ArrayBuffer>])
      }
    },
    close: () => source.return?.(),
  }
}

const append = async (id: string, media: Media, at: string, { http, once }: Run): Promise<void> => {
  const source = pieces(media)
  try {
    for (let index = 0; index < source.count; index++)
      // The same segment again replaces itself, so a lost answer costs nothing (unverified).
      await once(`${at}/append/${index}`, async () =>
        http.post(`media/upload/${id}/append`, { form: { segment_index: String(index), media: await source.at(index) }, accept: taken, timeoutMs: appendMs }),
      )
  } finally {
    await source.close()
  }
}

const awaitProcessing = async (id: string, media: Media, { http, later }: Run): Promise<void> => {
  const { processing_info: info } = await http.get('media/upload', { query: { command: 'STATUS', media_id: id }, accept: uploaded })
  if (!info || info.state === 'succeeded') return
  if (info.state !== 'failed') return later((info.check_after_secs ?? 5) * 1000)
  throw new PublishError('media', `X could not process ${media.name}: ${info.error?.message ?? 'it gives no reason'}. Convert the file and publish again.`, {
    platform: 'x',
  })
}

/** Resumes where an earlier run stopped. The id is good for a day; past it X takes it for invalid, which is `stale`. */
const upload = async (media: Media, at: string, run: Run): Promise<string> => {
  const { http, once } = run
  const { id } = await once(`${at}/initialize`, () =>
    http.post('media/upload/initialize', {
      json: { media_type: media.mime, total_bytes: media.bytes, media_category: categoryOf(media) },
      accept: uploaded.transform(({ id }) => ({ id })),
    }),
  )
  await append(id, media, at, run)
  const finalized = await once(`${at}/finalize`, () =>
    http.post(`media/upload/${id}/finalize`, { accept: uploaded.transform(({ processing_info: info }) => ({ ready: !info || info.state === 'succeeded' })) }),
  )
  if (!finalized.ready) await once(`${at}/ready`, () => awaitProcessing(id, media, run))
  const alt = altOf(media)
  if (alt) await once(`${at}/alt`, () => http.post('media/metadata', { json: { id, metadata: { alt_text: { text: alt } } }, accept: taken }))
  return id
}

/**
 * The files of every part, before the first part is sent: a file that X refuses must not leave half a thread.
 * Side by side within a part; one that fails is told once the others have come to rest.
 */
export const uploadAll = async (parts: readonly (readonly Media[])[], run: Run): Promise<string[][]> => {
  const ids: string[][] = []
  for (const [i, files] of parts.entries()) {
    const settled = await Promise.allSettled(files.map((media, j) => upload(media, `part-${i}/media-${j}`, run)))
    ids.push(
      settled.map((one) => {
        if (one.status === 'rejected') throw one.reason
        return one.value
      }),
    )
  }
  return ids
}
