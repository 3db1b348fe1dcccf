// What a host waits for: scheduling, and a page of a list.

import type { Storage } from '@syndikit/core'
import { noop } from './adapter.ts'
import { type Figure, median } from './figures.ts'
import { type Account, hourMs, syndikitOn, text } from './load.ts'

const publications = 4_000
const atOnce = 50

const schedules = async (storage: Storage, accounts: readonly Account[]): Promise<number> => {
  const { scheduler } = syndikitOn(
    storage,
    noop(() => undefined),
  )
  const targets = accounts.map(({ tenant }) => ({ tenant, to: accounts.filter((one) => one.tenant === tenant).map(({ id }) => id) }))
  const at = new Date(Date.now() + 1_000 * hourMs)
  const one = async (n: number): Promise<void> => {
    const { tenant, to } = targets[n % targets.length] as (typeof targets)[number]
    const result = await scheduler.schedule({ tenant, to, at, content: { text: `${n} ${text}` } })
    if (!('publicationId' in result)) throw new Error(`It was not scheduled: ${JSON.stringify(result)}`)
  }
  const began = performance.now()
  for (let n = 0; n < publications; n += atOnce) await Promise.all(Array.from({ length: atOnce }, (_, i) => one(n + i)))
  return (publications / (performance.now() - began)) * 1000
}

const pageMs = async (storage: Storage, { tenant }: Account): Promise<number> => {
  const { scheduler } = syndikitOn(
    storage,
    noop(() => undefined),
  )
  const took: number[] = []
  let cursor: string | undefined
  for (let n = 0; n < 50; n++) {
    const began = performance.now()
    const page = await scheduler.list({ tenant, limit: 50, ...(cursor !== undefined && { after: cursor }) })
    // The last page is shorter; then from the first again.
    if (page.items.length === 50) took.push(performance.now() - began)
    cursor = page.next
  }
  return median(took)
}

export const callFigures = async ({
  storage,
  accounts,
  say,
}: {
  readonly storage: Storage
  readonly accounts: readonly Account[]
  say(line: string): void
}): Promise<Figure[]> => {
  const perSecond = await schedules(storage, accounts)
  const page = await pageMs(storage, accounts[1] as Account)
  say(`${Math.round(perSecond)} publications a second are scheduled, a page takes ${page.toFixed(1)} ms`)
  return [
    { what: 'publications of five deliveries scheduled', value: perSecond, unit: 'a second', atLeast: 2_000 },
    { what: 'a page of 50', value: page, unit: 'ms', atMost: 10 },
  ]
}
