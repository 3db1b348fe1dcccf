// What goes wrong between a storage and its server is told by name, with what to do, and without a word of the address or the password.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type PostgresStorageOptions, postgresStorage } from '@syndikit/storage-postgres'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { connected, publication, query, serverForFile, skipped, tenant, verdict } from './fixtures.ts'

describe('what is wrong with the options throws at once, and repeats no secret', () => {
  const secret = 'hunter2'
  const wrong: readonly (readonly [given: unknown, message: RegExp])[] = [
    ['', /`url` is no URL/],
    [`mysql://user:${secret}@host/db`, /`url` is no URL/],
    [`postgres://user:${secret}#1@host:x/db`, /percent-encoded/],
    [{}, /exactly one of `pool`, `url` and `connection`/],
    [undefined, /exactly one of/],
    [{ url: `postgres://u:${secret}@host/db`, connection: {} }, /exactly one of/],
    [{ pool: {} }, /`pool` must be a Pool/],
    [{ pool: { connect: () => {} } }, /`pool` must be a Pool/],
    [{ connection: 'host=db' }, /`connection` is an object/],
    [{ connection: { connectionString: `//${secret}` } }, /`url` is no URL/],
    [{ connection: { binary: true } }, /`connection.binary` cannot be true/],
    [{ url: 'postgres://host/db', schema: 'x' }, /there is no option `schema`.*pool, url, connection, prepare, maxWaitMs, clock/],
    [{ url: 'postgres://host/db', prepare: 'no' }, /`prepare` is true or false/],
    [{ url: 'postgres://host/db', maxWaitMs: -1 }, /`maxWaitMs`/],
    [{ url: 'postgres://host/db', maxWaitMs: Number.POSITIVE_INFINITY }, /`maxWaitMs`/],
    [{ url: 'postgres://host/db', clock: {} }, /`clock` lacks `now`/],
  ]
  for (const [given, message] of wrong)
    test(String(message), () => {
      const make = () => postgresStorage(given as PostgresStorageOptions)
      expect(make).toThrow(TypeError)
      expect(make).toThrow(message)
      expect(make).not.toThrow(new RegExp(secret))
    })
})

/** All that a log would print of an error: itself and its causes. */
const printed = (error: unknown): string => (error instanceof Error ? `${error.name} ${error.message} ${JSON.stringify(error)}\n${printed(error.cause)}` : '')

describe('a server that is not there', () => {
  test('is told as unreachable', async () => {
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => probe.close(resolve))
    const storage = postgresStorage(`postgres://user:hunter2@127.0.0.1:${port}/app`)
    const error = await storage.open('suite').catch((refused: unknown) => refused)
    expect(error).toMatchObject({ name: 'DatabaseUnreachable', message: expect.stringMatching(/no PostgreSQL server answers.*host and port/) })
    expect(printed(error)).not.toMatch(/hunter2/)
    await storage.close()
  })
})

