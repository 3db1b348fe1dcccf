// SQLite keeps the rules that every storage keeps: one instance, two on one file as of two processes, and on a clock of the test's own.
import { sqliteStorage } from '@syndikit/storage-sqlite'
import { testStorage } from '@syndikit/testing'
import { describe, test } from 'vitest'
import { newPath } from './fixtures.ts'

describe('sqliteStorage keeps the contract', () => testStorage({ test, open: () => sqliteStorage(newPath()) }))

describe('two instances on one file keep the contract', () =>
  testStorage({
    test,
    open: () => {
      const file = newPath()
      return [sqliteStorage(file), sqliteStorage(file)]
    },
  }))

describe('with a clock of its own it keeps the contract', () => {
  let nowMs = Date.UTC(2026, 10, 20)
  testStorage({
    test,
    open: () => sqliteStorage({ file: newPath(), clock: { now: () => nowMs } }),
    wait: async (ms) => {
      nowMs += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
})
