// The fault script: which request meets which fault.

import { z } from 'zod'
import { type Fault, type FaultRule, faults } from '../contract.ts'

const faultRule = z.strictObject({
  fault: z.enum(faults),
  platform: z.string().exactOptional(),
  on: z.enum(['any', 'commit', 'token']).exactOptional(),
  nth: z.int().min(1),
  delayMs: z.int().min(0).exactOptional(),
}) satisfies z.ZodType<FaultRule>

/** A fault that happened. */
export interface Fired {
  readonly at: number
  readonly fault: Fault
  readonly platform: string
  readonly method: string
  readonly path: string
}

/** The fault script of a sandbox. */
export interface Faults {
  /**
   * The whole list or nothing. Each rule fires once; rules that are due for the same request fire one after the other, on the following matching ones, in the order they were added.
   * Throws a `TypeError` that says what is wrong with which rule.
   */
  add(rules: FaultRule | readonly FaultRule[]): void
  /** Forgets what has not fired yet. */
  clear(): void
  /** What has not fired yet. */
  readonly waiting: readonly FaultRule[]
  /** What fired, oldest first. */
  readonly log: readonly Fired[]
}

export interface Asked {
  readonly platform: string
  readonly isCommit: boolean
  readonly isToken: boolean
}

const concerns = (rule: FaultRule, asked: Asked): boolean =>
  (rule.platform === undefined || rule.platform === asked.platform) &&
  (rule.on === undefined || rule.on === 'any' || (rule.on === 'commit' ? asked.isCommit : asked.isToken))

function parse(rules: unknown, platforms: readonly string[]): FaultRule[] {
  const parsed = z.array(faultRule).safeParse(Array.isArray(rules) ? rules : [rules])
  if (!parsed.success) throw new TypeError(`faults: ${z.prettifyError(parsed.error)}`)
  const stranger = parsed.data.find((rule) => rule.platform !== undefined && !platforms.includes(rule.platform))
  if (stranger) throw new TypeError(`faults: there is no platform "${stranger.platform}" here. It is one of ${platforms.join(', ')}.`)
  return parsed.data
}

/** `meet` counts a request against every rule and answers the one that fires on it. */
export function createFaults(platforms: readonly string[]): {
  faults: Faults
  meet(asked: Asked): FaultRule | undefined
  record(fired: Fired): void
  forget(): void
} {
  let waiting: { rule: FaultRule; seen: number }[] = []
  const log: Fired[] = []
  return {
    faults: {
      add(rules) {
        waiting.push(...parse(rules, platforms).map((rule) => ({ rule, seen: 0 })))
      },
      clear() {
        waiting = []
      },
      get waiting() {
        return waiting.map(({ rule }) => rule)
      },
      log,
    },
    meet(asked) {
      for (const entry of waiting) if (concerns(entry.rule, asked)) entry.seen++
      const due = waiting.find(({ rule, seen }) => concerns(rule, asked) && seen >= rule.nth)
      waiting = waiting.filter((entry) => entry !== due)
      return due?.rule
    },
    record: (fired) => log.push(fired),
    forget() {
      waiting = []
      log.length = 0
    },
  }
}
