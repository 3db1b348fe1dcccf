// What an emulator's own tests lend it: a clock that they move, counted ids, files in memory.

import { createHash } from 'node:crypto'
import type { Stage } from '@syndikit/sandbox'

/** What the framework lends an emulator, and `pass` to move its clock. */
export interface EmulatorStage<State> extends Stage<State> {
  pass(ms: number): void
}

/** For tests of an emulator alone, without Syndikit: `sandbox.create(emulatorStage(sandbox.initial()))`. It begins at 2026-06-01, 09:00 UTC. */
export const emulatorStage = <State>(state: State): EmulatorStage<State> => {
  let at = Date.parse('2026-06-01T09:00:00Z')
  let count = 0
  const blobs = new Map<string, Uint8Array>()
  const keep = (bytes: Uint8Array): string => {
    const key = createHash('sha256').update(bytes).digest('hex')
    blobs.set(key, bytes)
    return key
  }
  return {
    state,
    now: () => at,
    id: (prefix) => `${prefix}${++count}`,
    keep,
    keepStream: async (body) => {
      const pieces: Uint8Array[] = []
      for await (const piece of body) pieces.push(piece)
      const bytes = Buffer.concat(pieces)
      return { key: keep(bytes), bytes: bytes.length }
    },
    blob: (key) => blobs.get(key),
    pass: (ms) => {
      at += ms
    },
  }
}
