// The HTTP client that adapters get: credentials, renewal, errors; a call is repeated only where nothing can happen twice.

import pRetry from 'p-retry'
import type { Adapter } from '../contract/adapter.ts'
import type { Applied } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Call, Http, Method, Reply } from '../contract/http.ts'
import { accepted } from './answer.ts'
import { errorOf } from './errors.ts'
import { type ExchangeOptions, exchange, nameOf, secretsOf } from './exchange.ts'

export type { Exchange } from './exchange.ts'

/**
 * What the caller is doing. `commit`: never repeated. `prepare` and `read`: repeated after a transient fault, because what they leave is invisible.
 * `silent`: on the way to a commit that an earlier run began, and after the end of a run, nothing may be asked or sent.
 */
export type CallMode = 'read' | 'prepare' | 'commit' | 'silent'

/** What a client is made of: the adapter, the ports, and what the caller is doing. */
export interface HttpOptions extends ExchangeOptions {
  /** No call takes longer, whatever the adapter says. */
  mostMs?: number | undefined
  /** What every call to the platform's own hosts carries. Absent before an account is connected. */
  credentials?: () => Promise<Applied>
  /** For calls of a consent: errors advise the person who gives it. */
  connecting?: boolean
  /** Asked once after an `auth` answer. True: there are new credentials, the call is repeated. */
  renew?: (used: Applied) => Promise<boolean>
  /** Default: `read` for GET, `prepare` for the rest. Asked once per call. */
  mode?: (method: string) => CallMode
  /** Asked in the turn in which the bytes of a commit leave; throws where they may not. */
  leave?: () => void
  /** Bounds how many calls run side by side. */
  limit?: <T>(mode: CallMode, work: () => Promise<T>) => Promise<T>
  /** Of commits only: platforms count every endpoint by itself. */
  onRate?: (rate: { remaining: number; resetAt: Date }) => void
}

const repeatAfterMs = [500, 2_000]
/** A platform that asks for longer is left alone until the next run. */
const longestRepeatMs = 5_000
const defaultTimeoutMs = 30_000

/** The longest an ordinary call of this platform may take. A commit never takes longer: its lease is measured by it. */
export const timeoutOf = (adapter: Pick<Adapter, 'http'>, mostMs = Number.POSITIVE_INFINITY): number =>
  Math.min(adapter.http.timeoutMs ?? defaultTimeoutMs, mostMs)

const timeOf = ({ adapter, mostMs }: HttpOptions, call: Call<unknown>, mode: CallMode): number => {
  const usual = timeoutOf(adapter, mostMs)
  const asked = call.timeoutMs ?? usual
  return mode === 'commit' ? Math.min(asked, usual) : asked
}

/** An adapter's slip in reading headers must not turn a good answer into one that nobody understood. */
const rateOf = ({ adapter }: HttpOptions, { headers }: Reply): { remaining: number; resetAt: Date } | undefined => {
  try {
    const rate = adapter.rateOf?.(headers)
    return rate && Number.isFinite(rate.remaining) && Number.isFinite(rate.resetAt.getTime()) ? rate : undefined
  } catch {
    return undefined
  }
}

const asked = async <T>(options: HttpOptions, method: string, url: string, call: Call<T>, mode: CallMode): Promise<T> => {
  const { adapter, clock } = options
  const timeoutMs = timeOf(options, call, mode)
  const leave = mode === 'commit' ? options.leave : undefined
  let applied = call.foreign ? undefined : await options.credentials?.()
  for (let renewed = false; ; renewed = true) {
    const reply = await exchange(options, { method, url, call, applied, timeoutMs, leave })
    const rate = rateOf(options, reply)
    if (rate && mode === 'commit') options.onRate?.(rate)
    const what = nameOf(options, { method, url, call, applied })
    if (reply.status >= 200 && reply.status < 300) return accepted(reply, call, what, adapter)
    const error = errorOf(reply, { platform: adapter, what, secrets: secretsOf(applied), connecting: options.connecting, resetAt: rate?.resetAt }, clock.now())
    // A commit goes once more only where the refusal is definite: what a gateway says in the platform's place is none.
    const again = error.code === 'auth' && !renewed && applied && (mode !== 'commit' || error.outcome === 'not-published')
    if (!again || !applied || !(await options.renew?.(applied))) throw error
    applied = await options.credentials?.()
  }
}

const mayRepeat = (error: unknown): boolean =>
  PublishError.is(error) && (error.code === 'transient' || error.code === 'unknown') && (error.retryAfterMs ?? 0) <= longestRepeatMs

const pauseMs = (error: unknown, attempt: number): number => Math.max(repeatAfterMs[attempt - 1] ?? 0, PublishError.is(error) ? (error.retryAfterMs ?? 0) : 0)

const methodOf =
  (options: HttpOptions, name: string): Method =>
  (url, call = {}) => {
    const mode = options.mode?.(name) ?? (name === 'GET' ? 'read' : 'prepare')
    if (mode === 'silent') {
      return Promise.reject(
        new TypeError(
          `${options.adapter.name}: its adapter called ${name} ${url.split('?')[0]} on the way to a commit that an earlier run began, or after its run had ended. Put the call inside \`once\`, so that its answer is kept, and await it.`,
        ),
      )
    }
    const work = () => asked(options, name, url, call, mode)
    const limited = () => (options.limit ? options.limit(mode, work) : work())
    if (mode === 'commit') return limited()
    return pRetry(limited, {
      retries: repeatAfterMs.length,
      minTimeout: 0,
      shouldRetry: ({ error }) => mayRepeat(error),
      onFailedAttempt: ({ error, attemptNumber, retriesLeft }) =>
        retriesLeft > 0 && mayRepeat(error) ? options.clock.sleep(pauseMs(error, attemptNumber)) : undefined,
    })
  }

/** The client that adapters get, for tests of an adapter outside an engine. */
export const createHttp = (options: HttpOptions): Http => ({
  get: methodOf(options, 'GET'),
  post: methodOf(options, 'POST'),
  put: methodOf(options, 'PUT'),
  patch: methodOf(options, 'PATCH'),
  delete: methodOf(options, 'DELETE'),
})
