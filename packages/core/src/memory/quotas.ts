// Counting windows and paced slots in memory. A window begins with its first take, or ends when the platform said it does.

import type { Bucket, QuotaStore } from '../contract/quota-store.ts'
import { bucketKey, keyOf, type Tables } from './tables.ts'

const take = (tables: Tables, buckets: readonly Bucket[]): Awaited<ReturnType<QuotaStore['take']>> => {
  const now = tables.now()
  const taken = new Map<string, { used: number; endsAt: number }>()
  const fullUntil: number[] = []
  for (const bucket of buckets) {
    const key = bucketKey(bucket)
    const stored = tables.quotas.get(key)
    const before = taken.get(key) ?? (stored && stored.endsAt > now ? stored : { used: 0, endsAt: now + bucket.windowMs })
    if (before.used + 1 > bucket.limit) fullUntil.push(before.endsAt)
    taken.set(key, { used: before.used + 1, endsAt: before.endsAt })
  }
  if (fullUntil.length > 0) return { ok: false, retryAt: Math.max(...fullUntil) }
  for (const [key, window] of taken) tables.quotas.set(key, window)
  return { ok: true }
}

export const memoryQuotas = (tables: Tables): QuotaStore => {
  const slotOf = (tenant: string, connectionId: string) => {
    const key = keyOf(tenant, connectionId)
    const found = tables.slots.get(key) ?? { freeAt: 0, holdUntil: 0 }
    tables.slots.set(key, found)
    return found
  }
  return {
    take: async (buckets) => take(tables, buckets),
    slot: async (tenant, connectionId, intervalMs) => {
      const slot = slotOf(tenant, connectionId)
      const at = Math.max(tables.now(), slot.freeAt, slot.holdUntil)
      slot.freeAt = at + intervalMs
      return at
    },
    hold: async (tenant, connectionId, until) => {
      const slot = slotOf(tenant, connectionId)
      slot.holdUntil = Math.max(slot.holdUntil, until)
    },
    correct: async (bucket, used, endsAt) => {
      tables.quotas.set(bucketKey(bucket), { used, endsAt })
    },
  }
}
