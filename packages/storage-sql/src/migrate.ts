// Brings the tables to this version, once, however many processes start at the same moment; and refuses a database that is not ours to change.

import type { Work } from './connector.ts'
import { metaTable, migrations, newest, type Shape } from './schema.ts'
import type { Sql } from './sql.ts'

const refuseNewer = (version: number) =>
  new TypeError(
    `syndikit: this database has schema version ${version}, and this release of @syndikit/storage-sql knows versions up to ${newest}. ` +
      'A newer release has already migrated it: install that release here too.',
  )

const refuseForeign = (stored: string, asked: string) =>
  new TypeError(
    `syndikit: this database belongs to the deployment "${stored}", not to "${asked}". If it is a copy of another deployment's database, give this one its own; ` +
      `if the name was changed, set \`deployment: '${stored}'\` again. What is sealed for one deployment opens in no other.`,
  )

const refuseUnreadable = () =>
  new TypeError(
    'syndikit: this database does not say which version its schema has: the row `schema` of its table `syndikit_meta` was changed. Restore a backup.',
  )

function* read(sql: Sql): Work<{ version: number; deployment: string | undefined }> {
  const rows = yield sql('select name, value from syndikit_meta')
  const meta = new Map(rows.map((row) => [row.name, String(row.value)]))
  return { version: Number(meta.get('schema') ?? 0), deployment: meta.get('deployment') }
}

/** Where a database ends its transaction at every change of its tables, a process that died may have made this one. */
function* isThere(sql: Sql, statement: string): Work<boolean> {
  const question = sql.dialect.isDone(statement)
  return question !== null && (yield sql(question)).length > 0
}

function* record(sql: Sql, name: string, value: string): Work<void> {
  yield sql(`insert into syndikit_meta (name, value) select :name, :value${sql.dialect.ignore(['name'])}`, { name, value })
}

function* make(sql: Sql, shape: Shape, from: number): Work<void> {
  for (const migration of migrations) {
    if (migration.version <= from) continue
    for (const statement of migration.statements(shape)) if (!(yield* isThere(sql, statement))) yield sql(statement)
  }
  yield* record(sql, 'schema', String(newest))
  if (from > 0) yield sql('update syndikit_meta set value = :value where name = :name', { name: 'schema', value: String(newest) })
}

/** How `open` brings a database to this version. */
export interface Migrating {
  /** Parts of how the tables look, where they are not to look as the dialect has them. */
  readonly shape?: Partial<Shape> | undefined
  /** Given, nothing is made: a database that lacks migrations is refused with this error. Version 0: none was applied, or not by our SQL. */
  readonly unmigrated?: ((version: number, newest: number) => Error) | undefined
}

/** All in the caller's transaction: a process that dies in the middle leaves nothing behind, or on MySQL what the next one goes on from. */
export function* migrate(sql: Sql, deployment: string, { shape, unmigrated }: Migrating): Work<void> {
  const { dialect } = sql
  const shaped = { ...dialect, ...shape }
  if (!unmigrated && dialect.migrating !== null) yield sql(dialect.migrating)
  const isMade = (yield sql(dialect.isMade)).length > 0
  if (!isMade && unmigrated) throw unmigrated(0, newest)
  if (!isMade) yield sql(metaTable(shaped))
  const { version, deployment: stored } = yield* read(sql)
  if (!Number.isInteger(version)) throw refuseUnreadable()
  if (version > newest) throw refuseNewer(version)
  if (version < newest && unmigrated) throw unmigrated(version, newest)
  if (stored !== undefined && stored !== deployment) throw refuseForeign(stored, deployment)
  if (version < newest) yield* make(sql, shaped, version)
  if (stored !== undefined) return
  yield* record(sql, 'deployment', deployment)
  // Another process may have been first.
  const { deployment: first } = yield* read(sql)
  if (first !== undefined && first !== deployment) throw refuseForeign(first, deployment)
}
