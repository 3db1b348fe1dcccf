// Watches every change of a delivery, and every commit as it leaves: what must hold at each of these moments.

import { isDeepStrictEqual } from 'node:util'
import { type Delivery, type Storage, terminalStates } from '@syndikit/core'
import type { Body } from '../../core/src/engine/body.ts'
import { readMarker } from '../../core/src/engine/journal.ts'
import { around } from '../../core/test/engine/around.ts'
import { boundMs, recoveryOf, timeoutMs } from './adapter.ts'
import type { Life } from './life.ts'
import type { Call, Door } from './platform.ts'
import type { Departure, World } from './world.ts'

/** What is known of every delivery that was ever stored, by id. */
export interface Seeing {
  readonly seen: Map<string, Delivery>
  readonly tenants: Map<string, string>
  /** With the tenant. */
  readonly activeKeys: Map<string, string>
  /** Given up by policy: no longer active, though not over. */
  readonly released: Set<string>
  /** Their host allowed a second send. */
  readonly excused: Set<string>
}
export const newSeeing = (): Seeing => ({ seen: new Map(), tenants: new Map(), activeKeys: new Map(), released: new Set(), excused: new Set() })

type Noted = Pick<World, 'note' | 'violated'>

const isTerminal = ({ state }: Delivery): boolean => (terminalStates as readonly string[]).includes(state)

const compare = ({ violated, note }: Noted, before: Delivery | undefined, after: Delivery): void => {
  const { id, state, fence, rev, tenant } = after
  if (before && isTerminal(before) && before.state !== state) violated('I4', `${id} was ${before.state} and became ${state}`)
  if (before && fence < before.fence) violated('I6', `the fence of ${id} fell from ${before.fence} to ${fence}`)
  if (before && rev < before.rev) violated('I6', `the rev of ${id} fell from ${before.rev} to ${rev}`)
  if (before && tenant !== before.tenant) violated('I18', `${id} moved from ${before.tenant} to ${tenant}`)
  if (before?.state !== state || before.rev !== rev)
    note(`${id} ${before?.state ?? 'new'} → ${state}, fence ${fence}${after.nextAt === null ? '' : `, next in ${after.nextAt}`}`)
}

/** Ids that a call may have changed. */
const touched = (verb: string, args: readonly unknown[], result: unknown): readonly string[] => {
  const [first, second] = args
  if (verb === 'deliveries.claim') return (result as { claims: { id: string }[] }).claims.map(({ id }) => id)
  if (verb === 'deliveries.settle') return (first as { id: string }[]).map(({ id }) => id)
  if (/^deliveries\.(cancel|reschedule|resolve)$/.test(verb)) return [second as string]
  if (verb === 'publications.add') return (first as { deliveries: { id: string }[] }[]).flatMap(({ deliveries }) => deliveries.map(({ id }) => id))
  return []
}

type Added = readonly { readonly tenant: string; readonly body: string; readonly deliveries: readonly { readonly id: string; readonly activeKey: string }[] }[]

/** One active delivery per content key, connection and action: of those that hold the key, all but `id` must be over. */
const alone = async (storage: Storage, { tenants, activeKeys, released }: Seeing, { violated }: Noted, id: string): Promise<void> => {
  for (const [other, key] of activeKeys) {
    if (other === id || key !== activeKeys.get(id)) continue
    // As it is, not as it was seen last: of a batch that has just settled some rows may not have been looked at yet.
    const row = await storage.deliveries.get(tenants.get(other) ?? '', other)
    if (row && !isTerminal(row) && !released.has(other)) violated('K2', `${id} became active beside ${other}`)
  }
}

/** What is written down before its consequences are compared. */
const learn = async (storage: Storage, seeing: Seeing, noted: Noted, verb: string, args: readonly unknown[], result: unknown): Promise<void> => {
  if (verb === 'publications.add') {
    const { status, publications = [] } = result as { status: string; publications?: readonly { status: string }[] }
    for (const [i, { tenant, body, deliveries }] of (args[0] as Added).entries())
      for (const { id, activeKey } of deliveries) {
        if (status !== 'added' || publications[i]?.status !== 'added') continue
        seeing.tenants.set(id, tenant)
        if ((JSON.parse(body) as Body).onUncertain === 'retry') seeing.excused.add(id)
        seeing.activeKeys.set(id, `${tenant}|${activeKey}`)
        await alone(storage, seeing, noted, id)
      }
  }
  if (verb === 'deliveries.settle')
    for (const [i, { id, release }] of (args[0] as { id: string; release?: boolean }[]).entries())
      if (release && (result as string[])[i] === 'done') seeing.released.add(id)
  if (verb === 'deliveries.resolve' && result === 'done' && (args[3] as { to: string }).to === 'scheduled') {
    await alone(storage, seeing, noted, args[1] as string)
    seeing.released.delete(args[1] as string)
  }
}

