// Leases: one owner at a time, until it lets go or its time is over.

import type { Work } from './connector.ts'
import type { Sql } from './sql.ts'

export function* takeLease(sql: Sql, name: string, owner: string, leaseMs: number): Work<boolean> {
  // The row must exist before it can be locked.
  yield sql(`insert into syndikit_leases (name, owner, ends_at) select :name, :owner, 0${sql.dialect.ignore(['name'])}`, { name, owner })
  const [row] = yield sql(`select owner, case when ends_at > :now then 1 else 0 end as stands from syndikit_leases where name = :name${sql.dialect.lock}`, {
    name,
  })
  if (row?.stands === 1 && row.owner !== owner) return false
  yield sql('update syndikit_leases set owner = :owner, ends_at = :now + :leaseMs where name = :name', { name, owner, leaseMs })
  return true
}

export function* releaseLease(sql: Sql, name: string, owner: string): Work<void> {
  yield sql('update syndikit_leases set ends_at = 0 where name = :name and owner = :owner', { name, owner })
}

/** The reader of events holds a lease as well, and no name can meet it. */
export const named = (name: string): string => `named ${name}`
