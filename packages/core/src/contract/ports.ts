// What core needs from the outside world. Every one can be replaced, so that a test owns time, chance and the network.

/** Milliseconds throughout. `now` is the wall clock (epoch), `elapsed` the monotonic one: skew and suspend are two different faults. */
export interface Clock {
  now(): number
  elapsed(): number
  /** Resolves after `ms`; resolves early, never rejects, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Chance, as a port: a test gives its own. */
export interface Random {
  bytes(length: number): Uint8Array
  /** 0 ≤ x < 1; for jitter only, never for secrets. */
  fraction(): number
}

/**
 * The network. The default reaches public addresses only, ignores proxy variables, never follows a redirect by itself,
 * and marks failures that happened before any byte left (see `notSent`).
 */
export type Fetch = (request: Request) => Promise<Response>

const notSentMark = Symbol.for('syndikit.notSent')

/** Marks a network failure as one where the request certainly did not leave: it may be repeated freely. */
export const markNotSent = <E extends object>(error: E): E => Object.defineProperty(error, notSentMark, { value: true })

const codesBeforeSending = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** Whether a network failure happened before any byte of the request left: marked by the transport, or known by its code (foreign transports). */
export const notSent = (error: unknown): boolean => {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; at = (at as { cause?: unknown }).cause, depth++) {
    if (notSentMark in at) return true
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && (codesBeforeSending.has(code) || code.startsWith('CERT_') || code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')))
      return true
  }
  return false
}

/** pino's shape. Core never passes a secret, a content or a query string. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
