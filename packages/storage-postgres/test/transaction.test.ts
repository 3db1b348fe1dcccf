// Scheduling in the host's own transaction: stored with it, dropped with it, and never in its way.
import { type PostgresClient, postgresStorage } from '@syndikit/storage-postgres'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { connected, publication, serverForFile, skipped, tenant } from './fixtures.ts'

describe.skipIf(skipped !== undefined)(`a host transaction ${skipped ?? ''}`, () => {
  const { emptyPools, newPool, newUrl } = serverForFile()
  const pools = emptyPools(1)

  const opened = async () => {
    const [pool] = await pools()
    if (!pool) throw new Error('no pool')
    await pool.query('create table if not exists posts (id text primary key); delete from posts')
    const storage = await connected(postgresStorage(pool))
    const inTransaction = async (work: (host: pg.PoolClient) => Promise<void>, end = 'commit') => {
      const host = await pool.connect()
      await host.query('begin')
      await work(host)
      await host.query(end)
      host.release()
    }
    return {
      pool,
      storage,
      inTransaction,
      stored: async () => (await storage.deliveries.list(tenant, { limit: 10 })).items.map(({ id }) => id),
      posts: async () => (await pool.query('select id from posts order by id')).rows.map(({ id }) => id),
    }
  }

  test('what is added is stored when the host commits, and seen by nobody before', async () => {
    const { storage, inTransaction, stored, posts } = await opened()
    await inTransaction(async (host) => {
      await host.query(`insert into posts values ('p')`)
      const answer = await storage.within(host).publications.add([publication(1)])
      expect(answer).toEqual({ status: 'added', publications: [{ status: 'added', publicationId: 'publication-1' }] })
      expect(await stored()).toEqual([])
    })
    expect([await stored(), await posts()]).toEqual([['delivery-1'], ['p']])
  })

  test('what is added is dropped when the host rolls back', async () => {
    const { storage, inTransaction, stored } = await opened()
    await inTransaction(async (host) => {
      await storage.within(host).publications.add([publication(1)])
    }, 'rollback')
    expect(await stored()).toEqual([])
    expect((await storage.publications.add([publication(1)])).status).toBe('added')
  })

  test('a refusal leaves the transaction usable, with its own rows and nothing of the refused call', async () => {
    const { storage, inTransaction, stored, posts } = await opened()
    await storage.publications.add([publication(1, '{}', 'taken')])
    await inTransaction(async (host) => {
      await host.query(`insert into posts values ('before')`)
      const answer = await storage.within(host).publications.add([publication(2), publication(3, '{}', 'taken')])
      expect(answer).toEqual({ status: 'active', index: 1, deliveryIds: ['delivery-1'] })
      await host.query(`insert into posts values ('after')`)
    })
    expect([await stored(), await posts()]).toEqual([['delivery-1'], ['after', 'before']])
  })

  test('an error in the middle leaves the transaction as it was before the call', async () => {
    const { storage, inTransaction, stored, posts } = await opened()
    await storage.publications.add([publication(1)])
    await inTransaction(async (host) => {
      await host.query(`insert into posts values ('before')`)
      const twice = { ...publication(3), deliveries: publication(1, '{}', 'other').deliveries }
      await expect(storage.within(host).publications.add([publication(2), twice])).rejects.toThrow(/duplicate key/)
      await host.query(`insert into posts values ('after')`)
    })
    expect([await stored(), await posts()]).toEqual([['delivery-1'], ['after', 'before']])
  })

  test('the clock is that of the statement, not of the beginning of a long transaction', async () => {
    const { pool, storage, inTransaction } = await opened()
    let before = 0
    await inTransaction(async (host) => {
      await host.query('select pg_sleep(0.2)')
      before = await storage.now()
      await storage.within(host).publications.add([publication(1)])
    })
    const { rows } = await pool.query('select created_at::float8 as at from syndikit_publications')
    expect(rows[0].at).toBeGreaterThanOrEqual(before)
  })

  test('it needs no second connection: a pool of one, held by the host, is enough', async () => {
    const url = await newUrl()
    const pool = newPool(url, { max: 1 })
    const storage = await connected(postgresStorage(pool))
    // Once with the pool free, to learn which database it is.
    for (const n of [1, 2]) {
      const host = await (n === 1 ? newPool(url) : pool).connect()
      await host.query('begin')
      expect((await storage.within(host).publications.add([publication(n)])).status).toBe('added')
      await host.query('commit')
      host.release()
    }
  })

  test('a serialisable transaction of the host does not hinder it, and the host is told of a conflict by its own code', async () => {
    const { pool, storage } = await opened()
    const host = await pool.connect()
    await host.query('begin isolation level serializable')
    await host.query('select id from posts')
    await storage.publications.add([publication(1, '{}', 'taken')])
    await expect(storage.within(host).publications.add([publication(2, '{}', 'taken')])).rejects.toMatchObject({ code: '40001' })
    await host.query('rollback')
    await host.query('begin isolation level serializable')
    expect((await storage.within(host).publications.add([publication(3)])).status).toBe('added')
    await host.query('commit')
    host.release()
  })

  test('two hosts that add one content in one moment: the second waits for the first, then is told what it did', async () => {
    const { storage, stored, pool } = await opened()
    for (const [end, status] of [
      ['rollback', 'added'],
      ['commit', 'active'],
    ] as const) {
      const [first, second] = [await pool.connect(), await pool.connect()]
      await first.query('begin')
      await second.query('begin')
      const key = `of ${end}`
      await storage.within(first).publications.add([publication(`${end}-1`, '{}', key)])
      const waiting = storage.within(second).publications.add([publication(`${end}-2`, '{}', key)])
      await first.query(end)
      expect((await waiting).status).toBe(status)
      await second.query('commit')
      first.release()
      second.release()
    }
    expect(await stored()).toEqual(expect.arrayContaining(['delivery-rollback-2', 'delivery-commit-1']))
    expect(await stored()).toHaveLength(2)
  })

  test('a client that cannot carry the transaction is refused with the reason', async () => {
    const { pool, storage, stored } = await opened()
    const add = (tx: unknown) => storage.within(tx as PostgresClient).publications.add([publication(1)])
    await expect(add({})).rejects.toThrow(/must be the client of `pg`/)
    await expect(add(null)).rejects.toThrow(TypeError)
    const idle = await pool.connect()
    await expect(add(idle)).rejects.toThrow(TypeError)
    await expect(add(idle)).rejects.toThrow(/no open transaction.*`begin`/)
    await expect(add(pool)).rejects.toThrow(/no open transaction/)
    await idle.query('begin')
    await idle.query('select 1/0').catch(() => {})
    await expect(add(idle)).rejects.toThrow(/earlier statement of your transaction.*Roll it back/)
    await idle.query('rollback')
    idle.release()
    expect(await stored()).toEqual([])
  })

  test('a role that may not ask which server it is on can schedule in its transaction all the same', async () => {
    const url = new URL(await newUrl())
    const admin = newPool(url.href)
    await admin.query(`create role plain login; grant all on schema public to plain; revoke execute on function pg_control_system() from public`)
    url.username = 'plain'
    const pool = newPool(url.href)
    const storage = await connected(postgresStorage(pool))
    const host = await pool.connect()
    await host.query('begin')
    expect((await storage.within(host).publications.add([publication(1)])).status).toBe('added')
    await host.query('commit')
    host.release()
    expect((await storage.deliveries.list(tenant, { limit: 10 })).items.map(({ id }) => id)).toEqual(['delivery-1'])
  })

  test('a client of another database or another schema is refused before anything is stored', async () => {
    const { pool, storage } = await opened()
    const bare = await newUrl()
    const twin = await newUrl()
    await (await connected(postgresStorage(newPool(twin)))).close()
    await pool.query('create schema if not exists elsewhere')
    const there = new URL(twin)
    there.pathname = new URL(String(pool.options.connectionString)).pathname
    const elsewhere = newPool(there.href, { options: '-c search_path=elsewhere' })
    await (await connected(postgresStorage(elsewhere))).close()
    for (const other of [newPool(bare), newPool(twin), elsewhere]) {
      const host = await other.connect()
      await host.query('begin')
      await expect(storage.within(host).publications.add([publication(1)])).rejects.toThrow(TypeError)
      await expect(storage.within(host).publications.add([publication(1)])).rejects.toThrow(/client of another database/)
      expect((await host.query('select 1 as alive')).rows).toEqual([{ alive: 1 }])
      await host.query('commit')
      host.release()
    }
    const { rows } = await newPool(twin).query('select count(*)::int as stored from syndikit_publications')
    expect(rows).toEqual([{ stored: 0 }])
  })
})
