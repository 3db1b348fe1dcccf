// BullMQ on PostgreSQL: jobs fire across processes, and a database that is away costs delay and nothing else.
import { missing, type Server, startPostgres } from '@syndikit/servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bullmqQueue } from '../src/index.ts'
import { shownOnBoard } from './board.ts'
import { hintsIn, until, watch } from './watch.ts'

describe.skipIf(missing('postgres') !== undefined)(`PostgreSQL ${missing('postgres') ?? ''}`, () => {
  let server: Server
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' })
  })
  afterAll(() => server.stop())

  test('jobs fire in another process at their instant, also after the database was away; one line is logged, without its address', async () => {
    const [app, host] = [1, 2].map(() => bullmqQueue({ postgres: server.url, lookEveryMs: 60_000 })) as [
      ReturnType<typeof bullmqQueue>,
      ReturnType<typeof bullmqQueue>,
    ]
    await app.open()
    const worker = watch(host)
    const [hint] = hintsIn(600)
    await app.hint([hint as never])
    await until('a permit', () => worker.permitted() === 1)
    const late = (worker.looks.find(({ n }) => n === 1)?.at ?? 0) - (hint?.at ?? 0)
    expect(late).toBeGreaterThanOrEqual(0)
    await app.hint(hintsIn(0, 300))
    await until('all permits', () => worker.permitted() === 301, 30_000)
    await until('no job is left', async () => (await app.health()).active === 0)
    expect(await app.health()).toEqual({ reachable: true, waiting: 0, delayed: 0, active: 0, failed: 0 })

    await server.crash()
    const before = worker.looks.length
    await expect(app.hint(hintsIn(0))).rejects.toThrow()
    expect((await app.health()).reachable).toBe(false)
    await until('they look by themselves', () => worker.looks.length >= before + 3)
    await server.start()
    await until('a hint is taken', () =>
      app.hint(hintsIn(0)).then(
        () => true,
        () => false,
      ),
    )
    await until('a permit', () => worker.permitted() > 301)
    expect(worker.logged.filter((line) => line.startsWith('warn'))).toHaveLength(1)
    expect(worker.logged.join()).not.toContain('127.0.0.1')
    await worker.stop()
    await Promise.all([app.close(), host.close()])
  })

  test('bull-board lists the queue and its jobs', async () => {
    const queue = bullmqQueue({ postgres: server.url, name: 'board' })
    await shownOnBoard(queue)
    await queue.close()
  })

  test('tables that are not there are a mistake of the set-up where the host migrates by itself', async () => {
    const queue = bullmqQueue({ postgres: { connectionString: server.url, schema: 'elsewhere', migrate: false } })
    await expect(queue.open()).rejects.toThrow(TypeError)
    await expect(queue.open()).rejects.toThrow('postgres.migrate')
    await queue.close()
  })

  test('a PostgreSQL that is not there is no mistake of the set-up, and nothing waits for it', async () => {
    const queue = bullmqQueue({ postgres: 'postgres://ann:hunter2@127.0.0.1:1/db' })
    const error = await queue.open().catch((one: unknown) => one)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(TypeError)
    expect(String(error)).not.toContain('hunter2')
    await expect(queue.hint(hintsIn(0))).rejects.toThrow()
    await queue.close()
  })
})
