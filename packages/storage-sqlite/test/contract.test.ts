// SQLite keeps the rules that every storage keeps: one instance, two on one file as of two processes, and on a clock of the test's own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { testStorage } from '@syndikit/testing'
import { afterAll, describe, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const newFile = () => join(folder, `${++files}.db`)

describe('sqliteStorage keeps the contract', () => testStorage({ test, open: () => sqliteStorage(newFile()) }))

describe('two instances on one file keep the contract', () =>
  testStorage({
    test,
    open: () => {
      const file = newFile()
      return [sqliteStorage(file), sqliteStorage(file)]
    },
  }))

describe('with a clock of its own it keeps the contract', () => {
  let nowMs = Date.UTC(2026, 10, 20)
  testStorage({
    test,
    open: () => sqliteStorage({ file: newFile(), clock: { now: () => nowMs } }),
    wait: async (ms) => {
      nowMs += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
})
