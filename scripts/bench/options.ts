// What a bench is asked for, on the command line.

import { parseArgs } from 'node:util'

const suites = ['sqlite', 'postgres', 'bullmq', 'footprint'] as const
export type Suite = (typeof suites)[number]

export interface Asked {
  /** Not due yet. */
  readonly rows: number
  readonly rounds: number
  /** Worked off in a round. */
  readonly due: number
  /** Progress, for people. */
  say(line: string): void
}

const count = (name: string, given: string): number => {
  const value = Number(given)
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} is a whole number above 0, not ${given}.`)
  return value
}

export const readOptions = (args: readonly string[]): Asked & { readonly suites: readonly Suite[]; readonly json: boolean } => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      suite: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '5' },
      due: { type: 'string', default: '20000' },
    },
  })
  const asked = values.suite ?? suites
  const known = asked.filter((suite): suite is Suite => (suites as readonly string[]).includes(suite))
  if (known.length < asked.length) throw new TypeError(`--suite is one of ${suites.join(', ')}.`)
  return {
    suites: known,
    json: values.json,
    rows: count('rows', values.rows),
    rounds: count('rounds', values.rounds),
    due: count('due', values.due),
    say: (line) => console.error(line),
  }
}
