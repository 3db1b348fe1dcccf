// Models, SQL and tables are one: on SQLite Prisma's own engine finds nothing to change in what our SQL made; the catalogs of the servers say what the models say.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { missing, type Server, startMariadb, startPostgres } from '@syndikit/servers'
import { type Provider, prismaStorage } from '@syndikit/storage-prisma'
import { type ColumnType, tables } from '@syndikit/storage-sql/schema'
import { describe, expect, test } from 'vitest'
import { modelNames } from '../src/client.ts'
import { fragment, modelOf } from '../src/fragment.ts'
import { sqlFiles } from '../src/ready-sql.ts'
import { clientFor, type HostClient } from './clients.ts'
import { databases } from './databases.ts'

test('the client must have every model that there is', () => {
  const names = tables().map((table) => modelOf(table).replace(/^S/, 's'))
  expect([...modelNames].toSorted()).toEqual(names.toSorted())
})

interface Engine {
  schemaPush(input: object): Promise<{ executedSteps: number; unexecutable: string[]; warnings: string[] }>
}

/** What of WebAssembly is needed; the types of Node have it as a name only. */
interface Wasm {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>
}
interface Glue {
  __wbg_set_wasm(exports: object): void
  readonly SchemaEngine: { new: (options: object, log: () => void, factory: object) => Promise<Engine> }
}

/** Prisma's schema engine as it is in the package: what `prisma db push` runs. One for the file: its parts are one. */
const engineModule = (async () => {
  const folder = dirname(fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm')))
  const glue = (await import(join(folder, 'schema_engine_bg.js'))) as Glue
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm }
  const { instance } = await wasm.instantiate(readFileSync(join(folder, 'schema_engine_bg.wasm')), { './schema_engine_bg.js': glue })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return glue
})()

/** The engine puts names into double quotes as texts, which the SQLite of this adapter is built not to take. */
const singleQuoted = (factory: PrismaLibSql) => ({
  provider: 'sqlite' as const,
  adapterName: factory.adapterName,
  connectToShadowDb: () => factory.connectToShadowDb(),
  connect: async () => {
    const adapter = await factory.connect()
    const ask = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = (query) => ask({ ...query, sql: query.sql.replace(/ name = "(\w+)"/, " name = '$1'") })
    return adapter
  },
})

const stepsTo = async (models: string, factory: PrismaLibSql): Promise<number> => {
  const content = `datasource db {\n  provider = "sqlite"\n}\n\n${models}\n`
  const { SchemaEngine } = await engineModule
  const bound = bindMigrationAwareSqlAdapterFactory(singleQuoted(factory))
  const engine = await SchemaEngine.new({ datamodels: [['schema.prisma', content]] }, () => {}, bound)
  const { executedSteps, unexecutable, warnings } = await engine.schemaPush({
    force: false,
    schema: { files: [{ path: 'schema.prisma', content }] },
    filters: { externalTables: [], externalEnums: [] },
  })
  return executedSteps + unexecutable.length + warnings.length
}

/** On a database with nothing in it but what the ready SQL makes. */
const withSql = async (provider: Provider, url: string) => {
  const client = await clientFor(provider, url)
  for (const { text } of sqlFiles(provider))
    for (const statement of text.split(/;\n/)) if (/\w/.test(statement.replace(/^--.*$/gm, ''))) await client.$executeRawUnsafe(statement)
  return client
}

test('Prisma finds nothing to change in what our SQL made, and a change of the models it does find', async () => {
  const started = await databases[0]?.start()
  if (!started) throw new Error('SQLite needs no server.')
  const url = started.url.replace('host.db', 'fresh.db')
  const client = await withSql('sqlite', url)
  await prismaStorage(client).open('suite')
  const models = fragment('sqlite')
  const factory = new PrismaLibSql({ url })
  expect(await stepsTo(models, factory)).toBe(0)
  for (const [from, to] of [
    [/ +@@index\(\[tenant\], map: "syndikit_grants_tenant"\)\n/, ''],
    [/^( +marker +)String\?/m, '$1BigInt?'],
    [/^( +priority +)BigInt/m, '$1Int'],
  ] as const) {
    const changed = models.replace(from, to)
    expect(changed).not.toBe(models)
    expect(await stepsTo(changed, factory)).toBeGreaterThan(0)
  }
  await client.$disconnect()
  await started.stop()
}, 60_000)

