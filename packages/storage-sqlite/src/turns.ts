// Who writes when: writes that meet in one turn of the event loop share a transaction, and so a flush of the disk. Patient with other processes, and never in the way of the host.

import { setImmediate, setTimeout } from 'node:timers/promises'
import { explained, isBusy, waitedTooLong } from './errors.ts'

/** Between two tries of a busy file; jitter keeps processes from trying in step. */
const pause = () => setTimeout(1 + Math.random() * 4)
/** After so long in one turn, timers and sockets of the host get theirs. */
const turnMs = 5

/** What a shared transaction is made of. */
export interface Transaction {
  begin(): void
  commit(): void
  rollback(): void
}

interface Write {
  /** Synchronous; called afresh where the transaction around it was rolled back. */
  run(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly since: number
}

/** One write failed, as against the transaction that it shares with others. */
class WriteFailed extends Error {
  override readonly name = 'WriteFailed'
}

const runOne = ({ run }: Write): unknown => {
  try {
    return run()
  } catch (cause) {
    throw new WriteFailed('A write failed.', { cause })
  }
}

/** Runs the first writes, as many as fit into a turn, and commits them together. Answers their values. */
const commitFirst = ({ begin, commit, rollback }: Transaction, writes: readonly Write[]): unknown[] => {
  const until = performance.now() + turnMs
  const values: unknown[] = []
  begin()
  try {
    for (const write of writes) {
      values.push(runOne(write))
      if (performance.now() > until) break
    }
    commit()
    return values
  } catch (error) {
    rollback()
    throw error
  }
}

export const createTurns = (file: string, maxWaitMs: number, transaction: Transaction) => {
  const waiting: Write[] = []
  /** So many are written one by one: one among them failed, and takes nobody with it. */
  let alone = 0
  let writing: Promise<void> | undefined
  let turnBeganAt = performance.now()

  const breathe = async () => {
    if (performance.now() - turnBeganAt < turnMs) return
    await setImmediate()
    turnBeganAt = performance.now()
  }

  /** Those that have waited longest stand in front. */
  const rejectLate = (error: unknown) => {
    const now = performance.now()
    while (waiting[0] && now - waiting[0].since > maxWaitMs) waiting.shift()?.reject(waitedTooLong(file, maxWaitMs, error))
  }

  const failed = async (error: unknown, tried: number) => {
    const reason = error instanceof WriteFailed ? error.cause : error
    if (isBusy(reason)) {
      // Whatever was begun has been rolled back: it is only tried again.
      rejectLate(reason)
      await pause()
    } else if (error instanceof WriteFailed && tried > 1) alone = tried
    // Where the commit itself failed nobody knows what is on the disk: nothing is done twice, and everyone is told.
    else for (const { reject } of waiting.splice(0, tried)) reject(explained(reason, file))
  }

  const writeAll = async () => {
    while (waiting.length > 0) {
      // What can go on now goes on first: it may have something to write as well.
      await setImmediate()
      turnBeganAt = performance.now()
      const together = alone > 0 ? waiting.slice(0, 1) : [...waiting]
      alone = Math.max(0, alone - 1)
      try {
        const values = commitFirst(transaction, together)
        for (const [i, { resolve }] of waiting.splice(0, values.length).entries()) resolve(values[i])
      } catch (error) {
        await failed(error, together.length)
      }
    }
    // In the turn in which nothing waits any more: what comes next begins anew.
    writing = undefined
  }

  /** Only a busy file is tried again. */
  const patiently = async <T>(attempt: () => T): Promise<T> => {
    const beganAt = performance.now()
    for (;;) {
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error)) throw explained(error, file)
        if (performance.now() - beganAt > maxWaitMs) throw waitedTooLong(file, maxWaitMs, error)
        await pause()
        turnBeganAt = performance.now()
      }
    }
  }

  return {
    /** At once; only for what changes nothing. */
    beside: <T>(attempt: () => T): Promise<T> => breathe().then(() => patiently(attempt)),
    /** In a transaction, in the order of the calls. */
    inTurn: <T>(run: () => T): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ run, resolve: resolve as (value: unknown) => void, reject, since: performance.now() })
        writing ??= writeAll()
      }),
    allDone: async () => {
      await writing
    },
  }
}
