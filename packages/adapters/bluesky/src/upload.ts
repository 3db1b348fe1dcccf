// Files become blobs on the account's server. Videos go through Bluesky's video service, which puts a playable version there.

import { type Account, type Http, type Media, PublishError, type Run } from '@syndikit/core'
import { z } from 'zod'
import { alreadyProcessed } from './errors.ts'
import { entryway } from './session.ts'

/** As the server gave it; it goes into the record unchanged. */
const blob = z.object({ $type: z.literal('blob'), ref: z.object({ $link: z.string() }), mimeType: z.string(), size: z.number() })
export type Blob = z.output<typeof blob>

const uploaded = z.object({ blob }).transform(({ blob }) => blob)

/** A blob that no record names is collected after a while: `BlobNotFound` then, and it is uploaded again. */
export const uploadBlob = (http: Http, mime: string, body: Media | Uint8Array): Promise<Blob> =>
  http.post('com.atproto.repo.uploadBlob', { body, headers: { 'content-type': mime }, accept: uploaded, timeoutMs: uploadMs })

const uploadMs = 10 * 60_000
const pollMs = 3_000
const tokenLifeS = 30 * 60
const videoService = 'https://video.bsky.app/xrpc'

const job = z.object({
  jobId: z.string().min(1),
  state: z.string(),
  blob: blob.optional(),
  error: z.string().optional(),
  failureCode: z.string().optional(),
  message: z.string().optional(),
})
type Job = z.output<typeof job>
/** With and without the envelope: the lexicon has it, `uploadVideo` leaves it out (atproto#3097). */
const jobStatus = z.union([z.object({ jobStatus: job }).transform(({ jobStatus }) => jobStatus), job])

/**
 * Lets the video service write to the account's server. Lives for 30 minutes from the server's own `date`, because the service uses it after the upload and
 * the processing; the server's default of a minute would be over by then.
 */
const serviceToken = async ({ server = entryway }: Account, http: Http): Promise<string> => {
  const now = await http.get('com.atproto.server.getSession', { accept: ({ headers }) => Math.floor(Date.parse(headers.get('date') ?? '') / 1000) })
  const { token } = await http.get('com.atproto.server.getServiceAuth', {
    query: {
      aud: `did:web:${encodeURIComponent(new URL(server).host)}`,
      lxm: 'com.atproto.repo.uploadBlob',
      exp: Number.isNaN(now) ? undefined : now + tokenLifeS,
    },
    accept: z.object({ token: z.string() }),
  })
  return token
}

const startJob = async (media: Media, { account, http }: Run): Promise<Pick<Job, 'jobId' | 'blob'>> => {
  const token = await serviceToken(account, http)
  try {
    const { jobId, blob } = await http.post(`${videoService}/app.bsky.video.uploadVideo`, {
      query: { did: account.id, name: media.name },
      body: media,
      headers: { authorization: `Bearer ${token}` },
      foreign: true, // it gets a token of its own, never the session's
      timeoutMs: uploadMs,
      accept: jobStatus,
    })
    return { jobId, blob }
  } catch (error) {
    const known = PublishError.is(error) ? alreadyProcessed.exec(error.platformCode ?? '')?.[1] : undefined
    if (known !== undefined) return { jobId: known, blob: undefined }
    // The service refuses the token made for it, not the account's session: the next try makes a new one.
    if (PublishError.is(error) && error.code === 'auth') throw new PublishError('transient', error.message, { platform: 'bluesky', outcome: 'not-published' })
    throw error
  }
}

/** Not the file's fault (`failureCode` of app.bsky.video.defs, 2026-08-20): uploaded anew it may well be processed. */
const curable: ReadonlySet<string | undefined> = new Set(['pds_upload_failure', 'generic_failure'])

const failureOf = ({ error, failureCode, message }: Job): PublishError => {
  const tooLarge = failureCode === 'pds_upload_unsupported_blob_size' ? " The account's server takes no video of this size: make it smaller." : ''
  const why = `${message ?? 'it gives no reason'}${error === undefined ? '' : ` (${error})`}`
  return new PublishError(curable.has(failureCode) ? 'stale' : 'media', `Bluesky could not process the video: ${why}.${tooLarge}`, {
    platform: 'bluesky',
    platformCode: failureCode ?? error,
  })
}

/** A finished job tells its blob; so does one that failed because the same video was processed before. */
const awaitJob = async (jobId: string, { http, later }: Run): Promise<Blob> => {
  const job = await http.get(`${videoService}/app.bsky.video.getJobStatus`, { query: { jobId }, foreign: true, accept: jobStatus })
  if (job.blob) return job.blob
  if (job.state === 'JOB_STATE_FAILED') throw failureOf(job)
  return later(pollMs)
}

export const uploadVideo = async (media: Media, at: string, run: Run): Promise<Blob> => {
  const started = await run.once(`${at}/job`, () => startJob(media, run))
  return started.blob ?? run.once(`${at}/ready`, () => awaitJob(started.jobId, run))
}
