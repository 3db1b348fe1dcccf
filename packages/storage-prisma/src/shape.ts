// How our tables look where Prisma also looks at them.

import type { Shape } from '@syndikit/storage-sql/schema'
import type { Provider } from './provider.ts'

/** Prisma Migrate reads `integer` as 32 bits, and would change the tables; a strict table has no other word for a number. */
const sqlite: Partial<Shape> = {
  table: '',
  busyTable: '',
  types: { key: 'text', url: 'text', text: 'text', int: 'bigint', identity: 'integer primary key autoincrement' },
}

export const shapeOf = (provider: Provider): Partial<Shape> => (provider === 'sqlite' ? sqlite : {})
