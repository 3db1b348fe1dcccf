// One plan from beginning to end; and one seed, which is one plan, with the smallest part of it that still fails.

import { startAt } from './clock.ts'
import { type Plan, planOf } from './commands.ts'
import { ruleOf } from './invariants.ts'
import { perform } from './perform.ts'
import type { Door } from './platform.ts'
import { openScene, type StorageOf } from './scene.ts'
import { comeToRest, wrongs } from './verdict.ts'

interface Outcome {
  /** What does not hold. */
  readonly wrong: readonly string[]
  readonly timeline: readonly string[]
  readonly virtualMs: number
  readonly faults: number
  readonly deliveries: number
}

export const runPlan = async (plan: Plan, storageOf: StorageOf): Promise<Outcome> => {
  const scene = await openScene(plan, storageOf)
  const { world, timeline, seeing } = scene
  return world.clock.ruling(async () => {
    for (const command of plan.commands) await perform(scene, command)
    await comeToRest(scene)
    const wrong = await wrongs(scene)
    await world.storage.close()
    return { wrong, timeline, virtualMs: world.clock.now() - startAt, faults: world.faults, deliveries: seeing.seen.size }
  })
}

interface Failing {
  readonly plan: Plan
  readonly outcome: Outcome
}

/** Leaves out commands, larger pieces first, as long as it still fails. */
export const smaller = async (plan: Plan, outcome: Outcome, storageOf: StorageOf): Promise<Failing> => {
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

/** What happened, to be read: what does not hold, the plan, and everything in its order. */
export const told = (title: string, { plan, outcome }: Failing): string =>
  [
    `${title} breaks a promise:`,
    ...outcome.wrong.map((line) => `  ${line}\n      ${ruleOf(line)}`),
    `With ${JSON.stringify({ ...plan, commands: undefined })} and these commands:`,
    ...plan.commands.map((command) => `  ${JSON.stringify(command)}`),
    'What happened:',
    ...outcome.timeline,
  ].join('\n')

/** Undefined: everything held. Else the smallest plan that was found to fail. */
export const runSeed = async (door: Door, seed: number, storageOf: StorageOf): Promise<Failing | undefined> => {
  const plan = planOf(door, seed)
  const outcome = await runPlan(plan, storageOf)
  return outcome.wrong.length === 0 ? undefined : smaller(plan, outcome, storageOf)
}
