// Leases by name in memory.

import type { LeaseStore } from '../contract/lease-store.ts'
import type { Tables } from './tables.ts'

export const takeLease = (tables: Tables, name: string, owner: string, leaseMs: number): boolean => {
  const now = tables.now()
  const held = tables.leases.get(name)
  if (held && held.until > now && held.owner !== owner) return false
  tables.leases.set(name, { owner, until: now + leaseMs })
  return true
}

export const releaseLease = (tables: Tables, name: string, owner: string): void => {
  if (tables.leases.get(name)?.owner === owner) tables.leases.delete(name)
}

/** The reader of events holds a lease as well, and no name can meet it. */
const named = (name: string) => `named ${name}`

export const memoryLeases = (tables: Tables): LeaseStore => ({
  take: async (name, owner, leaseMs) => takeLease(tables, named(name), owner, leaseMs),
  release: async (name, owner) => releaseLease(tables, named(name), owner),
})
