// What a job is: a permit to look, fired at an instant. It holds nothing but the version of this form.

import type { Hint } from '@syndikit/core'
import type { BulkJobOptions } from 'bullmq'

/** The name of every job. */
const jobName = 'due'
const version = 1

export interface NewJob {
  readonly name: string
  readonly data: { readonly v: number }
  readonly opts: BulkJobOptions & { readonly jobId: string }
}

/** One round trip to the server. */
const mostAtOnce = 500

/** What is due sooner gets a permit of its own: one that is shared may have fired already, and BullMQ ignores its id in silence while a worker holds it. */
const sharedFromMs = 1_000
/** What is due within so long shares permits: the look that one leads to names each instant in it. */
const bucketMs = 250
/** Of one bucket, so that several workers wake up. */
const shares = 4
/** A permit fires before its bucket, so that Redis's own timer makes nothing late; its shares one after the other, so that each finds another worker. */
const leadMs = 100
const apartMs = 25

const jobOf = (jobId: string, delay: number): NewJob => ({
  name: jobName,
  data: { v: version },
  opts: { jobId, delay: Math.max(0, Math.ceil(delay)), attempts: 1, removeOnComplete: true, removeOnFail: true },
})

const shareOf = (id: string): number => [...id].reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0) % shares

/** An id is never a whole number and never with a `:`, which BullMQ keeps for itself. */
const permitFor = ({ id, rev, at }: Hint, now: number): NewJob => {
  if (at < now + sharedFromMs) return jobOf(`${id.replaceAll(':', '_')}-${rev}`, at - now)
  const bucket = Math.floor(at / bucketMs)
  const share = shareOf(id)
  return jobOf(`at-${bucket}-${share}`, bucket * bucketMs - leadMs - share * apartMs - now)
}

/** One per delivery that is due soon, and a few per quarter of a second of what is due later, however many deliveries that is. */
export const jobsOf = (hints: readonly Hint[], now: number): NewJob[] => {
  const jobs = hints.map((hint) => permitFor(hint, now))
  return [...new Map(jobs.map((job) => [job.opts.jobId, job])).values()]
}

/** Its own id is taken for as long as it is active. */
export const againOf = (jobId: string): NewJob => jobOf(`${jobId}-again`, 0)

export const chunksOf = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / mostAtOnce) }, (_, n) => all.slice(n * mostAtOnce, (n + 1) * mostAtOnce))

/** Whether it is a job of this form and nothing else. Any other is a permit as well: what it says is not read. */
export const isOurs = ({ name, data }: { readonly name: string; readonly data: unknown }): boolean =>
  name === jobName && typeof data === 'object' && data !== null && Object.keys(data).length === 1 && (data as { v?: unknown }).v === version
