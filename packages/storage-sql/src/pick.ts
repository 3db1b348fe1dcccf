// Who goes next, of the candidates that a claim sees: by due time less head start, fair among tenants and connections.

import type { ClaimQuery } from '@syndikit/core'

export interface Candidate {
  readonly id: string
  readonly tenant: string
  readonly connectionId: string
  readonly platform: string
  readonly isPaused: boolean
  /** Runs that ended without a settle. */
  readonly starts: number
  /** Due time less head start. */
  readonly rankAt: number
}

/** A row that took its workers down so often is given out alone, or waits. */
const alone = 2

const counter = (cap: number) => {
  const counts = new Map<string, number>()
  return {
    hasRoom: (key: string) => (counts.get(key) ?? 0) < cap,
    count: (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1),
    full: () => [...counts].filter(([, count]) => count >= cap).map(([key]) => key),
  }
}

/** Picks over the rounds of one claim: what it gave in an earlier round counts. */
export const createPicker = ({ limit, perTenant, perConnection }: ClaimQuery) => {
  const tenants = counter(perTenant)
  const connections = counter(perConnection)
  const seen = new Set<string>()
  let given = 0

  const admits = ({ id, tenant, connectionId, starts }: Candidate): boolean =>
    given < limit && starts < alone && !seen.has(id) && tenants.hasRoom(tenant) && connections.hasRoom(connectionId)

  const give = ({ id, tenant, connectionId }: Candidate): void => {
    given++
    seen.add(id)
    tenants.count(tenant)
    connections.count(connectionId)
  }

  return {
    /** In the order in which they go out. */
    pick: (candidates: readonly Candidate[]): Candidate[] => {
      const ordered = candidates.toSorted((a, b) => a.rankAt - b.rankAt || (a.id < b.id ? -1 : 1))
      const [first] = ordered
      if (first && first.starts >= alone && given === 0) {
        given = limit
        return [first]
      }
      const picked: Candidate[] = []
      for (const candidate of ordered) {
        if (!admits(candidate)) continue
        give(candidate)
        picked.push(candidate)
      }
      return picked
    },
    isFull: () => given >= limit,
    /** Who may get nothing more in this claim. */
    full: () => ({ tenants: tenants.full(), connections: connections.full() }),
  }
}
