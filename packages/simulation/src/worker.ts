// A worker process of `npm run simulate`: runs the seeds that it is handed, on storage in memory.

import { memoryStorage } from '@syndikit/core'
import { planOf } from './commands.ts'
import type { Found, Piece } from './cores.ts'
import { runPlan, smaller, told } from './run.ts'
import type { StorageOf } from './scene.ts'

// Errors are part of nearly every run, and nobody reads where they were made.
Error.stackTraceLimit = 0

const storageOf: StorageOf = (clock) => memoryStorage({ clock })
/** Ablations only ask whether it fails. */
const wantsSmallest = process.env.SYNDIKIT_ABLATE === undefined

const run = async (piece: Piece): Promise<Found> => {
  const { door, from, count } = piece
  let [runs, virtualMs, faults, deliveries] = [0, 0, 0, 0]
  for (let seed = from; seed < from + count; seed++) {
    const plan = planOf(door, seed)
    const outcome = await runPlan(plan, storageOf)
    runs += 1
    virtualMs += outcome.virtualMs
    faults += outcome.faults
    deliveries += outcome.deliveries
    if (outcome.wrong.length === 0) continue
    const failing = wantsSmallest ? await smaller(plan, outcome, storageOf) : { plan, outcome }
    const text = told(`Seed ${seed} of class ${door}`, failing)
    return { ...piece, runs, virtualMs, faults, deliveries, violations: outcome.wrong, failing: { seed, plan: failing.plan, text } }
  }
  return { ...piece, runs, virtualMs, faults, deliveries, violations: [], failing: null }
}

process.on('message', (piece: Piece) => void run(piece).then((found) => process.send?.(found)))
