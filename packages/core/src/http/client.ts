// The HTTP client that adapters get. One call: address, credentials, time-out, answer, error; repeated only where nothing can happen twice.

import ky from 'ky'
import pRetry from 'p-retry'
import type { Adapter } from '../contract/adapter.ts'
import type { Applied } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Call, Http, Method, Reply } from '../contract/http.ts'
import { type Clock, type Fetch, notSent, type Random } from '../contract/ports.ts'
import { systemRandom } from '../ports/system.ts'
import { errorOf } from './errors.ts'
import { redact } from './redact.ts'
import { addressOf, bodyOf, headersOf } from './request.ts'

/**
 * What the caller is doing. `commit`: never repeated. `prepare` and `read`: repeated after a transient fault, because what they leave is invisible.
 * `silent`: on the way to a commit that an earlier run began nothing may be asked or sent.
 */
export type CallMode = 'read' | 'prepare' | 'commit' | 'silent'

/** What went over the wire, as far as it may be kept: for attempts and `explain`. */
export interface Exchange {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly status?: number
  readonly error?: string
  readonly tookMs: number
}

export interface HttpOptions {
  adapter: Pick<Adapter, 'id' | 'name' | 'http' | 'errors' | 'rateOf'>
  server?: string | undefined
  fetch: Fetch
  clock: Clock
  random?: Random
  /** No call takes longer, whatever the adapter says. */
  mostMs?: number | undefined
  /** What every call to the platform's own hosts carries. Absent before an account is connected. */
  credentials?: () => Promise<Applied>
  /** Asked once after an `auth` answer. True: there are new credentials, the call is repeated. */
  renew?: (used: Applied) => Promise<boolean>
  /** Default: `read` for GET, `prepare` for the rest. */
  mode?: (method: string) => CallMode
  /** Bounds how many calls run side by side. */
  limit?: <T>(mode: CallMode, work: () => Promise<T>) => Promise<T>
  onExchange?: (exchange: Exchange) => void
  /** Of commits only: platforms count every endpoint by itself. */
  onRate?: (rate: { remaining: number; resetAt: Date }) => void
}

const longestAnswer = 8 * 1024 * 1024
const repeatAfterMs = [500, 2_000]

