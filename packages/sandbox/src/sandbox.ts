// The sandbox itself: requests to real hosts, answered in process by the platforms' emulators.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@syndikit/core'
import type { Sandbox, Shown, Visible } from './contract.ts'
import { systemClock } from './run/clock.ts'
import { connectionLost } from './run/effects.ts'
import { createFaults, type Faults } from './run/faults.ts'
import { createHandler } from './run/handle.ts'
import { checkPlatforms, coversHost, markHeader, unknownHost } from './run/hosts.ts'
import { lockFolder } from './run/lock.ts'
import { openStand, type Stand } from './run/stand.ts'

/** What a sandbox is made of. */
export interface SandboxOptions {
  readonly platforms: readonly Sandbox[]
  /** What emulators read the time from, and what delaying faults wait on. Default: the machine's. */
  readonly clock?: Clock
  /** Where states and uploaded files are kept, so that a restart goes on where it ended. Default: memory only. */
  readonly dir?: string
  /** Ids count up from here, so that a test can write them down. Default: ids that nobody can guess. */
  readonly seed?: number
  /** Of a larger file, only hash and size are kept. Default 64 MiB. */
  readonly maxBlobBytes?: number
  /** How long to wait for another sandbox to let go of `dir`; blocks the process. Default 5 s. */
  readonly lockWaitMs?: number
}

/** A request that reached a platform. Never its headers, its query or its body. */
export interface Logged {
  readonly at: number
  readonly platform: string
  readonly method: string
  readonly host: string
  readonly path: string
  /** `lost`: the connection broke or the client went away. `undefined`: still under way. */
  readonly status: number | 'lost' | undefined
}

/** Something that a platform does by itself: `expire` ends live access tokens, `revoke` withdraws every consent and password, `process` finishes uploads under way. */
export type Act = 'expire' | 'revoke' | 'process'

/** Emulators at work in this process. */
export interface RunningSandbox {
  /** The emulators, as given. */
  readonly platforms: readonly Sandbox[]
  /** Epoch ms by the sandbox's clock. */
  now(): number
  knows(host: string): boolean
  /**
   * Answers a request to a real host, `https://api.x.com/2/tweets`. With `dir`, resolves only when the effect survives a crash.
   * A host that no emulator stands in for gets a 421. Rejects like `fetch`: with the signal's reason, or, where a fault says so, with a `TypeError` of a broken connection.
   */
  fetch(request: Request): Promise<Response>
  /** What people could see right now on all platforms, oldest first. */
  visible(): Visible[]
  shown(): Shown[]
  readonly faults: Faults
  /** The last 10,000, oldest first. */
  readonly requests: readonly Logged[]
  /** Throws a `TypeError` where there is no such platform. With `dir`, resolves when it is saved. */
  act(platform: string, what: Act): Promise<void>
  /** An uploaded file by its key. `read` answers nothing where it was too large to keep. */
  blob(platform: string, key: string): { readonly size: number; readonly kept: boolean; read(): Uint8Array | undefined } | undefined
  /** Resolves when everything survives a crash. Done after every request; for those who change a state by hand. */
  save(): Promise<void>
  /** As on the first day: states, files, faults and logs are gone. */
  reset(): Promise<void>
  /** Ends what faults still hold back, saves, and lets go of `dir`. */
  close(): Promise<void>
}

function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(`The folder ${dir} cannot be made (${code}). Name as \`dir\` a folder, or one that this process may make.`, { cause })
  }
}

/**
 * Puts emulators together. Nothing leaves the process, and no port is opened: see `serveSandbox` for a server.
 * Throws a `TypeError` for emulators that cannot live together, an `Error` where `dir` is in use, damaged, or none that can be made.
 */
export function createSandbox(options: SandboxOptions): RunningSandbox {
  const { platforms, dir, clock = systemClock } = options
  checkPlatforms(platforms)
  if (dir !== undefined) makeFolder(dir)
  const unlock = dir === undefined ? () => undefined : lockFolder(dir, options.lockWaitMs ?? 5000)
  try {
    const stands = platforms.map((platform) =>
      openStand(platform, {
        clock,
        folder: dir === undefined ? undefined : join(dir, platform.platform),
        maxBlobBytes: options.maxBlobBytes ?? 64 * 1024 * 1024,
        seed: options.seed,
      }),
    )
    return run(platforms, stands, clock, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

function run(platforms: readonly Sandbox[], stands: readonly Stand[], clock: Clock, unlock: () => void): RunningSandbox {
  const ended = new AbortController()
  const script = createFaults(platforms.map(({ platform }) => platform))
  const { requests, handle } = createHandler({ clock, script, ended: ended.signal })
  const hosts = platforms.flatMap((platform) => platform.hosts)
  const shown = () => stands.flatMap((stand) => stand.emulator.shown()).sort((a, b) => a.at - b.at)
  const save = async () => void (await Promise.all(stands.map((stand) => stand.save())))
  const fetch = route(stands, hosts, handle, ended.signal)
  let closing: Promise<void> | undefined
  return {
    platforms,
    now: () => clock.now(),
    knows: (host) => coversHost(hosts, host),
    fetch,
    shown,
    visible: () => shown().map(({ platform, account, id, text, media }) => ({ platform, account, id, text, media })),
    faults: script.faults,
    requests,
    async act(platform, what) {
      const stand = find(stands, platform)
      stand.emulator.act(what)
      await stand.save()
    },
    blob: (platform, key) => blobOf(find(stands, platform), key),
    save,
    async reset() {
      for (const stand of stands) stand.reset()
      script.forget()
      requests.length = 0
      await save()
    },
    close() {
      ended.abort()
      closing ??= save().finally(unlock)
      return closing
    },
  }
}

const route =
  (stands: readonly Stand[], hosts: readonly string[], handle: (stand: Stand, request: Request) => Promise<Response>, ended: AbortSignal) =>
  async (request: Request): Promise<Response> => {
    request.signal.throwIfAborted()
    if (ended.aborted) throw connectionLost()
    const { host, hostname } = new URL(request.url)
    const stand = stands.find(({ sandbox }) => coversHost(sandbox.hosts, hostname))
    return stand ? handle(stand, request) : misdirected(host, hosts)
  }

const misdirected = (host: string, hosts: readonly string[]): Response =>
  Response.json({ error: 'unknown_host', message: unknownHost(host, hosts), hosts }, { status: 421, headers: { [markHeader]: 'unknown-host' } })

function find(stands: readonly Stand[], name: string): Stand {
  const stand = stands.find(({ sandbox }) => sandbox.platform === name)
  if (!stand) throw new TypeError(`There is no platform "${name}" in this sandbox. It is one of ${stands.map(({ sandbox }) => sandbox.platform).join(', ')}.`)
  return stand
}

function blobOf(stand: Stand, key: string): ReturnType<RunningSandbox['blob']> {
  const kept = stand.blobs.size(key)
  const size = kept ?? stand.large[key]
  return size === undefined ? undefined : { size, kept: kept !== undefined, read: () => stand.blobs.get(key) }
}
