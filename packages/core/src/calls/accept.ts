// Takes drafts in: all of them or none, in one write. What the host gets back says what happened, races included.

import type { Adapter } from '../contract/adapter.ts'
import type { Problem } from '../contract/limits.ts'
import { type AddResult, type NewDelivery, type NewPublication, priorities } from '../contract/storage.ts'
import type { Body } from '../engine/body.ts'
import type { Deps } from '../engine/deps.ts'
import { deliveriesOf } from './arguments.ts'
import type { Draft, ReadDraft } from './draft.ts'
import { canonical, sha256 } from './ids.ts'
import { type Prepared, prepare, refuse } from './prepare.ts'
import { dueOf, isZone, unknownZone } from './when.ts'

/** One delivery of what was taken in: one per connection, in the order of `to`. */
export interface AcceptedDelivery {
  readonly id: string
  readonly connectionId: string
  readonly platform: string
  readonly dueAt: Date
}
/** Stored: it goes out. `replayed`: the same idempotency key brought the same request before; nothing new is stored. */
export interface Accepted {
  readonly status: 'scheduled' | 'replayed'
  readonly publicationId: string
  readonly deliveries: readonly AcceptedDelivery[]
}
/** Nothing was stored. */
export type Refused =
  /** The idempotency key was used for another request. */
  | { readonly status: 'key-reused'; readonly publicationId: string }
  /** The same content is on its way to the same connection already. */
  | { readonly status: 'active'; readonly deliveryIds: readonly string[] }

export interface Calls extends Deps {
  newId(): string
  /** After the database has it: tells the queue, and the events' reader. */
  stored(deliveries: readonly { id: string; rev: number; at: number }[]): void
}

/** Beyond this a moment counts as past, not as now. */
const pastMs = 60_000

interface Timed {
  readonly dueAt: ReadonlyMap<string, number>
  readonly wall: Body['wall']
  readonly problems: readonly Problem[]
}

/** `now`: a publish; `at`: a schedule, which never goes out because its moment was forgotten; `any`: a check of either. */
type Way = 'now' | 'at' | 'any'

const strayTimes = (draft: ReadDraft, way: Way): Problem[] => {
  const timed = (['at', 'times', 'timeZone'] as const).filter((member) => draft[member] !== undefined)
  if (way === 'now') return timed.map((member) => ({ code: 'unknown-member', pointer: `/${member}`, fix: 'Remove it, or use `scheduler.schedule`.' }))
  return draft.timeZone !== undefined && !isZone(draft.timeZone) ? [unknownZone(draft.timeZone)] : []
}

/** When each platform's delivery is due. */
const timesOf = (draft: ReadDraft, platforms: readonly string[], now: number, way: Way): Timed => {
  const dueAt = new Map<string, number>()
  const wall: Record<string, { at: string; timeZone: string }> = {}
  const problems: Problem[] = [...strayTimes(draft, way)]
  // Where no connection is known, the moment itself can still be wrong.
  for (const platform of platforms.length > 0 ? platforms : ['']) {
    const own = draft.times?.[platform]
    const at = own ?? draft.at
    if (at === undefined) {
      if (way === 'at') problems.push({ code: 'time-missing', pointer: '/at', fix: 'Say when it is to go out, or `publish` it now.' })
      dueAt.set(platform, now)
      continue
    }
    const pointer = own === undefined ? '/at' : `/times/${platform}`
    const due = dueOf(at, draft.timeZone, pointer)
    if (due.problem) problems.push(due.problem)
    if (!('at' in due)) continue
    if (due.at < now - pastMs)
      problems.push({
        code: 'in-the-past',
        pointer,
        actual: new Date(due.at).toISOString(),
        limit: new Date(now).toISOString(),
        fix: 'Choose a time to come, or `publish` it now.',
      })
    dueAt.set(platform, due.at)
    if (due.wall) wall[own === undefined ? '' : platform] = due.wall
  }
  return { dueAt, wall, problems: [...new Map(problems.map((problem) => [canonical(problem), problem])).values()] }
}

/** Everything wrong with a draft, without storing anything. Warnings included. */
export const problemsOf = async (deps: Deps, given: unknown): Promise<readonly Problem[]> => {
  const prepared = await prepare(deps, given)
  if (!prepared.draft) return prepared.problems
  const now = await deps.storage.now()
  return [
    ...prepared.problems,
    ...timesOf(
      prepared.draft,
      prepared.connections.map(({ platform }) => platform),
      now,
      'any',
    ).problems,
  ]
}

/** One active delivery per content key, connection and action. */
export const activeKeyOf = (tenant: string, contentKey: string, connectionId: string, action: string): string =>
  sha256(canonical(['v1', tenant, contentKey, connectionId, action]))

/** What the user wrote and not what we made of it: an upgrade must not turn a replay into a conflict. */
const requestHashOf = (given: unknown): string => {
  const { tenant: _tenant, idempotencyKey: _key, ...asked } = given as Draft
  return `v1:${sha256(canonical(asked))}`
}

/** Whether an adapter takes this kind one at a time. */
export const serializes = ({ adapters }: Pick<Deps, 'adapters'>, platform: string, kind: string | undefined): boolean =>
  adapters.get(platform)?.content.find((support) => support.kind === kind)?.spec.serialize === true

