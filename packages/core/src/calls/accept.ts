// Takes drafts in: all of them or none, in one write. What the host gets back says what happened, races included.

import type { Adapter } from '../contract/adapter.ts'
import type { Problem } from '../contract/limits.ts'
import { type AddResult, type NewDelivery, type NewPublication, priorities } from '../contract/storage.ts'
import type { Body } from '../engine/body.ts'
import type { Deps } from '../engine/deps.ts'
import type { Draft, ReadDraft } from './draft.ts'
import { canonical, sha256 } from './ids.ts'
import { type Prepared, prepare, refuse } from './prepare.ts'
import { dueOf } from './when.ts'

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

/** When each platform's delivery is due. */
const timesOf = (draft: ReadDraft, platforms: readonly string[], now: number): Timed => {
  const dueAt = new Map<string, number>()
  const wall: Record<string, { at: string; timeZone: string }> = {}
  const problems: Problem[] = []
  for (const platform of platforms) {
    const own = draft.times?.[platform]
    const at = own ?? draft.at
    if (at === undefined) {
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
    ).problems,
  ]
}

/** One active delivery per content key, connection and action. */
export const activeKeyOf = (tenant: string, contentKey: string, connectionId: string, action: string): string =>
  sha256(canonical(['v1', tenant, contentKey, connectionId, action]))

const publicationOf = (calls: Calls, given: unknown, prepared: Required<Prepared>, timed: Timed): NewPublication => {
  const { draft, connections, contents } = prepared
  const { tenant: _tenant, idempotencyKey, ...asked } = given as Draft
  const deliveries = connections.map(
    (connection): NewDelivery => ({
      id: calls.newId(),
      connectionId: connection.id,
      platform: connection.platform,
      action: 'publish',
      activeKey: activeKeyOf(draft.tenant, draft.contentKey ?? canonical(contents[connection.platform]), connection.id, 'publish'),
      priority: priorities[draft.priority ?? 'normal'],
      dueAt: timed.dueAt.get(connection.platform) as number,
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
    // What the user wrote and not what we made of it: an upgrade must not turn a replay into a conflict.
    requestHash: `v1:${sha256(canonical(asked))}`,
    body: JSON.stringify(body),
    deliveries,
  }
}

const view = (one: NewPublication): AcceptedDelivery[] =>
  one.deliveries.map(({ id, connectionId, platform, dueAt }) => ({ id, connectionId, platform, dueAt: new Date(dueAt) }))

const replayed = async (calls: Calls, tenant: string, publicationId: string): Promise<Accepted> => {
  const { items } = await calls.storage.deliveries.list(tenant, { publicationId, limit: 1_000 })
  return {
    status: 'replayed',
    publicationId,
    deliveries: items.map(({ id, connectionId, platform, dueAt }) => ({ id, connectionId, platform, dueAt: new Date(dueAt) })),
  }
}

const refusedAs = (result: Exclude<AddResult, { status: 'added' }>): Refused => {
  if (result.status === 'key-reused') return { status: 'key-reused', publicationId: result.publicationId }
  if (result.status === 'active') return { status: 'active', deliveryIds: result.deliveryIds }
  return refuse([{ code: 'no-such-connection', pointer: '/to', actual: result.connectionId, fix: 'It was removed meanwhile: name another connection.' }])
}

/** Stores publications that are made already, and tells what became of them. */
export const add = async (calls: Calls, publications: readonly NewPublication[], tx?: unknown): Promise<readonly Accepted[] | Refused> => {
  const result = await calls.storage.publications.add(publications, tx)
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

/** Checks every draft, then stores all of them or none. */
export const accept = async <A extends Adapter>(calls: Calls, drafts: readonly Draft<A>[], tx?: unknown): Promise<readonly Accepted[] | Refused> => {
  const now = await calls.storage.now()
  const publications: NewPublication[] = []
  const problems: Problem[] = []
  for (const [i, given] of drafts.entries()) {
    const prepared = await prepare(calls, given)
    const timed =
      prepared.draft &&
      timesOf(
        prepared.draft,
        prepared.connections.map(({ platform }) => platform),
        now,
      )
    const own = [...prepared.problems, ...(timed?.problems ?? [])].filter(({ severity }) => severity !== 'warning')
    problems.push(...(drafts.length === 1 ? own : own.map((problem) => ({ ...problem, pointer: `/${i}${problem.pointer}` }))))
    if (own.length === 0 && timed) publications.push(publicationOf(calls, given, prepared as Required<Prepared>, timed))
  }
  if (problems.length > 0) refuse(problems)
  return add(calls, publications, tx)
}
