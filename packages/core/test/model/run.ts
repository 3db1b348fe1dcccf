// One plan from beginning to end; and one seed, which is one plan, with the smallest part of it that still fails.

import fc from 'fast-check'
import type { Clock, Storage } from '../../src/index.ts'
import { type Plan, plans } from './commands.ts'
import { perform } from './perform.ts'
import { openScene } from './scene.ts'
import { comeToRest, wrongs } from './verdict.ts'

interface Outcome {
  readonly wrong: readonly string[]
  readonly timeline: readonly string[]
  readonly states: readonly string[]
}
export type StorageOf = (clock: Clock) => Storage | Promise<Storage>

const runPlan = async (plan: Plan, storageOf: StorageOf): Promise<Outcome> => {
  const scene = await openScene(plan, storageOf)
  return scene.world.clock.ruling(async () => {
    await scene.connect()
    for (const command of plan.commands) await perform(scene, command)
    await comeToRest(scene)
    const wrong = await wrongs(scene)
    await scene.world.storage.close()
    return { wrong, timeline: scene.timeline, states: [...scene.seeing.seen.values()].map(({ action, state }) => `${action} ${state}`) }
  })
}

const planOf = (seed: number): Plan => fc.sample(plans, { seed, numRuns: 1 })[0] as Plan

const told = (seed: number, plan: Plan, { wrong, timeline }: Outcome): string =>
  [
    `Seed ${seed} breaks a promise:`,
    ...wrong.map((line) => `  ${line}`),
    `With ${JSON.stringify({ ...plan, commands: undefined })} and these commands:`,
    ...plan.commands.map((command) => `  ${JSON.stringify(command)}`),
    'What happened:',
    ...timeline,
  ].join('\n')

/** Undefined: everything held. Else the smallest plan that was found to fail, with its timeline. */
export const runSeed = async (seed: number, storageOf: StorageOf): Promise<string | undefined> => {
  const first = await runPlan(planOf(seed), storageOf)
  if (first.wrong.length === 0) return undefined
  const shrunk = await smaller(planOf(seed), first, storageOf)
  return told(seed, shrunk.plan, shrunk.outcome)
}

interface Failing {
  readonly plan: Plan
  readonly outcome: Outcome
}

/** Leaves out commands, larger pieces first, as long as it still fails. */
const smaller = async (plan: Plan, outcome: Outcome, storageOf: StorageOf): Promise<Failing> => {
  let best: Failing = { plan, outcome }
  for (let piece = plan.commands.length >> 1; piece >= 1; piece >>= 1)
    for (let at = 0; at < best.plan.commands.length; ) {
      const commands = best.plan.commands.toSpliced(at, piece)
      const tried = await runPlan({ ...best.plan, commands }, storageOf)
      if (tried.wrong.length > 0) best = { plan: { ...best.plan, commands }, outcome: tried }
      else at += piece
    }
  return best
}
