// The one error class of Syndikit, and the codes an adapter's error table maps to.

import type { Problem } from './limits.ts'

/**
 * What went wrong, in words that decide what core does next (see `engine/error-rules.ts`).
 * `stale`: what was prepared is gone, prepare again. `setup`: the app's owner must act. `policy`: the platform restricts the account.
 */
export const errorCodes = [
  'auth',
  'permission',
  'rate',
  'duplicate',
  'invalid',
  'media',
  'not-ready',
  'stale',
  'gone',
  'policy',
  'setup',
  'transient',
  'unknown',
] as const
/** See `errorCodes`. What core does about each once nothing was published: `docs/how-it-works.md`. */
export type ErrorCode = (typeof errorCodes)[number]

/** `not-published`: the platform certainly did nothing. `unknown`: it may have. */
export type Outcome = 'not-published' | 'unknown'

/** What an error knows beside its code and its words. */
export interface PublishErrorDetails {
  /** Default `not-published`; for the codes `transient` and `unknown`, `unknown`. */
  outcome?: Outcome | undefined
  platform?: string | undefined
  /** How long the platform asked to wait, in milliseconds. */
  retryAfterMs?: number | undefined
  cause?: unknown
  /** Everything that is wrong with a content, never just the first thing. */
  problems?: readonly Problem[] | undefined
  /** The platform's own code and HTTP status, for people who look it up in its manual. */
  platformCode?: string | undefined
  status?: number | undefined
}

const brand = Symbol.for('syndikit.PublishError')

/**
 * Thrown by adapters and by every call of Syndikit that fails for a reason other than a bug.
 * Recognise it with `PublishError.is(error)`, which also works across two installed copies of core.
 * The message begins with the platform where there is one, says what to do, and holds no token, no body and no query string.
 */
export class PublishError extends Error {
  override readonly name = 'PublishError'
  readonly code: ErrorCode
  readonly outcome: Outcome
  readonly platform: string | undefined
  readonly retryAfterMs: number | undefined
  readonly problems: readonly Problem[]
  readonly platformCode: string | undefined
  readonly status: number | undefined

  constructor(code: ErrorCode, message: string, details: PublishErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    Object.defineProperty(this, brand, { value: true })
    this.code = code
    this.outcome = details.outcome ?? (code === 'transient' || code === 'unknown' ? 'unknown' : 'not-published')
    this.platform = details.platform
    this.retryAfterMs = details.retryAfterMs
    this.problems = details.problems ?? []
    this.platformCode = details.platformCode
    this.status = details.status
  }

  static is(error: unknown): error is PublishError {
    return typeof error === 'object' && error !== null && brand in error
  }
}
