// One exchange with a platform: one request, one answer or one failure, with a time-out. Nothing is repeated here.

import ky from 'ky'
import type { Adapter } from '../contract/adapter.ts'
import type { Applied } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Call, Reply } from '../contract/http.ts'
import { type Clock, type Fetch, notSent, type Random } from '../contract/ports.ts'
import { systemRandom } from '../ports/system.ts'
import { replyOf } from './answer.ts'
import { redact } from './redact.ts'
import { addressOf, bodyOf, headersOf, watched } from './request.ts'

/** What went over the wire, as far as it may be kept: for attempts and `explain`. */
export interface Exchange {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly status?: number
  readonly error?: string
  readonly tookMs: number
}

export interface ExchangeOptions {
  adapter: Pick<Adapter, 'id' | 'name' | 'http' | 'errors' | 'rateOf'>
  server?: string | undefined
  fetch: Fetch
  clock: Clock
  random?: Random
  onExchange?: (exchange: Exchange) => void
}

export interface Asked<T> {
  readonly method: string
  readonly url: string
  readonly call: Call<T>
  readonly applied: Applied | undefined
  readonly timeoutMs: number
  /** In the turn in which the bytes leave. What it throws ends the exchange before it began. */
  readonly leave?: (() => void) | undefined
}

/** Every form in which a credential goes over the wire. */
export const secretsOf = (applied: Applied | undefined): string[] =>
  applied
    ? [
        applied.bearer,
        applied.basic?.[1],
        applied.basic && Buffer.from(applied.basic.join(':')).toString('base64'),
        ...Object.values(applied.headers ?? {}),
        ...Object.values(applied.query ?? {}),
      ].filter((value) => value !== undefined)
    : []

const codeOf = (error: unknown): string => {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; at = (at as { cause?: unknown }).cause, depth++) {
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  }
  return 'network error'
}

const networkError = (adapter: ExchangeOptions['adapter'], cause: unknown, what: string, timedOutMs: number | undefined): PublishError => {
  const unsent = notSent(cause)
  const why = timedOutMs === undefined ? `could not be reached for ${what} (${codeOf(cause)})` : `did not answer ${what} within ${timedOutMs / 1000} s`
  return new PublishError('transient', `${adapter.name} ${why}. ${unsent ? 'Nothing was sent.' : 'It may have arrived.'}`, {
    platform: adapter.id,
    outcome: unsent ? 'not-published' : 'unknown',
  })
}

const requestOf = <T>({ adapter, server, random = systemRandom }: ExchangeOptions, { method, url, call, applied }: Asked<T>) => {
  const { address, own } = addressOf({ adapter, server }, url, call)
  const carried = own ? applied : undefined
  for (const [name, value] of Object.entries(carried?.query ?? {})) address.searchParams.set(name, value)
  const made = bodyOf(call, () => Buffer.from(random.bytes(12)).toString('hex'))
  const { headers } = made
  const { body, broke } = watched(made.body)
  return {
    address,
    broke,
    init: { method, headers: headersOf(adapter, { ...call, headers: { ...headers, ...call.headers } }, carried), ...(body !== undefined && { body }) },
  }
}

/** What a call is called in messages: its method and path, without what is secret in it. */
export const nameOf = <T>({ adapter, server }: ExchangeOptions, { method, url, call, applied }: Omit<Asked<T>, 'timeoutMs'>): string =>
  redact(`${method} ${addressOf({ adapter, server }, url, { ...call, query: {} }).address.pathname}`, secretsOf(applied))

/** After a time-out, for the network to say whether anything had left. */
const lastWordMs = 1_000

/**
 * Ends a call that the network does not end by itself: one that takes no notice of the signal, or never hears of it. The signal of a `Request` follows ours by weak references, so
 * where nothing but that signal is kept, it is collected together with everything that waits for it.
 */
const orEnds = async <T>(clock: Clock, timer: AbortSignal, aborter: AbortController, timeoutMs: number, sent: Promise<T>): Promise<T> => {
  const ended = new Promise<never>((_, reject) => {
    void clock.sleep(timeoutMs, timer).then(async () => {
      if (timer.aborted) return
      aborter.abort()
      await clock.sleep(lastWordMs, timer)
      reject(aborter.signal.reason)
    })
  })
  return Promise.race([sent, ended])
}

const send = async <T>(options: ExchangeOptions, { leave }: Asked<T>, { address, init }: ReturnType<typeof requestOf>, signal: AbortSignal): Promise<Reply> => {
  const response = await ky(address, {
    ...init,
    fetch: async (input, more) => {
      const request = new Request(input as Request, more)
      leave?.()
      return options.fetch(request)
    },
    redirect: 'manual',
    retry: 0,
    timeout: false,
    throwHttpErrors: false,
    signal,
  })
  return replyOf(response, options.adapter.name, signal)
}

/** Sends once. Rejects with a `PublishError` for whatever happens on the network, and with a `TypeError` for a call that cannot be made. */
export const exchange = async <T>(options: ExchangeOptions, asked: Asked<T>): Promise<Reply> => {
  const { adapter, clock } = options
  const made = requestOf(options, asked)
  const { address, broke } = made
  const [aborter, timer] = [new AbortController(), new AbortController()]
  const startedAt = clock.elapsed()
  const told = (more: { status: number } | { error: string }) => {
    const path = redact(address.pathname, secretsOf(asked.applied))
    options.onExchange?.({ method: asked.method, host: address.host, path, tookMs: Math.round(clock.elapsed() - startedAt), ...more })
  }
  try {
    const reply = await orEnds(clock, timer.signal, aborter, asked.timeoutMs, send(options, asked, made, aborter.signal))
    if (broke() !== undefined) throw broke()
    told({ status: reply.status })
    return reply
  } catch (error) {
    const cause = broke() ?? error
    const timedOut = aborter.signal.aborted
    told({ error: PublishError.is(cause) ? cause.code : timedOut ? 'time-out' : codeOf(cause) })
    if (PublishError.is(cause)) throw cause
    throw networkError(adapter, cause, nameOf(options, asked), timedOut ? asked.timeoutMs : undefined)
  } finally {
    timer.abort()
  }
}
