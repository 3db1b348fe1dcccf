// Files that cannot be a database, disks that are full, and settings that would break a promise.
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { expect, test } from 'vitest'
import { connected, newPath, publication, query, tenant } from './fixtures.ts'

test('a memory database, a URL and an empty name are refused at construction with what to use instead', () => {
  for (const file of [':memory:', 'file:x?mode=memory']) expect(() => sqliteStorage(file)).toThrow(/memoryStorage\(\)/)
  for (const file of ['', undefined, null, 7, {}, 'a\0b']) expect(() => sqliteStorage(file as string)).toThrow(TypeError)
})

test('a setting that our promises rest on cannot be changed, and none carries a statement', () => {
  const file = newPath()
  expect(() => sqliteStorage({ file, pragmas: { synchronous: 'off' } })).toThrow(/`pragmas.synchronous` is set by Syndikit.*synchronous = full/)
  expect(() => sqliteStorage({ file, pragmas: { Journal_Mode: 'delete' } })).toThrow(/is set by Syndikit/)
  expect(() => sqliteStorage({ file, pragmas: { cache_size: '1; drop table syndikit_meta' } })).toThrow(TypeError)
})

test.each<[string, object, RegExp]>([
  ['a wait that is none', { maxWaitMs: Number.NaN }, /`maxWaitMs` is a number of milliseconds of at least 0, not NaN/],
  ['a wait into the past', { maxWaitMs: -1 }, /`maxWaitMs` is a number/],
  ['a clock that is none', { clock: {} }, /`clock` lacks `now`/],
  ['pragmas that are none', { pragmas: 5 }, /`pragmas` is an object, such as/],
  ['a misspelt option', { maxWait: 5 }, /there is no option `maxWait`.*use one of file, clock, maxWaitMs, pragmas/],
])('%s is refused at construction, before the file is touched', (_, more, expected) => {
  const build = () => sqliteStorage({ file: newPath(), ...more } as never)
  expect(build).toThrow(TypeError)
  expect(build).toThrow(expected)
})

test('a file that is no database, and one without its version, are what no waiting mends: a TypeError, which ends a worker with its words', async () => {
  const text = newPath('.txt')
  writeFileSync(text, 'short')
  await expect(sqliteStorage(text).open('suite')).rejects.toThrow(TypeError)
  const file = newPath()
  await (await connected(sqliteStorage(file))).close()
  const host = new DatabaseSync(file)
  host.exec("update syndikit_meta set value = 'abc' where name = 'schema'")
  host.close()
  const open = sqliteStorage(file).open('suite')
  await expect(open).rejects.toThrow(TypeError)
  await expect(open).rejects.toThrow(/does not say which version its schema has/)
})

test('a file that was cut is told to be damaged, and left as it is', async () => {
  const file = newPath()
  const storage = await connected(sqliteStorage(file))
  for (let n = 0; n < 20; n++) await storage.publications.add([publication(n, JSON.stringify('x'.repeat(5_000)))])
  await storage.close()
  truncateSync(file, 3 * 4096 + 100)
  const before = readFileSync(file)
  await expect(sqliteStorage(file).open('suite')).rejects.toThrow(/is damaged\. Stop writing to it, copy it, and restore a backup/)
  expect(readFileSync(file).equals(before)).toBe(true)
})

test('a folder, a missing folder and a file that is no database are refused, and left as they are', async () => {
  const folder = newPath('')
  mkdirSync(folder)
  await expect(sqliteStorage(folder).open('suite')).rejects.toThrow(/is a folder\. Name a file in it/)
  await expect(sqliteStorage(`${folder}/none/x.db`).open('suite')).rejects.toThrow(/folder of .* does not exist/)
  const text = newPath('.txt')
  const words = 'This is a text, and long enough to have been a database: '.repeat(40)
  writeFileSync(text, words)
  await expect(sqliteStorage(text).open('suite')).rejects.toThrow(/is not a SQLite database/)
  expect(readFileSync(text, 'utf8')).toBe(words)
})

test('an open that failed can be tried again', async () => {
  const folder = newPath('')
  const storage = sqliteStorage(`${folder}/x.db`)
  await expect(storage.open('suite')).rejects.toThrow(/does not exist/)
  mkdirSync(folder)
  await storage.open('suite')
  expect((await storage.deliveries.counts()).scheduled).toBe(0)
  await storage.close()
})

test('the file is in WAL mode, and a copy of it taken by another deployment is refused', async () => {
  const file = newPath()
  const storage = await connected(sqliteStorage(file))
  expect(new DatabaseSync(file).prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
  await storage.close()
  await expect(sqliteStorage(file).open('staging')).rejects.toThrow(/belongs to the deployment "suite"/)
})

test('on a full disk a write says so and leaves nothing half done, and works again once there is room', async () => {
  const file = newPath()
  await (await connected(sqliteStorage(file))).close()
  const pages = Number(new DatabaseSync(file).prepare('pragma page_count').get()?.page_count)
  // SQLite's own limit on the file gives the very error of a full disk.
  const full = sqliteStorage({ file, pragmas: { max_page_count: pages + 20 } })
  await full.open('suite')
  const big = JSON.stringify('x'.repeat(40_000))
  let stored = 0
  const fill = async () => {
    for (let n = 0; n < 100; n++, stored++) await full.publications.add([publication(n, big)])
  }
  // Logs of workers say an error's name only.
  await expect(fill()).rejects.toMatchObject({ name: 'DiskFull', message: expect.stringMatching(/cannot grow: the disk or its quota is full/) })
  expect((await full.deliveries.counts(tenant)).scheduled).toBe(stored)
  const host = new DatabaseSync(file)
  host.exec(`pragma max_page_count = ${pages + 20}; begin immediate`)
  await expect(full.within(host).publications.add([publication('in-tx', big)])).rejects.toThrow(/cannot grow/)
  host.close()
  await full.close()
  const roomy = sqliteStorage(file)
  await roomy.open('suite')
  expect(await roomy.publications.get(tenant, 'publication-in-tx')).toBeUndefined()
  expect(await roomy.publications.get(tenant, `publication-${stored}`)).toBeUndefined()
  expect((await roomy.publications.add([publication(stored, big)])).status).toBe('added')
  expect((await roomy.deliveries.claim(query)).claims).toHaveLength(stored + 1)
  await roomy.close()
})

/** Opens and adds as a user who is not root, to whom every file is writable. */
const asAnotherUser = (file: string): Promise<string> =>
  new Promise((resolve) => {
    const isRoot = process.getuid?.() === 0
    const flags = ['--experimental-strip-types', '--no-warnings', '--conditions=@syndikit/source']
    const script = fileURLToPath(new URL('./open-and-add.ts', import.meta.url))
    const child = spawn(process.execPath, [...flags, script, file], isRoot ? { uid: 65_534, gid: 65_534 } : {})
    let said = ''
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString()
    })
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString()
    })
    child.on('close', () => resolve(said))
  })

test('a file that may not be written is refused with what is missing', async () => {
  const folder = newPath('')
  mkdirSync(folder)
  const file = `${folder}/x.db`
  await (await connected(sqliteStorage(file))).close()
  chmodSync(dirname(folder), 0o755)
  chmodSync(file, 0o444)
  chmodSync(folder, 0o555)
  const said = await asAnotherUser(file)
  chmodSync(folder, 0o755)
  expect(said).toMatch(/may not be written|cannot be opened/)
  const again = sqliteStorage(file)
  chmodSync(file, 0o644)
  await again.open('suite')
  expect((await again.deliveries.counts()).scheduled).toBe(0)
  await again.close()
})
