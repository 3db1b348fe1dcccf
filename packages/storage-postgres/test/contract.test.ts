// PostgreSQL keeps the rules that every storage keeps: on one pool, on two as of two processes, on a clock of the test's own, and where nothing is prepared or pipelined.
import { postgresStorage } from '@syndikit/storage-postgres'
import { testStorage } from '@syndikit/testing'
import { describe, test } from 'vitest'
import { serverForFile, skipped } from './fixtures.ts'

describe.skipIf(skipped !== undefined)(`PostgreSQL ${skipped ?? ''}`, () => {
  const { emptyPools } = serverForFile()

  describe('postgresStorage keeps the contract', () => {
    const pools = emptyPools(1)
    testStorage({ test, open: async () => (await pools()).map((pool) => postgresStorage(pool)) })
  })

  describe('two pools on one database keep the contract', () => {
    const pools = emptyPools(2)
    testStorage({ test, open: async () => (await pools()).map((pool) => postgresStorage(pool)) })
  })

  describe('with a clock of its own, one statement at a time and nothing prepared, it keeps the contract', () => {
    const pools = emptyPools(1, { pipeline: false })
    let nowMs = Date.UTC(2026, 10, 20)
    testStorage({
      test,
      open: async () => (await pools()).map((pool) => postgresStorage({ pool, prepare: false, clock: { now: () => nowMs } })),
      wait: async (ms) => {
        nowMs += ms
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
  })
})
