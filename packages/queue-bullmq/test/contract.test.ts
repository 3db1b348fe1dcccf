// The rules of every queue, on both servers, and behind a driver that loses, repeats and reorders what it is told.
import type { Hint, Queue } from '@syndikit/core'
import { missing, type Server, startPostgres, startRedis } from '@syndikit/servers'
import { testQueue } from '@syndikit/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type BullmqQueueOptions, bullmqQueue } from '../src/index.ts'

let made = 0
const names = () => `rule-${++made}`

/** Drops three of ten hints, repeats some, and hands them on late and out of order. */
const lossy = (queue: Queue): Queue => {
  let told = 0
  return {
    ...queue,
    hint: async (hints) => {
      const kept: Hint[] = []
      for (const hint of hints) {
        told++
        if (told % 10 >= 3) kept.unshift(hint)
        if (told % 4 === 0) kept.push(hint, { ...hint, rev: hint.rev - 1 })
      }
      await new Promise((resolve) => setTimeout(resolve, (told * 7) % 40))
      if (kept.length > 0) await queue.hint(kept)
    },
  }
}

/** A hint that fails is swallowed, as core does it: on a busy machine one may take longer than it is given. */
const asCore = (queue: Queue): Queue => ({ ...queue, hint: (hints) => queue.hint(hints).catch(() => undefined) })

interface Bounds {
  readonly lagMs: number
  readonly wakeLagMs: number
}

const rules = (optionsOf: () => BullmqQueueOptions, bounds: Bounds, wrap: (queue: Queue) => Queue = (queue) => queue) =>
  testQueue({
    test,
    create: () => asCore(wrap(bullmqQueue({ ...optionsOf(), name: names() }))),
    close: async (queue) => queue.close?.(),
    clock: 'real',
    ...bounds,
  })

/** Instead of five seconds: it keeps the suite short. */
const quick = { lookEveryMs: 1_000 }
/** A machine that does much else at the same time takes its part of them. */
const bounds = { lagMs: 2_500, wakeLagMs: 1_500 }

describe.skipIf(missing('redis') !== undefined)(`on Redis ${missing('redis') ?? ''}`, { concurrent: true }, () => {
  let server: Server
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  describe('bullmqQueue', () => rules(() => ({ connection: server.url, ...quick }), bounds))
  // What is hinted as due now and dropped is found by the next look.
  describe('bullmqQueue behind a driver that drops 30 %, repeats and reorders', () =>
    rules(() => ({ connection: server.url, ...quick }), { ...bounds, wakeLagMs: 2_500 }, lossy))
})

describe.skipIf(missing('postgres') !== undefined)(`on PostgreSQL ${missing('postgres') ?? ''}`, { concurrent: true }, () => {
  let server: Server
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off', max_connections: '400' })
  })
  afterAll(() => server.stop())

  describe('bullmqQueue', () => rules(() => ({ postgres: server.url, ...quick }), bounds))
})
