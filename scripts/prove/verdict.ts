// Holds what the app says against what the sandbox shows. Pure: the sandbox's own count is the judge.

import type { DeliveryInfo } from '@syndikit/core'
import type { Shown } from '@syndikit/sandbox'
import type { Class } from './classes.ts'
import type { Draft, Story } from './journal.ts'

const faultKinds = ['lost', 'duplicates', 'falseStatus', 'uncertain', 'stuck'] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Violation {
  readonly kind: FaultKind
  readonly what: string
  readonly deliveryId?: string
}

/** What everything is judged by. */
export interface Evidence {
  readonly door: Class
  readonly stories: readonly Story[]
  /** Every stored delivery of every tenant. */
  readonly deliveries: readonly DeliveryInfo[]
  /** Everything on the platform. */
  readonly shown: readonly Shown[]
  /** Names of accounts by connection id. */
  readonly accounts: ReadonlyMap<string, string>
}

interface Case {
  readonly door: Class
  readonly delivery: DeliveryInfo
  /** By part: what people see of it. */
  readonly there: readonly (readonly Shown[])[]
  readonly canceled: boolean
}

const spot = (account: string, text: string): string => `${account} ${text}`

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

const published = ({ delivery, there }: Case): string[] => {
  const { placement, parts } = delivery
  const stored = parts.length > 0 ? parts : placement ? [placement] : []
  const seen = there.map(([first]) => first)
  const wrong: string[] = []
  if (stored.length !== there.length) wrong.push(`it is published with ${stored.length} ids and has ${there.length} parts`)
  if (placement?.id !== stored[0]?.id) wrong.push(`its id is ${placement?.id}, and that of its first part ${stored[0]?.id}`)
  for (const [n, { id }] of stored.entries()) if (!there[n]?.some((one) => one.id === id)) wrong.push(`it says that part ${n} is ${id}, which is not there`)
  for (const [n, one] of seen.entries()) if (n > 0 && one && one.replyTo !== seen[n - 1]?.id) wrong.push(`part ${n} does not answer the part before it`)
  return wrong
}

const falseStatus = (one: Case): string[] => {
  const { delivery, there, canceled } = one
  const wrong: string[] = []
  const visible = sum(there.map((part) => part.length))
  if (delivery.state === 'published') wrong.push(...published(one))
  if (['failed', 'missed', 'canceled'].includes(delivery.state) && visible > 0) wrong.push(`it is ${delivery.state} and ${visible} of it can be seen`)
  if (canceled && delivery.state !== 'canceled') wrong.push(`its cancel was answered \`done\`, and it is ${delivery.state}`)
  const early = there.flat().filter(({ at }) => at < delivery.dueAt.getTime())
  if (early.length > 0) wrong.push(`it was due at ${delivery.dueAt.toISOString()} and went out ${delivery.dueAt.getTime() - (early[0]?.at ?? 0)} ms before`)
  return wrong
}

const judge = (one: Case): Violation[] => {
  const { delivery, there } = one
  const { id: deliveryId, state, reason } = delivery
  const because = reason ? `: ${reason.message}` : ''
  const violations: Violation[] = []
  const say = (kind: FaultKind, what: string) => violations.push({ kind, what, deliveryId })
  for (const [n, part] of there.entries()) for (const again of part.slice(1)) say('duplicates', `part ${n} is there again as ${again.id}`)
  for (const what of falseStatus(one)) say('falseStatus', what)
  if (['published', 'failed', 'missed'].includes(state) && there.some((part) => part.length === 0)) say('lost', `it is ${state} and not there${because}`)
  if (state === 'uncertain') say('uncertain', `nobody knows whether it is there${because}`)
  if (['scheduled', 'running', 'needs_action'].includes(state)) say('stuck', `it is still ${state}${because}`)
  return violations
}

/** A draft that was taken in, with what is stored of it. */
const casesOf = (evidence: Evidence, draft: Draft, ids: readonly string[], canceled: ReadonlySet<string>, at: ReadonlyMap<string, readonly Shown[]>) => {
  const stored = new Map(evidence.deliveries.map((delivery) => [delivery.id, delivery]))
  return ids.map((id): Case | Violation => {
    const delivery = stored.get(id)
    if (!delivery) return { kind: 'lost', what: `${draft.idempotencyKey} was acknowledged, and is not stored`, deliveryId: id }
    const account = evidence.accounts.get(delivery.connectionId) ?? ''
    return { door: evidence.door, delivery, there: draft.texts.map((text) => at.get(spot(account, text)) ?? []), canceled: canceled.has(id) }
  })
}

/** Everything that does not hold. For the class `blind`, what is `uncertain` is a truth and no violation, but counted all the same. */
export const violationsOf = (evidence: Evidence): Violation[] => {
  const at = new Map<string, Shown[]>()
  for (const one of evidence.shown) at.set(spot(one.account, one.text), [...(at.get(spot(one.account, one.text)) ?? []), one])
  const found: Violation[] = []
  const known = new Set<string>()
  const owned = new Set<Shown>()
  for (const { drafts, taken, refused, changes } of evidence.stories) {
    const canceled = new Set(changes.filter(({ change, status }) => change === 'cancel' && status === 'done').map(({ deliveryId }) => deliveryId))
    for (const [n, draft] of drafts.entries()) {
      const ids = taken?.[n] ?? []
      if (taken && ids.length !== draft.to.length)
        found.push({ kind: 'lost', what: `${draft.idempotencyKey} has ${ids.length} deliveries of ${draft.to.length}` })
      if (!taken && refused === undefined) found.push({ kind: 'stuck', what: `${draft.idempotencyKey} was never answered` })
      for (const one of casesOf(evidence, draft, ids, canceled, at)) {
        if ('kind' in one) {
          found.push(one)
          continue
        }
        known.add(one.delivery.id)
        for (const shown of one.there.flat()) owned.add(shown)
        found.push(...judge(one))
      }
    }
  }
  for (const { id, state } of evidence.deliveries)
    if (!known.has(id)) found.push({ kind: 'falseStatus', what: `it is stored (${state}), and nobody was told of it`, deliveryId: id })
  for (const shown of evidence.shown)
    if (!owned.has(shown)) found.push({ kind: 'falseStatus', what: `${shown.id} can be seen on ${shown.account}, and belongs to no delivery: ${shown.text}` })
  return found
}

export const countOf = (violations: readonly Violation[], kind: FaultKind): number => violations.filter((one) => one.kind === kind).length

export const isClean = (door: Class, violations: readonly Violation[]): boolean => violations.every(({ kind }) => kind === 'uncertain' && door === 'blind')
