// Renews a grant's credentials: one at a time per grant across processes, late, never aborted, and never losing what the platform gave.

import type { Tokens } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Clients } from './clients.ts'
import type { ConnectionsDeps } from './deps.ts'
import { giveUp, isLive, warn } from './give-up.ts'
import { newId } from './ids.ts'
import { keepTokens, type Renewed } from './keep-tokens.ts'
import { type Opened, openGrant, openRow, standingOf } from './open-grant.ts'
import { late, patienceMs, patiently, refreshLeaseMs } from './patient.ts'
import { prepareRenewal } from './renew-call.ts'
import { type Move, mayRepeat, nextMove, type Why } from './renewal.ts'
import { plain, reconnectNeeded } from './words.ts'

export interface Refresh {
  /**
   * Credentials that are good to use now. Undefined: the grant is gone. Throws `auth` when the account must be connected again, else what says when to come back;
   * always with the outcome `not-published`, because nothing was published yet. `stored`: its row, where the caller has just read it.
   */
  fresh(tenant: string, grantId: string, why: Why, stored?: Grant): Promise<Opened | undefined>
  /** Nothing more to try: stored, and told to the host once. Answers false when somebody has moved the grant meanwhile. */
  giveUp(opened: Opened, because: string): Promise<boolean>
  /** Resolves when no refresh is in flight any more, at the latest after the patience of one. */
  drain(): Promise<void>
}

const pollMs = [50, 100, 250, 500, 1_000]
const longestWaitMs = 30_000
const repeatAfterMs = [500, 2_000]
/** After a refresh that failed while the token is still good. */
const coolDownMs = 30_000

type Failed = { readonly error: PublishError; readonly late: boolean }

interface Refreshing extends ConnectionsDeps {
  readonly clients: Clients
  /** Calls that are out; they go on after everybody has stopped waiting. */
  readonly flying: Set<Promise<unknown>>
  /** Grants whose new pair is here and not stored yet: what is stored of them is worth nothing any more. */
  readonly inHand: Set<string>
  /** By grant, in the monotonic clock. */
  readonly coolUntil: Map<string, number>
}

/** One turn at renewing, under its lease. */
type Turn = Omit<Renewed, 'tokens'> & { readonly call: () => Promise<Tokens> }

/** What the caller of a publish may be told about a failed refresh: of the publish itself nothing has left. */
const beforePublishing = ({ code, message, platform, retryAfterMs, status }: PublishError): PublishError =>
  new PublishError(code === 'unknown' ? 'transient' : code, message, { platform, retryAfterMs, status, outcome: 'not-published' })

const asPublishError = ({ adapter }: Opened, error: unknown): PublishError => {
  if (PublishError.is(error)) return error
  const name = error instanceof Error ? error.name : 'no error'
  return new PublishError('unknown', `${adapter.name}: its log-in failed in an unexpected way (${plain(name)}).`, { platform: adapter.id })
}

const unanswered = ({ adapter }: Opened): PublishError =>
  new PublishError('transient', `${adapter.name}: a refresh has not come to its end within ${patienceMs / 1000} s.`, {
    platform: adapter.id,
    outcome: 'unknown',
  })

const unstored = ({ adapter }: Opened, code: 'auth' | 'transient'): PublishError => {
  const next = code === 'auth' ? 'Connect the account again.' : 'It is renewed again.'
  return new PublishError(code, `${adapter.name}: its renewed tokens could not be stored. ${next}`, { platform: adapter.id })
}

const busy = ({ adapter }: Opened, retryAfterMs: number): PublishError =>
  new PublishError('not-ready', `${adapter.name}: the credentials are being renewed. It is tried again.`, {
    platform: adapter.id,
    retryAfterMs,
  })

/** One call, and its tokens stored. */
const flightOf = async (deps: Refreshing, { call, ...turn }: Turn): Promise<Failed | undefined> => {
  let tokens: Tokens
  try {
    tokens = await call()
  } catch (error) {
    return { error: asPublishError(turn.opened, error), late: false }
  }
  const since = deps.clock.elapsed()
  const { id } = turn.opened.grant
  deps.inHand.add(id)
  const kept = await keepTokens(deps, { ...turn, tokens })
  deps.inHand.delete(id)
  if (kept) return undefined
  // Where what is stored still opens the account, nothing is lost but the time.
  if (mayRepeat(turn.opened.renewal, deps.clock.elapsed() - since)) return { error: unstored(turn.opened, 'transient'), late: false }
  await giveUp(deps, turn.opened, 'the renewed tokens could not be stored').catch(() => false)
  throw unstored(turn.opened, 'auth')
}

/** After our patience the call goes on, and a late answer is still stored. */
const callOnce = async (deps: Refreshing, turn: Turn): Promise<Failed | undefined> => {
  const flight = flightOf(deps, turn)
  deps.flying.add(flight)
  void flight.catch(() => undefined).then(() => deps.flying.delete(flight))
  const answer = await patiently(deps.clock, flight)
  return answer === late ? { late: true, error: unanswered(turn.opened) } : answer
}

