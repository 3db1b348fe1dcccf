// Where a delivery goes after a run. One pure function: no clock, no storage, no chance of its own.

import type { ErrorCode, PublishError } from '../contract/error.ts'
import type { Reason } from '../contract/events.ts'
import type { Placement } from '../contract/kind.ts'
import type { Action, State } from '../contract/storage.ts'
import { errorRules } from './error-rules.ts'

/** How a run ended. */
export type Ending =
  | { readonly kind: 'placed'; readonly placement: Placement }
  | { readonly kind: 'later'; readonly afterMs: number }
  | { readonly kind: 'paced'; readonly until: number }
  | { readonly kind: 'ask'; readonly name: string; readonly title: string }
  /** Certainly nothing was published by the step that failed. */
  | { readonly kind: 'refused'; readonly error: PublishError }
  /** A commit is out and its outcome is not known yet: look, or send the same again. */
  | { readonly kind: 'open'; readonly error: PublishError | undefined; readonly notBefore: number }
  /** A commit is out and nobody can know. */
  | { readonly kind: 'uncertain'; readonly message: string; readonly canLook: boolean }
  /** The account must be connected again first. */
  | { readonly kind: 'reconnect'; readonly message: string }
  /** This process cannot do it; another one may. */
  | { readonly kind: 'unserved'; readonly message: string }
  /** The adapter or Syndikit itself has a fault. */
  | { readonly kind: 'bug'; readonly message: string }
  /** It took its worker down three times. */
  | { readonly kind: 'poison' }
  | { readonly kind: 'late' }

export interface Policy {
  /** Pauses between tries; one more try than pauses. */
  readonly retryAfterMs: readonly number[]
  readonly maxLatenessMs: number
  readonly giveUpAfterMs: number
  /** What to do when nobody can know whether it was published. */
  readonly onUncertain: 'hold' | 'retry' | 'drop'
}

/** Everything the decision rests on. Instants by the database's clock. */
export interface Situation {
  readonly action: Action
  readonly now: number
  /** Lateness counts from here. */
  readonly dueAt: number
  readonly startedAt: number
  readonly tries: number
  /** Commits that are certainly on the platform. */
  readonly done: number
  /** A commit may be on the platform. */
  readonly open: boolean
  /** It was uncertain before this run, which was only to look. */
  readonly uncertain: boolean
  readonly stale: number
  readonly reconciles: number
  /** Looks since it became uncertain, this one included. */
  readonly looks: number
  /** 0 ≤ x < 1. */
  readonly chance: number
  readonly policy: Policy
}

export interface Next {
  readonly to: Exclude<State, 'running' | 'canceled'>
  readonly nextAt: number | null
  readonly tries: number
  readonly reason?: Reason
  readonly prepareAgain?: true
  /** It waits for a human or for the platform's limits: that time is not the adapter's. */
  readonly stopsTheClock?: true
  readonly release?: true
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

export const defaultRetryAfterMs: readonly number[] = [5 * minute, 15 * minute, 30 * minute]
export const defaultMaxLatenessMs = 24 * hour
export const defaultGiveUpAfterMs = hour
/** When an uncertain delivery is looked for by itself, before it waits for a human. */
export const lookAgainAfterMs: readonly number[] = [5 * minute, 30 * minute, 6 * hour]
/** Between looks for an open commit; the last one repeats until the adapter's time is up. */
const reconcileAfterMs: readonly number[] = [2 * second, 10 * second, 30 * second, 2 * minute, 5 * minute]
const holdMs = 6 * hour
const waitMs = 15 * minute
const notReadyMs = 30 * second
const mostStale = 3
/** What a platform or an adapter asks to wait is believed up to here. */
const longestWaitMs = 30 * 24 * hour

/** Up to a tenth later, so that what failed together does not come back together. */
const jittered = (ms: number, chance: number): number => Math.round(ms * (1 + chance / 10))

const sane = (ms: number): number => (Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), longestWaitMs))

const lateAt = ({ dueAt, policy }: Situation): number => dueAt + policy.maxLatenessMs

const isOut = ({ open, done }: Situation): boolean => open || done > 0

const uncertain = (s: Situation, message: string, canLook: boolean): Next => {
  const reason = { code: 'unknown-outcome', message } as const
  if (s.policy.onUncertain === 'drop') return { to: 'uncertain', nextAt: null, tries: s.tries, reason, release: true }
  const pause = canLook ? lookAgainAfterMs[s.looks] : undefined
  return { to: 'uncertain', nextAt: pause === undefined ? null : s.now + pause, tries: s.tries, reason }
}

const halfWay = ({ action, done }: Situation): string => {
  const parts = `${done} part${done > 1 ? 's' : ''}`
  return action === 'publish' ? `Of it, ${parts} went out and the rest did not.` : `The ${action} reached ${parts} and not the rest.`
}

/** The end of a delivery that will not go on by itself: `failed` only if nothing of it is on the platform. */
const over = (s: Situation, code: Reason['code'], message: string): Next => {
  if (s.open) return uncertain(s, message, true)
  if (s.done > 0)
    return {
      to: 'needs_action',
      nextAt: null,
      tries: s.tries,
      reason: { code: 'partial', message: `${halfWay(s)} ${message}` },
    }
  return { to: 'failed', nextAt: null, tries: s.tries, reason: { code, message } }
}

const past = (s: Situation, nextAt: number): boolean => nextAt - s.startedAt > s.policy.giveUpAfterMs

