// The end of a run: faults stop, time passes, and then everything that was promised must hold.

import { type State, type SyndikitEvent, terminalStates } from '@syndikit/core'
import { breach } from './invariants.ts'
import { tick } from './perform.ts'
import { pairWasLost } from './refreshes.ts'
import { processOf, type Scene } from './scene.ts'
import { countsAgree, grouped, type Told, toldOf } from './truth.ts'
import { weathers } from './weather.ts'
import { never } from './world.ts'

const hour = 3_600_000
const mostLooks = 400
/** Lateness ends after a day, the last look of an uncertain delivery comes after hours. */
const longestMs = 80 * hour

/** Nothing fails any more; works until no delivery moves by itself. */
export const comeToRest = async (scene: Scene): Promise<void> => {
  const { world, seeing } = scene
  const { clock } = world
  world.note('=== faults stop')
  world.weather = weathers.calm
  world.outageUntil = 0
  world.broker.downUntil = 0
  // Whoever stands still goes on, and what is late arrives.
  await clock.pass(10 * 60_000)
  const stopping = () => scene.processes.filter((one) => one.working && !one.life.dead)
  // One that was made to stand still again and again stands for the sum of it.
  if (stopping().length > 0) await clock.pass(20 * 60_000)
  for (const { life } of stopping()) world.violated('K6', `${life.name} was told to stop, and works on`)
  const until = clock.now() + longestMs
  for (let n = 0; n < mostLooks; n++) {
    const process = processOf(scene, 0)
    await clock.until(Promise.race([tick(scene, process), never]), 10 * 60_000)
    const rows = [...seeing.seen.values()]
    const nextAt = Math.min(...rows.map((row) => row.nextAt ?? Number.POSITIVE_INFINITY))
    if (nextAt > until) break
    await clock.pass(Math.max(1, nextAt - clock.now()))
  }
}

const stuck = ({ row }: Told): string[] =>
  row.state === 'scheduled' || row.state === 'running' || row.nextAt !== null ? [breach('I11', `${row.id} is ${row.state} and nothing moves it`)] : []

const owners = (all: readonly Told[]): string[] => {
  const owned = new Map<string, string>()
  return all.flatMap(({ row, result }) => {
    if (row.action !== 'publish' || !result) return []
    const ids = new Set([...(result.placement ? [result.placement.id] : []), ...result.parts.map(({ id }) => id)])
    return [...ids].flatMap((id) => {
      const other = owned.get(id)
      owned.set(id, row.id)
      return other === undefined ? [] : [breach('I13', `${id} belongs to ${other} and to ${row.id}`)]
    })
  })
}

const finals: Partial<Record<SyndikitEvent['type'], State>> = {
  'delivery:published': 'published',
  'delivery:failed': 'failed',
  'delivery:canceled': 'canceled',
  'delivery:missed': 'missed',
}

/** The same event may be heard again, never another one under its name, and never for the first time after a later one. */
const heardInOrder = (heard: readonly SyndikitEvent[]): string[] => {
  const first = new Map<string, SyndikitEvent>()
  const last = new Map<string, number>()
  return heard.flatMap((event) => {
    const before = first.get(event.id)
    if (before) return before.type === event.type ? [] : [breach('I5', `${event.id} was heard as ${before.type} and as ${event.type}`)]
    first.set(event.id, event)
    const subject = event.id.slice(0, event.id.lastIndexOf('.'))
    const rev = last.get(subject) ?? 0
    last.set(subject, Math.max(rev, event.rev))
    return event.rev < rev ? [breach('I5', `${event.id} was heard after rev ${rev}`)] : []
  })
}

const events = ({ row }: Told, heard: readonly SyndikitEvent[]): string[] => {
  const own = heard.filter((event) => 'deliveryId' in event && event.deliveryId === row.id)
  const ends = own.filter(({ type }) => finals[type] !== undefined)
  const wrong: string[] = []
  if (own[0]?.type !== 'delivery:scheduled') wrong.push(`its first event is ${own[0]?.type ?? 'none'}`)
  const isOver = (terminalStates as readonly State[]).includes(row.state)
  if (ends.length !== (isOver ? 1 : 0)) wrong.push(`it is ${row.state} and had ${ends.length} final events`)
  else if (isOver && finals[ends[0]?.type as SyndikitEvent['type']] !== row.state) wrong.push(`it is ${row.state} and was told to be ${ends[0]?.type}`)
  if (ends.length > 0 && own.at(-1) !== ends[0]) wrong.push('it had an event after its last')
  return wrong.map((line) => breach('I5', `${row.id}: ${line}`))
}

