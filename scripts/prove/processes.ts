// Processes of the campaign: started, killed, stopped and continued, and started again when they die.

import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { basename } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const running = new Set<ChildProcess>()
// Also those that stand still: they end with the campaign, however that ends.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Run {
  readonly file: string
  readonly args?: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** What it writes, line by line or not. */
  readonly hear: (text: string) => void
}

export const start = ({ file, args = [], env, hear }: Run): ChildProcess => {
  const child = spawn(process.execPath, [file, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.stdout?.on('data', (text) => hear(String(text)))
  child.stderr?.on('data', (text) => hear(String(text)))
  return child
}

/** Its next message. Rejects where it ends first. */
export const messageOf = async <T>(child: ChildProcess): Promise<T> => {
  const ended = new AbortController()
  const exit = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('A process of the campaign ended before it answered.')
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: ended.signal }), exit])) as [T]
    return message
  } finally {
    exit.catch(() => undefined)
    ended.abort()
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

export const exitOf = async (child: ChildProcess): Promise<number | NodeJS.Signals | null> => {
  if (!hasEnded(child)) await once(child, 'exit')
  return child.signalCode ?? child.exitCode
}

/** One that is started again whenever it dies. */
export interface Living {
  /** Told once of each life: when it begins, and when it has said that it is at work. */
  on(moment: 'born' | 'ready', listener: () => void): void
  /** False: it was dead already. */
  kill(): boolean
  /** Stands still for so long; a death in between ends that. */
  stopFor(ms: number): Promise<void>
  /** Not started again any more. The process that is there, and goes on where it stood still. */
  release(): ChildProcess
}

/** A process that dies of itself is a fault of it, told by `onFault`, and started again all the same. */
export const keepAlive = (run: Run, onFault: (why: string) => void): Living => {
  let released = false
  let killed = false
  let child: ChildProcess
  const moments = new EventEmitter()
  const live = () => {
    killed = false
    child = start(run)
    child.once('message', () => moments.emit('ready'))
    moments.emit('born')
    child.once('exit', (code, signal) => {
      if (released) return
      if (!killed) onFault(`${basename(run.file)} ended by itself with ${signal ?? code}`)
      live()
    })
  }
  live()
  return {
    on: (moment, listener) => void moments.on(moment, listener),
    kill: () => {
      killed = true
      return child.kill('SIGKILL')
    },
    stopFor: async (ms) => {
      const stopped = child
      stopped.kill('SIGSTOP')
      await setTimeout(ms)
      stopped.kill('SIGCONT')
    },
    release: () => {
      released = true
      child.kill('SIGCONT')
      return child
    },
  }
}