const gaveUp = (s: Situation, message: string): Next => {
  if (s.open || s.done > 0) return uncertain(s, `Gave up after ${Math.round((s.now - s.startedAt) / minute)} minutes. ${message}`, s.open)
  return {
    to: 'failed',
    nextAt: null,
    tries: s.tries,
    reason: { code: 'gave-up', message: `Gave up after ${Math.round((s.now - s.startedAt) / minute)} minutes. ${message}` },
  }
}

const postponed = (s: Situation, nextAt: number, code: Reason['code'], message: string, tries = s.tries): Next => ({
  to: 'scheduled',
  nextAt,
  tries,
  reason: { code, message },
})

/**
 * Waits for a human or for a limit, which costs nothing but time, as long as it may still be on time. Where nothing of it is out it comes back at the latest
 * when it is missed, so that this is told then; where something is out, it does not wait for ever.
 */
const waitingUntil = (s: Situation, nextAt: number, code: Reason['code'], message: string): Next => {
  if (isOut(s) && s.now > lateAt(s)) return over(s, code, message)
  const at = isOut(s) ? nextAt : Math.min(nextAt, Math.max(lateAt(s) + 1, s.now))
  return { ...postponed(s, Math.max(at, s.now), code, message), stopsTheClock: true }
}

const retried = (s: Situation, code: ErrorCode, message: string): Next => {
  const pause = s.policy.retryAfterMs[s.tries]
  if (pause === undefined) return over({ ...s, tries: s.tries + 1 }, code, `${message} It was tried ${s.tries + 1} times.`)
  return { ...postponed(s, s.now + jittered(pause, s.chance), code, message, s.tries + 1), ...(!s.open && { stopsTheClock: true as const }) }
}

const refused = (s: Situation, error: PublishError): Next => {
  switch (errorRules[error.code]) {
    case 'fail':
      return over(s, error.code, error.message)
    case 'retry':
      return error.retryAfterMs === undefined ? retried(s, error.code, error.message) : waited(s, error, error.retryAfterMs)
    case 'wait':
      return waited(s, error, error.retryAfterMs ?? (error.code === 'not-ready' ? notReadyMs : waitMs))
    case 'hold':
      return held(s, error.message)
    case 'prepare-again':
      return s.stale >= mostStale
        ? over(s, error.code, `${error.message} It was prepared ${mostStale + 1} times.`)
        : { ...postponed(s, s.now, error.code, error.message), prepareAgain: true }
    case 'gone':
      return s.action === 'unpublish' ? { to: 'published', nextAt: null, tries: s.tries } : over(s, error.code, error.message)
  }
}

const waited = (s: Situation, error: PublishError, afterMs: number): Next => {
  const nextAt = s.now + jittered(Math.max(sane(afterMs), second), s.chance)
  if (error.code !== 'not-ready') return waitingUntil(s, nextAt, error.code, error.message)
  return past(s, nextAt) ? gaveUp(s, error.message) : postponed(s, nextAt, error.code, error.message)
}

const held = (s: Situation, message: string): Next => waitingUntil(s, s.now + holdMs, 'reconnect', message)

const opened = (s: Situation, error: PublishError | undefined, notBefore: number): Next => {
  const pause = reconcileAfterMs[Math.min(s.reconciles, reconcileAfterMs.length - 1)] as number
  const nextAt = Math.max(s.now + jittered(pause, s.chance), s.now + sane(notBefore - s.now))
  const message = error?.message ?? 'The outcome of the last send is not known.'
  return past(s, nextAt) ? uncertain(s, message, true) : postponed(s, nextAt, 'unknown-outcome', message)
}

const missed = (s: Situation): Next => {
  const message = `It was due ${Math.round((s.now - s.dueAt) / minute)} minutes ago, later than it may go out.`
  return isOut(s) ? over(s, 'late', message) : { to: 'missed', nextAt: null, tries: s.tries, reason: { code: 'late', message } }
}

const unserved = (s: Situation, message: string): Next =>
  s.now > lateAt(s) && !isOut(s) ? missed(s) : waitingUntil(s, s.now + jittered(waitMs, s.chance), 'setup', message)

/** A look changes nothing but what is known: whatever went wrong with it, the delivery is as uncertain as before. */
const lookedInVain = (ending: Ending, s: Situation): Next => {
  if (ending.kind === 'uncertain') return uncertain(s, ending.message, ending.canLook)
  const error = 'error' in ending ? ending.error : undefined
  return uncertain(s, error?.message ?? ('message' in ending ? ending.message : 'It could not be looked for.'), true)
}

export const nextStep = (ending: Ending, s: Situation): Next => {
  if (s.uncertain && s.open && ending.kind !== 'placed') return lookedInVain(ending, s)
  switch (ending.kind) {
    case 'placed':
      return { to: 'published', nextAt: null, tries: s.tries }
    case 'later': {
      const nextAt = s.now + sane(ending.afterMs)
      return past(s, nextAt) ? gaveUp(s, 'The platform did not finish.') : { to: 'scheduled', nextAt, tries: s.tries }
    }
    case 'paced':
      return waitingUntil(s, ending.until, 'rate', 'Its turn comes later: the platform takes only so many in a while.')
    case 'ask':
      return { to: 'needs_action', nextAt: null, tries: s.tries, reason: { code: 'ask', message: ending.title } }
    case 'refused':
      return refused(s, ending.error)
    case 'open':
      return opened(s, ending.error, ending.notBefore)
    case 'uncertain':
      return uncertain(s, ending.message, ending.canLook)
    case 'reconnect':
      return held(s, ending.message)
    case 'unserved':
      return unserved(s, ending.message)
    case 'bug':
      return retried(s, 'setup', ending.message)
    case 'poison':
      return over(s, 'poison', 'Its workers died again and again while it ran.')
    case 'late':
      return missed(s)
  }
}
