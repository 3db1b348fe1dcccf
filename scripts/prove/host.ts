// The app process: schedules without end, and is killed now and then. Whatever it asks for stands in its journal before the call, whatever it was told after it;
// what a death left open it asks for again, under the same idempotency key.

import { setTimeout } from 'node:timers/promises'
import { PublishError } from '@syndikit/core'
import { type App, createApp, sceneOf } from './app.ts'
import { type After, type Draft, type Entry, openJournal, readJournal, type Story, storiesOf } from './journal.ts'
import { planOf } from './plan.ts'
import { platformId, tenants } from './platform.ts'

const finishing = process.argv.includes('--finish')
const againAfterMs = 300
/** Calls under way at a time. */
const mostOpen = 40
/** A machine that is too busy for the rate gets less to do, not a pile that grows. */
const mostWaiting = 40
const countEveryMs = 500

const scene = sceneOf(process.env)
const app = await createApp(scene)
const stories = storiesOf(readJournal(scene.journal))
const write = openJournal(scene.journal)

/** Until the database answers. */
const surely = async <T>(call: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (PublishError.is(error) && error.problems.length > 0) throw error
      console.error(`${new Date().toISOString()} ${process.pid} The host is refused: ${error instanceof Error ? error.message : error}`)
      await setTimeout(againAfterMs)
    }
  }
}

const contentOf = ([text = '', ...rest]: readonly string[]) => ({ text, ...(rest.length > 0 && { thread: rest.map((one) => ({ text: one })) }) })
const asked = ({ texts, at, ...draft }: Draft) => ({ ...draft, at: new Date(at), content: contentOf(texts) })

const takeIn = async (n: number, drafts: readonly Draft[]): Promise<Entry> => {
  try {
    const [first, ...others] = drafts.map(asked)
    if (!first) throw new Error(`The intent ${n} has no draft.`)
    const result = await surely(async () => (others.length === 0 ? [await app.scheduler.schedule(first)] : app.scheduler.scheduleAll([first, ...others])))
    if (!Array.isArray(result)) return { is: 'refused', n, why: (result as { status: string }).status }
    const refused = result.find((one) => !('deliveries' in one))
    if (refused) return { is: 'refused', n, why: refused.status }
    return { is: 'taken', n, ids: result.map((one) => ('deliveries' in one ? one.deliveries.map(({ id }) => id) : [])) }
  } catch (error) {
    if (!PublishError.is(error)) throw error
    return { is: 'refused', n, why: error.message }
  }
}

const change = async (n: number, tenant: string, deliveryId: string, after: After): Promise<void> => {
  await setTimeout(Math.max(0, Date.parse(after.at) - Date.now()))
  const call = async () => {
    if (after.do === 'cancel') return app.scheduler.cancel({ tenant, deliveryId })
    try {
      return await app.scheduler.reschedule({ tenant, deliveryId, at: new Date(after.to ?? '') })
    } catch (error) {
      // An outage has outlasted the moment that was planned.
      if (PublishError.is(error) && error.problems.some(({ code }) => code === 'in-the-past')) return { status: 'in-the-past' }
      throw error
    }
  }
  const { status } = await surely(call)
  write({ is: 'changed', n, deliveryId, change: after.do, status })
}

/** From wherever an earlier life left it. */
const carryOut = async ({ n, drafts, after, taken, refused, changes }: Story): Promise<void> => {
  if (refused !== undefined) return
  let ids = taken
  if (!ids) {
    const entry = await takeIn(n, drafts)
    write(entry)
    if (entry.is !== 'taken') return
    ids = entry.ids
  }
  const [deliveryId] = ids[0] ?? []
  const tenant = drafts[0]?.tenant
  if (after && deliveryId !== undefined && tenant !== undefined && changes.length === 0) await change(n, tenant, deliveryId, after)
}

const connectedBy = async (by: App): Promise<Record<string, string>> => {
  const connected: Record<string, string> = {}
  for (const tenant of tenants)
    for (const { name, id } of (await surely(() => by.connections.list({ tenant, platform: platformId }))).connections) connected[name] = id
  return connected
}

const waiting = async (): Promise<number> => {
  const counts = await Promise.all(tenants.map((tenant) => surely(() => app.scheduler.counts({ tenant }))))
  return counts.reduce((sum, { scheduled, running }) => sum + scheduled + running, 0)
}

const roomFrom = () => {
  let lookAt = 0
  return async (): Promise<void> => {
    for (; Date.now() >= lookAt; await setTimeout(countEveryMs)) {
      if ((await waiting()) >= mostWaiting) continue
      lookAt = Date.now() + countEveryMs
      return
    }
  }
}

const schedule = async (open: Set<Promise<void>>): Promise<never> => {
  const connected = await connectedBy(app)
  const room = roomFrom()
  for (let n = Math.max(-1, ...stories.map((story) => story.n)) + 1; ; n++) {
    while (open.size >= mostOpen) await Promise.race(open)
    await room()
    const plan = planOf(scene.seed, n, Date.now(), connected)
    write({ is: 'intent', n, ...plan })
    track(open, carryOut({ n, ...plan, changes: [] }))
    await setTimeout(1_000 / scene.ratePerSecond)
  }
}

const track = (open: Set<Promise<void>>, work: Promise<void>): void => {
  const done = work.finally(() => open.delete(done))
  open.add(done)
}

process.once('disconnect', () => process.exit(1))
process.send?.('ready')
const open = new Set<Promise<void>>()
for (const story of stories) track(open, carryOut(story))
if (!finishing) await schedule(open)
while (open.size > 0) await Promise.all(open)
await app.close()
process.exit(0)