type Writes = readonly { readonly id: string; readonly fence: number }[]

/** I6: a worker's write counts under the fence that the row has, and while it runs. A settle that is only repeated changes nothing. */
const fenced = ({ seen }: Seeing, { violated }: Noted, verb: string, rows: Writes, result: readonly string[], changed: (id: string) => boolean): void => {
  for (const [i, { id, fence }] of rows.entries()) {
    const before = seen.get(id)
    if (result[i] !== 'done' || !before || !changed(id)) continue
    if (before.state !== 'running' || before.fence !== fence)
      violated('I6', `${verb} of ${id} under fence ${fence} counted, while it was ${before.state} under ${before.fence}`)
  }
}

/** The database, watched from inside. */
export const watched = (storage: Storage, seeing: Seeing, noted: Noted): Storage =>
  around(storage, async (verb, call, args) => {
    const result = await call()
    await learn(storage, seeing, noted, verb, args, result)
    const rows = new Map<string, Delivery>()
    for (const id of touched(verb, args, result)) {
      const row = await storage.deliveries.get(seeing.tenants.get(id) ?? '', id)
      if (row) rows.set(id, row)
    }
    if (/^deliveries\.(save|extend|settle)$/.test(verb))
      fenced(seeing, noted, verb, args[0] as Writes, result as string[], (id) => verb !== 'deliveries.settle' || rows.get(id)?.rev !== seeing.seen.get(id)?.rev)
    for (const [id, row] of rows) {
      compare(noted, seeing.seen.get(id), row)
      seeing.seen.set(id, row)
    }
    return result
  })

const classOf = (door: Door) => recoveryOf(door).class

/** I9 and I10, of two sends of one commit. */
const again = ({ violated, clock }: World, before: Departure, call: Call, door: Door): void => {
  // What a process was told dies with it, so `done` weighs no more than silence.
  if (before.told === 'refused' || before.told === 'not-sent') return
  if (before.call.body !== call.body) violated('I9', `${call.key} was sent as ${before.call.body} and again as ${call.body}`)
  if (classOf(door) === 'idempotent') return
  const gap = clock.now() - before.at
  if (classOf(door) === 'blind') violated('I10', `${call.key} was sent again although nobody can know`)
  else if (gap < boundMs(door)) violated('I10', `${call.key} was sent again after ${gap} ms, while the first may still arrive`)
}

const guarded = (world: World, life: Life, row: Delivery, call: Call): void => {
  const { violated, clock, holders } = world
  const open = readMarker(row.marker)
  if (row.state !== 'running' || holders.get(row.id)?.name !== life.name) violated('I8', `${life.name} sent ${call.key} and does not hold it: ${row.state}`)
  if (!open || !isDeepStrictEqual(open.request, JSON.parse(call.body))) violated('I7', `${call.key} left before it was stored`)
  if ((row.nextAt ?? 0) - clock.now() < timeoutMs) violated('I8', `${call.key} left ${(row.nextAt ?? 0) - clock.now()} ms before its lease ends`)
  if (row.dueAt > clock.now()) violated('K4', `${call.key} left ${row.dueAt - clock.now()} ms before it was due`)
}

const partOf = (name: string): number => Number(name.split(/[:-]/).at(-1))

/** K7, of what an adapter asks before each of its commits in every run. */
export const asks = async (world: World, call: Call): Promise<void> => {
  const row = await world.rowOf(call.key)
  const open = row && readMarker(row.marker)
  if (open && partOf(open.name) >= partOf(call.key)) world.violated('K7', `${call.path} was asked for ${call.key} on the way to ${open.name}, which may be out`)
}

/** A commit leaves. */
export const departs = async (world: World, life: Life, call: Call, door: Door): Promise<Departure> => {
  const row = await world.rowOf(call.key)
  const before = world.departures.findLast((one) => one.call.key === call.key)
  const left: Departure = { call, door, at: world.clock.now(), told: 'unknown', underway: true }
  world.departures.push(left)
  world.note(`${life.name} sends ${call.key} ${call.body}`)
  if (row) guarded(world, life, row, call)
  else world.violated('I7', `${call.key} is of no delivery`)
  if (before && row && !world.excused.has(row.id)) again(world, before, call, door)
  return left
}
