// SQLite through Prisma keeps the rules that every storage keeps.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prismaStorage } from '@syndikit/storage-prisma'
import { testStorage } from '@syndikit/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { clientFor, type HostClient } from './clients.ts'
import { emptied } from './emptied.ts'

let folder: string
let client: HostClient
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
  client = await clientFor('sqlite', `file:${join(folder, 'host.db')}`)
  await prismaStorage(client, { migrate: true }).open('suite')
}, 60_000)
afterAll(async () => {
  await client.$disconnect()
  rmSync(folder, { recursive: true })
})

describe('SQLite through Prisma keeps the contract', () =>
  testStorage({
    test,
    open: async () => {
      await emptied(client)
      return prismaStorage(client)
    },
  }))
