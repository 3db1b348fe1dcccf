// The databases that Prisma speaks and we speak, each with the host's own table and ours, and a second one beside it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, startMariadb, startPostgres } from '@syndikit/servers'
import { type Provider, prismaStorage } from '@syndikit/storage-prisma'
import { clientFor } from './clients.ts'

/** A database that this machine can start. */
export interface Started {
  readonly url: string
  readonly other: string
  stop(): Promise<void>
}

const article = 'create table if not exists `Article` (id varchar(191) not null primary key, title text not null)'

const prepared = async (provider: Provider, urls: readonly string[]): Promise<void> => {
  for (const url of urls) {
    const client = await clientFor(provider, url)
    await client.$executeRawUnsafe(provider === 'postgresql' ? article.replaceAll('`', '"') : article)
    await prismaStorage(client, { migrate: true }).open('default')
    await client.$disconnect()
  }
}

const secondOf = async (provider: Provider, url: string): Promise<string> => {
  const client = await clientFor(provider, url)
  await client.$executeRawUnsafe('create database other')
  await client.$disconnect()
  return new URL('/other', url).href
}

const onServer = async (provider: 'postgresql' | 'mysql'): Promise<Started> => {
  const server =
    provider === 'postgresql'
      ? await startPostgres({ fsync: 'off', full_page_writes: 'off' })
      : await startMariadb({ 'innodb-flush-log-at-trx-commit': '0', 'skip-innodb-doublewrite': '1' })
  const other = await secondOf(provider, server.url)
  await prepared(provider, [server.url, other])
  return { url: server.url, other, stop: server.stop }
}

const onFile = async (): Promise<Started> => {
  const folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
  const [url = '', other = ''] = ['host', 'other'].map((name) => `file:${join(folder, `${name}.db`)}`)
  await prepared('sqlite', [url, other])
  return { url, other, stop: async () => rmSync(folder, { recursive: true }) }
}

export interface Database {
  readonly name: string
  readonly provider: Provider
  readonly skipped: string | undefined
  start(): Promise<Started>
}

export const databases: readonly Database[] = [
  { name: 'SQLite', provider: 'sqlite', skipped: undefined, start: onFile },
  { name: 'PostgreSQL', provider: 'postgresql', skipped: missing('postgres'), start: () => onServer('postgresql') },
  { name: 'MariaDB', provider: 'mysql', skipped: missing('mariadb'), start: () => onServer('mysql') },
]
