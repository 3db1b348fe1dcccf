// What the tests share: a clock that tests move, folders that go away, and sandboxes as processes.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock } from '@syndikit/core'
import { onTestFinished } from 'vitest'

export interface VirtualClock extends Clock {
  /** Ends every sleep that is due by then, in order. */
  advance(ms: number): Promise<void>
  readonly sleeping: number
}

export function virtualClock(start = Date.UTC(2026, 10, 20, 12)): VirtualClock {
  let now = start
  const sleepers = new Set<{ at: number; wake: () => void }>()
  return {
    now: () => now,
    elapsed: () => now - start,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake)
      }),
    get sleeping() {
      return sleepers.size
    },
    async advance(ms) {
      now += ms
      for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) if (sleeper.at <= now) sleeper.wake()
      await settle()
    },
  }
}

/** Lets everything run that waits for nothing but its turn. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** A project that has the toy installed as `@syndikit/toy`, or under another name. */
export function projectWithToy(name = '@syndikit/toy', source = `export { sandbox } from ${JSON.stringify(join(import.meta.dirname, 'toy.ts'))}`): string {
  const project = temporaryFolder()
  const folder = join(project, 'node_modules', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports: { './sandbox': './sandbox.js' } }))
  writeFileSync(join(folder, 'sandbox.js'), source)
  return project
}

const cli = join(import.meta.dirname, '../src/cli.ts')

export interface Running {
  readonly process: ChildProcess
  readonly errors: string[]
  /** The first line it printed; rejects when it ends before. */
  readonly line: Promise<string>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Runs the command in `cwd`; it is killed at the end of the test. */
export function runCli(cwd: string, ...args: string[]): Running {
  const child = spawn(process.execPath, ['--conditions=@syndikit/source', cli, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  const errors: string[] = []
  createInterface(child.stderr).on('line', (line) => errors.push(line))
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  const line = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    ended.then(() => reject(new Error(errors.join('\n'))))
  })
  line.catch(() => undefined)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { process: child, errors, line, ended }
}

/** The address it answers at. */
export const urlOf = async (running: Running): Promise<string> => (JSON.parse(await running.line) as { url: string }).url
