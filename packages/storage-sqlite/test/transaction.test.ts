// Scheduling in the host's own transaction: stored with it, dropped with it, and never in its way.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { expect, test } from 'vitest'
import { connected, newPath, publication, query, tenant } from './fixtures.ts'

const opened = async () => {
  const file = newPath()
  const storage = await connected(sqliteStorage(file))
  const host = new DatabaseSync(file, { timeout: 0 })
  host.exec('create table posts (id text primary key)')
  return { file, storage, host, stored: async () => (await storage.deliveries.list(tenant, { limit: 10 })).items.map(({ id }) => id) }
}

test('what is added in a host transaction is stored when it commits, and seen by nobody before', async () => {
  const { storage, host, stored } = await opened()
  host.exec(`begin immediate; insert into posts values ('p')`)
  expect(await storage.within(host).publications.add([publication(1)])).toEqual({
    status: 'added',
    publications: [{ status: 'added', publicationId: 'publication-1' }],
  })
  expect(await stored()).toEqual([])
  expect(host.isTransaction).not.toBe(false)
  host.exec('commit')
  expect(await stored()).toEqual(['delivery-1'])
})

test('what is added in a host transaction is dropped when it rolls back', async () => {
  const { storage, host, stored } = await opened()
  host.exec('begin immediate')
  await storage.within(host).publications.add([publication(1)])
  host.exec('rollback')
  expect(await stored()).toEqual([])
  expect((await storage.publications.add([publication(1)])).status).toBe('added')
})

test('a refusal leaves the host transaction usable, with its own rows and nothing of the refused call', async () => {
  const { storage, host, stored } = await opened()
  await storage.publications.add([publication(1, '{}', 'taken')])
  host.exec(`begin immediate; insert into posts values ('before')`)
  expect(await storage.within(host).publications.add([publication(2), publication(3, '{}', 'taken')])).toEqual({
    status: 'active',
    index: 1,
    deliveryIds: ['delivery-1'],
  })
  host.exec(`insert into posts values ('after'); commit`)
  expect(host.prepare('select id from posts order by id').all()).toEqual([{ id: 'after' }, { id: 'before' }])
  expect(await stored()).toEqual(['delivery-1'])
})

test('an error in the middle leaves the host transaction as it was before the call', async () => {
  const { storage, host, stored } = await opened()
  await storage.publications.add([publication(1)])
  host.exec(`begin immediate; insert into posts values ('before')`)
  await expect(
    storage.within(host).publications.add([publication(2), { ...publication(3), deliveries: publication(1, '{}', 'other').deliveries }]),
  ).rejects.toThrow(/UNIQUE/)
  host.exec('commit')
  expect(host.prepare('select id from posts').all()).toEqual([{ id: 'before' }])
  expect(await stored()).toEqual(['delivery-1'])
})

test('the work on the host handle is one synchronous turn: nothing of the host comes in between', async () => {
  const { storage, host } = await opened()
  host.exec('begin immediate')
  const adding = storage.within(host).publications.add([publication(1)])
  // Not awaited yet: had the call left its savepoint open, this rollback to it would work.
  expect(() => host.exec('rollback to savepoint syndikit_add')).toThrow(/no such savepoint/)
  expect((await adding).status).toBe('added')
  host.exec('commit')
})

test('our own writes wait for a host transaction without stopping the event loop', async () => {
  const { storage, host } = await opened()
  host.exec(`begin immediate; insert into posts values ('p')`)
  let ticks = 0
  const ticking = setInterval(() => ticks++, 5)
  const adding = storage.publications.add([publication(1)])
  const reading = storage.deliveries.counts()
  expect((await reading).scheduled).toBe(0)
  await setTimeout(150)
  clearInterval(ticking)
  expect(ticks).toBeGreaterThan(5)
  host.exec('commit')
  expect((await adding).status).toBe('added')
})

test('whoever waits too long is told what to do, and nothing was stored', async () => {
  const { file, host, stored } = await opened()
  const impatient = sqliteStorage({ file, maxWaitMs: 30 })
  await impatient.open('suite')
  host.exec('begin immediate')
  await expect(impatient.publications.add([publication(1)])).rejects.toThrow(/held the database .* for 30 ms.*`maxWaitMs`/)
  host.exec('commit')
  expect(await stored()).toEqual([])
})

test('a handle that cannot carry the transaction is refused with the reason', async () => {
  const { storage, host } = await opened()
  const add = (tx: unknown) => storage.within(tx as DatabaseSync).publications.add([publication(1)])
  await expect(add({})).rejects.toThrow(/must be the DatabaseSync handle/)
  await expect(add(null)).rejects.toThrow(/must be the DatabaseSync handle/)
  if (typeof host.isTransaction === 'boolean') await expect(add(host)).rejects.toThrow(/no open transaction.*begin immediate/)
  const other = new DatabaseSync(':memory:')
  other.exec('begin')
  if (typeof other.location === 'function') await expect(add(other)).rejects.toThrow(/open on another database/)
})

test('a deferred transaction that comes too late is told to begin at once', async () => {
  const { storage, host } = await opened()
  host.exec('begin')
  host.prepare('select * from posts').all()
  await storage.publications.add([publication(1)])
  await expect(storage.within(host).publications.add([publication(2)])).rejects.toThrow(/Begin it with `begin immediate`/)
  host.exec('rollback')
})

test('a claim in one instance is seen at once by another, and close lets the other go on', async () => {
  const { file, storage } = await opened()
  const other = sqliteStorage(file)
  await other.open('suite')
  await storage.publications.add([publication(1)])
  expect((await other.deliveries.claim(query)).claims).toHaveLength(1)
  expect((await storage.deliveries.claim(query)).claims).toHaveLength(0)
  await storage.close()
  expect((await other.deliveries.counts()).running).toBe(1)
  await expect(storage.deliveries.counts()).rejects.toThrow(/not open/)
  await other.close()
})

test('a loop of reads that never waits for anything else lets timers come, and writes go on', async () => {
  const { storage } = await opened()
  let isOver = false
  let ticks = 0
  const ticking = setInterval(() => ticks++, 1)
  // Many, so that they take longer than one turn.
  const writing = Promise.all(Array.from({ length: 200 }, (_, n) => storage.publications.add([publication(n)]))).finally(() => {
    isOver = true
  })
  let reads = 0
  while (!isOver && reads < 1_000_000) {
    await storage.deliveries.get(tenant, 'delivery-1')
    reads++
  }
  clearInterval(ticking)
  expect(isOver).toBe(true)
  expect(ticks).toBeGreaterThan(3)
  await writing
})
