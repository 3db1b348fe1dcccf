// The databases that `sqlStorage` speaks, by the name a connector gives.

import type { Dialect } from './dialect.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { sqlite } from './sqlite.ts'

export const dialects = { sqlite, postgres, mysql } satisfies Record<string, Dialect>
/** A database that `sqlStorage` speaks. */
export type DialectName = keyof typeof dialects
