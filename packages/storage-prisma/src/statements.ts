// One statement through Prisma, and its rows as storage-sql knows them.

import type { Row, Statement, Value } from '@syndikit/storage-sql'
import type { PrismaTransaction } from './client.ts'

/** Big integers and decimals become numbers: what we store as one is an instant, a counter or a sum of such. */
const toValue = (value: unknown): Value => {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number') return value
  return Number(value)
}

const toRow = (row: object): Row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toValue(value)]))

const reads = /^\s*(select|with)\b/i

/** Runs one statement; what answers no rows answers none. */
export const send = async (client: PrismaTransaction, { sql, params }: Statement): Promise<readonly Row[]> => {
  if (!reads.test(sql)) {
    await client.$executeRawUnsafe(sql, ...params)
    return []
  }
  const rows = await client.$queryRawUnsafe(sql, ...params)
  return Array.isArray(rows) ? rows.map(toRow) : []
}
