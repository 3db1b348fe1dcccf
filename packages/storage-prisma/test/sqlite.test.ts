// SQLite through Prisma keeps the rules that every storage keeps.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prismaStorage } from '@syndikit/storage-prisma'
import { testStorage } from '@syndikit/testing'
import { afterAll, describe, test } from 'vitest'
import { clientFor, type HostClient } from './clients.ts'

const folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
const clients: HostClient[] = []
afterAll(async () => {
  for (const client of clients) await client.$disconnect()
  rmSync(folder, { recursive: true })
})

let made = 0
describe('SQLite through Prisma keeps the contract', () =>
  testStorage({
    test,
    open: async () => {
      const client = await clientFor('sqlite', `file:${join(folder, `${++made}.db`)}`)
      clients.push(client)
      return prismaStorage(client, { migrate: true })
    },
  }))
