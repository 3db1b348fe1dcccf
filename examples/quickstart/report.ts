// What became of a post: a table for people, one JSON object for programs.

import type { DeliveryInfo, Problem } from '@syndikit/core'
import type { App } from './app.ts'

export interface Row {
  readonly platform: string
  /** The delivery's state: `published`, `scheduled`, … */
  readonly status: DeliveryInfo['state']
  readonly id: string | null
  readonly url: string | null
  /** From its due time until it was on the platform. */
  readonly lagMs: number | null
  readonly attempts: number
}
export interface Report {
  readonly deliveries: readonly Row[]
  readonly problems: readonly Problem[]
}

export const rowOf = async (app: App, { tenant, id: deliveryId, platform, state, placement, publishedAt, dueAt }: DeliveryInfo): Promise<Row> => ({
  platform,
  status: state,
  id: placement?.id ?? null,
  url: placement?.url ?? null,
  lagMs: publishedAt ? publishedAt.getTime() - dueAt.getTime() : null,
  attempts: (await app.scheduler.attempts({ tenant, deliveryId })).length,
})

export const table = (rows: readonly Row[]): string => {
  const head = ['platform', 'status', 'id', 'url', 'lag']
  const lines = [head, ...rows.map(({ platform, status, id, url, lagMs }) => [platform, status, id ?? '–', url ?? '–', lagMs === null ? '–' : `${lagMs} ms`])]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One line: where, what, and how to mend it. */
export const problemLine = (problem: Problem, at: string): string => {
  const { severity = 'error', platform, code, actual, limit, unit, pointer, fix } = problem
  const figures =
    actual === undefined ? '' : ` (${JSON.stringify(actual)}${limit === undefined ? '' : ` of ${JSON.stringify(limit)}`}${unit ? ` ${unit}` : ''})`
  return `${at} ${severity}${platform ? ` for ${platform}` : ''}: ${code}${figures} at ${pointer}. ${fix}`
}

/** Why one is not published, and what a person can do about it. */
export const adviceOn = ({ platform, state, reason, nextAt, id }: DeliveryInfo): string => {
  const why = reason ? ` ${reason.message}` : ''
  switch (state) {
    case 'scheduled':
    case 'running':
      return `${platform}: not there yet${nextAt ? `, next try at ${nextAt.toISOString()}` : ''}.${why} Run the same again with the same --db, and it goes on.`
    case 'uncertain':
      return `${platform}: it may be there or not.${why} Look on the platform, then tell with scheduler.resolve({ deliveryId: '${id}', … }).`
    case 'needs_action':
      return `${platform}: it is your turn.${why}`
    default:
      return `${platform}: it is not there (${state}).${why} Mend the file, leave only ${platform} in \`targets\`, and run it again.`
  }
}
