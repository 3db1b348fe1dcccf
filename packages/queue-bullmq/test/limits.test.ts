// Reads of one connection: bounded over all processes that share a Redis, and never kept waiting for a Redis that is away.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { missing, type Server, startPostgres, startRedis } from '@syndikit/servers'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type BullmqQueue, bullmqQueue } from '../src/index.ts'
import { createLimits } from '../src/limits.ts'
import { slotsOn } from '../src/slots.ts'
import { until } from './watch.ts'

/** Works of any number of processes, and how many there were at once. */
const meter = () => {
  const seen = { running: 0, most: 0, done: 0 }
  const work = (ms: number) => async () => {
    seen.running += 1
    seen.most = Math.max(seen.most, seen.running)
    await setTimeout(ms)
    seen.running -= 1
    seen.done += 1
  }
  return { seen, work }
}

/** Works that end when all of them have begun. */
const rendezvous = (count: number) => {
  let met = (): void => undefined
  const all = new Promise<void>((resolve) => {
    met = resolve
  })
  return async () => {
    count -= 1
    if (count === 0) met()
    await all
  }
}

const limiterOf = ({ limiter }: BullmqQueue, name: string, atATime: number) => {
  if (!limiter) throw new Error('no limiter')
  return limiter(name, atATime)
}

