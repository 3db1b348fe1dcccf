// One server process with a folder of its own: started, crashed, started again on the same data and port, stopped.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A server on this machine. */
export interface Server {
  readonly url: string
  readonly port: number
  /** Of the running process. */
  readonly pid: number | undefined
  /** Ends it as a power cut would: nothing is flushed, nobody is told. */
  crash(): Promise<void>
  /** After a crash: on the same data and the same port. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** Who a server runs as, where this process is root and the server refuses to be. */
export interface User {
  readonly uid: number
  readonly gid: number
}

/** How to run one kind of server. */
export interface Recipe {
  readonly name: string
  readonly command: string
  readonly args: (place: { readonly folder: string; readonly port: number }) => readonly string[]
  /** Run once in the empty folder. */
  readonly prepare?: (folder: string) => Promise<void>
  readonly url: (port: number) => string
  readonly user?: User | undefined
  /** What ends it at once. */
  readonly crashWith: NodeJS.Signals
  /** Run after each start, until it no longer rejects. */
  readonly ready?: (port: number) => Promise<void>
}

const startWithinMs = 60_000

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const answers = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })

/** The user of that name, where this process is root; undefined where it is not, and the server may run as it is. */
export const userNamed = async (name: string): Promise<User | undefined> => {
  if (process.getuid?.() !== 0) return undefined
  const idOf = async (flag: string) => Number((await run('id', [flag, name])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })

/** Starts the process and waits until it serves; a server that still holds on to what it had before the crash is tried again. */
const launch = async ({ name, command, args, user, ready = answers }: Recipe, folder: string, port: number): Promise<ChildProcess> => {
  const until = performance.now() + startWithinMs
  let said = ''
  for (;;) {
    const child = spawn(command, [...args({ folder, port })], { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const hear = (text: Buffer) => {
      said = (said + text).slice(-4_000)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    while (child.exitCode === null && child.signalCode === null) {
      try {
        await ready(port)
        return child
      } catch {
        if (performance.now() > until) child.kill('SIGKILL')
        await setTimeout(30)
      }
    }
    if (performance.now() > until) throw new Error(`${name} did not start within ${startWithinMs / 1000} s:\n${said}`)
    await setTimeout(200)
  }
}

/** A server by its recipe, started and answering. */
export const startServer = async (recipe: Recipe): Promise<Server> => {
  const folder = await mkdtemp(join(tmpdir(), `syndikit-${recipe.name}-`))
  if (recipe.user) await chown(folder, recipe.user.uid, recipe.user.gid)
  const port = await freePort()
  await recipe.prepare?.(folder)
  let child: ChildProcess | undefined = await launch(recipe, folder, port)
  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (!ending) return
    ending.kill(signal)
    await ended(ending)
  }
  // A test run that ends early leaves no server behind.
  const last = () => child?.kill('SIGKILL')
  process.once('exit', last)
  return {
    url: recipe.url(port),
    port,
    get pid() {
      return child?.pid
    },
    crash: () => end(recipe.crashWith),
    start: async () => {
      child ??= await launch(recipe, folder, port)
    },
    stop: async () => {
      process.off('exit', last)
      await end(recipe.crashWith)
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}
