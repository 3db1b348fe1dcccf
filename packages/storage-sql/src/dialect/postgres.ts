// PostgreSQL, 13 or later, at READ COMMITTED: a unique index makes the second of two inserts wait, and what the first one stored is seen by the next statement.

import type { Columns, Dialect } from './dialect.ts'

const typeOf = { text: 'text', int: 'bigint' } as const

const names = (columns: Columns) => Object.keys(columns).join(', ')
const typed = (columns: Columns) => Object.entries(columns).map(([name, type]) => `${name} ${typeOf[type]}`)

/** Not one transaction in a million of another program takes this number. */
const migrationLock = 5_072_316_690_541

export const postgres: Dialect = {
  // Alone in a select or beside another parameter, a parameter would be taken for text.
  placeholder: (index, type) => (type === undefined ? `$${index}` : `$${index}::${typeOf[type]}`),
  // The clock of `now()` stands still in a host's transaction, and that of `clock_timestamp()` is no index condition.
  now: 'floor(extract(epoch from statement_timestamp()) * 1000)::bigint',
  // Bytewise, because ids and cursors are compared in JavaScript too, whatever the language of the database.
  types: { key: 'text collate "C"', url: 'text collate "C"', text: 'text', int: 'bigint', identity: 'bigint generated always as identity primary key' },
  table: '',
  // Room for the new version of a row on its own page, and vacuums before dead entries at the left edge of the index of due rows slow the claim.
  busyTable:
    ' with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)',
  partial: (condition) => ` where ${condition}`,
  rows: (name, columns) =>
    `(select n - 1 as n, ${names(columns)} from rows from (json_to_recordset(:${name}::json) as (${typed(columns).join(', ')})) with ordinality as members(${names(columns)}, n))`,
  list: (name, type = 'text') => {
    const member = type === 'text' ? 'value' : `value::${typeOf[type]}`
    return `(select ${member} from json_array_elements_text(:${name}::json) as members(value))`
  },
  ignore: (columns, condition) => ` on conflict (${columns.join(', ')})${condition ? ` where ${condition}` : ''} do nothing`,
  update: (table, sets, rows, on) => {
    const assignments = Object.entries(sets).map(([column, value]) => `${column} = ${value}`)
    return `update ${table} as d set ${assignments.join(', ')} from ${rows} as u where ${on}`
  },
  lock: ' for update',
  lockFree: ' for update of d skip locked',
  migrating: `select pg_advisory_xact_lock(${migrationLock})::text as locked`,
  // `create table if not exists` asks for the right to create tables also where the table exists.
  isMade: `select 1 as made where to_regclass('syndikit_meta') is not null`,
  isDone: () => null,
  padsSpaces: false,
}
