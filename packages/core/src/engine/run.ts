// One pass through an adapter's method: `once`, `commit`, `later`, `ask`. What happened is kept in the journal; how it ended is an `Ending`.

import { PublishError } from '../contract/error.ts'
import type { Json } from '../contract/json.ts'
import type { Commit, Placement, Recovery, Run, Trace } from '../contract/kind.ts'
import type { CallMode } from '../http/client.ts'
import { redact } from '../http/redact.ts'
import { asStored, type Journal, longestJournal, type OpenCommit, writeJournal } from './journal.ts'
import type { Lease } from './lease.ts'
import type { Ending } from './next-step.ts'
import { type Recover, recover } from './recover.ts'

/** What a run needs from the engine. */
export interface RunPorts {
  journal: Journal
  open: OpenCommit | null
  readonly lease: Lease
  /** Of the database, as well as this process can tell. */
  now(): number
  /** Stores journal and open commit under the fence. Rejects when the lease is lost or the outcome of the write is unknown: then nothing may be sent. */
  save(): Promise<void>
  /** Takes the platform's windows for one commit; the instant to come back at where one is full. */
  quota(): Promise<number | undefined>
  /** Which of these ids on the platform belong to another delivery. */
  claimed(ids: readonly string[]): Promise<readonly string[]>
  readonly recovery: Recovery
  readonly onUncertain: 'hold' | 'retry' | 'drop'
  /** How long a send may be on its way. */
  readonly timeoutMs: number
  /** It is due since long before its first run (a restored backup, a long outage): look before the first send. */
  readonly overdueSince: number | undefined
}

/** Ends the run from wherever it is thrown; a `catch` in an adapter cannot change the ending. */
class RunEnded extends Error {
  override readonly name = 'RunEnded'
}

type Steps = Pick<Run, 'once' | 'commit' | 'later' | 'ask'>

export interface Running {
  readonly steps: Steps
  /** For the HTTP client. */
  mode(method: string): CallMode
  /** Runs a method to its end, waits for its open steps, and says how it ended. Never rejects. */
  perform(method: () => Promise<Placement | undefined>): Promise<Ending>
}

const oldestCandidateMs = 120_000

