// Writes that meet share a transaction, and nothing else: what becomes of one is its own.
import { DatabaseSync } from 'node:sqlite'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { expect, test } from 'vitest'
import { connected, newPath, publication, tenant } from './fixtures.ts'

test('of writes that meet, one that fails leaves the others as they are wanted, each once', async () => {
  const storage = await connected(sqliteStorage(newPath()))
  const adds = [0, 1, 2].map((n) => storage.publications.add([publication(n)]))
  const bad = storage.events.read('reader', 0, 1)
  const taken = storage.publications.add([publication('again', '{}', 'key-1')])
  const more = [3, 4].map((n) => storage.publications.add([publication(n)]))
  await expect(bad).rejects.toThrow(/`limit` must be a whole number above 0/)
  for (const result of await Promise.all([...adds, ...more])) expect(result.status).toBe('added')
  expect(await taken).toMatchObject({ status: 'active', deliveryIds: ['delivery-1'] })
  expect((await storage.deliveries.counts(tenant)).scheduled).toBe(5)
  await storage.close()
})

test('on a full disk, of writes that meet, the ones that fit are stored and the one that does not is told so', async () => {
  const file = newPath()
  await (await connected(sqliteStorage(file))).close()
  const host = new DatabaseSync(file)
  const pages = Number(host.prepare('pragma page_count').get()?.page_count)
  host.close()
  const full = sqliteStorage({ file, pragmas: { max_page_count: pages + 20 } })
  await full.open('suite')
  const [before, big, after] = await Promise.allSettled([
    full.publications.add([publication(1)]),
    full.publications.add([publication('big', JSON.stringify('x'.repeat(200_000)))]),
    full.publications.add([publication(2)]),
  ])
  expect([before?.status, after?.status]).toEqual(['fulfilled', 'fulfilled'])
  expect(big).toMatchObject({ status: 'rejected', reason: { name: 'DiskFull' } })
  expect((await full.deliveries.counts(tenant)).scheduled).toBe(2)
  await full.close()
})

test('a hundred writes that meet flush the disk a few times, not a hundred', async () => {
  const file = newPath()
  const storage = await connected(sqliteStorage(file))
  const other = new DatabaseSync(file)
  const version = other.prepare('pragma data_version')
  const seen = new Set([version.get()?.data_version])
  const adds = Array.from({ length: 100 }, async (_, n) => {
    await storage.publications.add([publication(n)])
    seen.add(version.get()?.data_version)
  })
  await Promise.all(adds)
  expect(seen.size).toBeLessThan(30)
  other.close()
  await storage.close()
})

test('a write that comes in the moment in which the last one ends is not forgotten', async () => {
  const storage = await connected(sqliteStorage(newPath()))
  for (let n = 0; n < 50; n++) {
    let next: Promise<unknown> = Promise.resolve()
    await storage.publications.add([publication(`a${n}`)]).then(async () => {
      // Some microtasks later, whichever it is in which the writer puts down its pen.
      for (let hop = 0; hop < n % 8; hop++) await undefined
      next = storage.publications.add([publication(`b${n}`)])
    })
    await next
  }
  expect((await storage.deliveries.counts(tenant)).scheduled).toBe(100)
  await storage.close()
})
