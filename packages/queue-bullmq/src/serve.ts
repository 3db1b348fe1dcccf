// One worker: takes permits from BullMQ as long as it can, and looks by itself all the time.

import { setTimeout } from 'node:timers/promises'
import { type Logger, type LookLoop, lookLoop, type Queue, type QueueRun } from '@syndikit/core'
import { type Backend, type Consumer, type Permit, patienceMs, type Signals } from './backend.ts'
import { isOurs } from './jobs.ts'
import type { Outage } from './outage.ts'

export interface Serving extends QueueRun {
  /** Resolves when its connections are gone, which waits for the deliveries under way. */
  readonly closed: Promise<void>
}

export interface ServeOptions {
  readonly backend: Backend
  readonly outage: Outage
  readonly concurrency: number
  readonly lookEveryMs: number
  /** A permit that nobody looked for is for another process. */
  readonly giveBack: (jobId: string) => Promise<void>
}

/** With the server away the database is asked as often as without a queue. */
const awayMs = 1_000
const againMs = 1_000
/** More errors than this in a row, and BullMQ would go on asking without a pause. */
const mostErrors = 5

/** Lets a worker rest where every command of it is refused: a full Redis, a lost right. */
const restful = ({ worker }: Consumer, { failed }: Signals): void => {
  let errors = 0
  let since = 0
  worker.on('error', (error) => {
    failed(error)
    if (performance.now() - since > againMs) [errors, since] = [0, performance.now()]
    if (++errors !== mostErrors || worker.closing) return
    void worker.pause(true).catch(() => undefined)
    void setTimeout(againMs, undefined, { ref: false }).then(() => (worker.closing ? undefined : worker.resume()))
  })
}

interface Post {
  readonly loop: LookLoop
  readonly logger: Logger
  readonly stopping: AbortController
  readonly signals: Signals
  readonly giveBack: ServeOptions['giveBack']
  /** Permits that are held. */
  readonly active: Set<Promise<void>>
}

/** Ends well whatever happens: a rejection would be a failed job, and the database alone knows what failed. */
const hold = async ({ loop, giveBack }: Post, jobId: string | undefined): Promise<void> => {
  const isUsed = await loop.permit().catch(() => true)
  if (!isUsed && jobId !== undefined) await giveBack(jobId).catch(() => undefined)
}

const permitOf =
  (post: Post): Permit =>
  async (job) => {
    const { logger, signals, active } = post
    signals.mended()
    if (!isOurs(job)) logger.debug({}, 'A job of another form is in the queue: what it holds is not read.')
    const held = hold(post, job.id)
    active.add(held)
    await held
    active.delete(held)
  }

const close = async ({ worker, end }: Consumer, { active }: Post): Promise<void> => {
  // From here on it takes no job; those it holds it lets end.
  const closed = worker.close().catch(() => undefined)
  while (active.size > 0) await Promise.all(active)
  await Promise.race([closed, setTimeout(patienceMs)])
  end()
}

/** Until it is stopped, or never was ready. */
const takeWith = async (consumer: Consumer, post: Post, stopped: Promise<void>): Promise<void> => {
  restful(consumer, post.signals)
  try {
    await Promise.race([consumer.worker.waitUntilReady(), stopped])
    if (!post.stopping.signal.aborted) void consumer.worker.run().catch(() => undefined)
    await stopped
  } catch (error) {
    post.signals.failed(error)
  }
  await close(consumer, post)
}

/** BullMQ keeps a first failure to connect for ever: then a new worker is made. */
const take = async ({ backend, concurrency }: ServeOptions, post: Post): Promise<void> => {
  const { signal } = post.stopping
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  while (!signal.aborted) {
    await takeWith(backend.consumer(permitOf(post), concurrency, post.signals), post, stopped)
    if (!signal.aborted) await setTimeout(againMs, undefined, { signal }).catch(() => undefined)
  }
}

let served = 0

export const serve = (options: ServeOptions, [work, ports]: Parameters<Queue['run']>): Serving => {
  const { outage, giveBack, lookEveryMs } = options
  const link = `work-${++served}`
  const signals: Signals = { failed: (error) => outage.failed(link, error), mended: () => outage.mended(link) }
  const longestSleepMs = () => (outage.away ? Math.min(awayMs, lookEveryMs) : lookEveryMs)
  const loop = lookLoop(work, { ...ports, longestSleepMs })
  const stopping = new AbortController()
  const post: Post = { loop, logger: ports.logger, stopping, signals, giveBack, active: new Set() }
  const silence = outage.tell(ports.logger, loop.wake)
  const closed = take(options, post).finally(() => {
    silence()
    signals.mended()
  })
  return {
    wake: loop.wake,
    stop: () => {
      stopping.abort()
      return loop.stop()
    },
    closed,
  }
}
