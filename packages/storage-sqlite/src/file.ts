// One handle on the file: its settings, and its prepared statements.

import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Row, Statement } from '@syndikit/storage-sql'

export type Pragmas = Readonly<Record<string, string | number>>

/** Statements of the engine number about fifty; filters of lists make a few more. */
const mostStatements = 200

const word = /^-?\w+$/
/** Of pages kept in memory: with a million rows, SQLite's own 2 MB are read and forgotten all the time. */
const cacheKib = 32_000
/** What Syndikit's promises rest on. */
const ours: Pragmas = { busy_timeout: 0, journal_mode: 'wal', synchronous: 'full' }

/** Throws for what can be known to be wrong before the file is touched. */
export const checkOptions = (file: unknown, pragmas: Pragmas): string => {
  if (typeof file !== 'string' || file === '' || file.includes('\0'))
    throw new TypeError("sqliteStorage: `file` must be the path of a file, such as 'syndikit.db'.")
  if (file === ':memory:' || file.startsWith('file:'))
    throw new TypeError(
      `sqliteStorage: \`file\` must be a path, not "${file}". What lives in memory is lost with the process: for tests there is \`memoryStorage()\` in @syndikit/core.`,
    )
  if (typeof pragmas !== 'object' || pragmas === null) throw new TypeError('sqliteStorage: `pragmas` is an object, such as { cache_size: -64000 }.')
  for (const [name, value] of Object.entries(pragmas)) {
    const promised = ours[name.toLowerCase()]
    if (promised !== undefined) throw new TypeError(`sqliteStorage: \`pragmas.${name}\` is set by Syndikit: its promises rest on ${name} = ${promised}.`)
    if (!word.test(name) || !word.test(String(value))) throw new TypeError(`sqliteStorage: \`pragmas\` takes plain words and numbers, not ${name} = ${value}.`)
  }
  return resolve(file)
}

const checkPlace = (file: string) => {
  if (!existsSync(dirname(file))) throw new TypeError(`sqliteStorage: the folder of ${file} does not exist. Create it first.`)
  if (existsSync(file) && statSync(file).isDirectory()) throw new TypeError(`sqliteStorage: ${file} is a folder. Name a file in it.`)
}

/** Opens the file with write-ahead logging, which readers need to go on while somebody writes, and with every commit on the disk before it is acknowledged. */
export const openFile = (file: string, pragmas: Pragmas): DatabaseSync => {
  checkPlace(file)
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    const mode = db.prepare(`pragma journal_mode = ${ours.journal_mode}`).get()?.journal_mode
    if (mode !== ours.journal_mode)
      throw new Error(`sqliteStorage: ${file} lies where SQLite cannot use write-ahead logging (it stays in mode "${mode}"). Use a local disk.`)
    db.exec(`pragma synchronous = ${ours.synchronous}`)
    for (const [name, value] of Object.entries({ cache_size: -cacheKib, ...pragmas })) db.exec(`pragma ${name} = ${value}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Runs statements on a handle, each prepared once. */
export const runner = (db: DatabaseSync): ((statement: Statement) => readonly Row[]) => {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known) {
      // Last used, last forgotten.
      prepared.delete(sql)
      prepared.set(sql, known)
      return known
    }
    const made = db.prepare(sql)
    prepared.set(sql, made)
    const oldest = prepared.keys().next()
    if (prepared.size > mostStatements && !oldest.done) prepared.delete(oldest.value)
    return made
  }
  return ({ sql, params }) => prepare(sql).all(...params) as Row[]
}