const publicationOf = (calls: Calls, given: unknown, prepared: Required<Prepared>, timed: Timed): NewPublication => {
  const { draft, connections, contents } = prepared
  const { idempotencyKey } = draft
  const deliveries = connections.map(
    (connection): NewDelivery => ({
      id: calls.newId(),
      connectionId: connection.id,
      platform: connection.platform,
      action: 'publish',
      activeKey: activeKeyOf(draft.tenant, draft.contentKey ?? canonical(contents[connection.platform]), connection.id, 'publish'),
      priority: priorities[draft.priority ?? 'normal'],
      dueAt: timed.dueAt.get(connection.platform) as number,
      serialize: serializes(calls, connection.platform, contents[connection.platform]?.kind),
    }),
  )
  const body: Body = {
    v: 1,
    contents,
    contentKey: draft.contentKey ?? null,
    maxLatenessMs: draft.maxLatenessMs ?? null,
    onUncertain: draft.onUncertain ?? null,
    wall: timed.wall,
  }
  return {
    id: calls.newId(),
    tenant: draft.tenant,
    idempotencyKey: idempotencyKey ?? null,
    requestHash: requestHashOf(given),
    body: JSON.stringify(body),
    deliveries,
  }
}

const view = (one: NewPublication): AcceptedDelivery[] =>
  one.deliveries.map(({ id, connectionId, platform, dueAt }) => ({ id, connectionId, platform, dueAt: new Date(dueAt) }))

export const replayed = async (calls: Calls, tenant: string, publicationId: string): Promise<Accepted> => {
  const items = await deliveriesOf(calls.storage, tenant, publicationId)
  return {
    status: 'replayed',
    publicationId,
    // As they were given: ids grow.
    deliveries: items
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, connectionId, platform, dueAt }) => ({ id, connectionId, platform, dueAt: new Date(dueAt) })),
  }
}

const refusedAs = (result: Exclude<AddResult, { status: 'added' }>): Refused => {
  if (result.status === 'key-reused') return { status: 'key-reused', publicationId: result.publicationId }
  if (result.status === 'active') return { status: 'active', deliveryIds: result.deliveryIds }
  return refuse([{ code: 'no-such-connection', pointer: '/to', actual: result.connectionId, fix: 'It was removed meanwhile: name another connection.' }])
}

/** Stores publications that are made already, and tells what became of them. */
export const add = async (calls: Calls, publications: readonly NewPublication[]): Promise<readonly Accepted[] | Refused> => {
  const result = await calls.storage.publications.add(publications)
  if (result.status !== 'added') return refusedAs(result)
  const accepted: Accepted[] = []
  for (const [i, { status, publicationId }] of result.publications.entries()) {
    const one = publications[i] as NewPublication
    accepted.push(status === 'replayed' ? await replayed(calls, one.tenant, publicationId) : { status: 'scheduled', publicationId, deliveries: view(one) })
  }
  const fresh = publications.filter((_, i) => result.publications[i]?.status === 'added')
  calls.stored(fresh.flatMap(({ deliveries }) => deliveries.map(({ id, dueAt }) => ({ id, rev: 1, at: dueAt }))))
  return accepted
}

interface Read {
  /** Of what is to be stored; absent where something is wrong, or where it was stored before. */
  readonly publication?: NewPublication
  readonly before?: { readonly id: string; readonly requestHash: string }
  readonly problems: readonly Problem[]
}

/**
 * A draft that cannot be taken in any more may have been taken in before: when a call is repeated after a crash, its moment may have passed and its files may
 * be gone. Then its key speaks for it.
 */
const read = async (calls: Calls, given: unknown, now: number, way: Way): Promise<Read> => {
  const prepared = await prepare(calls, given)
  const { draft, connections } = prepared
  const platforms = connections.map(({ platform }) => platform)
  const timed = draft && timesOf(draft, platforms, now, way)
  const problems = [...prepared.problems, ...(timed?.problems ?? [])].filter(({ severity }) => severity !== 'warning')
  if (problems.length === 0 && timed) return { problems, publication: publicationOf(calls, given, prepared as Required<Prepared>, timed) }
  const before = draft?.idempotencyKey === undefined ? undefined : await calls.storage.publications.byKey(draft.tenant, draft.idempotencyKey)
  return before ? { problems: [], before } : { problems }
}

/** Checks every draft, then stores all of them or none. */
export const accept = async <A extends Adapter>(calls: Calls, drafts: readonly Draft<A>[], way: 'now' | 'at'): Promise<readonly Accepted[] | Refused> => {
  if (!Array.isArray(drafts)) throw new TypeError('`drafts` is a list of drafts.')
  const now = await calls.storage.now()
  const all: Read[] = []
  for (const given of drafts) all.push(await read(calls, given, now, way))
  const problems = all.flatMap((one, i) => (drafts.length === 1 ? one.problems : one.problems.map((each) => ({ ...each, pointer: `/${i}${each.pointer}` }))))
  if (problems.length > 0) refuse(problems)
  const reused = all.find(({ before }, i) => before && before.requestHash !== requestHashOf(drafts[i]))?.before
  if (reused) return { status: 'key-reused', publicationId: reused.id }
  const added = await add(
    calls,
    all.flatMap(({ publication }) => publication ?? []),
  )
  if ('status' in added) return added
  const rest = [...added]
  return Promise.all(all.map(({ before }, i) => (before ? replayed(calls, drafts[i]?.tenant as string, before.id) : (rest.shift() as Accepted))))
}