const finished = (all: readonly Told[], heard: readonly SyndikitEvent[]): string[] =>
  [...grouped(all, ({ row }) => row.publicationId)].flatMap(([id, own]) => {
    const told = heard.filter((event) => event.type === 'publication:finished' && event.publicationId === id).length
    const isOver = own.every(({ row }) => (terminalStates as readonly State[]).includes(row.state))
    return told === (isOver ? 1 : 0) ? [] : [breach('I5', `the publication ${id} was told to be finished ${told} times, and is ${isOver ? '' : 'not '}over`)]
  })

/** A fault of an adapter or of Syndikit itself must not hide behind a failure, and `missed` is for what is late. */
const reasons = ({ row, result, body }: Told, ended: ReadonlySet<string>): string[] => {
  const { code, message } = result?.reason ?? {}
  if (code === 'setup') return [breach('K6', `${row.id}: an error of ours: ${message}`)]
  if (code === 'reconnect' && !ended.has(row.connectionId)) return [breach('I16', `${row.id} waits for a reconnect: ${message}`)]
  return row.state === 'missed' && (body.maxLatenessMs ?? 24 * hour) > 80 * hour ? [breach('K6', `${row.id} is missed, and was not late`)] : []
}

const canary = async ({ world, host }: Scene, all: readonly Told[]): Promise<string[]> => {
  const attempts = await Promise.all(all.map(({ row }) => world.storage.deliveries.attempts(row.tenant, row.id)))
  const text = JSON.stringify([world.logs, host.heard, all.map(({ row, body }) => [row, body]), attempts])
  return [...world.platform.given.secrets].filter((secret) => text.includes(secret)).map((secret) => breach('I19', `${secret} was written down`))
}

/** Connections whose grant the platform ended, and what must not have become of the others. */
const grants = async ({ world }: Scene): Promise<{ readonly ended: ReadonlySet<string>; readonly wrong: readonly string[] }> => {
  const ended = new Set<string>()
  const wrong: string[] = []
  for (const tenant of ['ann', 'bob'])
    for (const { id, grantId, accountId } of (await world.storage.connections.list(tenant, { limit: 10 })).items) {
      const grant = await world.storage.connections.grant(tenant, grantId)
      if (pairWasLost(world, accountId)) ended.add(id)
      else if (grant?.state !== 'active' && grant?.state !== 'at_risk') wrong.push(breach('I16', `the grant ${grantId} of ${accountId} is ${grant?.state}`))
    }
  return { ended, wrong }
}

/** One publication per idempotency key, whatever was answered: by the words that only this draft has. */
const keyed = (all: readonly Told[], { host }: Scene): string[] =>
  host.drafts.flatMap(({ idempotencyKey, tenant, content }) => {
    const own = all.filter(({ row, texts }) => row.tenant === tenant && row.action === 'publish' && texts[0] === content.text)
    const scheduled = new Set(own.map(({ row }) => row.publicationId))
    return idempotencyKey !== undefined && scheduled.size > 1 && !host.reused.has(content.text)
      ? [breach('K1', `${idempotencyKey} was stored ${scheduled.size} times`)]
      : []
  })

/** Everything that does not hold. */
export const wrongs = async (scene: Scene): Promise<string[]> => {
  const { world, host, seeing } = scene
  const all: Told[] = []
  for (const row of seeing.seen.values()) {
    const told = await toldOf(scene, row)
    if (told) all.push(told)
    else world.violated('K3', `${row.id} is gone`)
  }
  const lost = [...host.promised].filter((id) => !seeing.seen.has(id)).map((id) => breach('K3', `${id} was promised and is not stored`))
  const after = [...host.canceled].filter((id) => seeing.seen.get(id)?.state !== 'canceled').map((id) => breach('I17', `${id} was canceled and is not`))
  const { ended, wrong } = await grants(scene)
  return [
    ...world.violations,
    ...world.platform.broken,
    ...lost,
    ...after,
    ...all.flatMap(stuck),
    ...countsAgree(all, scene),
    ...owners(all),
    ...heardInOrder(host.heard),
    ...all.flatMap((told) => events(told, distinct(host.heard))),
    ...finished(all, distinct(host.heard)),
    ...all.flatMap((told) => reasons(told, ended)),
    ...keyed(all, scene),
    ...(await canary(scene, all)),
    ...wrong,
  ]
}

const distinct = (heard: readonly SyndikitEvent[]): SyndikitEvent[] => [...new Map(heard.map((event) => [event.id, event])).values()]
