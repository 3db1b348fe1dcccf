// `npm run simulate`: the real engine on simulated ports, seed by seed on all cores. See the package's README.

import { parseArgs } from 'node:util'
import { type Found, onAllCores, piecesOf } from './cores.ts'
import { keep } from './corpus.ts'
import { type Door, doors } from './platform.ts'

const usage = `npm run simulate -- [--runs N] [--seed S] [--class C] [--json]
  --runs N   schedules of each class; default 200
  --seed S   the first seed; default 1
  --class C  one of ${doors.join(', ')}; default all
  --json     the result as one line of JSON, the last one
  --no-keep  a failing schedule is not written to the corpus`

const wholeNumber = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) throw new TypeError(`--${name} is a whole number of at least ${least}, not "${text}".\n${usage}`)
  return value
}

const optionsOf = () => {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      class: { type: 'string' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: true },
    },
    allowNegative: true,
  })
  const { class: door, json, keep: keeps } = values
  if (door !== undefined && !(doors as readonly string[]).includes(door)) throw new TypeError(`No recovery class is called "${door}".\n${usage}`)
  const chosen = door === undefined ? doors : [door as Door]
  return { doors: chosen, runs: wholeNumber('runs', values.runs, 1), seed: wholeNumber('seed', values.seed, 0), json, keeps }
}

interface Tally {
  runs: number
  virtualMs: number
  faults: number
  deliveries: number
  violations: number
}
const newTally = (): Tally => ({ runs: 0, virtualMs: 0, faults: 0, deliveries: 0, violations: 0 })

const add = (tally: Tally, found: Found): void => {
  tally.runs += found.runs
  tally.virtualMs += found.virtualMs
  tally.faults += found.faults
  tally.deliveries += found.deliveries
  tally.violations += found.failing ? 1 : 0
}

const days = (ms: number): string => `${Math.round(ms / 86_400_000).toLocaleString('en')} days`

const line = (cells: readonly (string | number)[]): string =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(12) : (typeof cell === 'number' ? cell.toLocaleString('en') : cell).padStart(14))).join('')

const report = (tallies: ReadonlyMap<Door, Tally>, seconds: number): string => {
  const rows = [...tallies].map(([door, { runs, deliveries, virtualMs, faults, violations }]) =>
    line([door, runs, deliveries, days(virtualMs), faults, violations]),
  )
  return [line(['class', 'runs', 'deliveries', 'virtual time', 'faults', 'violations']), ...rows, `${seconds.toFixed(1)} s`].join('\n')
}

const reportFailure = ({ door, failing }: Found, keeps: boolean): void => {
  if (!failing) return
  const { seed, plan, text } = failing
  console.error(`${text}\n\nAgain: npm run simulate -- --class ${door} --seed ${seed} --runs 1`)
  if (!keeps) return
  const [found = ''] = text.split('\n').slice(1)
  console.error(`It runs with the tests from now on: ${keep({ name: `${door}-${seed}`, found: found.trim(), plan })}`)
}

const main = async (): Promise<void> => {
  const { doors: chosen, runs, seed, json, keeps } = optionsOf()
  const tallies = new Map(chosen.map((door) => [door, newTally()]))
  const from = performance.now()
  const failures: Found[] = []
  await onAllCores(piecesOf(chosen, seed, runs), (found) => {
    add(tallies.get(found.door) as Tally, found)
    if (found.failing) failures.push(found)
    return failures.length === 0
  })
  const seconds = (performance.now() - from) / 1_000
  const [first] = failures
  if (first) {
    reportFailure(first, keeps)
    process.exitCode = 1
  }
  console.log(report(tallies, seconds))
  const failed = first?.failing ? { class: first.door, seed: first.failing.seed, violations: first.violations } : null
  if (json) console.log(JSON.stringify({ seconds, classes: Object.fromEntries(tallies), failed }))
}

await main()
