// `testAdapter`: the conformance suite of adapters, for any test runner.

import type { Rule, Suite } from './rule-steps.ts'
import { rules } from './rules.ts'

/** An adapter to try, on samples of everything that it can publish. */
export interface AdapterSuite extends Suite {
  /** Of the test runner: `test` of vitest or of node:test. */
  readonly test: (name: string, run: () => Promise<void>) => void
  /** Rules that cannot hold, by name, with the reason; the reason becomes part of the test's name. */
  readonly skip?: Readonly<Record<string, string>>
}

/**
 * Tries an adapter against its platform's emulator, on the real engine: every fault of the fault script at every request, a death of the worker at every call,
 * limits, removal, revocation, secrets. Registers one test per rule.
 * @throws TypeError for a `skip` that names no rule or gives no reason.
 */
export const testAdapter = ({ test, skip = {}, ...suite }: AdapterSuite): void => {
  for (const [name, reason] of Object.entries(skip)) {
    if (!(name in rules)) throw new TypeError(`testAdapter: \`skip\` names no rule: "${name}". The rules are: ${Object.keys(rules).join('; ')}.`)
    if (reason.trim() === '') throw new TypeError(`testAdapter: say why "${name}" is skipped.`)
  }
  if (Object.keys(suite.samples).length === 0) throw new TypeError('testAdapter: give at least one sample.')
  for (const [name, rule] of Object.entries(rules) as [string, Rule][]) {
    const reason = skip[name]
    test(reason === undefined ? name : `${name} (skipped: ${reason})`, reason === undefined ? () => rule(suite) : async () => undefined)
  }
}
