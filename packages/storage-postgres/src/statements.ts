// A statement as `pg` takes it: prepared once per connection under a name of its own, its numbers as numbers.

import { createHash } from 'node:crypto'
import type { Row, Statement } from '@syndikit/storage-sql'

/** What `client.query` is given. */
export interface StatementConfig {
  readonly text: string
  readonly values?: (string | number | null)[]
  readonly name?: string
  readonly types?: { getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => string | number }
}

/** int8, int2, int4, numeric. */
const numbers: readonly number[] = [20, 21, 23, 1700]
const binary = () => {
  throw new TypeError('postgresStorage: `pool` asks for binary results. Give a pool without `binary: true`.')
}
/** Ours whatever the host has set for its own queries. */
const types: NonNullable<StatementConfig['types']> = {
  getTypeParser: (oid, format) => (format === 'binary' ? binary : numbers.includes(oid) ? Number : String),
}

interface Known {
  readonly name: string | undefined
  readonly isSilent: boolean
}
const worthPreparing = /^\s*(select|insert|update|delete)\b/
const silent = /^\s*(begin|savepoint|release|insert|update|delete)\b/

/** Statements are the engine's own and number about a hundred. */
const known = new Map<string, Known>()
const knownOf = (sql: string): Known => {
  const before = known.get(sql)
  if (before) return before
  // The same text has the same name in every process and copy of this package, or a shared connection would mix them up.
  const name = worthPreparing.test(sql) ? `syndikit_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}` : undefined
  const made = { name, isSilent: silent.test(sql) && !/\breturning\b/.test(sql) }
  known.set(sql, made)
  return made
}

/** It answers no rows, so nobody has to wait for them. */
export const isSilent = (sql: string): boolean => knownOf(sql).isSilent

export const toConfig = ({ sql, params }: Statement, prepare: boolean): StatementConfig => {
  const { name } = knownOf(sql)
  // Without values, several commands may stand in one text.
  return { text: sql, types, ...(params.length > 0 && { values: [...params] }), ...(prepare && name !== undefined && { name }) }
}

export const toRows = ({ rows }: { readonly rows: unknown[] }): readonly Row[] => rows as Row[]
