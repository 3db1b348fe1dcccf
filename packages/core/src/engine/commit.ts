// The commit: the call that must not happen twice. Write ahead, send, and after an unknown outcome look before anything is sent again.

import { PublishError } from '../contract/error.ts'
import type { Json } from '../contract/json.ts'
import type { Commit, Found, Placement, Recovery, Trace } from '../contract/kind.ts'
import { asStored, type Journal, mayBeOut, type OpenCommit } from './journal.ts'
import { type Known, recover, settledAt } from './recover.ts'
import { end, enter, lostLease, RunEnded, type RunState } from './run-state.ts'

type Step<T extends Placement> = Commit<Json, T>
type Overdue = NonNullable<Journal['overdue']>

/** A clock of the platform that is behind ours must not hide our own post. */
const oldestCandidateMs = 120_000

const known = ({ ports }: RunState, step: { readonly recovery?: Recovery; readonly find?: unknown }, open: OpenCommit): Known => ({
  recovery: step.recovery ?? ports.recovery,
  open,
  now: ports.now(),
  timeoutMs: ports.timeoutMs,
  canFind: step.find !== undefined,
  onUncertain: ports.onUncertain,
})

const hasId = (placement: Placement): boolean => typeof placement?.id === 'string' && placement.id !== ''

const finish = <T extends Placement>({ ports }: RunState, { name, request }: Pick<OpenCommit, 'name' | 'request'>, placement: T): T => {
  if (!hasId(placement)) throw new PublishError('unknown', `The commit \`${name}\` came back without an id.`)
  const { id, url, data } = placement
  ports.journal.done.push({ name, request, placement: asStored({ id, ...(url !== undefined && { url }), ...(data !== undefined && { data }) }) })
  ports.journal.kept = Object.keys(ports.journal.once)
  ports.journal.stale = 0
  ports.journal.reconciles = 0
  ports.open = null
  return placement
}

const traceOf = ({ ports }: RunState, open: OpenCommit, refusal: PublishError | undefined): Trace => ({
  sentAt: new Date(open.firstSentAt),
  ...(refusal && { refusal }),
  pick: async (candidates) => {
    // What came after a forgotten send could have been made is another delivery's, which may not have settled yet.
    const until = open.forgottenUntil ?? Number.POSITIVE_INFINITY
    const recent = candidates.filter(({ at }) => at === undefined || (at.getTime() >= open.firstSentAt - oldestCandidateMs && at.getTime() < until))
    if (recent.length === 0) return 'absent'
    const taken = new Set(await ports.claimed(recent.map(({ id }) => id)))
    for (const { placement } of ports.journal.done) taken.add(placement.id)
    const [first, ...others] = recent.filter(({ id }) => !taken.has(id))
    if (!first) return 'absent'
    return others.length === 0 ? first : 'unknown'
  },
})

/** Two deliveries that look at the same moment find the same post: it is taken by one, and the other looks again without it. */
const mostFinds = 3

const find = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit, refusal?: PublishError): Promise<Found<T>> => {
  run.phase = 'find'
  try {
    for (let n = 0; n < mostFinds; n++) {
      const found = (await step.find?.(asStored(open.request), traceOf(run, open, refusal))) ?? 'unknown'
      if (typeof found !== 'object' || !hasId(found) || (await run.ports.owns(found.id))) return found
    }
    return 'unknown'
  } finally {
    run.phase = 'steps'
  }
}

/** Where the platform cannot be asked now, the outcome stays unknown: a later run asks again. */
const look = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit, refusal?: PublishError): Promise<Found<T>> => {
  try {
    return await find(run, step, open, refusal)
  } catch (error) {
    if (error instanceof RunEnded) throw error
    const why = PublishError.is(error) ? error : undefined
    if (open.uncertain) return end(run, { kind: 'uncertain', message: why?.message ?? 'It could not be looked for.', canLook: true })
    return end(run, { kind: 'open', error: why, notBefore: run.ports.now() + (why?.retryAfterMs ?? 0) })
  }
}

/** No write ahead, no send: whatever became of the write, these bytes did not leave. */
const saveAhead = async (run: RunState, open: OpenCommit): Promise<void> => {
  run.ports.open = open
  try {
    await run.ports.save()
  } catch (cause) {
    const error = PublishError.is(cause)
      ? cause
      : new PublishError('transient', 'The database did not confirm the write that goes ahead of a send. Nothing was sent.', {
          outcome: 'not-published',
          retryAfterMs: 0,
          cause,
        })
    unsent(run, error)
  }
}

/** Ends the run before a send. An earlier send of the same commit stays open, with what was frozen for it. */
const unsent = (run: RunState, error: PublishError): never => {
  run.ports.open = run.earlier
  return end(run, run.earlier ? { kind: 'open', error, notBefore: 0 } : { kind: 'refused', error })
}

const takeQuota = async (run: RunState): Promise<void> => {
  const until = await run.ports.quota()
  if (until !== undefined) end(run, { kind: 'paced', until })
}

/** Write ahead, then send. Returns only with a placement. */
const send = async <T extends Placement>(run: RunState, step: Step<T>, last: OpenCommit): Promise<T> => {
  const { ports } = run
  await takeQuota(run)
  run.earlier = mayBeOut(last) ? last : null
  const { forgottenUntil: _, ...frozen } = last
  const firstSentAt = run.earlier?.firstSentAt ?? ports.now()
  const open = { ...frozen, firstSentAt, lastSentAt: ports.latest(), sends: last.sends + 1, provedAbsent: false }
  await saveAhead(run, open)
  if (!ports.lease.covers(ports.timeoutMs)) return unsent(run, lostLease())
  run.phase = 'send'
  run.calls = 0
  try {
    return finish(run, open, await step.send(asStored(open.request)))
  } catch (error) {
    run.phase = 'steps'
    return await failed(run, step, open, error)
  } finally {
    run.phase = 'steps'
  }
}

