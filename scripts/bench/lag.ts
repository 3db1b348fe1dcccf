// How late a send is: spread load, a herd at one instant, a quiet tenant beside a loud one; and how long the event loop stands still meanwhile.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import type { Queue, Storage } from '@syndikit/core'
import { noop } from './adapter.ts'
import { countingSends } from './drain.ts'
import { type Figure, quantile } from './figures.ts'
import { type Account, aheadMs, load, syndikitOn } from './load.ts'

export interface Scene {
  readonly storage: Storage
  readonly accounts: readonly Account[]
  readonly body: string
  say(line: string): void
  readonly queue?: Queue
}

interface Watched {
  readonly sends: readonly { readonly account: string; readonly lagMs: number }[]
  readonly stallMs: number
}

/** Stores rows that will be due, and works until all are sent. */
const watch = async ({ storage, accounts, body, queue }: Scene, count: number, dueIn: (n: number) => number): Promise<Watched> => {
  const { sends, sent, done } = countingSends(count)
  const syndikit = syndikitOn(storage, noop(sent), queue && { queue })
  await syndikit.open()
  const from = Date.now() + (await aheadMs({ storage, accounts, body }, count))
  await load(storage, accounts, body, count, (n) => from + dueIn(n))
  if (Date.now() > from - 1_000) throw new Error('This machine is too slow to store the rows before they are due.')
  const worker = syndikit.start()
  await setTimeout(from - 500 - Date.now())
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await done
  delay.disable()
  await worker.stop()
  return { sends, stallMs: delay.max / 1e6 }
}

const lags = ({ sends }: Watched): number[] => sends.map(({ lagMs }) => lagMs)

const spreadLag = async (scene: Scene): Promise<Watched & { readonly p99: number }> => {
  const watched = await watch(scene, 10_000, (n) => n)
  return { ...watched, p99: quantile(lags(watched), 0.99) }
}

/** One tenant has 20,000 due, on a platform that takes 30 ms; a hundred a second of others come due beside it. */
const quietLag = async ({ storage, accounts, body }: Scene): Promise<number> => {
  const loud = accounts[0] as Account
  const theirs = accounts.filter(({ tenant }) => tenant !== loud.tenant)
  const quiet = new Set<string>()
  const found: number[] = []
  let left = 500
  let ended = (): void => undefined
  const done = new Promise<void>((resolve) => {
    ended = resolve
  })
  const adapter = noop(({ account, lagMs }) => {
    if (!quiet.has(account)) return
    found.push(lagMs)
    if (--left === 0) ended()
  }, 30)
  for (const { tenant, id } of theirs) quiet.add(JSON.parse((await storage.connections.get(tenant, id))?.data ?? '{}').id)
  const syndikit = syndikitOn(storage, adapter, { perConnection: 100 })
  await syndikit.open()
  const from = Date.now() + (await aheadMs({ storage, accounts, body }, 20_000 + left))
  await load(storage, [loud], body, 20_000, () => from)
  await load(storage, theirs, body, left, (n) => from + 500 + n * 10)
  const worker = syndikit.start()
  await done
  await worker.stop()
  // What is left of the loud tenant would stand in the way of what is measured next.
  for (let cursor: string | undefined = '', n = 0; cursor !== undefined && n < 1_000; n++) {
    const page = await storage.deliveries.list(loud.tenant, { limit: 200, state: 'scheduled', until: from + 1, ...(cursor !== '' && { after: cursor }) })
    await Promise.all(page.items.map(({ id }) => storage.deliveries.cancel(loud.tenant, id)))
    cursor = page.next
  }
  return quantile(found, 0.99)
}

/** How often a process with nothing to do asks the storage. */
const idleClaims = async ({ storage }: Scene): Promise<number> => {
  let claims = 0
  const counted: Storage = {
    ...storage,
    deliveries: {
      ...storage.deliveries,
      claim: (query) => {
        claims += 1
        return storage.deliveries.claim(query)
      },
    },
  }
  const worker = syndikitOn(
    counted,
    noop(() => undefined),
  ).start()
  await setTimeout(1_000)
  claims = 0
  await setTimeout(10_000)
  await worker.stop()
  return claims / 10
}

export const lagFigures = async (scene: Scene & { readonly lagAtMostMs: number }): Promise<Figure[]> => {
  const spread = await spreadLag(scene)
  scene.say(`lag p99 ${spread.p99} ms, worst stall ${Math.round(spread.stallMs)} ms`)
  const herd = Math.max(...lags(await watch(scene, 5_000, () => 0)))
  scene.say(`herd of 5,000 sent within ${herd} ms`)
  const quiet = await quietLag(scene)
  scene.say(`quiet tenant's lag p99 ${quiet} ms`)
  return [
    { what: 'lag p99 at send, 10,000 due over ten seconds', value: spread.p99, unit: 'ms', atMost: scene.lagAtMostMs },
    { what: '5,000 due at one instant: all sent within', value: herd, unit: 'ms', atMost: 600 },
    { what: "a quiet tenant's lag p99 beside a tenant with 20,000 due", value: quiet, unit: 'ms', atMost: 50 },
    { what: 'worst stall of the event loop while 1,000 a second go out', value: spread.stallMs, unit: 'ms', atMost: 20 },
    { what: 'an idle process asks the storage', value: await idleClaims(scene), unit: 'times a second', atMost: 1 },
  ]
}
