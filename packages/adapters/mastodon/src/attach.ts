// Files are uploaded first and named by id; large ones are worked on for a while before a post may name them.

import { type Media, PublishError, type Run } from '@syndikit/core'
import { z } from 'zod'

/** A file on the server. The hash finds it again in an edit. */
export interface Attached {
  readonly id: string
  readonly sha256: string
}

const withId = z.object({ id: z.string() })
const uploadMs = 10 * 60_000
const pollMs = 5_000

const upload = (file: Media, { http }: Run): Promise<{ id: string; ready: boolean }> =>
  http.post('v2/media', {
    form: { file, ...(file.alt && { description: file.alt }) },
    timeoutMs: uploadMs,
    accept: ({ status, json }) => ({ id: withId.parse(json).id, ready: status !== 202 }),
  })

/** 206 as long as it is worked on. An id that nobody posts is forgotten after a while. */
const awaitReady = async (id: string, { http, later }: Run): Promise<void> => {
  try {
    if (!(await http.get(`v1/media/${id}`, { accept: ({ status }) => status !== 206 }))) later(pollMs)
  } catch (error) {
    if (PublishError.is(error) && error.code === 'gone')
      throw new PublishError('stale', 'Mastodon has forgotten an uploaded file. It is uploaded again.', { platform: 'mastodon' })
    throw error
  }
}

/** Uploads what is not in `known`: the files that the post has already, where one is edited. */
export const attach = (files: readonly Media[], at: string, run: Run, known: readonly Attached[] = []): Promise<Attached[]> => {
  const left = [...known]
  return Promise.all(
    files.map(async (file, j) => {
      const old = left.findIndex(({ sha256 }) => sha256 === file.sha256)
      const [kept] = old < 0 ? [] : left.splice(old, 1)
      if (kept) return kept
      const { id, ready } = await run.once(`${at}/media-${j}`, () => upload(file, run))
      if (!ready) await run.once(`${at}/media-${j}/ready`, () => awaitReady(id, run))
      return { id, sha256: file.sha256 }
    }),
  )
}
