// PrismaClients as a host would have them: generated from a schema with our models and an `Article` of its own, once for each text of the schema.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import type { PrismaTransaction, PrismaWithSyndikit, Provider } from '@syndikit/storage-prisma'
import { fragment } from '../src/fragment.ts'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
/** Inside the workspace, where what is generated finds its runtime. */
const home = join(import.meta.dirname, '..', '.generated')

interface Article {
  readonly id: string
  readonly title: string
}
interface Articles {
  readonly article: { create(args: { data: Article }): Promise<Article>; findMany(args?: object): Promise<Article[]> }
}
/** What the generated client of these tests can do, as far as they use it. */
export interface HostClient extends Omit<PrismaWithSyndikit, '$transaction'>, Articles {
  $transaction<R>(run: (tx: PrismaTransaction & Articles) => Promise<R>, options?: { timeout?: number; maxWait?: number }): Promise<R>
  $disconnect(): Promise<void>
}

export const schemaOf = (provider: Provider, models = fragment(provider)): string => `generator client {
  provider = "prisma-client"
  output   = "./client"
  importFileExtension = "ts"
  moduleFormat = "esm"
}

datasource db {
  provider = "${provider}"
}

model Article {
  id    String @id
  title String
}

${models}
`

/** The folder of a client generated from that schema. */
export const generated = async (schema: string): Promise<string> => {
  const folder = join(home, createHash('sha256').update(schema).digest('hex').slice(0, 16))
  if (existsSync(folder)) return join(folder, 'client')
  mkdirSync(home, { recursive: true })
  const making = mkdtempSync(join(home, 'making-'))
  const file = join(making, 'schema.prisma')
  writeFileSync(file, schema)
  // Any program serves: nothing starts it, and without one named here the command wants to download it.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' }
  await run(process.execPath, [require.resolve('prisma/build/index.js'), 'generate', '--schema', file], { env, cwd: making })
  try {
    renameSync(making, folder)
  } catch {
    // Another test file was faster.
    rmSync(making, { recursive: true })
  }
  return join(folder, 'client')
}

const adapterFor = (provider: Provider, url: string) => {
  if (provider === 'postgresql') return new PrismaPg({ connectionString: url })
  if (provider === 'mysql') {
    const { hostname, port, username, pathname } = new URL(url)
    return new PrismaMariaDb({ host: hostname, port: Number(port), user: username, database: pathname.slice(1), connectionLimit: 10 })
  }
  return new PrismaLibSql({ url })
}

/** A client of that database. */
export const clientFor = async (provider: Provider, url: string): Promise<HostClient> => {
  const { PrismaClient } = (await import(join(await generated(schemaOf(provider)), 'client.ts'))) as {
    PrismaClient: new (options: object) => HostClient
  }
  return new PrismaClient({ adapter: adapterFor(provider, url) })
}
