// What is refused before anything runs: a client without our models, one that does not tell its database, a database without our migration.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { type PrismaStorageOptions, type PrismaWithSyndikit, prismaStorage } from '@syndikit/storage-prisma'
import { afterAll, expect, test } from 'vitest'
import { modelNames } from '../src/client.ts'
import { explained, isConflict, isCrowded, isLost } from '../src/errors.ts'
import { clientFor, generated, schemaOf } from './clients.ts'

const folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
afterAll(() => rmSync(folder, { recursive: true }))

const raw = { $queryRawUnsafe: async () => [], $executeRawUnsafe: async () => 0, $transaction: async () => undefined }
const delegates = Object.fromEntries(modelNames.map((name) => [name, { findMany: () => [] }]))
const made = (client: object, options?: object) => () => prismaStorage(client as unknown as PrismaWithSyndikit, options as PrismaStorageOptions)

test('a client without our models is refused with the two commands to run', () => {
  expect(made(raw)).toThrow(/generated without Syndikit's models.*npx @syndikit\/storage-prisma add.*npx prisma generate/)
  expect(made({ ...raw, ...delegates, syndikitEvent: undefined })).toThrow(/without syndikitEvent\./)
  expect(made({})).toThrow(/must be your PrismaClient/)
  expect(made(null as unknown as object)).toThrow(TypeError)
})

test('a provider that cannot be told, is not spoken, or is another one is refused with what to set', () => {
  const client = { ...raw, ...delegates }
  expect(made(client)).toThrow(/does not tell which database.*Set `provider` to one of 'postgresql', 'mysql', 'sqlite'/)
  expect(made(client, { provider: 'oracle' })).toThrow(/not "oracle"/)
  expect(made({ ...client, _activeProvider: 'sqlserver' })).toThrow(/for sqlserver, which Syndikit does not speak/)
  expect(made({ ...client, _activeProvider: 'mysql' }, { provider: 'sqlite' })).toThrow(/was generated for 'mysql'/)
  expect(made(client, { provider: 'mysql' })).not.toThrow()
})

test('an unknown option, or one that makes no sense, is refused by name', () => {
  const client = { ...raw, ...delegates, _activeProvider: 'sqlite' }
  expect(made(client, { retries: 3 })).toThrow(/no option `retries`/)
  expect(made(client, { migrate: 'yes' })).toThrow(/`migrate` is true or false/)
  expect(made(client, { maxWaitMs: -1 })).toThrow(/`maxWaitMs`/)
  expect(made(client, { clock: {} })).toThrow(/`clock` lacks `now`/)
})

test('a database without our migration is left alone, and told which one and how', async () => {
  const client = await clientFor('sqlite', `file:${join(folder, 'bare.db')}`)
  const refused = prismaStorage(client).open('production')
  await expect(refused).rejects.toThrow(TypeError)
  await expect(refused).rejects.toThrow(/migration 1 is not applied.*storage-prisma add.*migrate deploy.*sql\/sqlite.*`migrate: true`/s)
  expect(await client.$queryRawUnsafe('select name from sqlite_schema')).toEqual([])
  await prismaStorage(client, { migrate: true }).open('production')
  await prismaStorage(client).open('production')
  await client.$executeRawUnsafe(`delete from syndikit_meta where name = 'schema'`)
  await expect(prismaStorage(client).open('production')).rejects.toThrow(/tables that Prisma made from the models alone/)
  await client.$disconnect()
})

test('errors of Prisma and its drivers are told apart, however deep the code lies', () => {
  const within = (cause: object) => Object.assign(new Error('Raw query failed'), { code: 'P2010', meta: { driverAdapterError: { cause } } })
  expect(
    [{ originalCode: '40P01' }, { kind: 'TransactionWriteConflict' }, { originalMessage: 'SQLITE_BUSY: database is locked' }].map(within).every(isConflict),
  ).toBe(true)
  expect(isCrowded({ code: 'P2024' })).toBe(true)
  expect([{ originalCode: '57P01' }, { kind: 'ConnectionClosed' }].map(within).every(isLost)).toBe(true)
  expect(explained({ code: 'P1017' })).toMatchObject({ name: 'DatabaseConnectionLost' })
  expect(explained({ code: 'P2024' })).toMatchObject({ name: 'PoolExhausted' })
  expect(explained(within({ originalCode: '25006' }))).toMatchObject({ name: 'DatabaseReadOnly' })
  expect(explained(within({ originalCode: '42P01' }))).toMatchObject({ name: 'TablesMissing' })
  const other = new Error('other')
  expect(explained(other)).toBe(other)
})

test('a connection that is lost while the commit is under way leaves an unknown outcome, and is not tried again', async () => {
  let runs = 0
  const client = {
    ...raw,
    ...delegates,
    _activeProvider: 'postgresql',
    $queryRawUnsafe: async () => [{ made: 1, name: 'schema', value: '1' }],
    $transaction: async (run: (tx: object) => Promise<unknown>) => {
      runs++
      await run(client)
      throw Object.assign(new Error('gone'), { code: 'P1017' })
    },
  }
  await expect(made(client)().open('production')).rejects.toMatchObject({ name: 'DatabaseOutcomeUnknown' })
  expect(runs).toBe(1)
})

const run = promisify(execFile)

test('a generated client with our models is taken by the compiler, and one without them is not', async () => {
  const [withModels, without] = [await generated(schemaOf('postgresql')), await generated(schemaOf('postgresql', ''))]
  const home = join(import.meta.dirname, '..', '.generated')
  const file = join(home, `types-${process.pid}.ts`)
  const from = (path: string) => `./${relative(home, join(path, 'client.ts'))}`
  writeFileSync(
    file,
    `import { prismaStorage } from '@syndikit/storage-prisma'
import type { PrismaClient as With } from '${from(withModels)}'
import type { PrismaClient as Without } from '${from(without)}'
export const taken = (prisma: With) => prismaStorage(prisma)
// @ts-expect-error: it lacks our models
export const refused = (prisma: Without) => prismaStorage(prisma)
`,
  )
  try {
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023', '--types', 'node']
    const more = ['--allowImportingTsExtensions', '--customConditions', '@syndikit/source', '--exactOptionalPropertyTypes', '--ignoreConfig']
    const tsc = join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc')
    await run(process.execPath, [tsc, ...flags, ...more, file], { cwd: home }).catch((error: { stdout: string }) => expect(error.stdout).toBe(''))
  } finally {
    rmSync(file)
  }
}, 60_000)
