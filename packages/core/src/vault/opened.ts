// What was opened lately, so that a grant in use is not opened anew for every delivery. In this process's memory only, under the exact text that was stored.

import type { Secret } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'

type Sealed = Pick<Grant, 'tenant' | 'id' | 'version' | 'dataKey' | 'sealed'>
type Credentials = Readonly<Record<string, Secret>>

/** More are in use at once only on the largest installations; these open some of them again. */
const most = 2_000
/** What nobody has used for so long is forgotten when something else is opened. */
const unusedMs = 10 * 60_000

interface Entry extends Sealed {
  readonly credentials: Credentials
  usedAt: number
}

export interface OpenedGrants {
  /** A row that differs in anything, be it moved, renewed or damaged, is opened by `open`. */
  of(grant: Sealed, open: () => Credentials): Credentials
  forget(grantId?: string): void
}

const isSame = (a: Sealed, b: Sealed): boolean => a.tenant === b.tenant && a.version === b.version && a.sealed === b.sealed && a.dataKey === b.dataKey

export const openedGrants = (clock: { elapsed(): number }): OpenedGrants => {
  // The one used last stands last.
  const entries = new Map<string, Entry>()
  const tidy = (now: number) => {
    for (const [id, { usedAt }] of entries) {
      if (entries.size <= most && now - usedAt <= unusedMs) return
      entries.delete(id)
    }
  }
  return {
    of: (grant, open) => {
      const now = clock.elapsed()
      const known = entries.get(grant.id)
      entries.delete(grant.id)
      const { tenant, id, version, dataKey, sealed } = grant
      const entry = known && isSame(known, grant) ? known : { tenant, id, version, dataKey, sealed, credentials: open(), usedAt: now }
      entry.usedAt = now
      entries.set(id, entry)
      tidy(now)
      return entry.credentials
    },
    forget: (grantId) => {
      if (grantId === undefined) entries.clear()
      else entries.delete(grantId)
    },
  }
}
