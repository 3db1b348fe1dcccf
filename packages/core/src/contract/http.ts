// The HTTP client an adapter gets: the platform's base URL, credentials, time-outs, rate headers, redaction and error mapping are applied by core.

import type { z } from 'zod'
import type { Json } from './json.ts'
import type { Media } from './media.ts'

/** A whole answer, 8 MB at most, read before the time-out. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  /** `undefined` where the body is not JSON. */
  readonly json: unknown
  /** The body as UTF-8. */
  readonly text: string
  /** The body as it came, for files. Every answer to an adapter's call has it; a token endpoint's has not. */
  readonly bytes?: Uint8Array
}

/** One request of an adapter. Of `json`, `form`, `fields` and `body` at most one; more is a `TypeError`. */
export interface Call<T> {
  query?: Readonly<Record<string, string | number | boolean | undefined>>
  json?: Json
  /** Multipart. A `Media` is streamed. */
  form?: Readonly<Record<string, string | Blob | Media>>
  /** `application/x-www-form-urlencoded`. */
  fields?: Readonly<Record<string, string>>
  /** A `Media` is streamed with its length. */
  body?: Uint8Array | Media
  headers?: Readonly<Record<string, string>>
  /** The fields that are read: a schema of the body, or a function where status or headers speak. A 2xx body that does not fit is an unreadable answer. */
  accept?: z.ZodType<T> | ((reply: Reply) => T)
  /** Any public http or https address, without credentials. Default: only `hosts`, with them. */
  foreign?: true
  /** Ends the call after this long. Default: the adapter's `timeoutMs`. */
  timeoutMs?: number
}

/**
 * Resolves with what `accept` makes of a 2xx answer, and nothing without it. Rejects with a `PublishError` for every other answer and every fault of the
 * network; GETs and calls outside of a commit are repeated twice after a transient one, a commit never.
 */
export type Method = <T = void>(url: string, call?: Call<T>) => Promise<T>

/** Paths are relative to the adapter's base; a whole URL may name any of its hosts. Every failure is a `PublishError`. */
export interface Http {
  get: Method
  post: Method
  put: Method
  patch: Method
  delete: Method
}
