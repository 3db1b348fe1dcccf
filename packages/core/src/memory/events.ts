// The outbox in memory: one reader at a time, oldest first, gone once handled.

import type { EventStore } from '../contract/event-store.ts'
import { releaseLease, takeLease } from './leases.ts'
import { checkLimit } from './pages.ts'
import type { Tables } from './tables.ts'

const reader = 'events'

export const memoryEvents = (tables: Tables): EventStore => ({
  read: async (owner, limit, leaseMs) => {
    checkLimit(limit)
    if (tables.events.size === 0 || !takeLease(tables, reader, owner, leaseMs)) return []
    // Events are never put back, so a map's order is theirs.
    return [...tables.events.values()].slice(0, limit).map((event) => ({ ...event }))
  },
  ack: async (seqs) => {
    for (const seq of seqs) tables.events.delete(seq)
  },
  release: async (owner) => releaseLease(tables, reader, owner),
})
