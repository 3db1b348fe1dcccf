// What a job is: a permit to look once, fired at an instant. It holds nothing but the version of this form.

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

/** The revision is in it because BullMQ ignores an id whose old job still lives. Never a whole number and never with a `:`, which BullMQ keeps for itself. */
const jobIdOf = ({ id, rev }: Hint): string => `${id.replaceAll(':', '_')}-${rev}`

export const jobOf = (hint: Hint, now: number): NewJob => ({
  name: jobName,
  data: { v: version },
  opts: { jobId: jobIdOf(hint), delay: Math.max(0, Math.ceil(hint.at - now)), attempts: 1, removeOnComplete: true, removeOnFail: true },
})

/** Its own id is taken for as long as it is active. */
export const againOf = (jobId: string): NewJob => ({
  name: jobName,
  data: { v: version },
  opts: { jobId: `${jobId}-again`, attempts: 1, removeOnComplete: true, removeOnFail: true },
})

export const chunksOf = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / mostAtOnce) }, (_, n) => all.slice(n * mostAtOnce, (n + 1) * mostAtOnce))

/** Whether it is a job of this form and nothing else. Any other is a permit as well: what it says is not read. */
export const isOurs = ({ name, data }: { readonly name: string; readonly data: unknown }): boolean =>
  name === jobName && typeof data === 'object' && data !== null && Object.keys(data).length === 1 && (data as { v?: unknown }).v === version
