// `add`: finds where the host's Prisma set-up looks, puts our models and migrations there, once, and shows what it does.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { add } from '../src/add/add.ts'
import { fragment } from '../src/fragment.ts'
import { sqlFiles } from '../src/ready-sql.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const datasource = (provider = 'postgresql') => `datasource db {\n  provider = "${provider}"\n}\n`
const article = 'model Article {\n  id String @id\n}\n'

/** A host's folder with these files. */
const host = (files: Readonly<Record<string, string>>): string => {
  const root = mkdtempSync(join(tmpdir(), 'syndikit-add-'))
  folders.push(root)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}
const read = (root: string, name: string) => readFileSync(join(root, name), 'utf8')
const filesIn = (root: string) => globSync('**/*.{prisma,sql}', { cwd: root }).toSorted()
const now = new Date('2026-11-20T09:10:11Z')

test('a single schema gets the models between markers, and its migrations the SQL', () => {
  const root = host({ 'prisma/schema.prisma': datasource() + article })
  const said = add(root, { now })
  expect(read(root, 'prisma/schema.prisma').startsWith(`${datasource()}${article}\n// >>> syndikit`)).toBe(true)
  expect(read(root, 'prisma/schema.prisma')).toContain(fragment('postgresql'))
  expect(filesIn(root)).toEqual(['prisma/migrations/20261120091011_syndikit_1/migration.sql', 'prisma/schema.prisma'])
  expect(read(root, 'prisma/migrations/20261120091011_syndikit_1/migration.sql')).toBe(sqlFiles('postgresql')[0]?.text)
  expect(said).toContain('+ model SyndikitDelivery {')
  expect(said).toContain('npx prisma migrate dev')
})

test('a folder gets a file of its own', () => {
  const root = host({ 'prisma.config.ts': "export default defineConfig({ schema: 'db/schema' })", 'db/schema/a/main.prisma': datasource('mysql') + article })
  add(root, { now, noMigration: true })
  expect(filesIn(root)).toEqual(['db/schema/a/main.prisma', 'db/schema/syndikit.prisma'])
  expect(read(root, 'db/schema/syndikit.prisma')).toContain(fragment('mysql'))
  expect(read(root, 'db/schema/a/main.prisma')).toBe(datasource('mysql') + article)
})

test('where prisma.config.ts or package.json name the schema, that one is meant', () => {
  const joined = `import path from 'node:path'\nexport default { // schema: 'no'\n  schema: path.join('db', 'one.prisma'), migrations: { path: 'db/steps' } }`
  const byConfig = host({ 'prisma.config.ts': joined, 'db/one.prisma': datasource('sqlite'), 'prisma/schema.prisma': datasource() })
  add(byConfig, { now })
  expect(read(byConfig, 'db/one.prisma')).toContain(fragment('sqlite'))
  expect(filesIn(byConfig)).toContain('db/steps/20261120091011_syndikit_1/migration.sql')
  const byPackage = host({ 'package.json': '{ "prisma": { "schema": "db/two.prisma" } }', 'db/two.prisma': datasource() })
  add(byPackage, { now })
  expect(read(byPackage, 'db/two.prisma')).toContain(fragment('postgresql'))
})

test('twice is as once, also after a formatter and where lines end in CRLF', () => {
  const root = host({ 'prisma/schema.prisma': (datasource() + article).replaceAll('\n', '\r\n') })
  add(root, { now })
  const once = read(root, 'prisma/schema.prisma')
  expect(once.replaceAll('\r\n', '')).not.toContain('\n')
  expect(add(root, { now })).toMatch(/Nothing was changed/)
  const formatted = once.replace(/ @map/g, '    @map')
  writeFileSync(join(root, 'prisma/schema.prisma'), formatted)
  add(root, { now })
  expect(read(root, 'prisma/schema.prisma')).toBe(formatted)
  expect(filesIn(root)).toHaveLength(2)
})

