// How the deliveries of a platform stand, and how a storage adds them up from what it counted.

/** Of one platform, all tenants. A delivery counts in one place; what is over counts nowhere, but for `failed`. */
export interface PlatformStats {
  readonly platform: string
  /** Scheduled, and not yet due. */
  readonly waiting: number
  /** Due now, and under nobody's lease: what a claim would give out, or park. */
  readonly due: number
  /** Since when the one that has been due longest is due. */
  readonly oldestDueAt: number | null
  /** Under a lease that stands. */
  readonly running: number
  readonly uncertain: number
  readonly needsAction: number
  /** Until it is forgotten by `clean`. */
  readonly failed: number
  /** Came due while the platform was paused. */
  readonly parked: number
}

/** So many rows of a platform that stand alike. */
export interface Counted {
  readonly platform: string
  readonly state: string
  readonly isDue: boolean
  readonly isParked: boolean
  readonly amount: number
  /** The earliest `nextAt` among them. */
  readonly oldestAt: number | null
}

type Place = Exclude<keyof PlatformStats, 'platform' | 'oldestDueAt'>

const placeOf = ({ state, isDue, isParked }: Counted): Place => {
  if (state === 'uncertain' || state === 'failed') return state
  if (state === 'needs_action') return 'needsAction'
  if (isParked) return 'parked'
  if (isDue) return 'due'
  return state === 'running' ? 'running' : 'waiting'
}

const nothing = { waiting: 0, due: 0, oldestDueAt: null, running: 0, uncertain: 0, needsAction: 0, failed: 0, parked: 0 }

/** In order of platform. */
export const toPlatformStats = (rows: readonly Counted[]): PlatformStats[] => {
  const all = new Map<string, PlatformStats>()
  for (const row of rows) {
    const before = all.get(row.platform) ?? { platform: row.platform, ...nothing }
    const place = placeOf(row)
    const oldest = place === 'due' && row.oldestAt !== null ? Math.min(row.oldestAt, before.oldestDueAt ?? row.oldestAt) : before.oldestDueAt
    all.set(row.platform, { ...before, [place]: before[place] + row.amount, oldestDueAt: oldest })
  }
  return [...all.values()].sort((a, b) => (a.platform < b.platform ? -1 : 1))
}
