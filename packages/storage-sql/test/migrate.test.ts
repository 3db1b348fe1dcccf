// Opening a database: made once, kept afterwards, and refused where it is not ours to change.
import { DatabaseSync } from 'node:sqlite'
import { sqlStorage } from '@syndikit/storage-sql'
import { expect, test } from 'vitest'
import { memoryConnector } from './connector.ts'

const schemaOf = (db: DatabaseSync) => db.prepare('select name, sql from sqlite_schema order by name').all()

test('a new database gets its tables, all of them named syndikit_, and a second open changes nothing', async () => {
  const db = new DatabaseSync(':memory:')
  await sqlStorage(memoryConnector(db)).open('production')
  const made = schemaOf(db)
  expect(made.filter(({ name }) => !/^(syndikit_|sqlite_)/.test(String(name)))).toEqual([])
  await sqlStorage(memoryConnector(db)).open('production')
  expect(schemaOf(db)).toEqual(made)
})

test("the host's own tables in the same file are left alone", async () => {
  const db = new DatabaseSync(':memory:')
  db.exec(`create table posts (id integer primary key); insert into posts values (7)`)
  await sqlStorage(memoryConnector(db)).open('production')
  expect(db.prepare('select id from posts').all()).toEqual([{ id: 7 }])
})

test('a database of a newer schema is refused, with both versions and what to do', async () => {
  const db = new DatabaseSync(':memory:')
  await sqlStorage(memoryConnector(db)).open('production')
  db.exec(`update syndikit_meta set value = '99' where name = 'schema'`)
  const refused = sqlStorage(memoryConnector(db)).open('production')
  await expect(refused).rejects.toThrow(TypeError)
  await expect(refused).rejects.toThrow(/version 99.*up to 1\..*install that release/)
})

test('a database of another deployment is refused, with both names and the mend', async () => {
  const db = new DatabaseSync(':memory:')
  await sqlStorage(memoryConnector(db)).open('production')
  const refused = sqlStorage(memoryConnector(db)).open('staging')
  await expect(refused).rejects.toThrow(TypeError)
  await expect(refused).rejects.toThrow(/"production", not to "staging".*set `deployment: 'production'` again/)
})

test('a migration that dies in the middle leaves nothing behind', async () => {
  for (let statement = 2; statement < 12; statement++) {
    const db = new DatabaseSync(':memory:')
    let sent = 0
    const dying = memoryConnector(db, () => {
      if (++sent === statement) throw new Error('killed')
    })
    await expect(sqlStorage(dying).open('production')).rejects.toThrow('killed')
    expect(schemaOf(db)).toEqual([])
    await sqlStorage(memoryConnector(db)).open('production')
  }
})
