// What the host schedules: its nth intent, by the seed. Pure.

import { between, type Chance, chanceOf, oneOf, weighted } from './chance.ts'
import type { After, Draft } from './journal.ts'
import { accounts } from './platform.ts'

export interface Plan {
  readonly drafts: readonly Draft[]
  readonly after?: After
}

const shapes = { post: 50, thread: 14, 'several accounts': 10, 'several drafts': 6, cancel: 8, 'cancel when due': 5, reschedule: 7 } as const

const draftOf = (n: number, part: number, tenant: string, to: readonly string[], parts: number, at: number): Draft => ({
  tenant,
  idempotencyKey: `intent-${n}-${part}`,
  to,
  texts: Array.from({ length: parts }, (_, i) => `The boat leaves at nine. (${n}.${part}.${i})`),
  at: new Date(at).toISOString(),
})

const afterOf = (chance: Chance, shape: keyof typeof shapes, dueAt: number): After | undefined => {
  const instant = (ms: number) => new Date(dueAt + ms).toISOString()
  if (shape === 'cancel') return { do: 'cancel', at: instant(-between(chance, 500, 2_000)) }
  if (shape === 'cancel when due') return { do: 'cancel', at: instant(between(chance, -60, 120)) }
  if (shape === 'reschedule') return { do: 'reschedule', at: instant(-between(chance, 300, 1_500)), to: instant(between(chance, 100, 4_000)) }
  return undefined
}

/** `connected`: ids of connections by account. */
export const planOf = (seed: number, n: number, now: number, connected: Readonly<Record<string, string>>): Plan => {
  const chance = chanceOf(seed * 1_000_003 + n)
  const shape = weighted<keyof typeof shapes>(chance, shapes)
  const { tenant } = oneOf(chance, accounts)
  const ids = accounts.filter((account) => account.tenant === tenant).map(({ name }) => connected[name] as string)
  const early = chance() < 0.3 && shape !== 'cancel' && shape !== 'reschedule'
  const dueAt = now + (early ? between(chance, 0, 300) : between(chance, 2_500, 6_000))
  const after = afterOf(chance, shape, dueAt)
  const one = oneOf(chance, ids)
  if (shape === 'several accounts') return { drafts: [draftOf(n, 0, tenant, ids.slice(0, between(chance, 2, ids.length)), 1, dueAt)] }
  if (shape === 'several drafts') return { drafts: [0, 1, 2].map((part) => draftOf(n, part, tenant, [oneOf(chance, ids)], 1, dueAt + part * 200)) }
  const parts = shape === 'thread' ? between(chance, 2, 4) : 1
  return { drafts: [draftOf(n, 0, tenant, [one], parts, dueAt)], ...(after && { after }) }
}
