// The video service of the emulated Bluesky: a service token, an upload, a job to ask for (A1, video).

import { blobOf, findBlob, receive, refOf } from './blobs.ts'
import { type Call, invalid, json, param, Refused } from './reply.ts'
import { serviceCallerOf } from './session.ts'
import { type BlueskyStage, type Job, pdsDid, type State, videoHost } from './state.ts'

const maxBytes = 300_000_000
const dayMs = 86_400_000
// Invented: how long encoding takes.
const encodingMs = 6_000
// Unverified: the day's allowance.
const perDay = { videos: 25, bytes: 10_000_000_000 }

const usedToday = ({ state, now }: BlueskyStage, did: string) => {
  const jobs = state.jobs.filter((job) => job.did === did && job.at > now() - dayMs)
  return { videos: jobs.length, bytes: jobs.reduce((sum, { blob }) => sum + blob.size, 0) }
}

const statusOf = (job: Job, now: number): object => {
  const base = { jobId: job.id, did: job.did }
  const age = now - job.at
  if (job.readyAt > now) {
    if (age < 1_000) return { ...base, state: 'JOB_STATE_CREATED' }
    return { ...base, state: age < 4_000 ? 'JOB_STATE_ENCODING' : 'JOB_STATE_SCANNING', progress: Math.min(99, Math.floor((age / encodingMs) * 100)) }
  }
  if (job.broken)
    return {
      ...base,
      state: 'JOB_STATE_FAILED',
      error: 'unsupported_codec',
      failureCode: 'validation_failure',
      message: 'The file is not a video that can be read',
    }
  return { ...base, state: 'JOB_STATE_COMPLETED', progress: 100, blob: refOf(job.blob) }
}

const sameVideo = (state: State, did: string, cid: string): Job | undefined => state.jobs.find((job) => job.did === did && job.blob.cid === cid && !job.broken)

/** The service hands the file of a finished job to the account's server, where it waits for a record like any blob; once, which is unverified. */
export const settleJobs = ({ state, now }: BlueskyStage): void => {
  for (const job of state.jobs) {
    if (job.broken || job.handed || job.readyAt > now()) continue
    job.handed = true
    if (!findBlob(state, job.did, job.blob.cid)) state.blobs.push({ ...job.blob, at: job.readyAt })
  }
}

/** The lexicon wraps the answer in `jobStatus`; the service, as its own guide shows, answers the status itself. */
export const uploadVideo = async ({ stage, request, url }: Call): Promise<Response> => {
  const account = serviceCallerOf(stage, request, pdsDid, 'com.atproto.repo.uploadBlob')
  if (param(url, 'did') !== account.did) throw new Refused(401, 'AuthenticationRequired', 'The token is for another account')
  param(url, 'name')
  if (request.headers.get('content-type') !== 'video/mp4') throw invalid('Wrong request encoding (Content-Type): video/mp4 expected')
  const used = usedToday(stage, account.did)
  const over = used.videos >= perDay.videos ? 'videos' : used.bytes >= perDay.bytes ? 'bytes' : undefined
  // The words are those that Bluesky's own app looks for; that they come as the error's name, with 400, is unverified.
  if (over) throw new Refused(400, `User has exceeded daily upload ${over} limit`, `User has exceeded daily upload ${over} limit`)
  const received = await receive(stage, request)
  if (received.size > maxBytes) throw new Refused(413, 'PayloadTooLarge', 'request entity too large')
  const blob = blobOf(stage, account.did, received, 'application/octet-stream')
  const known = sameVideo(stage.state, account.did, blob.cid)
  if (known) return json({ ...statusOf(known, stage.now()), error: 'already_exists', message: 'Video already processed' }, 409)
  const job: Job = {
    id: stage.id('bsky-job-'),
    did: account.did,
    blob,
    at: stage.now(),
    readyAt: stage.now() + encodingMs,
    broken: blob.mime !== 'video/mp4',
    handed: false,
  }
  stage.state.jobs.push(job)
  return json(statusOf(job, stage.now()))
}

export const getJobStatus = ({ stage, url }: Call): Response => {
  const job = stage.state.jobs.find(({ id }) => id === param(url, 'jobId'))
  if (!job) throw new Refused(404, 'JobNotFound', 'Job not found')
  return json({ jobStatus: statusOf(job, stage.now()) })
}

export const getUploadLimits = ({ stage, request }: Call): Response => {
  const account = serviceCallerOf(stage, request, `did:web:${videoHost}`, 'app.bsky.video.getUploadLimits')
  const used = usedToday(stage, account.did)
  const left = { remainingDailyVideos: Math.max(0, perDay.videos - used.videos), remainingDailyBytes: Math.max(0, perDay.bytes - used.bytes) }
  return json({ canUpload: left.remainingDailyVideos > 0 && left.remainingDailyBytes > 0, ...left })
}