describe.skipIf(skipped !== undefined)(`a server that refuses ${skipped ?? ''}`, () => {
  const databases = serverForFile({ fsync: 'off', max_connections: '20', superuser_reserved_connections: '2', autovacuum: 'off' })
  const { newPool, newUrl, emptyPools } = databases
  const pools = emptyPools(1, { max: 4 })

  const opened = async () => {
    const [pool] = await pools()
    if (!pool) throw new Error('no pool')
    return { pool, storage: await connected(postgresStorage({ pool, maxWaitMs: 300 })), url: String(pool.options.connectionString) }
  }
  const failing = async (url: string | PostgresStorageOptions) => {
    const storage = postgresStorage(url)
    const error = await storage.open('suite').catch((refused: unknown) => refused)
    await storage.close()
    return error
  }
  const role = async (pool: pg.Pool, name: string, more = '') => {
    await pool.query(`create role ${name} login ${more}`)
    return (url: string) => url.replace('syndikit@', `${name}:hunter2@`)
  }

  test('a database that does not exist is told as missing', async () => {
    expect(await failing(new URL('nowhere', databases.server.url).href)).toMatchObject({ name: 'DatabaseMissing' })
  })

  test('a role that does not exist is told as a refused login, without the password', async () => {
    const error = await failing(databases.server.url.replace('syndikit@', 'nobody:hunter2@'))
    expect(error).toMatchObject({ name: 'DatabaseLoginRefused' })
    expect(printed(error)).not.toMatch(/hunter2/)
  })

  test('a role without the right to create tables may use those that are there, and is told what it lacks where they are not', async () => {
    const { pool, url } = await opened()
    const as = await role(pool, 'plain')
    await pool.query('grant select, insert, update, delete on all tables in schema public to plain; revoke create on schema public from public')
    const storage = postgresStorage(as(url))
    await storage.open('suite')
    expect((await storage.publications.add([publication('of-plain')])).status).toBe('added')
    await storage.close()
    const bare = await newUrl()
    expect(await failing(as(bare))).toMatchObject({ name: 'DatabasePermissionDenied', message: expect.stringMatching(/lets? the tables' owner|create/) })
  })

  test('no free connection in the pool is told as such, after the time that was given, and a later call works', async () => {
    const { pool, storage } = await opened()
    const held = await Promise.all([1, 2, 3, 4].map(() => pool.connect()))
    await expect(storage.deliveries.counts()).rejects.toMatchObject({ name: 'PoolExhausted', message: expect.stringMatching(/within 300 ms/) })
    for (const client of held) client.release()
    expect((await storage.deliveries.counts()).scheduled).toBe(0)
    expect(pool.waitingCount).toBe(0)
  })

  test('too many connections are told as such', async () => {
    const { pool, url } = await opened()
    const as = await role(pool, 'limited', 'connection limit 1')
    const first = new pg.Client({ connectionString: as(url) })
    await first.connect()
    expect(await failing(as(url))).toMatchObject({ name: 'TooManyConnections', message: expect.stringMatching(/max_connections/) })
    await first.end()
  })

  test('a server that takes no writes, as after a failover, is told as read-only, and a later call works', async () => {
    const { pool, url, storage } = await opened()
    const name = new URL(url).pathname.slice(1)
    await pool.query(`alter database ${name} set default_transaction_read_only = on`)
    const readOnly = postgresStorage(url)
    await readOnly.open('suite')
    await expect(readOnly.publications.add([publication(1)])).rejects.toMatchObject({ name: 'DatabaseReadOnly', message: expect.stringMatching(/primary/) })
    await pool.query(`set default_transaction_read_only = off; alter database ${name} reset default_transaction_read_only`)
    expect((await readOnly.publications.add([publication(1)])).status).toBe('added')
    await readOnly.close()
    expect((await storage.deliveries.counts()).scheduled).toBe(1)
  })

  test('prepared statements that a pooler took away are told as such, and the next call has a new connection', async () => {
    const { url } = await opened()
    const pool = newPool(url, { max: 1 })
    const storage = postgresStorage(pool)
    await storage.open('suite')
    await storage.publications.add([publication(1)])
    await pool.query('deallocate all')
    await expect(storage.publications.add([publication(2)])).rejects.toMatchObject({
      name: 'PreparedStatementsLost',
      message: expect.stringMatching(/`prepare: false`/),
    })
    expect((await storage.publications.add([publication(2)])).status).toBe('added')
    const unprepared = postgresStorage({ pool, prepare: false })
    await unprepared.open('suite')
    await unprepared.publications.add([publication(3)])
    await pool.query('deallocate all')
    expect((await unprepared.publications.add([publication(4)])).status).toBe('added')
  })

  test('a row that no index can hold is a data error, and its neighbours are stored without it', async () => {
    const { storage } = await opened()
    await storage.publications.add([publication(1), publication(2)])
    const { claims } = await storage.deliveries.claim(query)
    const [good, bad] = claims.map(verdict)
    if (!good || !bad) throw new Error('two were due')
    const incompressible = Array.from({ length: 4_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7_919) % 20_000))).join('')
    const error = await storage.deliveries.settle([good, { ...bad, placements: [incompressible] }]).catch((refused: unknown) => refused)
    expect(storage.isDataError?.(error)).toBe(true)
    expect((await storage.deliveries.get(tenant, good.id))?.state).toBe('running')
    expect(await storage.deliveries.settle([good])).toEqual(['done'])
    expect(storage.isDataError?.(new Error('other'))).toBe(false)
  })

  test('a pool of the host goes on after close, and one of our own ends', async () => {
    const { pool, storage, url } = await opened()
    const writing = storage.publications.add([publication(1)])
    await storage.close()
    expect((await writing).status).toBe('added')
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await expect(storage.deliveries.counts()).rejects.toThrow(/not open/)
    const own = postgresStorage({ connection: { connectionString: url, application_name: 'own' } })
    await own.open('suite')
    await own.close()
    const { rows } = await newPool(url).query(`select count(*)::int as left from pg_stat_activity where application_name = 'own'`)
    expect(rows).toEqual([{ left: 0 }])
    await expect(own.open('suite')).rejects.toThrow(/was closed/)
  })

  test("the host's own type parsers change nothing", async () => {
    const { url } = await opened()
    const pool = newPool(url, { types: { getTypeParser: () => (value: string) => `host's ${value}` } })
    const storage = postgresStorage(pool)
    await storage.open('suite')
    await storage.publications.add([publication(1)])
    const { claims } = await storage.deliveries.claim(query)
    expect(claims.map(({ id, fence }) => [id, fence])).toEqual([['delivery-1', 1]])
  })
})
