// The deliveries that a worker holds: their shares, and their leases, kept alive while they run.

import type { Clock, Logger } from '../contract/ports.ts'
import type { Claim, ClaimQuery, Held, Written } from '../contract/storage.ts'
import { type Lease, moment } from './lease.ts'

export interface InFlight {
  readonly claim: Claim
  readonly lease: Lease
  readonly done: Promise<void>
}

const counted = (held: Iterable<InFlight>, of: (claim: Claim) => string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { claim } of held) counts.set(of(claim), (counts.get(of(claim)) ?? 0) + 1)
  return counts
}
const full = (counts: Map<string, number>, most: number): string[] => [...counts].filter(([, count]) => count >= most).map(([key]) => key)
/** What every one that is not full may still get, so that a batch on top of what is held exceeds nobody's share. */
const left = (counts: Map<string, number>, most: number): number => most - Math.max(0, ...[...counts.values()].filter((count) => count < most))

/** Who is passed over, and how much the rest may get, given what is held. */
export const sharesOf = (
  held: ReadonlyMap<string, InFlight>,
  most: { readonly perTenant: number; readonly perConnection: number },
): Pick<ClaimQuery, 'skipTenants' | 'skipConnections' | 'perTenant' | 'perConnection'> => {
  const tenants = counted(held.values(), ({ tenant }) => tenant)
  const connections = counted(held.values(), ({ connectionId }) => connectionId)
  return {
    skipTenants: full(tenants, most.perTenant),
    skipConnections: full(connections, most.perConnection),
    perTenant: left(tenants, most.perTenant),
    perConnection: left(connections, most.perConnection),
  }
}

interface Keeping {
  readonly held: ReadonlyMap<string, InFlight>
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseMs: number
  readonly extend: (held: Held) => Promise<Written>
}

const extendAll = async ({ held, clock, logger, extend }: Keeping): Promise<void> => {
  const from = moment(clock)
  await Promise.all(
    [...held.values()].map(async ({ claim, lease }) => {
      try {
        if ((await extend({ id: claim.id, fence: claim.fence })) === 'done') lease.renew(from)
        else lease.lose()
      } catch (error) {
        const name = error instanceof Error ? error.name : 'error'
        logger.warn({ deliveryId: claim.id, error: name }, 'A lease could not be extended; it runs out unless the next try works.')
      }
    }),
  )
}

/** Extends the leases of all that is held, three times per lease, while anything is. */
export const keepLeases = (keeping: Keeping): { begin(): void; end(): void } => {
  let extending: AbortController | undefined
  const run = async (own: AbortController): Promise<void> => {
    while (keeping.held.size > 0) {
      await keeping.clock.sleep(Math.floor(keeping.leaseMs / 3), own.signal)
      if (own.signal.aborted) return
      await extendAll(keeping)
    }
    if (extending === own) extending = undefined
  }
  return {
    begin: () => {
      if (extending) return
      extending = new AbortController()
      void run(extending)
    },
    end: () => {
      extending?.abort(0)
      extending = undefined
    },
  }
}