describe.skipIf(missing('redis') !== undefined)(`Redis ${missing('redis') ?? ''}`, () => {
  let server: Server
  let admin: Redis
  const open: { close(): Promise<void> }[] = []
  const queueOf = (connection = server.url) => {
    const queue = bullmqQueue({ connection })
    open.push(queue)
    return queue
  }
  /** A fault costs the connection, and another one is made beside the works that come a second later. */
  const connectedAgain = async (works: readonly (() => Promise<unknown>)[]) => {
    await setTimeout(1_100)
    for (const work of works) await work()
    const subscribers = async () => String(await admin.client('LIST')).match(/ sub=[1-9]/g) ?? []
    await until('all are connected', async () => {
      for (const work of works) await work()
      return (await subscribers()).length >= works.length
    })
    for (const work of works) await work()
  }
  const keysOf = (name: string) => admin.keys(`*${name}*`)
  beforeAll(async () => {
    server = await startRedis()
    admin = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
    admin.on('error', () => undefined)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  test('two queues with two at a time run two over both and never more, and other names beside them', async () => {
    const { seen, work } = meter()
    const limiters = [queueOf(), queueOf()].map((queue) => limiterOf(queue, 'reads-a', 2))
    const elsewhere = limiterOf(queueOf(), 'reads-b', 3)
    const [pair, three] = [rendezvous(2), rendezvous(3)]
    await Promise.all([...limiters.map((limiter) => limiter.schedule(pair)), ...[1, 2, 3].map(() => elsewhere.schedule(three))])
    await Promise.all(Array.from({ length: 40 }, (_, n) => limiters[n % 2]?.schedule(work(10))))
    expect(seen.done).toBe(40)
    expect(seen.most).toBeLessThanOrEqual(2)
  })

  test('what a work answers or throws is answered and thrown', async () => {
    const limiter = limiterOf(queueOf(), 'reads-answer', 2)
    expect(await limiter.schedule(async () => 'answer')).toBe('answer')
    const fault = new Error('of the work')
    await expect(limiter.schedule(() => Promise.reject(fault))).rejects.toBe(fault)
    expect(await limiter.schedule(async () => 'still')).toBe('still')
  })

  test('with Redis killed in the middle every work goes on, at most two in each process, and they are bounded over both when it is back', async () => {
    const { seen, work } = meter()
    const own = [meter(), meter()]
    const queues = [queueOf(), queueOf()]
    const one = (n: number) => {
      const { work: mine } = own[n % 2] as ReturnType<typeof meter>
      const { schedule } = limiterOf(queues[n % 2] as BullmqQueue, 'reads-killed', 2)
      return schedule(() => Promise.all([work(20)(), mine(20)()]))
    }
    const all = Promise.all(Array.from({ length: 60 }, (_, n) => one(n)))
    await until('some are done', () => seen.done >= 10)
    await server.crash()
    const from = performance.now()
    await all
    expect(performance.now() - from).toBeLessThan(3_000)
    expect(seen.done).toBe(60)
    for (const each of own) expect(each.seen.most).toBeLessThanOrEqual(2)
    await server.start()
    await connectedAgain([() => one(0), () => one(1)])
    seen.most = 0
    await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)))
    expect(seen.most).toBeLessThanOrEqual(2)
  })

  test('a Redis that is not there keeps no work waiting', async () => {
    const { schedule } = limiterOf(queueOf('redis://:hunter2@127.0.0.1:1'), 'reads-nowhere', 2)
    const { seen, work } = meter()
    const from = performance.now()
    await Promise.all(Array.from({ length: 10 }, () => schedule(work(5))))
    expect(performance.now() - from).toBeLessThan(1_500)
    expect(seen.done).toBe(10)
    expect(seen.most).toBeLessThanOrEqual(2)
  })

  test('a Redis that is frozen keeps a work waiting for a few seconds at most, and those after it not at all', async () => {
    const { schedule } = limiterOf(queueOf(), 'reads-frozen', 2)
    await schedule(async () => undefined)
    process.kill(server.pid as number, 'SIGSTOP')
    try {
      const from = performance.now()
      await schedule(async () => undefined)
      expect(performance.now() - from).toBeLessThan(4_000)
      const then = performance.now()
      await Promise.all(Array.from({ length: 10 }, () => schedule(async () => undefined)))
      expect(performance.now() - then).toBeLessThan(1_000)
    } finally {
      process.kill(server.pid as number, 'SIGCONT')
    }
  })

  test('a full Redis keeps no work waiting', async () => {
    const { schedule } = limiterOf(queueOf(), 'reads-full', 2)
    await admin.config('SET', 'maxmemory', '1')
    try {
      const from = performance.now()
      for (let n = 0; n < 5; n++) await schedule(async () => undefined)
      expect(performance.now() - from).toBeLessThan(2_000)
    } finally {
      await admin.config('SET', 'maxmemory', '0')
    }
  })

  test('a flushed Redis keeps no work waiting, and bounds the next ones', async () => {
    const { seen, work } = meter()
    const limiters = [queueOf(), queueOf()].map((queue) => limiterOf(queue, 'reads-flushed', 2))
    const begun = Array.from({ length: 10 }, (_, n) => limiters[n % 2]?.schedule(work(30)))
    await until('some are done', () => seen.done >= 2)
    await admin.flushall()
    const from = performance.now()
    await Promise.all(begun)
    expect(performance.now() - from).toBeLessThan(5_000)
    await connectedAgain(limiters.map((limiter) => () => limiter.schedule(work(0))))
    seen.most = 0
    await Promise.all(Array.from({ length: 10 }, (_, n) => limiters[n % 2]?.schedule(work(10))))
    expect(seen.most).toBeLessThanOrEqual(2)
  })

  const startProcess = (name: string, holdMs: number): ChildProcess => {
    const flags = ['--experimental-strip-types', '--no-warnings', '--conditions=@syndikit/source']
    return spawn(process.execPath, [...flags, fileURLToPath(new URL('./reader.ts', import.meta.url)), server.url, name, String(holdMs)])
  }

  test('the slots of a process that was killed are free again when they expire', async () => {
    const child = startProcess('reads-crashed', 60_000)
    await until('it holds both slots', async () => (await admin.hget('b_bull:syndikit:reads-crashed:2_settings', 'running')) === '2', 30_000)
    child.kill('SIGKILL')
    const limits = createLimits((ended) => slotsOn({ client: admin.duplicate({ retryStrategy: () => null }), scope: 'bull:syndikit', expireMs: 60_000, ended }))
    open.push(limits)
    let isDone = false
    const after = limits.limiter('reads-crashed', 2).schedule(async () => {
      isDone = true
    })
    await setTimeout(300)
    expect(isDone).toBe(false)
    const expirations = await admin.zrange('b_bull:syndikit:reads-crashed:2_job_expirations', '0', '-1', 'WITHSCORES')
    const [first, firstAt, second, secondAt] = expirations
    expect(Math.max(Number(firstAt), Number(secondAt)) - Date.now()).toBeLessThanOrEqual(60_000)
    // Instead of waiting for a minute.
    for (const slot of [first, second]) await admin.zadd('b_bull:syndikit:reads-crashed:2_job_expirations', Date.now(), slot as string)
    await after
  })

  test('keys hold no secret and go by themselves when nobody uses them', async () => {
    const locked = server.url.replace('redis://', 'redis://default:hunter2@')
    await admin.call('ACL', 'SETUSER', 'default', 'on', '>hunter2', '~*', '&*', '+@all')
    try {
      const queue = queueOf(locked)
      await limiterOf(queue, 'reads-kept', 2).schedule(async () => undefined)
      await queue.close()
      const keys = await keysOf('reads-kept')
      expect(keys.length).toBeGreaterThan(0)
      expect(keys.join()).not.toContain('hunter2')
      for (const key of keys) {
        expect(key).toMatch(/^b_bull:syndikit:reads-kept:2_/)
        const ttl = await admin.pttl(key)
        expect([key, ttl > 0 && ttl <= 120_000]).toEqual([key, true])
      }
    } finally {
      await admin.call('ACL', 'SETUSER', 'default', 'nopass')
    }
  })

  test('close() ends its connections, and leaves no slot taken', async () => {
    const connections = async () =>
      String(await admin.client('LIST'))
        .trim()
        .split('\n').length
    const before = await connections()
    const queue = queueOf()
    await limiterOf(queue, 'reads-closed', 2).schedule(async () => undefined)
    expect(await connections()).toBe(before + 2)
    await queue.close()
    await until('they are gone', async () => (await connections()) === before)
    await limiterOf(queueOf(), 'reads-closed', 2).schedule(async () => {
      expect(await admin.hget('b_bull:syndikit:reads-closed:2_settings', 'running')).toBe('1')
    })
  })

  test('a call costs some milliseconds', async () => {
    const { schedule } = limiterOf(queueOf(), 'reads-cost', 2)
    await schedule(async () => undefined)
    const from = performance.now()
    for (let n = 0; n < 100; n++) await schedule(async () => undefined)
    const each = (performance.now() - from) / 100
    console.log(`a call through the limiter: ${each.toFixed(2)} ms`)
    expect(each).toBeLessThan(200)
  })
})

describe.skipIf(missing('postgres') !== undefined)(`PostgreSQL ${missing('postgres') ?? ''}`, () => {
  let server: Server
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' })
  })
  afterAll(() => server.stop())

  test('there is no limiter: every process bounds its own', () => {
    expect('limiter' in bullmqQueue({ postgres: server.url })).toBe(false)
  })
})
