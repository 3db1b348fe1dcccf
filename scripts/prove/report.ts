// What a campaign prints: the figures, and each violation with the timeline of its delivery.

import type { AttemptInfo, DeliveryInfo } from '@syndikit/core'
import type { Shown } from '@syndikit/sandbox'
import type { App } from './app.ts'
import { countOf, type Violation } from './verdict.ts'

/** The last line of `--json`. */
export interface Figures {
  /** Acknowledged. */
  readonly publications: number
  /** `SIGKILL`s that hit a living process. */
  readonly kills: number
  readonly lost: number
  readonly duplicates: number
  readonly falseStatus: number
  readonly uncertain: number
  readonly stuck: number
  /** See `lagsOf`. */
  readonly lagP99Ms: number
}

export const figuresOf = (publications: number, kills: number, violations: readonly Violation[], lags: readonly number[]): Figures => ({
  publications,
  kills,
  lost: countOf(violations, 'lost'),
  duplicates: countOf(violations, 'duplicates'),
  falseStatus: countOf(violations, 'falseStatus'),
  uncertain: countOf(violations, 'uncertain'),
  stuck: countOf(violations, 'stuck'),
  lagP99Ms: percentile(lags, 0.99),
})

/** 0 where there is none. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

const isClean = ({ exchanges, reason, from }: AttemptInfo): boolean =>
  reason === undefined && from !== 'running' && exchanges.every(({ status }) => status !== undefined && status < 300)

/**
 * From due to visible, by the sandbox's own instant of the first part, over the deliveries that no fault of the platform, no throttling and no death of their
 * worker touched: every attempt ended as it should, with every answer a good one. Whatever else was going on counts: a dead or stopped worker beside it, a
 * database or a queue that was down when it became due.
 */
export const lagsOf = async (app: App, deliveries: readonly DeliveryInfo[], shown: readonly Shown[]): Promise<number[]> => {
  const at = new Map(shown.map((one) => [one.id, one.at]))
  const lags: number[] = []
  for (const { tenant, id: deliveryId, state, placement, dueAt } of deliveries) {
    const seenAt = at.get(placement?.id ?? '')
    if (state !== 'published' || seenAt === undefined) continue
    const attempts = await app.scheduler.attempts({ tenant, deliveryId })
    if (attempts.length > 0 && attempts.every(isClean)) lags.push(seenAt - dueAt.getTime())
  }
  return lags
}

const mostPrinted = 20

/** With what is known of their deliveries. */
export const printViolations = async (app: App, violations: readonly Violation[], tenantOf: ReadonlyMap<string, string>, print: (line: string) => void) => {
  for (const { kind, what, deliveryId } of violations.slice(0, mostPrinted)) {
    print(`\n${kind}: ${what}`)
    const tenant = deliveryId === undefined ? undefined : tenantOf.get(deliveryId)
    if (deliveryId === undefined || tenant === undefined) continue
    print((await app.explain({ tenant, deliveryId }))?.timeline ?? 'There is no timeline.')
  }
  if (violations.length > mostPrinted) print(`\n… and ${violations.length - mostPrinted} more.`)
}
