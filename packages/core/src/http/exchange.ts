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

/** Sends once. Rejects with a `PublishError` for whatever happens on the network, and with a `TypeError` for a call that cannot be made. */
export const exchange = async <T>(options: ExchangeOptions, asked: Asked<T>): Promise<Reply> => {
  const { adapter, clock } = options
  const { address, init, broke } = requestOf(options, asked)
  const [aborter, timer] = [new AbortController(), new AbortController()]
  void clock.sleep(asked.timeoutMs, timer.signal).then(() => timer.signal.aborted || aborter.abort())
  const startedAt = clock.elapsed()
  const told = (more: { status: number } | { error: string }) => {
    const path = redact(address.pathname, secretsOf(asked.applied))
    options.onExchange?.({ method: asked.method, host: address.host, path, tookMs: Math.round(clock.elapsed() - startedAt), ...more })
  }
  try {
    const response = await ky(address, {
      ...init,
      fetch: async (input, more) => {
        const request = new Request(input as Request, more)
        asked.leave?.()
        return options.fetch(request)
      },
      redirect: 'manual',
      retry: 0,
      timeout: false,
      throwHttpErrors: false,
      signal: aborter.signal,
    })
    const reply = await replyOf(response, adapter.name, aborter.signal)
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
