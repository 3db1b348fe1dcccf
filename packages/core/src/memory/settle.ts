// What moves a delivery on, in memory: a worker's writes under its fence, and what people do to rows that no worker holds.

import type { DeliveryStore, Held, NewEvent, Raced, Saved, Settle, Written } from '../contract/storage.ts'
import { type DeliveryRow, finish, isTerminal, keyOf, ofTenant, release, type Tables, tell } from './tables.ts'

type Verdict = Omit<Settle, 'id' | 'fence'>
type Resolution = Parameters<DeliveryStore['resolve']>[3]

const held = (tables: Tables, { id, fence }: Held): DeliveryRow | undefined => {
  const row = tables.deliveries.get(id)
  return row?.state === 'running' && row.fence === fence ? row : undefined
}

const setNextAt = (row: DeliveryRow, at: number | null): void => {
  row.nextAt = at
  row.parked = false
}

export const extend = (tables: Tables, one: Held, leaseMs: number): Written => {
  const row = held(tables, one)
  if (!row) return 'stale'
  setNextAt(row, tables.now() + leaseMs)
  return 'done'
}

export const save = (tables: Tables, saved: Saved): Written => {
  const row = held(tables, saved)
  if (!row) return 'stale'
  row.steps = saved.steps
  row.marker = saved.marker
  row.starts = 0
  own(tables, row, saved.placements ?? [])
  return 'done'
}

/** The first delivery that names a placement keeps it. */
const own = (tables: Tables, row: DeliveryRow, placements: readonly string[]): void => {
  for (const placement of placements) {
    const key = keyOf(row.tenant, row.connectionId, placement)
    if (!tables.placements.has(key)) tables.placements.set(key, row.id)
  }
}

const nextAtOf = (tables: Tables, { to, nextAt }: Verdict): number | null => {
  if (to === 'scheduled') return nextAt ?? tables.now()
  return to === 'uncertain' ? nextAt : null
}

const move = (tables: Tables, row: DeliveryRow, verdict: Verdict): void => {
  row.state = verdict.to
  setNextAt(row, nextAtOf(tables, verdict))
  row.tries = verdict.tries
  row.steps = verdict.steps
  row.marker = verdict.marker
  row.result = verdict.result
  row.starts = 0
  row.rev++
  if (isTerminal(verdict.to) || (verdict.to === 'uncertain' && verdict.release === true)) release(tables, row)
  own(tables, row, verdict.placements)
  if (verdict.event) tell(tables, row.tenant, row.id, row.rev, verdict.event)
  if (isTerminal(verdict.to)) finish(tables, row.publicationId)
}

export const settle = (tables: Tables, verdict: Settle): Written => {
  const { id, fence, to, attempt } = verdict
  if (!tables.deliveries.has(id)) return 'stale'
  const row = held(tables, verdict)
  const before = tables.attempts.get(attempt.id)
  if (!before) tables.attempts.set(attempt.id, { id: attempt.id, deliveryId: id, fence, at: tables.now(), settledTo: row ? to : null, data: attempt.data })
  if (row) move(tables, row, verdict)
  // The reply to this very settle was lost: what it wanted was done, whatever happened to the row since.
  const replays = before?.deliveryId === id && before.fence === fence && before.settledTo === to && before.data === attempt.data
  return row || replays ? 'done' : 'stale'
}

/** State alone is not enough: after a `later` or a retry a scheduled row may have put a part on the platform. */
const raced = (row: DeliveryRow | undefined): Raced =>
  row === undefined ? 'not-found' : row.state === 'scheduled' && row.marker === null ? 'done' : 'too-late'

const change = (tables: Tables, tenant: string, id: string, event: NewEvent, apply: (row: DeliveryRow) => void): Raced => {
  const row = ofTenant(tables.deliveries.get(id), tenant)
  const answer = raced(row)
  if (answer !== 'done' || !row) return answer
  apply(row)
  tell(tables, tenant, id, ++row.rev, event)
  if (isTerminal(row.state)) finish(tables, row.publicationId)
  return answer
}

export const cancel = (tables: Tables, tenant: string, id: string): Raced =>
  change(tables, tenant, id, { type: 'delivery:canceled', data: '{}' }, (row) => {
    row.state = 'canceled'
    setNextAt(row, null)
    release(tables, row)
  })

export const reschedule = (tables: Tables, tenant: string, id: string, dueAt: number): Raced =>
  change(tables, tenant, id, { type: 'delivery:rescheduled', data: JSON.stringify({ dueAt }) }, (row) => {
    row.dueAt = dueAt
    setNextAt(row, dueAt)
  })

/** A released delivery that is to go out after all must be the only active one of its key again. */
const regainsKey = (tables: Tables, row: DeliveryRow): boolean => {
  const holder = tables.active.get(row.activeKey) ?? row.id
  if (holder === row.id) tables.active.set(row.activeKey, row.id)
  return holder === row.id
}

export const resolve = (tables: Tables, tenant: string, id: string, rev: number, verdict: Resolution): Written => {
  const row = ofTenant(tables.deliveries.get(id), tenant)
  if (row?.rev !== rev || (row.state !== 'uncertain' && row.state !== 'needs_action')) return 'stale'
  if (verdict.to === 'scheduled' && !regainsKey(tables, row)) return 'stale'
  const { attempt } = verdict
  tables.attempts.set(attempt.id, { id: attempt.id, deliveryId: id, fence: row.fence, at: tables.now(), settledTo: verdict.to, data: attempt.data })
  move(tables, row, verdict)
  return 'done'
}

/** After a reconnect: what waited for these connections becomes due. */
export const wake = (tables: Tables, tenant: string, connectionIds: readonly string[]): void => {
  const now = tables.now()
  const waiting = [...tables.deliveries.values()].filter(
    (row) =>
      row.tenant === tenant &&
      connectionIds.includes(row.connectionId) &&
      row.state === 'scheduled' &&
      row.dueAt <= now &&
      row.nextAt !== null &&
      row.nextAt > now,
  )
  for (const row of waiting) {
    row.nextAt = now
    row.rev++
  }
}
