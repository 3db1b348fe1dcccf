// Runs seeds on all cores: one worker process per core, each taking the next piece of work when it is done with the last.

import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Plan } from './commands.ts'
import type { Door } from './platform.ts'

/** Seeds of one class, from the first on. */
export interface Piece {
  readonly door: Door
  readonly from: number
  readonly count: number
}
/** What a worker found in a piece. */
export interface Found extends Piece {
  /** Runs that were made: all, or as far as the first that failed. */
  readonly runs: number
  readonly virtualMs: number
  readonly faults: number
  readonly deliveries: number
  readonly violations: readonly string[]
  readonly failing: { readonly seed: number; readonly plan: Plan; readonly text: string } | null
}

const pieceOf = 50

/** Round by round, so that every class has come as far as the others whenever it ends. */
export const piecesOf = (doors: readonly Door[], seed: number, runs: number): Piece[] => {
  const pieces: Piece[] = []
  for (let done = 0; done < runs; done += pieceOf) for (const door of doors) pieces.push({ door, from: seed + done, count: Math.min(pieceOf, runs - done) })
  return pieces
}

/** More room for what is young: nearly everything in a run is. */
const execArgv = [...process.execArgv, '--max-semi-space-size=32']

const start = (): ChildProcess => fork(join(import.meta.dirname, 'worker.ts'), [], { execArgv })

const ask = (worker: ChildProcess, piece: Piece): Promise<Found> =>
  new Promise((resolve, reject) => {
    const end = (code: number | null) => reject(new Error(`A worker process ended with ${code} in the midst of its work.`))
    worker.once('exit', end)
    worker.once('message', (found) => {
      worker.off('exit', end)
      resolve(found as Found)
    })
    worker.send(piece)
  })

const onOne = async (pieces: Piece[], heard: (found: Found) => boolean): Promise<void> => {
  const worker = start()
  try {
    for (let piece = pieces.shift(); piece; piece = pieces.shift()) if (!heard(await ask(worker, piece))) pieces.length = 0
  } finally {
    worker.kill()
  }
}

/** Hands out the pieces in order; ends early where `heard` answers false. */
export const onAllCores = async (pieces: readonly Piece[], heard: (found: Found) => boolean, cores = availableParallelism()): Promise<void> => {
  const left = [...pieces]
  await Promise.all(Array.from({ length: Math.min(cores, left.length) }, () => onOne(left, heard)))
}