interface Catalog {
  readonly types: Readonly<Record<ColumnType, string>>
  /** Name, type and whether it may be null, of the table that the parameter names. */
  readonly columns: string
  /** Name, whether unique, and each of its columns in order. */
  readonly indexes: string
  readonly primary: (table: string) => string
}
const catalogs: Readonly<Record<'postgresql' | 'mysql', Catalog>> = {
  postgresql: {
    types: { key: 'text C', url: 'text C', text: 'text', int: 'bigint', identity: 'bigint' },
    columns: `select column_name as name, concat_ws(' ', data_type, collation_name) as type, is_nullable as nullable from information_schema.columns where table_name = $1 order by ordinal_position`,
    indexes: `select i.relname::text as name, case when x.indisunique then 1 else 0 end as one, a.attname::text as part from pg_index x
      join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid cross join lateral unnest(x.indkey) with ordinality as k(attnum, n)
      join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum where t.relname = $1 order by i.relname, k.n`,
    primary: (table) => `${table}_pkey`,
  },
  mysql: {
    types: { key: 'varchar(255) utf8mb4_bin', url: 'varchar(500) ascii_bin', text: 'longtext utf8mb4_bin', int: 'bigint(20)', identity: 'bigint(20)' },
    columns: `select column_name as name, concat_ws(' ', column_type, collation_name) as type, is_nullable as nullable from information_schema.columns
      where table_schema = database() and table_name = ? order by ordinal_position`,
    indexes: `select index_name as name, 1 - non_unique as one, column_name as part from information_schema.statistics
      where table_schema = database() and table_name = ? order by index_name, seq_in_index`,
    primary: () => 'PRIMARY',
  },
}

const sameAs = async (client: HostClient, { types, columns, indexes, primary }: Catalog): Promise<void> => {
  for (const table of tables()) {
    const found = (await client.$queryRawUnsafe(columns, table.name)) as { name: string; type: string; nullable: string }[]
    expect(found.map(({ name, type, nullable }) => [name, type, nullable])).toEqual(
      table.columns.map(({ name, type, nullable }) => [name, types[type], nullable ? 'YES' : 'NO']),
    )
    const parts = (await client.$queryRawUnsafe(indexes, table.name)) as { name: string; one: bigint | number; part: string }[]
    const kept = new Map<string, string>()
    for (const { name, one, part } of parts) kept.set(name, `${kept.get(name) ?? (Number(one) === 1 ? 'unique' : '')} ${part}`)
    const wanted = [
      [primary(table.name), `unique ${table.primaryKey.join(' ')}`],
      ...table.indexes.map(({ name, unique, columns: of }) => [name, `${unique ? 'unique' : ''} ${of.join(' ')}`]),
    ]
    expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(wanted))
  }
}

describe('the catalog has the columns, types, collations and indexes that the models say', () => {
  const check = async (provider: 'postgresql' | 'mysql', server: Server) => {
    const client = await withSql(provider, server.url)
    // Applied by hand is applied.
    await prismaStorage(client).open('suite')
    await sameAs(client, catalogs[provider])
    await client.$disconnect()
    await server.stop()
  }
  test.skipIf(missing('postgres') !== undefined)('PostgreSQL', async () => check('postgresql', await startPostgres({ fsync: 'off' })), 120_000)
  test.skipIf(missing('mariadb') !== undefined)('MariaDB', async () => check('mysql', await startMariadb()), 120_000)
})
