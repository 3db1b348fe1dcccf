// The simulation as tests, for every storage that core is to work on.

import { expect, test } from 'vitest'
import { keptPlans } from './corpus.ts'
import { doors } from './platform.ts'
import { runPlan, runSeed, told } from './run.ts'
import type { StorageOf } from './scene.ts'

export interface SimulationSuite {
  /** A fresh and empty one for every run. */
  readonly storageOf: StorageOf
  /** How many runs of each recovery class, where `SYNDIKIT_SIMULATION_RUNS` does not say. */
  readonly runs: number
}

const longestMs = 24 * 3_600_000

/** Beside `npm run simulate`, which runs on storage in memory: fewer runs, on a real one. A failing seed is told; `SYNDIKIT_SIMULATION_SEED` begins there. */
export const simulationSuite = ({ storageOf, runs }: SimulationSuite): void => {
  const from = Number(process.env.SYNDIKIT_SIMULATION_SEED ?? 1)
  const count = Number(process.env.SYNDIKIT_SIMULATION_RUNS ?? runs)
  test.each(keptPlans())('what $name once brought to light holds: $found', { timeout: 120_000 }, async ({ name, plan }) => {
    const outcome = await runPlan(plan, storageOf)
    if (outcome.wrong.length > 0) expect.fail(told(name, { plan, outcome }))
  })
  test.each(doors)(
    `whatever a host does and whatever fails, every invariant holds: ${count} runs of class %s from seed ${from}`,
    {
      timeout: longestMs,
    },
    async (door) => {
      for (let seed = from; seed < from + count; seed++) {
        const failing = await runSeed(door, seed, storageOf)
        if (failing) expect.fail(told(`Seed ${seed} of class ${door}`, failing))
      }
    },
  )
}
