// What a job does, and what it costs when Redis is away, full, frozen, emptied, or restored to the past: delay, and nothing else.
import { missing, type Server, startRedis } from '@syndikit/servers'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type BullmqQueue, type BullmqQueueOptions, bullmqQueue } from '../src/index.ts'
import { shownOnBoard } from './board.ts'
import { hintsIn, until, type Watched, watch } from './watch.ts'

const tired = { lookEveryMs: 60_000 }
let made = 0

describe.skipIf(missing('redis') !== undefined)(`Redis ${missing('redis') ?? ''}`, () => {
  let server: Server
  let admin: Redis
  beforeAll(async () => {
    server = await startRedis()
    admin = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
    admin.on('error', () => undefined)
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  const open: { queues: BullmqQueue[]; watched: Watched[] } = { queues: [], watched: [] }
  const queueOf = (name: string, more: BullmqQueueOptions = {}) => {
    const queue = bullmqQueue({ connection: server.url, name, ...tired, ...more })
    open.queues.push(queue)
    return queue
  }
  const watched = (queue: BullmqQueue) => {
    const one = watch(queue)
    open.watched.push(one)
    return one
  }
  /** One process that schedules and one that works. */
  const pair = async (more: BullmqQueueOptions = {}) => {
    const name = `pair-${++made}`
    const [app, host] = [queueOf(name, more), queueOf(name, more)]
    const worker = watched(host)
    await until('the worker has looked', () => worker.looks.length > 0)
    await app.open()
    return { name, app, host, worker }
  }
  afterEach(async () => {
    await Promise.all(open.watched.splice(0).map((one) => one.stop()))
    await Promise.all(open.queues.splice(0).map((queue) => queue.close()))
  })

  test('a job fires at its instant in another process, which looks for one delivery', async () => {
    const { app, worker } = await pair()
    const [hint] = hintsIn(700)
    await app.hint([hint as never])
    expect((await app.health()).delayed).toBe(1)
    await until('a permit', () => worker.permitted() === 1)
    const late = (worker.looks.at(-1)?.at ?? 0) - (hint?.at ?? 0)
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThan(1_000)
    await until('the job is gone', async () => (await app.health()).active === 0)
    expect(await app.health()).toEqual({ reachable: true, waiting: 0, delayed: 0, active: 0, failed: 0 })
  })

  test('a job holds no more than the version of its form', async () => {
    const { app } = await pair()
    for (const at of [Date.now() + 900, 1_900_000_000_000]) await app.hint([{ id: 'a:b', rev: 3, at }])
    const jobs = await app.bull.getDelayed()
    expect(jobs.map(({ id, name, data }) => [id, name, data]).toSorted()).toEqual([
      ['a_b-3', 'due', { v: 1 }],
      [expect.stringMatching(/^at-7600000000-[0-3]$/), 'due', { v: 1 }],
    ])
  })

  test('what is due in a while shares a few jobs, however much it is, and they fire in time to be told the instant', async () => {
    const { app, worker } = await pair()
    const at = Math.ceil((Date.now() + 1_500) / 250) * 250
    const hints = hintsIn(0, 2_000).map((hint, n) => ({ ...hint, at: at + (n % 250) }))
    for (let n = 0; n < 2; n++) await app.hint(hints)
    expect((await app.health()).delayed).toBe(4)
    await until('a permit', () => worker.permitted() >= 1)
    const first = worker.looks.find(({ n }) => Number.isFinite(n))?.at ?? 0
    expect(first).toBeGreaterThanOrEqual(at - 200)
    await until('all permits', () => worker.permitted() === 4)
    await until('no job is left', async () => (await app.health()).active === 0)
    expect(await app.health()).toMatchObject({ waiting: 0, delayed: 0 })
  })

  test('jobs that fire together are merged into few looks, and every one of them ends', async () => {
    const { app, worker } = await pair({ concurrency: 50 })
    await app.hint(hintsIn(300, 1_200))
    await until('all permits', () => worker.permitted() === 1_200)
    expect(worker.looks.length).toBeLessThan(1_200)
    await until('no job is left', async () => (await app.health()).active === 0)
    expect((await app.health()).failed).toBe(0)
  })

  test('a job is active until what its look claimed is settled, and as many are as are allowed at a time', async () => {
    const { app, worker } = await pair({ concurrency: 3 })
    let settle = (): void => undefined
    worker.settled = new Promise((resolve) => {
      settle = resolve
    })
    await app.hint(hintsIn(0, 5))
    await until('three permits', () => worker.permitted() === 3)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(worker.permitted()).toBe(3)
    expect(await app.health()).toMatchObject({ active: 3, waiting: 2 })
    worker.settled = Promise.resolve()
    settle()
    await until('five permits', () => worker.permitted() === 5)
  })

  test('the same hint of what is due soon given twice is one job, a later revision another', async () => {
    const { app, worker } = await pair()
    await worker.stop()
    const [hint] = hintsIn(900)
    for (const rev of [1, 1, 2]) await app.hint([{ ...hint, rev } as never])
    const { delayed, waiting } = await app.health()
    expect(delayed + waiting).toBe(2)
  })

  test('what is hinted as due soon wakes the workers of the own process, with Redis or without', async () => {
    const queue = queueOf('nowhere', { connection: 'redis://127.0.0.1:1' })
    const worker = watched(queue)
    await until('the first look', () => worker.looks.length > 0)
    const before = worker.looks.length
    await expect(queue.hint(hintsIn(0))).rejects.toThrow()
    await until('a look', () => worker.looks.length > before, 500)
  })

  test('queues of two names on one Redis take nothing from each other', async () => {
    const [one, other] = [await pair(), await pair()]
    await one.app.hint(hintsIn(0, 20))
    await until('its own permits', () => one.worker.permitted() === 20)
    expect(other.worker.permitted()).toBe(0)
  })

  test('jobs of unknown ids, other versions and other forms are permits, are not read, and never fail', async () => {
    const { app, worker } = await pair()
    await app.bull.addBulk([
      { name: 'due', data: { v: 2 }, opts: { jobId: 'nobody-1' } },
      { name: 'due', data: { v: 1, secret: 'hunter2' } },
      { name: 'something', data: [] },
      { name: 'due', data: null },
      { name: 'due', data: 'hunter2', opts: { attempts: 5, removeOnComplete: false } },
    ])
    await until('five permits', () => worker.permitted() === 5)
    await until('all are over', async () => (await app.health()).active === 0)
    expect(await app.health()).toMatchObject({ waiting: 0, delayed: 0, failed: 0 })
    expect(worker.logged.filter((line) => line.startsWith('debug'))).toHaveLength(5)
    expect(worker.logged.join()).not.toContain('hunter2')
  })

  test('a Redis that evicts is refused with the setting to change', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    try {
      await expect(queueOf('evicted').open()).rejects.toThrow(TypeError)
      await expect(queueOf('evicted').open()).rejects.toThrow('CONFIG SET maxmemory-policy noeviction')
    } finally {
      await admin.config('SET', 'maxmemory-policy', 'noeviction')
    }
    await queueOf('kept').open()
  })

  test('a Redis that is not there is no mistake of the set-up, and nothing waits for it', async () => {
    const queue = queueOf('nowhere', { connection: 'redis://ann:hunter2@127.0.0.1:1' })
    const from = performance.now()
    const error = await queue.open().catch((one: unknown) => one)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(TypeError)
    expect(String(error)).not.toContain('hunter2')
    await expect(queue.hint(hintsIn(0))).rejects.toThrow('cannot be reached')
    expect(await queue.health()).toEqual({ reachable: false, waiting: 0, delayed: 0, active: 0, failed: 0 })
    expect(performance.now() - from).toBeLessThan(7_000)
  })

  test('a wrong password keeps nobody from working, and is in no log', async () => {
    await admin.config('SET', 'requirepass', 'right')
    try {
      const queue = queueOf('locked', { connection: `redis://:hunter2@127.0.0.1:${server.port}` })
      const worker = watched(queue)
      await until('it is told', () => worker.logged.length > 0)
      await until('it works on', () => worker.looks.length >= 3)
      expect(worker.logged.join()).not.toMatch(/hunter2|127\.0\.0\.1/)
      await expect(queue.hint(hintsIn(0))).rejects.toThrow()
    } finally {
      await admin.config('SET', 'requirepass', '')
    }
  })

  test('a flushed Redis costs the jobs that were in it: the next ones fire as before', async () => {
    const { app, worker } = await pair()
    await app.hint(hintsIn(200, 10))
    await admin.flushall()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(worker.permitted()).toBe(0)
    await app.hint(hintsIn(0, 3))
    await until('permits again', () => worker.permitted() === 3)
  })

  test('a Redis restored to the past fires old jobs again: spare looks, and none of them fails', async () => {
    const { app, worker } = await pair()
    await app.hint(hintsIn(300, 10))
    await admin.save()
    await until('all permits', () => worker.permitted() === 10)
    await server.crash()
    await server.start()
    await until('the old permits once more', () => worker.permitted() === 20)
    await until('no job is left', async () => (await app.health()).active === 0)
    expect(await app.health()).toMatchObject({ reachable: true, waiting: 0, delayed: 0, failed: 0 })
    await admin.flushall()
    await admin.save()
  })

  test('with Redis down hints are refused at once, workers look each second, one line is logged, and all is well when it is back', async () => {
    const { app, worker } = await pair()
    await server.crash()
    const before = worker.looks.length
    try {
      await until('they look by themselves', () => worker.looks.length >= before + 3, 5_000)
      const from = performance.now()
      for (let n = 0; n < 50; n++) await expect(app.hint(hintsIn(0))).rejects.toThrow()
      expect(performance.now() - from).toBeLessThan(2_500)
    } finally {
      await server.start()
    }
    await until('a hint is taken', () =>
      app.hint(hintsIn(0)).then(
        () => true,
        () => false,
      ),
    )
    await until('a permit', () => worker.permitted() >= 1)
    expect(worker.logged.filter((line) => line.startsWith('warn'))).toHaveLength(1)
    expect(worker.logged.join()).not.toContain('127.0.0.1')
  })

  test('a Redis that is frozen holds no hint longer than two seconds, and is used again when it thaws', async () => {
    const { app, worker } = await pair()
    process.kill(server.pid as number, 'SIGSTOP')
    const from = performance.now()
    try {
      await expect(app.hint(hintsIn(0))).rejects.toThrow()
      expect((await app.health()).reachable).toBe(false)
    } finally {
      process.kill(server.pid as number, 'SIGCONT')
    }
    expect(performance.now() - from).toBeLessThan(5_500)
    const before = worker.permitted()
    await until('a hint is taken', () =>
      app.hint(hintsIn(0)).then(
        () => true,
        () => false,
      ),
    )
    await until('a permit', () => worker.permitted() > before)
  })

  test('a full Redis refuses hints; workers go on without it, rest between its refusals, and take permits when there is room', async () => {
    const { app, worker } = await pair()
    await admin.config('SET', 'maxmemory', '1')
    const cpu = process.cpuUsage()
    try {
      await expect(app.hint(hintsIn(0))).rejects.toThrow()
      const before = worker.looks.length
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      expect(worker.looks.length).toBeGreaterThanOrEqual(before)
      const { user, system } = process.cpuUsage(cpu)
      expect((user + system) / 1_000).toBeLessThan(1_500)
    } finally {
      await admin.config('SET', 'maxmemory', '0')
    }
    await until('a hint is taken', () =>
      app.hint(hintsIn(0)).then(
        () => true,
        () => false,
      ),
    )
    await until('a permit', () => worker.permitted() >= 1)
  })

  test("the host's own client lends its settings, is not used, and is not ended", async () => {
    const own = new Redis(server.url)
    await own.ping()
    const { app, worker } = await pair({ connection: own })
    await app.hint(hintsIn(0))
    await until('a permit', () => worker.permitted() === 1)
    await worker.stop()
    await Promise.all(open.queues.map((queue) => queue.close()))
    expect(own.status).toBe('ready')
    expect(own.listenerCount('error')).toBe(0)
    expect(await own.ping()).toBe('PONG')
    own.disconnect()
  })

  test('stop() waits for no delivery, takes no further permit, and its connections end when the last delivery is settled', async () => {
    const { name, app, host, worker } = await pair()
    const connections = async () => String(await admin.client('LIST')).split('\n').length
    const before = await connections()
    let settle = (): void => undefined
    worker.settled = new Promise((resolve) => {
      settle = resolve
    })
    try {
      await app.hint(hintsIn(0))
      await until('a permit', () => worker.permitted() === 1)
      const from = performance.now()
      await worker.stop()
      expect(performance.now() - from).toBeLessThan(500)
      // One that reaches it while it lets go of its connection is given back.
      await app.hint(hintsIn(0))
      await until('the other one waits', async () => (await app.health()).waiting === 1)
      expect((await app.health()).active).toBe(1)
    } finally {
      settle()
    }
    await host.close()
    expect(await app.health()).toMatchObject({ active: 0, waiting: 1 })
    expect(worker.permitted()).toBe(1)
    await app.close()
    await until('its connections are gone', async () => (await connections()) <= before - 3)
    const next = watched(queueOf(name))
    await until('another worker takes the job', () => next.permitted() === 1)
  })

  test('bull-board lists the queue and its jobs', () => shownOnBoard(queueOf('board')))

  test('a job whose worker died is a spare permit of another one, and does not fail', async () => {
    const queue = queueOf('stalled')
    await queue.open()
    await queue.hint(hintsIn(0))
    const dead = new Worker('stalled', null, { connection: admin, autorun: false, lockDuration: 100, stalledInterval: 200 })
    dead.on('error', () => undefined)
    await until('the job is in its hands', async () => (await dead.getNextJob('token', { block: false })) !== undefined)
    const worker = watched(queue)
    await dead.startStalledCheckTimer()
    await until('a permit', () => worker.permitted() === 1)
    await until('the job is over', async () => (await queue.health()).active === 0)
    expect(await queue.health()).toMatchObject({ waiting: 0, failed: 0 })
    await dead.close()
  })

  test('without a word of Redis a worker looks every five seconds', async () => {
    const worker = watched(queueOf('quiet', { lookEveryMs: undefined }))
    await until('a second look', () => worker.looks.length === 2)
    const [first, second] = worker.looks
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(4_900)
  })

  test('a minute of a hundred thousand deliveries takes less than a megabyte of Redis', async () => {
    const memory = async () => Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1])
    const { app } = await pair()
    const before = await memory()
    const from = Date.now() + 300_000
    for (let part = 0; part < 2; part++) await app.hint(hintsIn(0, 50_000).map((hint, n) => ({ ...hint, at: from + n * 1.2 })))
    const { delayed } = await app.health()
    const bytes = (await memory()) - before
    console.log(`${delayed} jobs of ${Math.round(bytes / delayed)} bytes for 100,000 deliveries within a minute`)
    expect(delayed).toBeLessThanOrEqual(4 * 241)
    expect(bytes).toBeLessThan(1_000_000)
  })
})
