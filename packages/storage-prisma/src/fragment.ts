// Our tables in Prisma's language: made from storage-sql's own migrations, so that the two cannot drift apart.

import { type Column, type Index, type Table, tables } from '@syndikit/storage-sql/schema'
import type { Provider } from './provider.ts'

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const singular = (name: string): string => (name === 'syndikit_meta' ? name : name.replace(/ies$/, 'y').replace(/s$/, ''))

/** `SyndikitDelivery` of `syndikit_deliveries`. */
export const modelOf = ({ name }: Pick<Table, 'name'>): string => camel(`_${singular(name)}`)

const types = { key: 'String', url: 'String', text: 'String', int: 'BigInt', identity: 'BigInt' } as const
/** Where Prisma's own choice for a type is another one than ours. */
const native: Readonly<Record<Provider, Partial<Record<Column['type'], string>>>> = {
  postgresql: {},
  sqlite: {},
  mysql: { key: '@db.VarChar(255)', url: '@db.VarChar(500)', text: '@db.LongText' },
}

interface Field {
  readonly name: string
  readonly type: string
  readonly attributes: string
}

const fieldOf = (provider: Provider, { name, type, nullable, default: preset }: Column, isId: boolean): Field => {
  const field = camel(name)
  const own = native[provider][type]
  const attributes = [
    ...(isId ? ['@id'] : []),
    ...(type === 'identity' ? ['@default(autoincrement())'] : preset === undefined ? [] : [`@default(${preset})`]),
    ...(field === name ? [] : [`@map("${name}")`]),
    ...(own === undefined ? [] : [own]),
  ]
  // SQLite counts up only what is named Int.
  const word = type === 'identity' && provider === 'sqlite' ? 'Int' : types[type]
  return { name: field, type: `${word}${nullable ? '?' : ''}`, attributes: attributes.join(' ') }
}

/** In columns, as `prisma format` has it. */
const aligned = (fields: readonly Field[]): string[] => {
  const width = (of: (field: Field) => string) => Math.max(...fields.map((field) => of(field).length))
  const names = width(({ name }) => name)
  const words = width(({ type }) => type)
  return fields.map(({ name, type, attributes }) => `  ${name.padEnd(names)} ${type.padEnd(words)} ${attributes}`.trimEnd())
}

const listOf = (columns: readonly string[]): string => `[${columns.map(camel).join(', ')}]`
const indexOf = ({ name, unique, columns }: Index): string => `  @@${unique ? 'unique' : 'index'}(${listOf(columns)}, map: "${name}")`

/** One model, in parts, so that a host's own fields find their place between them. */
export interface Model {
  readonly name: string
  readonly fields: readonly string[]
  readonly rest: readonly string[]
}

const toModel = (provider: Provider, table: Table): Model => {
  const [single, ...more] = table.primaryKey
  return {
    name: modelOf(table),
    fields: aligned(table.columns.map((column) => fieldOf(provider, column, more.length === 0 && column.name === single))),
    rest: [...(more.length > 0 ? [`  @@id(${listOf(table.primaryKey)})`] : []), ...table.indexes.map(indexOf), `  @@map("${table.name}")`],
  }
}

/** Of the newest version, `SyndikitMeta` first. */
export const models = (provider: Provider): readonly Model[] => tables().map((table) => toModel(provider, table))

/** The text of models, each with what a host has added to it. */
export const toText = (all: readonly Model[], added: ReadonlyMap<string, readonly string[]> = new Map()): string =>
  all.map(({ name, fields, rest }) => [`model ${name} {`, ...fields, ...(added.get(name) ?? []), '', ...rest, '}'].join('\n')).join('\n\n')

/** All models of a database. */
export const fragment = (provider: Provider): string => toText(models(provider))
