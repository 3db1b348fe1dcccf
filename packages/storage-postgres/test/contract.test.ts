// PostgreSQL keeps the rules that every storage keeps: on one pool, on two as of two processes, on a clock of the test's own, and behind poolers.
import { postgresStorage } from '@syndikit/storage-postgres'
import { testStorage } from '@syndikit/testing'
import { describe, test } from 'vitest'
import { serverForFile, skipped } from './fixtures.ts'

describe.skipIf(skipped !== undefined)(`PostgreSQL ${skipped ?? ''}`, () => {
  const databases = serverForFile()

  describe('postgresStorage keeps the contract', () => testStorage({ test, open: async () => postgresStorage(await databases.newUrl()) }))
})
