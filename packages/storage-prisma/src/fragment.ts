// Our tables in Prisma's language: made from storage-sql's own migrations, so that the two cannot drift apart.

import { type Column, type Index, type Table, tables } from '@syndikit/storage-sql/schema'
import type { Provider } from './provider.ts'

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const singular = (name: string): string => (name === 'syndikit_meta' ? name : name.replace(/ies$/, 'y').replace(/s$/, ''))
const pascal = (name: string): string => camel(`_${name}`)

/** `SyndikitDelivery` of `syndikit_deliveries`. */
export const modelOf = ({ name }: Pick<Table, 'name'>): string => pascal(singular(name))

const types = { key: 'String', url: 'String', text: 'String', int: 'BigInt', identity: 'BigInt' } as const
/** Where Prisma's own choice for a type is another one than ours. */
const native: Readonly<Record<Provider, Partial<Record<Column['type'], string>>>> = {
  postgresql: {},
  sqlite: {},
  mysql: { key: '@db.VarChar(255)', url: '@db.VarChar(500)', text: '@db.LongText' },
}

const fieldOf = (provider: Provider, { name, type, nullable, default: preset }: Column, isId: boolean): string => {
  const field = camel(name)
  const words = [
    field,
    // SQLite counts up only what is named Int.
    `${type === 'identity' && provider === 'sqlite' ? 'Int' : types[type]}${nullable ? '?' : ''}`,
    ...(isId ? ['@id'] : []),
    ...(type === 'identity' ? ['@default(autoincrement())'] : preset === undefined ? [] : [`@default(${preset})`]),
    ...(field === name ? [] : [`@map("${name}")`]),
    ...(native[provider][type] === undefined ? [] : [native[provider][type]]),
  ]
  return `  ${words.join(' ')}`
}

const listOf = (columns: readonly string[]): string => `[${columns.map(camel).join(', ')}]`
const indexOf = ({ name, unique, columns }: Index): string => `  @@${unique ? 'unique' : 'index'}(${listOf(columns)}, map: "${name}")`

const modelText = (provider: Provider, table: Table): string => {
  const [single, ...more] = table.primaryKey
  return [
    `model ${modelOf(table)} {`,
    ...table.columns.map((column) => fieldOf(provider, column, more.length === 0 && column.name === single)),
    '',
    ...(more.length > 0 ? [`  @@id(${listOf(table.primaryKey)})`] : []),
    ...table.indexes.map(indexOf),
    `  @@map("${table.name}")`,
    '}',
  ].join('\n')
}

/** The models, one after the other. */
export const fragment = (provider: Provider): string =>
  tables()
    .map((table) => modelText(provider, table))
    .join('\n\n')