const failed = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit, error: unknown): Promise<T> => {
  if (error instanceof RunEnded) throw error
  const why = PublishError.is(error) ? error : undefined
  if (why?.outcome === 'not-published') {
    // This send did nothing for certain: what may still be on its way is the one before.
    run.ports.open = run.earlier
    const definite = !run.earlier || (run.earlier.provedAbsent && why.code !== 'duplicate')
    if (!definite && run.earlier) return refusedAgain(run, step, run.earlier, why)
    run.ports.open = null
    throw why
  }
  const what = recover(known(run, step, open))
  if (what.do === 'give-up') return end(run, { kind: 'uncertain', message: why?.message ?? what.message, canLook: what.canLook })
  return end(run, { kind: 'open', error: why, notBefore: what.do === 'wait' ? what.until : 0 })
}

/** Refusals that say nothing about the content: the earlier send may have arrived all the same. */
const saysNothing = new Set(['transient', 'rate', 'auth', 'not-ready'])

/** An earlier send may have arrived, so a refusal of this one decides nothing by itself; only now does `duplicate` mean that ours is there. */
const refusedAgain = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit, refusal: PublishError): Promise<T> => {
  const { ports } = run
  if (saysNothing.has(refusal.code)) return end(run, { kind: 'open', error: refusal, notBefore: ports.now() + (refusal.retryAfterMs ?? 0) })
  const found = step.find ? await look(run, step, open, refusal) : 'unknown'
  if (typeof found === 'object') return finish(run, open, found)
  if (found === 'absent' && refusal.code !== 'duplicate' && ports.now() >= settledAt(known(run, step, open))) {
    ports.open = null
    throw refusal
  }
  return end(run, { kind: 'uncertain', message: refusal.message, canLook: step.find !== undefined })
}

/** A commit that an earlier run began, or whose answer was lost. */
const reconcile = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit): Promise<T> => {
  const { ports } = run
  const what = recover(known(run, step, open))
  ports.journal.reconciles += 1
  if (what.do === 'give-up') return end(run, { kind: 'uncertain', message: what.message, canLook: what.canLook })
  if (what.do === 'wait') return end(run, { kind: 'open', error: undefined, notBefore: what.until })
  if (what.do === 'send') return send(run, step, open)
  const found = await look(run, step, open)
  if (typeof found === 'object') return finish(run, open, found)
  if (open.uncertain) return end(run, { kind: 'uncertain', message: 'It was looked for and not found for certain.', canLook: true })
  if (found === 'absent')
    return ports.now() >= what.absentAt
      ? send(run, step, { ...open, provedAbsent: true })
      : end(run, { kind: 'open', error: undefined, notBefore: what.absentAt })
  return undecided(run, step, open, 'What is on the platform does not tell whether this was published.')
}

/** What cannot be told apart now often can be soon: another delivery's post of the same moment gets its owner. */
const looksBeforeUncertain = 3

/** It was looked for, and the platform did not tell. */
const undecided = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit, message: string): Promise<T> => {
  if (run.ports.onUncertain === 'retry') return send(run, step, open)
  if (run.ports.journal.reconciles >= looksBeforeUncertain) return end(run, { kind: 'uncertain', message, canLook: true })
  return end(run, { kind: 'open', error: new PublishError('unknown', message), notBefore: 0 })
}

/** Long overdue: a run that the database has forgotten may have sent it, so it counts as sent until the platform says that it is not there. */
const sendUnlessThere = async <T extends Placement>(run: RunState, step: Step<T>, open: OpenCommit, { since, until }: Overdue): Promise<T> => {
  const { ports } = run
  const forgotten = { ...open, firstSentAt: since, lastSentAt: since, forgottenUntil: until }
  ports.open = forgotten
  // Such a platform tells when it is sent again.
  if ((step.recovery ?? ports.recovery).class === 'probe') return send(run, step, forgotten)
  const found = await look(run, step, forgotten)
  if (typeof found === 'object') return finish(run, forgotten, found)
  if (found !== 'absent') return undecided(run, step, forgotten, 'It is overdue, and what is on the platform does not tell whether it went out before.')
  ports.open = null
  return send(run, step, open)
}

const fresh = async <T extends Placement>(run: RunState, name: string, step: Step<T>): Promise<T> => {
  const at = run.ports.now()
  const open: OpenCommit = { name, request: asStored(step.request), firstSentAt: at, lastSentAt: at, sends: 0, provedAbsent: false, uncertain: false, looks: 0 }
  const { overdue } = run.ports.journal
  return overdue && step.find ? sendUnlessThere(run, step, open, overdue) : send(run, step, open)
}

export const commit = async <T extends Placement>(run: RunState, name: string, step: Step<T>): Promise<T> => {
  enter(run, name)
  if (run.committing || run.pending.size > 0)
    throw new TypeError(`The commit \`${name}\` began while another step was under way. Await every step before a commit: it runs alone.`)
  run.committing = true
  const taking = take(run, name, step)
  run.pending.add(taking)
  try {
    return await taking
  } finally {
    run.pending.delete(taking)
    run.committing = false
  }
}

const take = async <T extends Placement>(run: RunState, name: string, step: Step<T>): Promise<T> => {
  const { ports } = run
  const finished = ports.journal.done.find((done) => done.name === name)
  if (finished) return finished.placement as T
  if (!ports.open) return fresh(run, name, step)
  if (ports.open.name !== name)
    return end(run, {
      kind: 'uncertain',
      message: `The adapter no longer comes to the commit \`${ports.open.name}\` that an earlier run began.`,
      canLook: false,
    })
  return reconcile(run, step, ports.open)
}
