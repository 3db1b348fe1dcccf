// Who goes next, of the candidates that a claim sees: by due time less head start, fair among tenants and connections.

import type { ClaimQuery } from '@syndikit/core'

export interface Candidate {
  readonly id: string
  readonly tenant: string
  readonly connectionId: string
  readonly platform: string
  readonly isPaused: boolean
  /** Null: it runs beside whatever else runs. */
  readonly lane: string | null
  /** The delivery that is in its lane. */
  readonly laneHolder: string | null
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

/** Each lane takes one, and whoever is in it already may go on. */
const laneBook = () => {
  const given = new Set<string>()
  const connections = new Set<string>()
  const keyOf = ({ tenant, lane }: Candidate) => JSON.stringify([tenant, lane])
  return {
    isShut: (one: Candidate) => one.lane !== null && ((one.laneHolder !== null && one.laneHolder !== one.id) || given.has(keyOf(one))),
    give: (one: Candidate) => {
      if (one.lane === null) return
      given.add(keyOf(one))
      connections.add(one.connectionId)
    },
    meet: (one: Candidate) => void connections.add(one.connectionId),
    connections,
  }
}

/** Picks over the rounds of one claim: what it gave in an earlier round counts. */
export const createPicker = ({ limit, perTenant, perConnection }: ClaimQuery) => {
  const tenants = counter(perTenant)
  const connections = counter(perConnection)
  const lanes = laneBook()
  const seen = new Set<string>()
  let given = 0

  const admits = (one: Candidate): boolean =>
    given < limit && one.starts < alone && !seen.has(one.id) && tenants.hasRoom(one.tenant) && connections.hasRoom(one.connectionId) && !lanes.isShut(one)

  const give = (one: Candidate): void => {
    given++
    seen.add(one.id)
    tenants.count(one.tenant)
    connections.count(one.connectionId)
    lanes.give(one)
  }

  /** In the order in which they go out. */
  const pickOf = (ordered: readonly Candidate[]): Candidate[] => {
    const [first] = ordered
    if (first && first.starts >= alone && given === 0) {
      give(first)
      given = limit
      return [first]
    }
    return ordered.filter((one) => {
      const admitted = admits(one)
      if (admitted) give(one)
      return admitted
    })
  }

  return {
    /** `more`: somebody else could have gone out as well. `isBehind`: a lane was met that is taken, and behind it may be others. */
    pick: (candidates: readonly Candidate[]): { readonly picked: readonly Candidate[]; readonly more: boolean; readonly isBehind: boolean } => {
      const open = candidates.filter((one) => !lanes.isShut(one))
      for (const one of candidates) if (lanes.isShut(one)) lanes.meet(one)
      const picked = pickOf(open.toSorted((a, b) => a.rankAt - b.rankAt || (a.id < b.id ? -1 : 1)))
      return { picked, more: open.some((one) => !seen.has(one.id) && !lanes.isShut(one)), isBehind: open.length < candidates.length }
    },
    isFull: () => given >= limit,
    /** Who may get nothing more in this claim. */
    full: () => ({ tenants: tenants.full(), connections: [...new Set([...connections.full(), ...lanes.connections])] }),
  }
}
