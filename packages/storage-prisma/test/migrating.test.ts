// Making the tables where each change commits by itself: many at once, and going on where a killed process left off.

import { missing, type Server, startMariadb } from '@syndikit/servers'
import { prismaStorage } from '@syndikit/storage-prisma'
import { tables } from '@syndikit/storage-sql/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientFor, type HostClient } from './clients.ts'

describe.skipIf(missing('mariadb') !== undefined)('on MariaDB', () => {
  let server: Server
  let client: HostClient
  beforeAll(async () => {
    server = await startMariadb({ 'innodb-flush-log-at-trx-commit': '0' })
    client = await clientFor('mysql', server.url)
  }, 120_000)
  afterAll(async () => {
    await client?.$disconnect()
    await server?.stop()
  })
  const indexes = async () =>
    ((await client.$queryRawUnsafe('select distinct index_name as name from information_schema.statistics where table_schema = database()')) as object[]).length
  const opened = () => prismaStorage(client, { migrate: true }).open('production')

  test('four processes that start on an empty database all find the tables made', async () => {
    await Promise.all(Array.from({ length: 4 }, opened))
    // And the primary keys, which all have one name.
    expect(await indexes()).toBe(tables().flatMap((table) => table.indexes).length + 1)
    await expect(prismaStorage(client, { migrate: true }).open('staging')).rejects.toThrow(/belongs to the deployment "production"/)
  }, 60_000)

  test('what a killed process left half made is made whole', async () => {
    const whole = await indexes()
    await client.$executeRawUnsafe('delete from syndikit_meta')
    for (const { name } of tables().slice(-4)) await client.$executeRawUnsafe(`drop table ${name}`)
    await client.$executeRawUnsafe('drop index syndikit_deliveries_list on syndikit_deliveries')
    await opened()
    expect(await indexes()).toBe(whole)
  }, 60_000)
})
