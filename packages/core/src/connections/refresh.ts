// Renews a grant's credentials: one at a time per grant across processes, late, never aborted, and never losing what the platform gave.

import type { Tokens } from '../contract/auth.ts'
import type { GrantChange } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Clients } from './clients.ts'
import type { ConnectionsDeps } from './deps.ts'
import { newId } from './ids.ts'
import { keepTokens } from './keep-tokens.ts'
import { type Opened, openGrant, standingOf } from './open-grant.ts'
import { late, patienceMs, patiently, refreshLeaseMs } from './patient.ts'
import { prepareRenewal } from './renew-call.ts'
import { mayRepeat, nextMove, type Why } from './renewal.ts'
import { plain, reconnectNeeded } from './words.ts'

export interface Refresh {
  /**
   * Credentials that are good to use now. Undefined: the grant is gone. Throws `auth` when the account must be connected again, else what says when to come back;
   * always with the outcome `not-published`, because nothing was published yet.
   */
  fresh(tenant: string, grantId: string, why: Why): Promise<Opened | undefined>
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

/** What the caller of a publish may be told about a failed refresh: of the publish itself nothing has left. */
const beforePublishing = ({ code, message, platform, retryAfterMs, status }: PublishError): PublishError =>
  new PublishError(code === 'unknown' ? 'transient' : code, message, { platform, retryAfterMs, status, outcome: 'not-published' })

const asPublishError = ({ adapter }: Opened, error: unknown): PublishError => {
  if (PublishError.is(error)) return error
  const name = error instanceof Error ? error.name : 'no error'
  return new PublishError('unknown', `${adapter.name}: its log-in failed in an unexpected way (${plain(name)}).`, { platform: adapter.id })
}

export const createRefresh = (deps: ConnectionsDeps, clients: Clients): Refresh => {
  const { storage, clock, random, logger } = deps
  const { connections } = storage
  const running = new Map<string, Promise<Opened | undefined>>()
  const flying = new Set<Promise<unknown>>()
  const coolUntil = new Map<string, number>()

  const change = ({ grant }: Opened, to: GrantChange, type: 'grant:at-risk' | 'grant:needs-reauth', more: object = {}) =>
    connections.replaceGrant(grant.tenant, grant.id, grant.version, to, { event: { type, data: JSON.stringify({ platform: grant.platform, ...more }) } })

  const giveUp: Refresh['giveUp'] = async (opened, because) => {
    const { grant } = opened
    if (grant.state === 'needs_reauth' || grant.state === 'revoked') return true
    logger.warn({ grantId: grant.id, platform: grant.platform }, `The account must be connected again: ${because}.`)
    return change(opened, { state: 'needs_reauth', refreshStartedAt: null }, 'grant:needs-reauth', { reason: because })
  }

  /** `refreshStartedAt` is left standing: the old refresh token is not touched again before the live token's end. */
  const warn = async (opened: Opened): Promise<void> => {
    if (opened.grant.state !== 'active') return
    logger.warn({ grantId: opened.grant.id, platform: opened.grant.platform }, 'A refresh has an unknown outcome. The live token stays in use.')
    await change(opened, { state: 'at_risk' }, 'grant:at-risk')
  }

  const isLive = async ({ grant }: Opened): Promise<boolean> => grant.expiresAt === null || grant.expiresAt > (await storage.now())

  /** One call, and its tokens stored. After our patience the call goes on, and a late answer is still stored. */
  const callOnce = async (opened: Opened, call: () => Promise<Tokens>, owner: string, why: Why, startedAt: number): Promise<Failed | undefined> => {
    const flight = (async (): Promise<Failed | undefined> => {
      let tokens: Tokens
      try {
        tokens = await call()
      } catch (error) {
        return { error: asPublishError(opened, error), late: false }
      }
      try {
        await keepTokens(deps, { opened, tokens, owner, why, startedAt })
      } catch (error) {
        await giveUp(opened, 'the renewed tokens could not be stored').catch(() => false)
        throw error
      }
      return undefined
    })()
    flying.add(flight)
    void flight.catch(() => undefined).then(() => flying.delete(flight))
    const answer = await patiently(clock, flight)
    if (answer !== late) return answer
    const { adapter } = opened
    return {
      late: true,
      error: new PublishError('transient', `${adapter.name} did not answer a refresh within ${patienceMs / 1000} s.`, {
        platform: adapter.id,
        outcome: 'unknown',
      }),
    }
  }

  /** What is left to do after a refresh without new tokens. Undefined: look at the row again. */
  const afterFailure = async (opened: Opened, { error }: Failed, owner: string, why: Why, startedAt: number): Promise<Opened | undefined> => {
    const { tenant, id } = opened.grant
    if (error.code === 'auth') {
      const told = await giveUp(opened, error.platformCode ?? 'refused')
      if (told) throw reconnectNeeded(opened.adapter, error.platformCode ?? 'refused')
      return undefined
    }
    const unknown = error.outcome === 'unknown'
    if (unknown && !mayRepeat(opened.renewal, (await storage.now()) - startedAt)) await warn(opened)
    else await connections.unlease(tenant, id, owner)
    coolUntil.set(id, clock.elapsed() + coolDownMs)
    if (why.is === 'use' && (await isLive(opened))) return opened
    throw beforePublishing(error)
  }

  const renew = async (opened: Opened, why: Why): Promise<Opened | undefined> => {
    const { tenant, id, version } = opened.grant
    const call = await prepareRenewal(deps, clients, opened)
    const owner = newId(random)
    const startedAt = await storage.now()
    if (!(await connections.lease(tenant, id, version, owner, refreshLeaseMs))) return undefined
    for (let n = 0; ; n++) {
      const failed = await callOnce(opened, call, owner, why, startedAt)
      // What has just come is used, however short its life: asking again would go on for ever.
      if (!failed) return openGrant(deps, tenant, id)
      const pauseMs = repeatAfterMs[n]
      const again = failed.error.outcome === 'unknown' && !failed.late && mayRepeat(opened.renewal, (await storage.now()) - startedAt)
      if (!again || pauseMs === undefined) return afterFailure(opened, failed, owner, why, startedAt)
      await clock.sleep(pauseMs)
    }
  }

  const cooling = async (opened: Opened, why: Why): Promise<boolean> =>
    why.is === 'use' && (coolUntil.get(opened.grant.id) ?? 0) > clock.elapsed() && (await isLive(opened))

  const settle = async (tenant: string, grantId: string, why: Why): Promise<Opened | undefined> => {
    for (let n = 0, waitedMs = 0; ; n++) {
      const opened = await openGrant(deps, tenant, grantId)
      if (!opened) return undefined
      const standing = standingOf(opened)
      // The host's own clock may say that there is plenty of time left; that there is too little only the database's may.
      if (why.is === 'use' && nextMove(standing, why, clock.now() + 60_000).do === 'use') return opened
      const move = nextMove(standing, why, await storage.now())
      if (move.do === 'use') return opened
      if (move.do === 'give-up') {
        if (await giveUp(opened, move.because)) throw reconnectNeeded(opened.adapter, move.because)
      } else if (move.do === 'warn') {
        await warn(opened)
        return opened
      } else if (move.do === 'renew') {
        if (await cooling(opened, why)) return opened
        const renewed = await renew(opened, why)
        if (renewed) return renewed
      }
      if (waitedMs >= longestWaitMs) throw busy(opened, move.do === 'wait' ? move.forMs : longestWaitMs)
      const pauseMs = n === 0 && move.do !== 'wait' ? 0 : (pollMs[Math.min(n, pollMs.length - 1)] ?? 1_000)
      await clock.sleep(pauseMs)
      waitedMs += pauseMs
    }
  }

  const fresh: Refresh['fresh'] = (tenant, grantId, why) => {
    const key = JSON.stringify([tenant, grantId, why.is])
    const flight = running.get(key) ?? settle(tenant, grantId, why).finally(() => running.delete(key))
    running.set(key, flight)
    return flight
  }

  const drain = async () => {
    if (flying.size > 0) await patiently(clock, Promise.allSettled([...flying]))
  }
  return { fresh, giveUp, drain }
}

const busy = ({ adapter }: Opened, retryAfterMs: number): PublishError =>
  new PublishError('not-ready', `${adapter.name}: the credentials are being renewed by another process. It is tried again.`, {
    platform: adapter.id,
    retryAfterMs,
  })
