// Several worker processes on one database, and what they sent.

import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Rate } from '@syndikit/core'
import type { Sent } from './adapter.ts'

/** What a worker is told at its start. */
export interface Job {
  readonly url: string
  /** Absent: the queue in the process. */
  readonly redis?: string | undefined
  readonly takesMs?: number | undefined
  readonly rates?: readonly Rate[] | undefined
}
type Told = 'ready' | { readonly sends: readonly Sent[] }

/** For the worker. */
export const toParent = (told: Told): void => {
  process.send?.(told)
}

const program = fileURLToPath(new URL('worker.ts', import.meta.url))

const once = (child: ChildProcess, event: 'message' | 'exit'): Promise<unknown> => new Promise((resolve) => child.once(event, resolve))

interface Watched {
  readonly sends: readonly Sent[]
  /** From the start of the workers to the last send that was told of. */
  readonly tookMs: number
}

/** Lets `count` processes work until there were `until` sends, or for `mostMs`. */
export const runWorkers = async (job: Job, count: number, until: number, mostMs = 300_000): Promise<Watched> => {
  const children = Array.from({ length: count }, () => fork(program, [JSON.stringify(job)], { execArgv: ['--conditions=@syndikit/source'] }))
  await Promise.all(children.map((child) => once(child, 'message')))
  const sends: Sent[] = []
  const began = performance.now()
  let lastAt = began
  const enough = new Promise<void>((resolve) => {
    const hear = (told: Told) => {
      if (told === 'ready') return
      sends.push(...told.sends)
      lastAt = performance.now()
      if (sends.length >= until) resolve()
    }
    for (const child of children) child.on('message', hear)
  })
  for (const child of children) child.send('start')
  const over = new AbortController()
  await Promise.race([enough, setTimeout(mostMs, undefined, { signal: over.signal }).catch(() => undefined)])
  over.abort()
  const tookMs = lastAt - began
  const ended = children.map((child) => once(child, 'exit'))
  for (const child of children) child.send('stop')
  await Promise.all(ended)
  return { sends, tookMs }
}
