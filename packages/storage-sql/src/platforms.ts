// Paused platforms: what comes due meanwhile is parked by the claim that meets it, out of the index of due rows, and put back by `resume`.

import type { Work } from './connector.ts'
import type { Sql } from './sql.ts'
import { toJson } from './text.ts'

/** Parked deliveries that `resume` puts back in one transaction: an embedded database holds the event loop meanwhile. */
const backAtOnce = 500
/** What waits for people anyway is only put off. */
const putOffMs = 3_600_000

export function* pause(sql: Sql, platform: string): Work<void> {
  yield sql(`insert into syndikit_pauses (platform, since, resuming) select :platform, :now, 0${sql.dialect.ignore(['platform'])}`, { platform })
  yield sql('update syndikit_pauses set resuming = 0 where platform = :platform', { platform })
}

export function* paused(sql: Sql): Work<string[]> {
  const rows = yield sql('select platform from syndikit_pauses order by platform')
  return rows.map(({ platform }) => String(platform))
}

/** From now on claims give the platform's deliveries out again, and park none. */
export function* beginResume(sql: Sql, platform: string): Work<void> {
  yield sql('update syndikit_pauses set resuming = 1 where platform = :platform', { platform })
}

/** Puts some of the parked deliveries back. True: there may be more. The pause itself goes last, so that whoever dies in between has not resumed. */
export function* resumeSome(sql: Sql, platform: string): Work<boolean> {
  const [pausing] = yield sql(`select resuming from syndikit_pauses where platform = :platform${sql.dialect.lock}`, { platform })
  // Somebody else has come to the end, or has paused it again.
  if (pausing?.resuming !== 1) return false
  const rows = yield sql(`select id from syndikit_deliveries where parked = 1 and platform = :platform limit :most${sql.dialect.lock}`, {
    platform,
    most: backAtOnce,
  })
  if (rows.length > 0)
    yield sql(
      `update syndikit_deliveries set parked = null, rev = rev + case when state = 'uncertain' then 0 else 1 end,
      next_at = case when state <> 'uncertain' and due_at > :now then due_at else :now end where id in ${sql.dialect.list('ids')}`,
      { ids: toJson(rows.map(({ id }) => id)) },
    )
  if (rows.length === backAtOnce) return true
  yield sql('delete from syndikit_pauses where platform = :platform', { platform })
  return false
}

export interface Parkable {
  readonly id: string
  readonly platform: string
}

/** Under a lock on the pause, or a `resume` at the same moment would not see what is parked here. Waits for nobody; answers how many it parked. */
export function* park(sql: Sql, candidates: readonly Parkable[]): Work<number> {
  const platforms = toJson([...new Set(candidates.map(({ platform }) => platform))])
  const pauses = yield sql(
    `select d.platform from syndikit_pauses d where d.platform in ${sql.dialect.list('platforms')} and d.resuming = 0${sql.dialect.lockFree}`,
    { platforms },
  )
  const stands = new Set(pauses.map(({ platform }) => platform))
  const ids = candidates.filter(({ platform }) => stands.has(platform)).map(({ id }) => id)
  if (ids.length === 0) return 0
  const rows = yield sql(`select d.id from syndikit_deliveries d where d.id in ${sql.dialect.list('ids')} and d.next_at <= :now${sql.dialect.lockFree}`, {
    ids: toJson(ids),
  })
  yield sql(
    `update syndikit_deliveries set parked = 1, next_at = case when state = 'uncertain' then :now + :putOffMs end where id in ${sql.dialect.list('ids')}`,
    { ids: toJson(rows.map(({ id }) => id)), putOffMs },
  )
  return rows.length
}
