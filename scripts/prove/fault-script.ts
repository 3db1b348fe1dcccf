// Feeds the sandbox's fault script while the campaign lasts, so that about the same share of requests meets a fault however many there are.

import { setTimeout } from 'node:timers/promises'
import type { Fault, FaultRule } from '@syndikit/sandbox'
import { between, type Chance, weighted } from './chance.ts'
import { boundsOf, type Class, requestTimeoutMs } from './classes.ts'

const onCommit: Readonly<Partial<Record<Fault, number>>> = {
  'drop-request': 4,
  'drop-reply': 4,
  'error-before': 3,
  'error-after': 3,
  'garbage-before': 1,
  'garbage-after': 2,
  'delay-reply': 2,
  'arrive-late': 3,
  throttle: 1,
  'throttle-without-header': 1,
}
const onAny: Readonly<Partial<Record<Fault, number>>> = {
  'drop-request': 3,
  'drop-reply': 3,
  'error-before': 3,
  'error-after': 2,
  'garbage-before': 1,
  'garbage-after': 1,
  'delay-reply': 1,
  throttle: 1,
}
const onToken: Readonly<Partial<Record<Fault, number>>> = { 'drop-request': 1, 'drop-reply': 1, 'error-after': 1 }

/** Of the next so many matching requests each waiting rule takes one. */
const within = { commit: 24, any: 60, token: 6 } as const
/** Rules that wait at a time. */
const waiting = { commit: 4, any: 3, token: 1 } as const
type On = keyof typeof waiting

const lookEveryMs = 250
/** A renewal that a death cuts off is believed to be under way for two minutes, so the accounts must not do nothing else. */
const expireEveryMs = 60_000
const firstExpiryMs = 15_000

const tables = { commit: onCommit, any: onAny, token: onToken } as const

const ruleOf = (chance: Chance, on: On, door: Class): FaultRule => {
  const fault = weighted<Fault>(chance, tables[on])
  const delayMs = fault === 'arrive-late' ? between(chance, requestTimeoutMs, boundsOf[door].lateMs) : requestTimeoutMs + 500
  return { fault, on, nth: between(chance, 1, within[on]), ...(['arrive-late', 'delay-reply'].includes(fault) && { delayMs }) }
}

const missingFrom = (rules: readonly FaultRule[]): On[] =>
  (Object.keys(waiting) as On[]).flatMap((on) => {
    const there = rules.filter((rule) => rule.on === on && rule.fault !== 'expire-token').length
    return Array.from({ length: Math.max(0, waiting[on] - there) }, () => on)
  })

const post = async (url: string, rules: readonly FaultRule[]): Promise<readonly FaultRule[]> => {
  const reply = await fetch(`${url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(rules) })
  if (!reply.ok) throw new Error(`The sandbox took no fault: ${await reply.text()}`)
  return ((await reply.json()) as { waiting: readonly FaultRule[] }).waiting
}

/** Until `stop`; then nothing that waits fires any more. */
export const playFaults = async (url: string, door: Class, chance: Chance, stop: AbortSignal): Promise<void> => {
  let expireAt = Date.now() + firstExpiryMs
  while (!stop.aborted) {
    const there = await post(url, [])
    const rules = missingFrom(there).map((on) => ruleOf(chance, on, door))
    if (Date.now() >= expireAt) {
      rules.push({ fault: 'expire-token', on: 'commit', nth: 1 })
      expireAt += expireEveryMs
    }
    await post(url, rules)
    await setTimeout(lookEveryMs)
  }
  await fetch(`${url}/_sandbox/faults`, { method: 'DELETE' })
}
