// SQLite, 3.42 or later. Every transaction that writes is alone, so rows need no locks.

import type { Columns, Dialect } from './dialect.ts'

const members = (columns: Columns) => Object.keys(columns).map((name) => `value ->> '$.${name}' as ${name}`)

export const sqlite: Dialect = {
  placeholder: () => '?',
  now: `cast(unixepoch('subsec') * 1000 as integer)`,
  types: { key: 'text', url: 'text', text: 'text', int: 'integer', identity: 'integer primary key autoincrement' },
  table: ' strict',
  busyTable: ' strict',
  partial: (condition) => ` where ${condition}`,
  rows: (name, columns) => `(select key as n, ${members(columns).join(', ')} from json_each(:${name}))`,
  list: (name) => `(select value from json_each(:${name}))`,
  // Without a `where`, SQLite reads `on conflict` as the condition of a join.
  ignore: (columns, condition) => ` where true on conflict (${columns.join(', ')})${condition ? ` where ${condition}` : ''} do nothing`,
  update: (table, sets, rows, on) => {
    const assignments = Object.entries(sets).map(([column, value]) => `${column} = ${value}`)
    return `update ${table} as d set ${assignments.join(', ')} from ${rows} as u where ${on}`
  },
  keepsKeys: true,
  lock: '',
  lockFree: '',
  migrating: null,
  isMade: `select 1 as made from sqlite_schema where name = 'syndikit_meta'`,
  isDone: () => null,
  padsSpaces: false,
}
