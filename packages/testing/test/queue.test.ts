import { type Clock, inProcessQueue, type Queue, type QueueRun, type Worked } from '@syndikit/core'
import { describe, expect, test } from 'vitest'
import { type QueueSuite, testQueue } from '../src/queue.ts'

/** Loses 30 % of its hints and wake-ups, by a fixed pattern. */
const lossy = (): Queue => {
  const queue = inProcessQueue()
  let told = 0
  const arrives = () => told++ % 10 >= 3
  return {
    ...queue,
    hint: async (hints) => (arrives() ? queue.hint(hints) : undefined),
    run: (work, ports) => {
      const run = queue.run(work, ports)
      return { ...run, wake: () => (arrives() ? run.wake() : undefined) }
    },
  }
}

describe('inProcessQueue', () => testQueue({ test, create: inProcessQueue }))
describe.concurrent('inProcessQueue on the real clock', () => testQueue({ test, create: inProcessQueue, clock: 'real', lagMs: 1_500, wakeLagMs: 300 }))
describe('a queue that loses 30 % of its hints and wake-ups', () => testQueue({ test, create: lossy, wakeLagMs: 1_050 }))

// ---- the suite itself: it must be red for a queue that is broken in one way

type Loop = (look: () => Promise<number>, sleep: (ms: number) => Promise<void>, stopped: () => boolean) => Promise<void>

/** A queue around a loop; `alter` breaks it. */
const queueOf = (loop: Loop, alter: (run: QueueRun) => Partial<QueueRun> = () => ({})): Queue => {
  const wakes = new Set<() => void>()
  return {
    horizonMs: 0,
    hint: async () => {
      for (const wake of wakes) wake()
    },
    run: (work, { clock, logger }: { clock: Clock; logger: { error(fields: object, message: string): void } }) => {
      let stopped = false
      let alarm = new AbortController()
      const wake = () => alarm.abort()
      const look = async () => {
        try {
          const { wakeInMs } = (await work(100)) as Worked
          return wakeInMs >= 2 ? wakeInMs : 2
        } catch (error) {
          logger.error({}, 'failed')
          throw error
        }
      }
      const sleep = (ms: number) => {
        alarm = new AbortController()
        return clock.sleep(ms, alarm.signal)
      }
      const ended = loop(look, sleep, () => stopped).catch(() => {})
      wakes.add(wake)
      const run: QueueRun = {
        wake,
        stop: () => {
          stopped = true
          wakes.delete(wake)
          wake()
          return ended
        },
      }
      return { ...run, ...alter(run) }
    },
  }
}

const redRules = async (create: () => Queue, more: Partial<QueueSuite> = {}): Promise<string[]> => {
  const red: string[] = []
  const rules: Promise<void>[] = []
  testQueue({
    create,
    ...more,
    test: (name, run) => void rules.push(run().catch(() => void red.push(name))),
  })
  await Promise.all(rules)
  return red
}

const looping: Loop = async (look, sleep, stopped) => {
  while (!stopped()) await sleep(await look().catch(() => 1_000))
}

test('the suite is red for a queue that forgets wake-ups between look and sleep', async () => {
  const red = await redRules(() => queueOf(looping))
  expect(red).toContain('a wake-up during a look leads to another look')
  expect(red).toContain('a wake-up between a look and the sleep after it is not lost, however they interleave')
})

test('the suite is red for a queue that ends when a look fails', async () => {
  const red = await redRules(() =>
    queueOf(async (look, sleep, stopped) => {
      while (!stopped()) await sleep(await look())
    }),
  )
  expect(red).toContain('a look that rejects, throws or answers nonsense does not end the looking, and is not repeated in a hot loop')
})

test('the suite is red for a queue that only looks when it is told', async () => {
  const red = await redRules(() =>
    queueOf(async (look, sleep, stopped) => {
      while (!stopped()) {
        await look().catch(() => 0)
        await sleep(3_600_000)
      }
    }),
  )
  expect(red).toContain('looks again at the instant that the last look named')
  expect(red).toContain('what another process scheduled is claimed within the lag, without being told')
  expect(red).toContain('hints that are lost, repeated, reordered, late or of nobody change nothing but the lag')
})

test('the suite is red for a queue that looks without rest', async () => {
  const red = await redRules(() =>
    queueOf(async (look, sleep, stopped) => {
      while (!stopped()) {
        await look().catch(() => 0)
        await sleep(0.5)
      }
    }),
  )
  expect(red).toContain('an answer of 0 with nothing due does not spin')
  expect(red).toContain('an idle queue looks at most twice a second')
})

test('the suite is red for a queue that goes on looking after stop()', async () => {
  let looks = 0
  const red = await redRules(() =>
    queueOf(
      async (look, sleep) => {
        while (looks++ < 5_000) await sleep(await look().catch(() => 1_000))
      },
      () => ({ stop: async () => undefined }),
    ),
  )
  expect(red).toContain('stop() ends the looks, asleep or not, and neither a wake-up nor a hint brings them back')
  expect(red).toContain('stop() during a look lets that one end and begins no other')
})

test('the suite is red for a queue that looks at every wake-up, however many looks are under way', async () => {
  const red = await redRules(() => {
    const queue = inProcessQueue()
    return {
      ...queue,
      run: (work, ports) => {
        const run = queue.run(work, ports)
        return { ...run, wake: () => void work(1).catch(() => {}) }
      },
    }
  })
  expect(red).toContain('never has more looks under way than allowed, whatever wakes it')
})

test('the suite is red for a queue that waits for deliveries before it looks again or stops', async () => {
  const red = await redRules(() => {
    const queue = inProcessQueue()
    return {
      ...queue,
      run: (work, ports) =>
        queue.run(async (n) => {
          const worked = await work(n)
          await Promise.race([worked.settled, ports.clock.sleep(5_000)])
          return worked
        }, ports),
    }
  })
  expect(red).toContain('deliveries that take long hold up no further look')
  expect(red).toContain('stop() does not wait for deliveries under way')
})
