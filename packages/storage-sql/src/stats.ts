// How the deliveries of each platform stand, for operators: counted over indexes alone, but for the few that wait for people.

import { type PlatformStats, toPlatformStats } from '@syndikit/core'
import type { Work } from './connector.ts'
import { inbox } from './schema.ts'
import type { Sql } from './sql.ts'

const counted = [
  // In the words of the index, which holds all that is asked. By position, because the instant of a clock of one's own is another parameter each time.
  `select platform, state, case when next_at <= :now then 1 else 0 end as is_due, 0 as is_parked, count(*) as amount, min(next_at) as oldest_at
  from syndikit_deliveries where next_at is not null and state in ('scheduled', 'running') group by 1, 2, 3`,
  `select platform, 'scheduled' as state, 0 as is_due, 1 as is_parked, count(*) as amount, null as oldest_at
  from syndikit_deliveries where parked = 1 and next_at is null group by platform`,
  `select platform, state, 0 as is_due, 0 as is_parked, count(*) as amount, null as oldest_at from syndikit_deliveries where ${inbox} group by platform, state`,
]

export function* stats(sql: Sql): Work<PlatformStats[]> {
  const rows = yield sql(counted.join(' union all '))
  return toPlatformStats(
    rows.map((row) => ({
      platform: String(row.platform),
      state: String(row.state),
      isDue: row.is_due === 1,
      isParked: row.is_parked === 1,
      amount: Number(row.amount),
      oldestAt: row.oldest_at as number | null,
    })),
  )
}