export const createRun = (ports: RunPorts): Running => {
  let ending: Ending | undefined
  let phase: 'steps' | 'send' | 'find' = 'steps'
  const used = new Set<string>()
  const pending = new Set<Promise<unknown>>()

  const end = (how: Ending): never => {
    if (!ending) ending = how
    else if (ending.kind === 'later' && how.kind === 'later' && how.afterMs < ending.afterMs) ending = how
    throw new RunEnded('The run has ended.')
  }

  const enter = (name: string): void => {
    if (ending) throw new RunEnded('The run has ended.')
    if (ports.lease.lost) end({ kind: 'refused', error: lostLease() })
    if (name === '' || name === '__proto__') throw new TypeError(`A step needs another name than \`${name}\`.`)
    if (used.has(name)) throw new TypeError(`Two steps of one run are called \`${name}\`. Give each its own name: a later run finds a result by it.`)
    used.add(name)
  }

  const keep = async (name: string, work: () => Promise<unknown>): Promise<Json> => {
    const value = (asStored(await work()) ?? null) as Json
    if (ports.lease.lost) throw lostLease()
    ports.journal.once[name] = value
    const bytes = Buffer.byteLength(writeJournal(ports.journal))
    if (bytes > longestJournal)
      throw new TypeError(`The saved steps of this delivery take ${bytes} bytes, ${longestJournal} at most. Keep ids in \`once\`, not contents.`)
    await ports.save()
    return value
  }

  const once: Steps['once'] = async (name, work) => {
    enter(name)
    if (phase !== 'steps') throw new TypeError(`The step \`${name}\` began inside a commit. Prepare before the commit: what it sends is stored first.`)
    if (Object.hasOwn(ports.journal.once, name)) return ports.journal.once[name] as never
    const step = keep(name, work)
    pending.add(step)
    try {
      return (await step) as never
    } finally {
      pending.delete(step)
    }
  }

  const finish = <T extends Placement>({ name, request }: Pick<OpenCommit, 'name' | 'request'>, placement: T): T => {
    if (typeof placement?.id !== 'string' || placement.id === '') throw new PublishError('unknown', `The commit \`${name}\` came back without an id.`)
    const { id, url, data } = placement
    ports.journal.done.push({ name, request, placement: asStored({ id, ...(url !== undefined && { url }), ...(data !== undefined && { data }) }) })
    ports.journal.kept = Object.keys(ports.journal.once)
    ports.journal.stale = 0
    ports.journal.reconciles = 0
    ports.open = null
    return placement
  }

  const trace = (open: OpenCommit, refusal?: PublishError): Trace => ({
    sentAt: new Date(open.firstSentAt),
    ...(refusal && { refusal }),
    pick: async (candidates) => {
      const recent = candidates.filter(({ at }) => at === undefined || at.getTime() >= open.firstSentAt - oldestCandidateMs)
      if (recent.length === 0) return 'absent'
      const taken = new Set(await ports.claimed(recent.map(({ id }) => id)))
      for (const { placement } of ports.journal.done) taken.add(placement.id)
      const free = recent.filter(({ id }) => !taken.has(id))
      return free.length === 0 ? 'absent' : free.length === 1 ? (free[0] as (typeof free)[number]) : 'unknown'
    },
  })

  const find = async <R extends Json, T extends Placement>(step: Commit<R, T>, open: OpenCommit, refusal?: PublishError): Promise<T | 'absent' | 'unknown'> => {
    phase = 'find'
    try {
      return (await step.find?.(asStored(open.request) as R, trace(open, refusal))) ?? 'unknown'
    } finally {
      phase = 'steps'
    }
  }

  /** No write ahead, no send: whatever became of the write, these bytes did not leave. */
  const saveAhead = async (open: OpenCommit): Promise<void> => {
    try {
      await ports.save()
    } catch (cause) {
      const error = PublishError.is(cause)
        ? cause
        : new PublishError('transient', 'The database did not confirm the write that goes ahead of a send. Nothing was sent.', {
            outcome: 'not-published',
            cause,
          })
      if (open.sends > 1) end({ kind: 'open', error, notBefore: 0 })
      ports.open = null
      end({ kind: 'refused', error })
    }
  }

  /** Write ahead, then send. Returns only with a placement. */
  const send = async <R extends Json, T extends Placement>(step: Commit<R, T>, open: OpenCommit): Promise<T> => {
    const comeBackAt = await ports.quota()
    if (comeBackAt !== undefined) {
      if (open.sends === 0) ports.open = null
      end({ kind: 'paced', until: comeBackAt })
    }
    open.lastSentAt = ports.now()
    if (open.sends === 0) open.firstSentAt = open.lastSentAt
    open.sends += 1
    ports.open = open
    await saveAhead(open)
    if (!ports.lease.covers(ports.timeoutMs)) {
      if (open.sends === 1) ports.open = null
      return end({ kind: 'refused', error: lostLease() })
    }
    phase = 'send'
    try {
      return finish(open, await step.send(asStored(open.request) as R))
    } catch (error) {
      phase = 'steps'
      return await failed(step, open, error)
    } finally {
      phase = 'steps'
    }
  }

  const failed = async <R extends Json, T extends Placement>(step: Commit<R, T>, open: OpenCommit, error: unknown): Promise<T> => {
    if (error instanceof RunEnded) throw error
    const known = PublishError.is(error) ? error : undefined
    if (known?.outcome === 'not-published') {
      if (open.sends === 1) {
        ports.open = null
        throw known
      }
      return refusedAgain(step, open, known)
    }
    const what = recover(knownOf(step, open))
    return what.do === 'give-up'
      ? end({ kind: 'uncertain', message: known?.message ?? what.message, canLook: what.canLook })
      : end({ kind: 'open', error: known, notBefore: untilOf(what) })
  }

  /** An earlier send may have arrived, so a refusal of this one decides nothing by itself; `duplicate` says that it is there. */
  const refusedAgain = async <R extends Json, T extends Placement>(step: Commit<R, T>, open: OpenCommit, refusal: PublishError): Promise<T> => {
    if (refusal.code === 'transient' || refusal.code === 'rate' || refusal.code === 'auth' || refusal.code === 'not-ready')
      return end({ kind: 'open', error: refusal, notBefore: ports.now() + (refusal.retryAfterMs ?? 0) })
    const found = step.find ? await lookSafely(step, open, refusal) : 'unknown'
    if (typeof found === 'object') return finish(open, found)
    if (found === 'absent' && refusal.code !== 'duplicate' && ports.now() >= settledAt(step, open)) {
      ports.open = null
      throw refusal
    }
    return end({ kind: 'uncertain', message: refusal.message, canLook: step.find !== undefined })
  }

  const lookSafely = async <R extends Json, T extends Placement>(
    step: Commit<R, T>,
    open: OpenCommit,
    refusal?: PublishError,
  ): Promise<T | 'absent' | 'unknown'> => {
    try {
      return await find(step, open, refusal)
    } catch (error) {
      if (error instanceof RunEnded) throw error
      const known = PublishError.is(error) ? error : undefined
      if (open.uncertain) return end({ kind: 'uncertain', message: known?.message ?? 'It could not be looked for.', canLook: true })
      return end({ kind: 'open', error: known, notBefore: ports.now() + (known?.retryAfterMs ?? 0) })
    }
  }

  const recoveryOf = (step: Commit<never, never> | { recovery?: Recovery }): Recovery => step.recovery ?? ports.recovery
  const knownOf = (step: { recovery?: Recovery; find?: unknown }, open: OpenCommit) => ({
    recovery: recoveryOf(step),
    open,
    now: ports.now(),
    timeoutMs: ports.timeoutMs,
    canFind: step.find !== undefined,
    onUncertain: ports.onUncertain,
  })
  const settledAt = (step: { recovery?: Recovery }, open: OpenCommit): number => {
    const recovery = recoveryOf(step)
    return open.lastSentAt + ports.timeoutMs + ('settleMs' in recovery ? (recovery.settleMs ?? 0) : 0)
  }
  const untilOf = (what: Recover): number => (what.do === 'wait' ? what.until : 0)

  const reconcile = async <R extends Json, T extends Placement>(step: Commit<R, T>, open: OpenCommit): Promise<T> => {
    const what = recover(knownOf(step, open))
    ports.journal.reconciles += 1
    if (what.do === 'give-up') return end({ kind: 'uncertain', message: what.message, canLook: what.canLook })
    if (what.do === 'wait') return end({ kind: 'open', error: undefined, notBefore: what.until })
    if (what.do === 'send') return send(step, open)
    const found = await lookSafely(step, open)
    if (typeof found === 'object') return finish(open, found)
    if (open.uncertain) return end({ kind: 'uncertain', message: 'It was looked for and not found for certain.', canLook: true })
    if (found === 'absent')
      return ports.now() >= what.absentAt ? send(step, { ...open, sends: 0 }) : end({ kind: 'open', error: undefined, notBefore: what.absentAt })
    if (ports.onUncertain === 'retry') return send(step, open)
    return end({ kind: 'uncertain', message: 'What is on the platform does not tell whether this was published.', canLook: true })
  }

  const fresh = async <R extends Json, T extends Placement>(name: string, step: Commit<R, T>): Promise<T> => {
    const at = ports.now()
    const open: OpenCommit = { name, request: asStored(step.request) as Json, firstSentAt: at, lastSentAt: at, sends: 0, uncertain: false, looks: 0 }
    if (ports.overdueSince !== undefined && step.find) {
      const found = await lookBefore(step, { ...open, firstSentAt: ports.overdueSince })
      if (typeof found === 'object') return finish(open, found)
    }
    return send(step, open)
  }

  const lookBefore = async <R extends Json, T extends Placement>(step: Commit<R, T>, open: OpenCommit): Promise<T | 'absent' | 'unknown'> => {
    const found = await find(step, open)
    if (found === 'unknown') {
      ports.open = open
      return end({ kind: 'uncertain', message: 'It is overdue, and what is on the platform does not tell whether it went out before.', canLook: true })
    }
    return found
  }

  const commit: Steps['commit'] = async (name, step) => {
    enter(name)
    if (phase !== 'steps' || pending.size > 0)
      throw new TypeError(`The commit \`${name}\` began while another step was under way. Await every step before a commit: it runs alone.`)
    const finished = ports.journal.done.find((done) => done.name === name)
    if (finished) return finished.placement as never
    if (!ports.open) return fresh(name, step)
    if (ports.open.name !== name)
      return end({ kind: 'uncertain', message: `The adapter no longer comes to the commit \`${ports.open.name}\` that an earlier run began.`, canLook: false })
    return reconcile(step, ports.open)
  }

  const steps: Steps = {
    once,
    commit,
    later: (ms) => end({ kind: 'later', afterMs: Math.max(0, ms) }),
    ask: async (name, task) => {
      enter(name)
      return ports.journal.answers[name] ?? end({ kind: 'ask', name, title: task.title })
    },
  }

  const perform = async (method: () => Promise<Placement | undefined>): Promise<Ending> => {
    let how: Ending
    try {
      const placement = (await method()) ?? ports.journal.done[0]?.placement
      how = ending ?? (placement ? { kind: 'placed', placement } : { kind: 'bug', message: 'The adapter came back without a placement.' })
      if (how.kind === 'placed' && pending.size > 0) how = { kind: 'bug', message: 'The adapter came back while steps were under way. Await them.' }
    } catch (error) {
      how = ending ?? endingOf(error)
    }
    await Promise.allSettled(pending)
    return ending ?? how
  }

  return {
    steps,
    perform,
    mode: (method) =>
      phase === 'send'
        ? 'commit'
        : phase === 'find' || method === 'GET'
          ? ports.open && phase === 'steps'
            ? 'silent'
            : 'read'
          : ports.open
            ? 'silent'
            : 'prepare',
  }
}

const lostLease = (): PublishError =>
  new PublishError('transient', 'The lease ended before the step could be taken. Nothing was sent.', { outcome: 'not-published' })

const endingOf = (error: unknown): Ending =>
  PublishError.is(error)
    ? { kind: 'refused', error }
    : { kind: 'bug', message: redact(error instanceof Error ? `${error.name}: ${error.message}` : 'Something other than an error was thrown.') }
