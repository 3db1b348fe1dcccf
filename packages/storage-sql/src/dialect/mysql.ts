// MySQL 8 and MariaDB from 10.6, at READ COMMITTED and in strict mode. Changes of tables commit by themselves, so a migration asks what an earlier try has done.

import type { Columns, Dialect } from './dialect.ts'

/** Bytewise; the one such collation that both know. It takes no notice of spaces at the end, so `text.ts` writes those as something else. */
const bytewise = 'character set utf8mb4 collate utf8mb4_bin'
const member = { text: `longtext ${bytewise}`, int: 'bigint' } as const
/** A key of four columns may have 3,072 bytes, and an address is ASCII. */
const url = 'varchar(500) character set ascii collate ascii_bin'

const quoted = (name: string) => `\`${name}\``
const members = (columns: Columns) => Object.entries(columns).map(([name, type]) => `${quoted(name)} ${member[type]} path '$.${name}'`)

const found = (kind: string, conditions: Readonly<Record<string, string>>) =>
  `select 1 as made from information_schema.${kind} where table_schema = database() ${Object.entries(conditions)
    .map(([column, value]) => `and ${column} = '${value}'`)
    .join(' ')} limit 1`

const isDone = (statement: string): string | null => {
  const text = statement.replace(/\s+/g, ' ').trim()
  const [, table] = /^create table (?:if not exists )?(\w+)/.exec(text) ?? []
  if (table) return found('tables', { table_name: table })
  const [, index, on] = /^create (?:unique )?index (\w+) on (\w+)/.exec(text) ?? []
  if (index && on) return found('statistics', { table_name: on, index_name: index })
  const [, grown, column] = /^alter table (\w+) add column (\w+)/.exec(text) ?? []
  if (grown && column) return found('columns', { table_name: grown, column_name: column })
  return null
}

const table = ` engine = InnoDB row_format = dynamic ${bytewise}`

export const mysql: Dialect = {
  placeholder: () => '?',
  // Not by way of the session's time zone: its clock shows an hour twice a year twice.
  now: `(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)`,
  types: { key: 'varchar(255)', url, text: 'longtext', int: 'bigint', identity: 'bigint not null auto_increment primary key' },
  table,
  busyTable: table,
  partial: () => '',
  rows: (name, columns) =>
    `(select n - 1 as n, ${Object.keys(columns).map(quoted).join(', ')} from json_table(:${name}, '$[*]' columns (n for ordinality, ${members(columns).join(', ')})) as members)`,
  // Neither reaches an index from a subquery when it updates or deletes.
  list: (name) => `(:*${name})`,
  // Another unique key that is there already is an error: its row would have to lose a value that it must have.
  ignore: (columns) => {
    const [first = ''] = columns
    const same = columns.map((column) => `:into.${column} <=> values(${column})`).join(' and ')
    return ` on duplicate key update ${first} = case when ${same} then :into.${first} end`
  },
  update: (name, sets, rows, on) => {
    const assignments = Object.entries(sets).map(([column, value]) => `d.${column} = ${value}`)
    return `update ${rows} as u join ${name} as d on ${on} set ${assignments.join(', ')}`
  },
  lock: ' for update',
  // Neither the publications: a claim only reads them, in a subquery, which takes no locks.
  lockFree: ' for update skip locked',
  migrating: null,
  isMade: found('tables', { table_name: 'syndikit_meta' }),
  isDone,
  padsSpaces: true,
}
