// The schema for those who bring it into a database by other means than `open`: as data, and as SQL to run.

import { dialects } from './dialect/dialects.ts'
import { metaTable, migrations, type Shape } from './schema.ts'

export { newest as schemaVersion, type Shape } from './schema.ts'
export { type Column, type ColumnType, type Index, type Table, tables } from './tables.ts'

/** One migration as SQL. The last statement records the version, so `open` knows that it was applied. */
export interface ReadyMigration {
  readonly version: number
  readonly statements: readonly string[]
}

/** All migrations, oldest first. `shape` replaces parts of how the database's tables look. */
export const readySchema = (dialect: keyof typeof dialects, shape: Partial<Shape> = {}): readonly ReadyMigration[] => {
  const shaped = { ...dialects[dialect], ...shape }
  return migrations.map(({ version, statements }) => ({
    version,
    statements:
      version === 1
        ? [metaTable(shaped), ...statements(shaped), `insert into syndikit_meta (name, value) values ('schema', '1')`]
        : [...statements(shaped), `update syndikit_meta set value = '${version}' where name = 'schema'`],
  }))
}
