// What teaches Syndikit one platform. Data before code; a missing method is a missing capability.

import type { Account, Auth } from './auth.ts'
import type { ErrorCode } from './error.ts'
import type { Http, Reply } from './http.ts'
import type { Reading, Support } from './kind.ts'

/** First matching row wins; a row's key is the platform's code, or a pattern of `code` or `message`. Where none matches, the HTTP status decides. */
export interface Errors {
  read(reply: Reply): { code?: string; message?: string; retryAfterMs?: number }
  table: readonly (readonly [
    code: string | RegExp,
    is: ErrorCode,
    more?: { afterMs?: number /** A refusal that may have published all the same. */; perhapsLive?: true },
  ])[]
}

/** A window the platform counts in. Taken before each commit of the action, kept in storage. */
export interface Rate {
  readonly on: 'publish' | 'update' | 'unpublish' | 'refresh'
  readonly limit: number
  readonly windowMs: number
  readonly per: 'app' | 'account'
}

/**
 * One platform as data and methods. It never sleeps, retries, logs, or reads a clock or the environment; what is missing is what the platform, or the adapter,
 * cannot do.
 */
export interface Adapter<Id extends string = string, S extends Support = Support> {
  readonly contract: 1
  /** Lower case, as in `variants` and on every row. */
  readonly id: Id
  /** As people write it: `X`, `Bluesky`. Error messages begin with it. */
  readonly name: string
  /** Ways to connect; the first is the default. */
  readonly auth: readonly Auth[]
  readonly http: {
    readonly base: string | ((account: Pick<Account, 'server'>) => string)
    /** The only hosts that get credentials. A function where the account's server is one of them. */
    readonly hosts: readonly string[] | ((account: Pick<Account, 'server'>) => readonly string[])
    readonly headers?: Readonly<Record<string, string>>
    /** Default 30 s. The lease is always longer. */
    readonly timeoutMs?: number
  }
  /** The accounts a grant opens. Asked after connecting, daily, and after `permission`. */
  accounts(reading: { http: Http; server?: string; fields?: Readonly<Record<string, string>> }): Promise<Account[]>
  readonly content: readonly S[]
  readonly errors: Errors
  readonly rates?: readonly Rate[]
  /** Least distance between two publishes of one connection. */
  readonly paceMs?: number
  /** What the platform says is left, read from every reply. */
  rateOf?(headers: Headers): { remaining: number; resetAt: Date } | undefined
  quotas?(reading: Reading): Promise<{ name: string; used: number; limit: number; windowMs: number }[]>
}

/** Checks and returns an adapter with its types kept: the last call in every adapter package. */
export const defineAdapter = <const Id extends string, S extends Support>(adapter: Adapter<Id, S>): Adapter<Id, S> => adapter
