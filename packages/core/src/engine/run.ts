// One pass through an adapter's method: `once`, `commit`, `later`, `ask`. What happened is kept in the journal; how it ended is an `Ending`.

import { PublishError } from '../contract/error.ts'
import type { Json } from '../contract/json.ts'
import type { Placement, Run } from '../contract/kind.ts'
import type { CallMode } from '../http/client.ts'
import { redact } from '../http/redact.ts'
import { isOthersToOpen } from '../vault/cells.ts'
import { commit } from './commit.ts'
import { asStored, longestJournal, writeJournal } from './journal.ts'
import type { Ending } from './next-step.ts'
import { leavesWithinMs } from './recover.ts'
import { end, enter, lostLease, type RunPorts, type RunState } from './run-state.ts'

type Steps = Pick<Run, 'once' | 'commit' | 'later' | 'ask'>

export interface Running {
  readonly steps: Steps
  /** For the HTTP client. */
  mode(method: string): CallMode
  /** In the turn in which a commit's bytes leave. Throws where they may not. */
  leave(): void
  /** Runs a method to its end, waits for its open steps, and says how it ended. Never rejects. */
  perform(method: () => Promise<Placement | undefined>): Promise<Ending>
}

const keep = async ({ ports }: RunState, name: string, work: () => Promise<unknown>): Promise<Json> => {
  // Not in this turn: steps side by side have all begun before the first of them can end the run or come to a commit.
  await Promise.resolve()
  const value = (asStored(await work()) ?? null) as Json
  if (ports.lease.lost) throw lostLease()
  ports.journal.once[name] = value
  const bytes = Buffer.byteLength(writeJournal(ports.journal))
  if (bytes > longestJournal) {
    delete ports.journal.once[name]
    throw new TypeError(`The saved steps of this delivery take ${bytes} bytes, ${longestJournal} at most. Keep ids in \`once\`, not contents.`)
  }
  await ports.save()
  return value
}

const once = async (run: RunState, name: string, work: () => Promise<unknown>): Promise<Json> => {
  enter(run, name)
  if (run.committing) throw new TypeError(`The step \`${name}\` began inside a commit. Prepare before the commit: what it sends is stored first.`)
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
  const { answers } = run.ports.journal
  return (Object.hasOwn(answers, name) ? answers[name] : undefined) ?? end(run, { kind: 'ask', name, title })
}

/** On the way to a commit that an earlier run began nothing is asked or sent: what would be asked may have gone since, and its failure would be taken for the commit's. */
const modeOf = (run: RunState, method: string): CallMode => {
  const { phase, ports } = run
  if (run.closed) return 'silent'
  if (phase === 'send') {
    run.calls += 1
    return 'commit'
  }
  if (phase === 'find') return 'read'
  if (ports.open) return 'silent'
  return method === 'GET' ? 'read' : 'prepare'
}

/** Getting the credentials may have taken long since the write ahead: then it does not go, and nothing was sent. */
const leave = ({ ports, calls }: RunState): void => {
  const first = calls <= 1
  if (!ports.lease.covers(ports.timeoutMs))
    throw first ? lostLease() : new PublishError('transient', 'The lease ended in the middle of a commit.', { outcome: 'unknown' })
  if (first && ports.open && ports.latest() - ports.open.lastSentAt > leavesWithinMs)
    throw new PublishError('transient', 'The account was not ready in time for the send. Nothing was sent.', { outcome: 'not-published', retryAfterMs: 0 })
}

/** An adapter may come back with more than a placement; no more than that is kept. */
const placedBy = (placement: Placement | undefined): Ending => {
  if (typeof placement?.id !== 'string' || placement.id === '') return { kind: 'bug', message: 'The adapter came back without the id of a placement.' }
  const { id, url, data } = placement
  return { kind: 'placed', placement: asStored({ id, ...(url !== undefined && { url }), ...(data !== undefined && { data }) }) }
}

const perform = async (run: RunState, method: () => Promise<Placement | undefined>): Promise<Ending> => {
  let how: Ending
  try {
    how = placedBy((await method()) ?? run.ports.journal.done[0]?.placement)
    if (run.pending.size > 0) how = { kind: 'bug', message: 'The adapter came back while steps were under way. Await them.' }
    else if (run.ports.open)
      how = { kind: 'bug', message: `The adapter came back without coming to the commit \`${run.ports.open.name}\` that an earlier run began.` }
  } catch (error) {
    how = endingOf(error)
  }
  while (run.pending.size > 0) await Promise.allSettled(run.pending)
  run.closed = true
  return run.ending ?? how
}

/** What an error of an adapter means where no step has said more. */
export const endingOf = (error: unknown): Ending => {
  if (isOthersToOpen(error)) return { kind: 'unserved', message: error.message }
  return PublishError.is(error)
    ? { kind: 'refused', error }
    : { kind: 'bug', message: redact(error instanceof Error ? `${error.name}: ${error.message}` : 'Something other than an error was thrown.') }
}

export const createRun = (ports: RunPorts): Running => {
  const run: RunState = {
    ports,
    ending: undefined,
    phase: 'steps',
    committing: false,
    earlier: null,
    calls: 0,
    closed: false,
    used: new Set(),
    pending: new Set(),
  }
  return {
    steps: {
      once: (name, work) => once(run, name, work) as never,
      commit: (name, step) => commit(run, name, step as never) as never,
      later: (ms) => {
        if (Number.isNaN(ms)) throw new TypeError('`later` takes milliseconds, not NaN.')
        return end(run, { kind: 'later', afterMs: Math.max(0, ms) })
      },
      ask: (name, task) => ask(run, name, task.title),
    },
    mode: (method) => modeOf(run, method),
    leave: () => leave(run),
    perform: (method) => perform(run, method),
  }
}
