// The tables as data, read off the migrations themselves: whoever describes them in another language describes what is there.

import { metaTable, migrations, type Shape } from './schema.ts'

/** How a column is typed in every database: a text that is indexed, an address that is, any text, a whole number of 64 bits, or one that the database counts up. */
export type ColumnType = 'key' | 'url' | 'text' | 'int' | 'identity'
/** One column. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  /** As it stands in SQL. */
  readonly default?: string
}
/** One index beside the primary key. */
export interface Index {
  readonly name: string
  readonly unique: boolean
  readonly columns: readonly string[]
  /** Of a partial index, in databases that know them. */
  readonly condition?: string
}
/** One table of the newest version. */
export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  readonly primaryKey: readonly string[]
  readonly indexes: readonly Index[]
}

/** Writes types as their names, so that they can be read again. */
const plain: Shape = {
  types: { key: 'key', url: 'url', text: 'text', int: 'int', identity: 'identity primary key' },
  table: '',
  busyTable: '',
  partial: (condition) => ` where ${condition}`,
}

const createTable = /^create table (?:if not exists )?(\w+) \((.*)\)$/
const createIndex = /^create (unique )?index (\w+) on (\w+) \(([^)]*)\)(?: where (.*))?$/
const addColumn = /^alter table (\w+) add column (.*)$/
const columnText = /^(\w+) (key|url|text|int|identity)( not null)?(?: default (\S+))?( primary key)?$/
const keyText = /^primary key \((.*)\)$/

const unreadable = (text: string) => new Error(`syndikit: the schema holds something that cannot be read back: ${text}`)

/** At commas that stand in no parentheses. */
const parts = (text: string): string[] => text.split(/,\s*(?![^(]*\))/).map((part) => part.trim())
const names = (text: string): string[] => text.split(',').map((name) => name.trim())

const columnOf = (text: string): { column: Column; isKey: boolean } => {
  const [, name, type, notNull, preset, isKey] = columnText.exec(text) ?? []
  if (name === undefined || type === undefined) throw unreadable(text)
  const nullable = notNull === undefined && isKey === undefined
  return { column: { name, type: type as ColumnType, nullable, ...(preset !== undefined && { default: preset }) }, isKey: isKey !== undefined }
}

const tableOf = (name: string, body: string): Table => {
  const columns: Column[] = []
  const primaryKey: string[] = []
  for (const part of parts(body)) {
    const key = keyText.exec(part)?.[1]
    if (key !== undefined) {
      primaryKey.push(...names(key))
      continue
    }
    const { column, isKey } = columnOf(part)
    columns.push(column)
    if (isKey) primaryKey.push(column.name)
  }
  return { name, columns, primaryKey, indexes: [] }
}

const apply = (tables: Map<string, Table>, statement: string): void => {
  const text = statement.replace(/\s+/g, ' ').trim()
  const change = (name: string, by: (table: Table) => Table) => {
    const table = tables.get(name)
    if (!table) throw unreadable(text)
    tables.set(name, by(table))
  }
  const [, made, body] = createTable.exec(text) ?? []
  if (made !== undefined && body !== undefined) {
    tables.set(made, tableOf(made, body))
    return
  }
  const [, unique, name, on, columns, condition] = createIndex.exec(text) ?? []
  if (name !== undefined && on !== undefined && columns !== undefined) {
    const index = { name, unique: unique !== undefined, columns: names(columns), ...(condition !== undefined && { condition }) }
    change(on, (table) => ({ ...table, indexes: [...table.indexes, index] }))
    return
  }
  const [, grown, column] = addColumn.exec(text) ?? []
  if (grown === undefined || column === undefined) throw unreadable(text)
  change(grown, (table) => ({ ...table, columns: [...table.columns, columnOf(column).column] }))
}

/** All tables of the newest version, `syndikit_meta` first. */
export const tables = (): readonly Table[] => {
  const found = new Map<string, Table>()
  apply(found, metaTable(plain))
  for (const { statements } of migrations) for (const statement of statements(plain)) apply(found, statement)
  return [...found.values()]
}
