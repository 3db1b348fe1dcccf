// Brings the tables to this version, once, however many processes start at the same moment; and refuses a database that is not ours to change.

import type { Work } from './connector.ts'
import { metaTable, migrations } from './schema.ts'
import type { Sql } from './sql.ts'

const newest = Math.max(...migrations.map(({ version }) => version))

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

/** All in the caller's transaction: a process that dies in the middle leaves nothing behind. */
export function* migrate(sql: Sql, deployment: string): Work<void> {
  const { dialect } = sql
  if (dialect.migrating !== null) yield sql(dialect.migrating)
  const isMade = dialect.isMade !== null && (yield sql(dialect.isMade)).length > 0
  if (!isMade) yield sql(metaTable(dialect))
  const { version, deployment: stored } = yield* read(sql)
  if (!Number.isInteger(version)) throw refuseUnreadable()
  if (version > newest) throw refuseNewer(version)
  if (stored !== undefined && stored !== deployment) throw refuseForeign(stored, deployment)
  for (const migration of migrations) {
    if (migration.version <= version) continue
    for (const statement of migration.statements(dialect)) yield sql(statement)
  }
  if (version === 0) yield sql('insert into syndikit_meta (name, value) values (:name, :value)', { name: 'schema', value: String(newest) })
  else if (version < newest) yield sql('update syndikit_meta set value = :value where name = :name', { name: 'schema', value: String(newest) })
  if (stored === undefined) yield sql('insert into syndikit_meta (name, value) values (:name, :value)', { name: 'deployment', value: deployment })
}