/** What is left to do after a refresh without new tokens. Undefined: look at the row again. */
const afterFailure = async (deps: Refreshing, { opened, owner, why, startedAt }: Turn, error: PublishError): Promise<Opened | undefined> => {
  const { storage, clock, coolUntil } = deps
  const { tenant, id } = opened.grant
  if (error.code === 'auth') {
    const told = await giveUp(deps, opened, error.platformCode ?? 'refused')
    if (told) throw reconnectNeeded(opened.adapter, error.platformCode ?? 'refused')
    return undefined
  }
  const unknown = error.outcome === 'unknown'
  if (unknown && !mayRepeat(opened.renewal, (await storage.now()) - startedAt)) await warn(deps, opened)
  else await storage.connections.unlease(tenant, id, owner)
  coolUntil.set(id, clock.elapsed() + coolDownMs)
  if (why.is === 'use' && (await isLive(deps, opened))) return opened
  throw beforePublishing(error)
}

const renew = async (deps: Refreshing, opened: Opened, why: Why): Promise<Opened | undefined> => {
  const { storage, clock, random, clients } = deps
  const { tenant, id, version } = opened.grant
  const call = await prepareRenewal(deps, clients, opened)
  const turn = { opened, why, call, owner: newId(random), startedAt: await storage.now() }
  if (!(await storage.connections.lease(tenant, id, version, turn.owner, refreshLeaseMs))) return undefined
  for (let n = 0; ; n++) {
    const failed = await callOnce(deps, turn)
    // What has just come is used, however short its life: asking again would go on for ever.
    if (!failed) return openGrant(deps, tenant, id)
    const pauseMs = repeatAfterMs[n]
    const again = failed.error.outcome === 'unknown' && !failed.late && mayRepeat(opened.renewal, (await storage.now()) - turn.startedAt)
    if (!again || pauseMs === undefined) return afterFailure(deps, turn, failed.error)
    await clock.sleep(pauseMs)
  }
}

const isCooling = async (deps: Refreshing, opened: Opened, why: Why): Promise<boolean> =>
  why.is === 'use' && (deps.coolUntil.get(opened.grant.id) ?? 0) > deps.clock.elapsed() && (await isLive(deps, opened))

/** The host's own clock may say that there is plenty of time left; that there is too little only the database's may. */
const hasPlenty = ({ clock }: Refreshing, opened: Opened, why: Why): boolean =>
  why.is === 'use' && nextMove(standingOf(opened), why, clock.now() + 60_000).do === 'use'

const moveOf = async (deps: Refreshing, opened: Opened, why: Why): Promise<Move> =>
  hasPlenty(deps, opened, why) ? { do: 'use' } : nextMove(standingOf(opened), why, await deps.storage.now())

/** One move. Undefined: look at the row again. */
const moved = async (deps: Refreshing, opened: Opened, why: Why, move: Move): Promise<Opened | undefined> => {
  if (move.do === 'use') return opened
  if (move.do === 'give-up' && (await giveUp(deps, opened, move.because))) throw reconnectNeeded(opened.adapter, move.because)
  if (move.do === 'warn') {
    await warn(deps, opened)
    return opened
  }
  if (move.do !== 'renew' || deps.inHand.has(opened.grant.id)) return undefined
  return (await isCooling(deps, opened, why)) ? opened : renew(deps, opened, why)
}

const settle = async (deps: Refreshing, tenant: string, grantId: string, why: Why): Promise<Opened | undefined> => {
  for (let n = 0, waitedMs = 0; ; n++) {
    const opened = await openGrant(deps, tenant, grantId)
    if (!opened) return undefined
    const move = await moveOf(deps, opened, why)
    const good = await moved(deps, opened, why, move)
    if (good) return good
    if (waitedMs >= longestWaitMs) throw busy(opened, move.do === 'wait' ? move.forMs : longestWaitMs)
    const pauseMs = n === 0 && move.do !== 'wait' ? 0 : (pollMs[Math.min(n, pollMs.length - 1)] ?? 1_000)
    await deps.clock.sleep(pauseMs)
    waitedMs += pauseMs
  }
}

export const createRefresh = (given: ConnectionsDeps, clients: Clients): Refresh => {
  const deps: Refreshing = { ...given, clients, flying: new Set(), inHand: new Set(), coolUntil: new Map() }
  const running = new Map<string, Promise<Opened | undefined>>()
  return {
    fresh: async (tenant, grantId, why, stored) => {
      const known = stored && (await openRow(deps, stored))
      if (known && hasPlenty(deps, known, why)) return known
      const key = JSON.stringify([tenant, grantId, why.is])
      const flight = running.get(key) ?? settle(deps, tenant, grantId, why).finally(() => running.delete(key))
      running.set(key, flight)
      return flight
    },
    giveUp: (opened, because) => giveUp(deps, opened, because),
    drain: async () => {
      if (deps.flying.size > 0) await patiently(deps.clock, Promise.allSettled([...deps.flying]))
    },
  }
}
