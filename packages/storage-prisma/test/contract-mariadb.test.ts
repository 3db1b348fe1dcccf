// MariaDB through Prisma keeps the rules that every storage keeps: one client, and two of two processes.

import { missing, type Server, startMariadb } from '@syndikit/servers'
import { prismaStorage } from '@syndikit/storage-prisma'
import { testStorage } from '@syndikit/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { clientFor, type HostClient } from './clients.ts'
import { emptied } from './emptied.ts'

describe.skipIf(missing('mariadb') !== undefined)('MariaDB through Prisma keeps the contract', () => {
  let server: Server
  let clients: [HostClient, HostClient]
  beforeAll(async () => {
    server = await startMariadb({ 'innodb-flush-log-at-trx-commit': '0', 'skip-innodb-doublewrite': '1' })
    clients = [await clientFor('mysql', server.url), await clientFor('mysql', server.url)]
    await prismaStorage(clients[0], { migrate: true }).open('suite')
  }, 120_000)
  afterAll(async () => {
    for (const client of clients ?? []) await client.$disconnect()
    await server?.stop()
  })

  testStorage({
    test,
    open: async () => {
      await emptied(clients[0])
      return clients.map((client) => prismaStorage(client))
    },
  })
})
