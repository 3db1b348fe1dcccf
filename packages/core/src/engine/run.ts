// One pass through an adapter's method: `once`, `commit`, `later`, `ask`. What happened is kept in the journal; how it ended is an `Ending`.

import { PublishError } from '../contract/error.ts'
import type { Json } from '../contract/json.ts'
import type { Placement, Run } from '../contract/kind.ts'
import type { CallMode } from '../http/client.ts'
import { redact } from '../http/redact.ts'
import { commit } from './commit.ts'
import { asStored, longestJournal, writeJournal } from './journal.ts'
import type { Ending } from './next-step.ts'
import { end, enter, lostLease, type RunPorts, type RunState } from './run-state.ts'

type Steps = Pick<Run, 'once' | 'commit' | 'later' | 'ask'>

export interface Running {
  readonly steps: Steps
  /** For the HTTP client. */
  mode(method: string): CallMode
  /** Runs a method to its end, waits for its open steps, and says how it ended. Never rejects. */
  perform(method: () => Promise<Placement | undefined>): Promise<Ending>
}

const keep = async ({ ports }: RunState, name: string, work: () => Promise<unknown>): Promise<Json> => {
  const value = (asStored(await work()) ?? null) as Json
  if (ports.lease.lost) throw lostLease()
  ports.journal.once[name] = value
  const bytes = Buffer.byteLength(writeJournal(ports.journal))
  if (bytes > longestJournal)
    throw new TypeError(`The saved steps of this delivery take ${bytes} bytes, ${longestJournal} at most. Keep ids in \`once\`, not contents.`)
  await ports.save()
  return value
}

const once = async (run: RunState, name: string, work: () => Promise<unknown>): Promise<Json> => {
  enter(run, name)
  if (run.phase !== 'steps') throw new TypeError(`The step \`${name}\` began inside a commit. Prepare before the commit: what it sends is stored first.`)
  if (Object.hasOwn(run.ports.journal.once, name)) return run.ports.journal.once[name]
  const step = keep(run, name, work)
  run.pending.add(step)
  try {
    return await step
  } finally {
    run.pending.delete(step)
  }
}

const ask = async (run: RunState, name: string, title: string): Promise<Placement> => {
  enter(run, name)
  return run.ports.journal.answers[name] ?? end(run, { kind: 'ask', name, title })
}

/** On the way to a commit that an earlier run began nothing is asked or sent: what would be asked may have gone since, and its failure would be taken for the commit's. */
const modeOf = ({ phase, ports }: RunState, method: string): CallMode => {
  if (phase === 'send') return 'commit'
  if (phase === 'find') return 'read'
  if (ports.open) return 'silent'
  return method === 'GET' ? 'read' : 'prepare'
}

const perform = async (run: RunState, method: () => Promise<Placement | undefined>): Promise<Ending> => {
  let how: Ending
  try {
    const placement = (await method()) ?? run.ports.journal.done[0]?.placement
    how = placement ? { kind: 'placed', placement } : { kind: 'bug', message: 'The adapter came back without a placement.' }
    if (run.pending.size > 0) how = { kind: 'bug', message: 'The adapter came back while steps were under way. Await them.' }
    else if (run.ports.open)
      how = { kind: 'bug', message: `The adapter came back without coming to the commit \`${run.ports.open.name}\` that an earlier run began.` }
  } catch (error) {
    how = endingOf(error)
  }
  await Promise.allSettled(run.pending)
  return run.ending ?? how
}

/** What an error of an adapter means where no step has said more. */
export const endingOf = (error: unknown): Ending =>
  PublishError.is(error)
    ? { kind: 'refused', error }
    : { kind: 'bug', message: redact(error instanceof Error ? `${error.name}: ${error.message}` : 'Something other than an error was thrown.') }

export const createRun = (ports: RunPorts): Running => {
  const run: RunState = { ports, ending: undefined, phase: 'steps', used: new Set(), pending: new Set() }
  return {
    steps: {
      once: (name, work) => once(run, name, work) as never,
      commit: (name, step) => commit(run, name, step as never) as never,
      later: (ms) => end(run, { kind: 'later', afterMs: Math.max(0, ms) }),
      ask: (name, task) => ask(run, name, task.title),
    },
    mode: (method) => modeOf(run, method),
    perform: (method) => perform(run, method),
  }
}

export type { RunPorts } from './run-state.ts'