test("a host's relations in our models stay, and what was changed in them is put right", () => {
  const root = host({ 'schema.prisma': datasource() })
  add(root, { now })
  const file = join(root, 'schema.prisma')
  const related = read(root, 'schema.prisma').replace('model SyndikitPublication {', 'model SyndikitPublication {\n  articles Article[]\n  mine     String?')
  writeFileSync(file, related.replace(/ {2}idempotencyKey .*\n/, ''))
  const said = add(root, { now })
  expect(read(root, 'schema.prisma')).toMatch(/finishedAt.*\n {2}articles Article\[\]\n\n {2}@@unique/)
  expect(read(root, 'schema.prisma')).not.toContain('mine ')
  expect(said).toMatch(/^\+ {3}idempotencyKey/m)
  expect(said).toMatch(/^- {3}mine/m)
})

test('a dry run says the same and changes nothing', () => {
  const root = host({ 'prisma/schema.prisma': datasource() })
  const dry = add(root, { now, dryRun: true })
  expect(filesIn(root)).toEqual(['prisma/schema.prisma'])
  expect(read(root, 'prisma/schema.prisma')).toBe(datasource())
  expect(dry).toContain('+ model SyndikitDelivery {')
  expect(dry).toContain('this was a dry run')
})

describe('what cannot be read is refused with what to do, and nothing is written', () => {
  const cases: Readonly<Record<string, { files: Readonly<Record<string, string>>; options?: object; says: RegExp }>> = {
    'no schema': { files: {}, says: /no Prisma schema.*--schema PATH/ },
    'a schema that is not there': { files: {}, options: { schema: 'x.prisma' }, says: /x\.prisma: there is no such/ },
    'a config that computes': { files: { 'prisma.config.ts': 'export default { schema: where() }' }, says: /cannot be read without running it.*--schema PATH/ },
    'no datasource': { files: { 'prisma/schema.prisma': article }, says: /has no `datasource`/ },
    'another database': { files: { 'prisma/schema.prisma': datasource('mongodb') }, says: /for mongodb; Syndikit speaks/ },
    'a model of that name': { files: { 'prisma/schema.prisma': `${datasource()}model SyndikitEvent {\n}\n` }, says: /has a model SyndikitEvent/ },
    'half a marker': { files: { 'prisma/schema.prisma': `${datasource()}// >>> syndikit\n` }, says: /is missing/ },
    'a migration of the future': {
      files: { 'prisma/schema.prisma': datasource(), 'prisma/migrations/20270101000000_x/migration.sql': '' },
      says: /of a later moment/,
    },
  }
  for (const [name, { files, options, says }] of Object.entries(cases))
    test(name, () => {
      const root = host(files)
      expect(() => add(root, { now, ...options })).toThrow(says)
      for (const [file, text] of Object.entries(files)) expect(read(root, file)).toBe(text)
      expect(existsSync(join(root, 'prisma/migrations/20261120091011_syndikit_1'))).toBe(false)
    })
})

test('the command does it, and says what it does not know', () => {
  const root = host({ 'prisma/schema.prisma': datasource() })
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const args = (...more: string[]) => ['--conditions=@syndikit/source', cli, ...more]
  expect(execFileSync(process.execPath, args('add', '--no-migration'), { cwd: root, encoding: 'utf8' })).toContain('Next: `npx prisma generate`.')
  expect(filesIn(root)).toEqual(['prisma/schema.prisma'])
  for (const wrong of [['remove'], ['add', '--fast'], []]) expect(spawnSync(process.execPath, args(...wrong), { cwd: root }).status).toBe(1)
})

test('the ready SQL that is shipped is that of the migrations', () => {
  for (const provider of ['postgresql', 'mysql', 'sqlite'] as const)
    for (const { version, text } of sqlFiles(provider))
      expect(readFileSync(join(import.meta.dirname, '../sql', provider, `${version}.sql`), 'utf8'), 'run `npm run ready-sql`').toBe(text)
})
