// The queue of many processes: jobs of BullMQ wake whoever has a slot, and the database says what is due.

import type { Hint, Queue, QueueHealth } from '@syndikit/core'
import type { Queue as BullQueue } from 'bullmq'
import { type Backend, type Producer, patienceMs, within } from './backend.ts'
import { againOf, chunksOf, jobsOf, type NewJob } from './jobs.ts'
import { createLimits, type Limits } from './limits.ts'
import { type BullmqQueueOptions, type Settings, settingsOf } from './options.ts'
import { createOutage, type Outage } from './outage.ts'
import { postgresBackend } from './postgres.ts'
import { redisBackend } from './redis.ts'
import { type Serving, serve } from './serve.ts'

/** A `Queue` over BullMQ. */
export interface BullmqQueue extends Required<Omit<Queue, 'limiter'>> {
  /** On Redis only. */
  readonly limiter?: NonNullable<Queue['limiter']>
  /** BullMQ's own queue, for bull-board and for what you want to know. Connects when it is first asked for; `close` ends it. */
  readonly bull: BullQueue
}

interface State {
  readonly backend: Backend
  readonly outage: Outage
  readonly runs: Set<Serving>
  /** Runs that were stopped and still hold connections. */
  readonly closing: Set<Promise<void>>
  /** On Redis. */
  readonly limits: Limits | undefined
  producer: Producer | undefined
}

const hints = 'hints'
/** What is due so soon is looked for in this process at once: its loop then knows the instant, with or without a server. */
const soonMs = 1_000

const backendOf = ({ server, name, prefix }: Settings): Backend =>
  'redis' in server ? redisBackend(server.redis, name, prefix) : postgresBackend(server.postgres, name)

const producerOf = (state: State): Producer => {
  if (state.producer?.dead) {
    void state.producer.close()
    state.producer = undefined
  }
  state.producer ??= state.backend.producer({ failed: (error) => state.outage.failed(hints, error), mended: () => state.outage.mended(hints) })
  return state.producer
}

const add = async (state: State, jobs: readonly NewJob[]): Promise<void> => {
  const { queue, ready } = producerOf(state)
  await ready()
  for (const chunk of chunksOf(jobs)) await within(patienceMs, queue.addBulk(chunk))
}

const hint = async (state: State, deliveries: readonly Hint[]): Promise<void> => {
  const now = Date.now()
  if (deliveries.some(({ at }) => at <= now + soonMs)) for (const run of state.runs) run.wake()
  const { outage } = state
  try {
    await add(state, jobsOf(deliveries, now))
    outage.mended(hints)
  } catch (error) {
    outage.failed(hints, error)
    throw error
  }
}

const countsOf = async (state: State): Promise<QueueHealth> => {
  const { queue, ready } = producerOf(state)
  await ready()
  const counts = await queue.getJobCounts('wait', 'prioritized', 'delayed', 'active', 'failed')
  const { wait = 0, prioritized = 0, delayed = 0, active = 0, failed = 0 } = counts
  return { reachable: true, waiting: wait + prioritized, delayed, active, failed }
}

const nothing: QueueHealth = { reachable: false, waiting: 0, delayed: 0, active: 0, failed: 0 }

const close = async (state: State): Promise<void> => {
  await Promise.all(state.closing)
  const { producer } = state
  state.producer = undefined
  await Promise.all([producer?.close(), state.limits?.close()])
  state.outage.mended(hints)
}

/**
 * A queue over BullMQ, on Redis or on PostgreSQL. A job is a permit to look at the database, so whatever happens to jobs costs delay and nothing else:
 * a delivery is claimed at most `lookEveryMs` late where its job was lost, and a second late where the server is away. Does nothing until it is used.
 * @throws TypeError that names the option and the mend.
 */
export const bullmqQueue = (options: BullmqQueueOptions): BullmqQueue => {
  const settings = settingsOf(options)
  const { horizonMs, concurrency, lookEveryMs } = settings
  const backend = backendOf(settings)
  const limits = backend.slots && createLimits(backend.slots)
  const state: State = { backend, outage: createOutage(), runs: new Set(), closing: new Set(), limits, producer: undefined }
  return {
    horizonMs,
    ...(limits && { limiter: limits.limiter }),
    get bull() {
      return producerOf(state).queue
    },
    open: () => producerOf(state).check(),
    health: () => within(patienceMs, countsOf(state)).catch(() => nothing),
    hint: (deliveries) => hint(state, deliveries),
    run: (...work) => {
      const giveBack = (jobId: string) => add(state, [againOf(jobId)])
      const serving = serve({ backend: state.backend, outage: state.outage, concurrency, lookEveryMs, giveBack }, work)
      const closed = serving.closed.then(() => void state.closing.delete(closed))
      state.runs.add(serving)
      return {
        wake: serving.wake,
        stop: () => {
          if (state.runs.delete(serving)) state.closing.add(closed)
          return serving.stop()
        },
      }
    },
    close: () => close(state),
  }
}