const readBody = async (response: Response, platform: string): Promise<Buffer> => {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > longestAnswer) throw new PublishError('unknown', `${platform} sent an answer of more than ${longestAnswer} bytes; it was not read.`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

const parsed = (text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

const secretsOf = (applied: Applied | undefined): string[] =>
  applied
    ? [applied.bearer, applied.basic?.[1], ...Object.values(applied.headers ?? {}), ...Object.values(applied.query ?? {})].filter(
        (value) => value !== undefined,
      )
    : []

/** What the adapter reads from a good answer. Anything else is an answer that nobody understood: after a commit its outcome is unknown. */
const read = <T>(reply: Reply, call: Call<T>, what: string, platform: { id: string; name: string }): T => {
  const { accept } = call
  if (accept === undefined) return undefined as T
  if (typeof accept === 'function') {
    try {
      return accept(reply)
    } catch (cause) {
      if (PublishError.is(cause)) throw cause
      throw new PublishError('unknown', `${platform.name} answered ${reply.status} to ${what} with something its adapter does not understand.`, {
        platform: platform.id,
        status: reply.status,
      })
    }
  }
  const result = accept.safeParse(reply.json)
  if (result.success) return result.data
  const where = reply.json === undefined ? 'it is not JSON' : `at ${result.error.issues[0]?.path.join('/') || 'the top'}: ${result.error.issues[0]?.code}`
  throw new PublishError('unknown', `${platform.name} answered ${reply.status} to ${what} with a body that cannot be read (${where}).`, {
    platform: platform.id,
    status: reply.status,
  })
}

const defaultTimeoutMs = 30_000

/** The longest an ordinary call of this platform may take. A commit never takes longer: its lease is measured by it. */
export const timeoutOf = (adapter: Pick<Adapter, 'http'>, mostMs = Number.POSITIVE_INFINITY): number =>
  Math.min(adapter.http.timeoutMs ?? defaultTimeoutMs, mostMs)

const timeOf = ({ adapter, mostMs }: HttpOptions, call: Call<unknown>, mode: CallMode): number => {
  const usual = timeoutOf(adapter, mostMs)
  const asked = call.timeoutMs ?? usual
  return mode === 'commit' ? Math.min(asked, usual) : asked
}

export const createHttp = (options: HttpOptions): Http => {
  const { adapter, clock } = options
  const unique = () => Buffer.from((options.random ?? systemRandom).bytes(12)).toString('hex')

  const exchange = async <T>(method: string, url: string, call: Call<T>, applied: Applied | undefined, mode: CallMode): Promise<Reply> => {
    const { address, own } = addressOf({ adapter, server: options.server }, url, call)
    const carried = own ? applied : undefined
    for (const [name, value] of Object.entries(carried?.query ?? {})) address.searchParams.set(name, value)
    const { body, headers: bodyHeaders } = bodyOf(call, unique)
    const headers = headersOf(adapter, { ...call, headers: { ...bodyHeaders, ...call.headers } }, carried)
    const timeoutMs = timeOf(options, call, mode)
    const aborter = new AbortController()
    const timer = new AbortController()
    void clock.sleep(timeoutMs, timer.signal).then(() => timer.signal.aborted || aborter.abort())
    const what = `${method} ${address.pathname}`
    const startedAt = clock.elapsed()
    const told = (more: { status?: number; error?: string }) =>
      options.onExchange?.({
        method,
        host: address.host,
        path: redact(address.pathname, secretsOf(applied)),
        tookMs: Math.round(clock.elapsed() - startedAt),
        ...more,
      })
    try {
      const response = await ky(address, {
        method,
        headers,
        ...(body !== undefined && { body }),
        fetch: (input, init) => options.fetch(new Request(input as Request, init)),
        redirect: 'manual',
        retry: 0,
        timeout: false,
        throwHttpErrors: false,
        signal: aborter.signal,
      })
      const bytes = await readBody(response, adapter.name)
      told({ status: response.status })
      const text = bytes.toString('utf8')
      return { status: response.status, headers: response.headers, bytes, text, json: parsed(text) }
    } catch (cause) {
      if (PublishError.is(cause) && !notSent(cause)) throw cause
      throw networkError(cause, what, aborter.signal.aborted ? timeoutMs : undefined, told)
    } finally {
      timer.abort()
    }
  }

  const networkError = (cause: unknown, what: string, timedOutMs: number | undefined, told: (more: { error: string }) => void): PublishError => {
    if (PublishError.is(cause)) {
      told({ error: cause.code })
      return cause
    }
    const unsent = notSent(cause)
    const code = codeOf(cause)
    told({ error: timedOutMs === undefined ? code : 'time-out' })
    const why = timedOutMs === undefined ? `could not be reached for ${what} (${code})` : `did not answer ${what} within ${timedOutMs / 1000} s`
    return new PublishError('transient', `${adapter.name} ${why}. ${unsent ? 'Nothing was sent.' : 'It may have arrived.'}`, {
      platform: adapter.id,
      outcome: unsent ? 'not-published' : 'unknown',
    })
  }

  const once = async <T>(method: string, url: string, call: Call<T>, mode: CallMode): Promise<T> => {
    let applied = call.foreign ? undefined : await options.credentials?.()
    const what = `${method} ${addressOf({ adapter, server: options.server }, url, { ...call, query: {} }).address.pathname}`
    for (let renewed = false; ; renewed = true) {
      const reply = await exchange(method, url, call, applied, mode)
      const rate = mode === 'commit' ? adapter.rateOf?.(reply.headers) : undefined
      if (rate) options.onRate?.(rate)
      if (reply.status >= 200 && reply.status < 300) return read(reply, call, what, adapter)
      const error = errorOf(reply, { platform: adapter, what, secrets: secretsOf(applied), resetAt: adapter.rateOf?.(reply.headers)?.resetAt }, clock.now())
      if (error.code !== 'auth' || renewed || !applied || !(await options.renew?.(applied))) throw error
      applied = await options.credentials?.()
    }
  }

  const mayRepeat = (error: unknown): boolean =>
    PublishError.is(error) && (error.code === 'transient' || error.code === 'unknown') && (error.retryAfterMs ?? 0) <= 5_000

  const method =
    (name: string): Method =>
    (url, call = {}) => {
      const mode = options.mode?.(name) ?? (name === 'GET' ? 'read' : 'prepare')
      if (mode === 'silent') {
        return Promise.reject(
          new TypeError(
            `${adapter.name}: its adapter called ${name} ${url.split('?')[0]} on the way to a commit that an earlier run began. Put the call inside \`once\`, so that its answer is kept.`,
          ),
        )
      }
      const work = () => once(name, url, call, mode)
      const limited = () => (options.limit ? options.limit(mode, work) : work())
      if (mode === 'commit') return limited()
      return pRetry(limited, {
        retries: repeatAfterMs.length,
        minTimeout: 0,
        shouldRetry: ({ error }) => mayRepeat(error),
        onFailedAttempt: ({ error, attemptNumber, retriesLeft }) =>
          retriesLeft > 0 && mayRepeat(error) ? clock.sleep(repeatAfterMs[attemptNumber - 1] ?? 0) : undefined,
      })
    }

  return { get: method('GET'), post: method('POST'), put: method('PUT'), patch: method('PATCH'), delete: method('DELETE') }
}

const codeOf = (error: unknown): string => {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; at = (at as { cause?: unknown }).cause, depth++) {
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  }
  return 'network error'
}
