// One platform in a sandbox: its emulator, the stage it was given, and where its state is saved.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@syndikit/core'
import { z } from 'zod'
import type { Emulator, Sandbox, Stage } from '../contract.ts'
import { type Blobs, folderBlobs, type Large, memoryBlobs } from './blobs.ts'
import { replaceFile } from './files.ts'

export interface Stand {
  readonly sandbox: Sandbox
  /** Replaced by `reset`: read it anew for every request. */
  readonly emulator: Emulator
  readonly blobs: Blobs
  readonly large: Readonly<Large>
  /** Resolves when everything that was in the state at the time of the call survives a crash. Without a folder, at once. */
  save(): Promise<void>
  reset(): void
}

export interface StandOptions {
  readonly clock: Clock
  /** The platform's own folder. */
  readonly folder: string | undefined
  readonly maxBlobBytes: number
  readonly seed: number | undefined
}

const savedState = z.object({ version: z.literal(1), counted: z.number(), large: z.record(z.string(), z.number()), state: z.unknown() })
type Saved = z.output<typeof savedState>

function load(path: string): Saved | undefined {
  if (!existsSync(path)) return undefined
  try {
    return savedState.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new Error(`${path} is not a state that this sandbox wrote. Delete the file, or give another \`dir\`.`, { cause })
  }
}

/** Writes one after the other, and once for all who ask while a write is under way. */
function oneAtATime(write: () => Promise<void>): () => Promise<void> {
  let running = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined
        running = write()
        return running
      })
    return next
  }
}

const fresh = (sandbox: Sandbox, seed: number | undefined): Saved => ({ version: 1, counted: seed ?? 0, large: {}, state: sandbox.initial() })

/** Opens the platform with its saved state, or with its first one. */
export function openStand(sandbox: Sandbox, { clock, folder, maxBlobBytes, seed }: StandOptions): Stand {
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = folder === undefined ? undefined : join(folder, 'state.json')
  let saved = (path !== undefined && load(path)) || fresh(sandbox, seed)
  const large: Large = { ...saved.large }
  const blobs = folder === undefined ? memoryBlobs(maxBlobBytes, large) : folderBlobs(join(folder, 'blobs'), maxBlobBytes, large)
  const stageOf = (record: Saved): Stage<unknown> => ({
    now: () => clock.now(),
    state: record.state,
    id: (prefix) => prefix + (seed === undefined ? randomBytes(12).toString('hex') : String(++record.counted)),
    keep: blobs.keep,
    keepStream: blobs.keepStream,
    blob: blobs.get,
  })
  let emulator = sandbox.create(stageOf(saved))
  let written = ''
  const save = oneAtATime(async () => {
    const text = JSON.stringify({ ...saved, large })
    if (path === undefined || text === written) return
    await replaceFile(path, text)
    written = text
  })
  return {
    sandbox,
    get emulator() {
      return emulator
    },
    blobs,
    large,
    save: path === undefined ? async () => undefined : save,
    reset() {
      saved = fresh(sandbox, seed)
      for (const key of Object.keys(large)) delete large[key]
      blobs.clear()
      emulator = sandbox.create(stageOf(saved))
    },
  }
}
