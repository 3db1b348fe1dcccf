// The outbox in memory: one reader at a time, oldest first, gone once handled.

import type { EventStore } from '../contract/event-store.ts'
import { checkLimit } from './pages.ts'
import type { Tables } from './tables.ts'

export const memoryEvents = (tables: Tables): EventStore => ({
  read: async (owner, limit, leaseMs) => {
    checkLimit(limit)
    const now = tables.now()
    const isAnothers = tables.reader.until > now && tables.reader.owner !== owner
    if (tables.events.size === 0 || isAnothers) return []
    tables.reader = { owner, until: now + leaseMs }
    // Events are never put back, so a map's order is theirs.
    return [...tables.events.values()].slice(0, limit).map((event) => ({ ...event }))
  },
  ack: async (seqs) => {
    for (const seq of seqs) tables.events.delete(seq)
  },
  release: async (owner) => {
    if (tables.reader.owner === owner) tables.reader = { owner: '', until: 0 }
  },
})
