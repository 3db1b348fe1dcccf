// Lost connections and crashed servers: nothing is half done, the next call works, and a commit of unknown outcome is never run again.
import { setTimeout } from 'node:timers/promises'
import { postgresStorage } from '@syndikit/storage-postgres'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { connected, publication, query, serverForFile, skipped, tenant, verdict } from './fixtures.ts'

describe.skipIf(skipped !== undefined)(`connections that are lost ${skipped ?? ''}`, () => {
  // The server crashes in this file, the machine does not: what is committed has to be in the log, but not on the disk.
  const databases = serverForFile({ fsync: 'off', deadlock_timeout: '50ms', max_connections: '200' })
  const { newPool } = databases

  const pools = databases.emptyPools(1)

  /** A storage over a pool where something happens just before such a statement is sent. */
  const opened = async () => {
    const [admin] = await pools()
    if (!admin) throw new Error('no pool')
    const url = String(admin.options.connectionString)
    const pool = newPool(url)
    let [watched, hits] = [/^$/, 0]
    let act = async (_pid: number): Promise<unknown> => undefined
    const sent: string[] = []
    const watching = {
      connect: async () => {
        const client = await pool.connect()
        let last: Promise<unknown> = Promise.resolve()
        /** What follows is not sent before it. */
        const query = (statement: pg.QueryConfig) => {
          sent.push(statement.text)
          const isMeant = watched.test(statement.text) && hits-- > 0
          const before = last
          last = isMeant ? before.then(() => act((client as unknown as { processID: number }).processID)) : before
          return last.then(() => client.query(statement))
        }
        return Object.assign(Object.create(client) as pg.PoolClient, { query, release: (error?: boolean) => client.release(error) })
      },
      on: pool.on.bind(pool),
      off: pool.off.bind(pool),
    }
    const storage = await connected(postgresStorage({ pool: watching, maxWaitMs: 5_000 }))
    const before = (text: RegExp, happens: typeof act, times = 1) => {
      watched = text
      act = happens
      hits = times
    }
    return {
      url,
      storage,
      admin,
      sent,
      before,
      /** The server ends the connection. */
      killAt: (text: RegExp, times = 1) => before(text, (pid) => admin.query('select pg_terminate_backend($1)', [pid]), times),
    }
  }

  test('a connection that is ended at any statement before the commit costs another try, and each row is written once', async () => {
    const { storage, killAt, sent } = await opened()
    await storage.publications.add([publication(1)])
    const { claims } = await storage.deliveries.claim(query)
    sent.length = 0
    const settled = () => storage.deliveries.settle(claims.map(verdict))
    for (const text of [/^begin/, /for update/, /insert into syndikit_attempts/, /update syndikit_deliveries/, /insert into syndikit_events/, /pending from/]) {
      killAt(text)
      expect(await settled()).toEqual(['done'])
    }
    expect(await storage.deliveries.attempts(tenant, 'delivery-1')).toHaveLength(1)
    expect((await storage.events.read('test', 10, 1)).map(({ type }) => type)).toEqual(['delivery:scheduled', 'delivery:published', 'publication:finished'])
  })

  test('a connection that is lost while the commit is under way rejects as unknown, and the work is not run again', async () => {
    const { storage, killAt, sent } = await opened()
    sent.length = 0
    killAt(/^commit$/)
    await expect(storage.publications.add([publication(1)])).rejects.toMatchObject({
      name: 'DatabaseOutcomeUnknown',
      message: expect.stringMatching(/unknown/),
    })
    expect(sent.filter((text) => text.startsWith('begin'))).toHaveLength(1)
    expect((await storage.publications.add([publication(1)])).status).toBe('added')
  })

  test('a read over a lost connection is asked again', async () => {
    const { storage, killAt } = await opened()
    killAt(/select state, count/)
    expect((await storage.deliveries.counts()).scheduled).toBe(0)
  })

  test('who loses one connection after the other is told so in the end, and nothing was stored', async () => {
    const { storage, killAt } = await opened()
    killAt(/insert into syndikit_publications/, 100)
    await expect(storage.publications.add([publication(1)])).rejects.toMatchObject({ name: 'DatabaseConnectionLost' })
    killAt(/^$/)
    expect((await storage.publications.add([publication(1)])).status).toBe('added')
  })

  test('connections that end while they are idle are no accident', async () => {
    const { url, storage } = await opened()
    const own = postgresStorage(url)
    await own.open('suite')
    await newPool(url, { max: 1 }).query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await setTimeout(50)
    expect((await own.deliveries.counts()).scheduled).toBe(0)
    expect((await storage.publications.add([publication(1)])).status).toBe('added')
    await own.close()
  })

  test('a deadlock with the host is run again', async () => {
    const { url, storage, admin, before, sent } = await opened()
    await storage.publications.add([publication(1), publication(2)])
    const { claims } = await storage.deliveries.claim(query)
    const host = new pg.Client({ connectionString: url })
    await host.connect()
    // The host is the more patient one, so it is ours that is ended.
    await host.query(`set deadlock_timeout = '20s'; begin; select id from syndikit_publications where id = 'publication-1' for update`)
    let blocking: Promise<unknown> | undefined
    const isBlocked = async () =>
      (await admin.query(`select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)).rowCount
    before(/pending from/, async () => {
      blocking = host.query(`select id from syndikit_deliveries where id = 'delivery-1' for update`)
      while (!(await isBlocked())) await setTimeout(10)
    })
    sent.length = 0
    const settling = storage.deliveries.settle(claims.map(verdict))
    while (!blocking) await setTimeout(10)
    await blocking
    await host.query('commit')
    await host.end()
    expect(await settling).toEqual(['done', 'done'])
    expect(sent.filter((text) => text.startsWith('begin'))).toHaveLength(2)
  })

  test('a server that crashes in the middle of much work and comes back has each verb whole or not at all', async () => {
    const { url, admin } = await opened()
    const storage = postgresStorage({ url, maxWaitMs: 20_000 })
    await storage.open('suite')
    const answers = new Map<number, string>()
    let isOver = false
    const writing = Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        for (let n = 0; !isOver; n++) {
          const id = writer * 100_000 + n
          try {
            answers.set(id, (await storage.publications.add([publication(id)])).status)
          } catch (error) {
            answers.set(id, error instanceof Error ? error.name : '')
            await setTimeout(20)
          }
        }
      }),
    )
    await setTimeout(300)
    await databases.server.crash()
    await setTimeout(200)
    await databases.server.start()
    await setTimeout(300)
    isOver = true
    await writing
    const { rows } =
      await admin.query(`select p.id, p.pending, count(d.id)::int as deliveries, (select count(*)::int from syndikit_events e where e.subject_id = min(d.id)) as events
      from syndikit_publications p left join syndikit_deliveries d on d.publication_id = p.id group by p.id, p.pending`)
    expect(rows.filter(({ pending, deliveries, events }) => Number(pending) !== 1 || deliveries !== 1 || events !== 1)).toEqual([])
    const stored = new Set(rows.map(({ id }) => id))
    const lost = [...answers].filter(([id, answer]) => answer === 'added' && !stored.has(`publication-${id}`))
    expect(lost).toEqual([])
    const refused = [...answers].filter(([id, answer]) => stored.has(`publication-${id}`) && answer !== 'added' && answer !== 'DatabaseOutcomeUnknown')
    expect(refused).toEqual([])
    expect(answers.size).toBeGreaterThan(20)
    await storage.close()
  })
})
