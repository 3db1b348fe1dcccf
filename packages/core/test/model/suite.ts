// Random hosts, processes and faults on the real engine, run by run: one seed is one run. For every storage that core is to work on.

import { expect, test } from 'vitest'
import { corpus } from './corpus.ts'
import { runSeed, type StorageOf } from './run.ts'

export interface ModelSuite {
  /** A fresh and empty one for every run. */
  readonly storageOf: StorageOf
  /** How many runs, where `SYNDIKIT_MODEL_RUNS` does not say. */
  readonly runs: number
}

/** `SYNDIKIT_MODEL_RUNS` says how many, `SYNDIKIT_MODEL_SEED` where they begin: a failing seed is run again by `SYNDIKIT_MODEL_SEED=… SYNDIKIT_MODEL_RUNS=1`. */
const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)

const longestMs = 24 * 3_600_000

export const modelSuite = ({ storageOf, runs }: ModelSuite): void => {
  const from = numberOf('SYNDIKIT_MODEL_SEED', 1)
  const count = numberOf('SYNDIKIT_MODEL_RUNS', runs)
  const holds = async (seed: number): Promise<void> => {
    const failure = await runSeed(seed, storageOf)
    if (failure !== undefined) expect.fail(failure)
  }
  test.each(corpus)('what seed $seed once brought to light holds', { timeout: 120_000 }, ({ seed }) => holds(seed))
  test(`whatever a host does and whatever fails, nothing is lost, nothing is twice, and what is told is so: ${count} runs from seed ${from}`, {
    timeout: longestMs,
  }, async () => {
    for (let seed = from; seed < from + count; seed++) await holds(seed)
  })
}
