// Switches off one safeguard after the other and demands that its tests and the simulation turn red: a safeguard that nobody misses is not proved.

import { spawnSync } from 'node:child_process'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import type { Ablation } from './ablate/ablation.ts'
import { ablationOf, ablations } from './ablations.ts'

/** Of each class, at most. */
const mostRuns = 2_000

const { values } = parseArgs({ options: { only: { type: 'string' }, 'simulated-only': { type: 'boolean', default: false } } })
const chosen = values.only === undefined ? ablations : [ablationOf(values.only)]

const run = (safeguard: string, args: readonly string[]) =>
  spawnSync(process.execPath, args, { env: { ...process.env, SYNDIKIT_ABLATE: safeguard, CI: '' }, encoding: 'utf8', maxBuffer: 1 << 30 })

/** What noticed, or undefined. */
const byTests = ({ safeguard }: Ablation, { project, filter }: NonNullable<Ablation['tests']>): string | undefined => {
  const { status, stdout, stderr } = run(safeguard, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--bail', '1', filter])
  const ran = /Tests\s.*\d+ (failed|passed)/.test(stripVTControlCharacters(stdout))
  if (!ran) throw new Error(`Without "${safeguard}" the tests did not run at all:\n${stdout}\n${stderr}`)
  return status === 0 ? undefined : `${project}: ${filter}`
}

interface Simulated {
  readonly classes: Readonly<Record<string, { readonly runs: number }>>
  readonly failed: { readonly class: string; readonly seed: number; readonly violations: readonly string[] } | null
}

const bySimulation = ({ safeguard }: Ablation): string | undefined => {
  const hook = ['--conditions=@syndikit/source', '--import', './scripts/ablate/hook.ts']
  const { stdout, stderr } = run(safeguard, [...hook, 'packages/simulation/src/cli.ts', '--runs', String(mostRuns), '--no-keep', '--json'])
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`Without "${safeguard}" the simulation did not run to an end:\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`)
  const { classes, failed } = JSON.parse(last) as Simulated
  const runs = Object.values(classes).reduce((sum, one) => sum + one.runs, 0)
  return failed ? `the simulation after ${runs} runs (${failed.class}, seed ${failed.seed}): ${failed.violations[0]}` : undefined
}

let green = 0
const tell = (safeguard: string, noticed: string | undefined, otherwise: string): void => {
  if (noticed === undefined) green += 1
  console.log(`${noticed === undefined ? 'STILL GREEN' : 'red'}  without ${safeguard} (${noticed ?? otherwise})`)
}
for (const ablation of chosen) {
  const { safeguard, tests, simulated } = ablation
  if (tests && !values['simulated-only']) tell(safeguard, byTests(ablation, tests), `${tests.project}: ${tests.filter}`)
  if (simulated) tell(safeguard, bySimulation(ablation), `the simulation, ${mostRuns} runs of each class`)
}
if (green > 0) {
  console.error(`${green} times a safeguard was switched off and nobody noticed.`)
  process.exitCode = 1
} else console.log(`${chosen.length} safeguards, each missed when it is gone.`)
