// How a tenant gives consent, as data. Core does the flows.

import type { z } from 'zod'
import type { Http } from './http.ts'
import type { Json } from './json.ts'

const redacted = '[secret]'

/** A value that must not be printed: it shows as `[secret]` in strings, JSON, `util.inspect` and structured clones. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return redacted
  }
  toJSON(): string {
    return redacted
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted
  }
}

/** One place a tenant can publish to. A grant (one consent) yields one or more. */
export interface Account {
  /** The platform's own id: stable, not a handle. */
  id: string
  /** What people call it: a handle, a page's name. */
  name: string
  url?: string
  /** Where it lives, on platforms with many servers: an origin, no trailing slash. */
  server?: string
  /** The account's own token, where the grant's is only the key to it. Sealed, then removed from here. */
  token?: string
  /** Plan, instance limits, permissions: read again daily. */
  facts?: Json
}

/** What a log-in or refresh yields. */
export interface Tokens {
  access: string
  refresh?: string
  expiresInMs?: number
  /** The server that all later calls go to, where logging in tells it. */
  server?: string
}

/** A token request that differs from RFC 6749; what is not named is as in the RFC. */
export interface TokenCall {
  url?: string
  method?: 'GET' | 'POST'
  grantType?: string
  /** Parameter that carries the old token. */
  tokenParam?: string
  /** The old token must be at least this old. */
  minAgeMs?: number
}

/** What a refresh does to the old refresh token. A grace in ms, or the whole family dies on reuse. */
export type Rotation = 'none' | 'strict' | 'family' | { graceMs: number }

/** The app at one authorization server. */
export interface OAuthClient {
  id: string
  secret?: string
  authorizeUrl: string
  tokenUrl: string
  /** Only where ending one token leaves the account's other tokens alone: another tenant may have connected the same account. */
  revokeUrl?: string
  /** How the client proves itself at the token endpoint. Default: `basic` with a secret, `none` without. */
  auth?: 'basic' | 'body' | 'none'
  /** Parameter name of the client id, where it is not `client_id`. */
  idParam?: string
  /** Who the server says it is (RFC 9207): an `iss` in the callback must be exactly this. Without it, an `iss` must be of the host that authorizes. */
  issuer?: string
  /** The server says that every callback carries `iss`: one without is refused. */
  sendsIss?: boolean
}

/** The authorization code flow; what a platform does otherwise is said here. `state` is always there, `iss` is checked where it comes back. */
export interface OAuth2 {
  type: 'oauth2'
  /** Fixed, or found and registered on the server that the user names: asked once per tenant, server and redirect URI, kept sealed. */
  client: OAuthClient | ((at: { server: string; redirectUri: string; http: Http }) => Promise<OAuthClient>)
  scopes: readonly string[]
  scopeSeparator?: ' ' | ','
  /** Further parameters of the authorization URL. */
  params?: Readonly<Record<string, string>>
  /** Default true: S256. */
  pkce?: boolean
  exchange?: TokenCall
  /** A second call that turns the first token into a long-lived one. */
  extend?: TokenCall
  /** `false`: the platform has no refresh; the token lives until it is revoked or ends. */
  refresh?: TokenCall | false
  /** Life of an access token where the answer does not say. */
  lifeMs?: number
  refreshLifeMs?: number
  /** Default `strict`. */
  rotation?: Rotation
  /** Reads a token answer that differs from the RFC. */
  tokens?: z.ZodType<Tokens>
}

/** What the user typed, by name, closed until `reveal()`. */
export type Fields<F extends z.ZodObject> = { readonly [K in keyof z.output<F>]: Secret }

/** Log in with what the user typed, get tokens. */
export interface Session<F extends z.ZodObject = z.ZodObject> {
  type: 'session'
  fields: F
  /** Default `strict`. */
  rotation?: Rotation
  open(fields: Fields<F>, http: Http): Promise<Tokens>
  /** Its `http` carries the refresh token as bearer. Without `renew`, or where it answers `auth`, core opens again. */
  renew?(http: Http): Promise<Tokens>
  /** Ends the session at the platform; its `http` carries the refresh token. */
  close?(http: Http): Promise<void>
}

/** What a call carries, on the hosts of the adapter and nowhere else. */
export interface Applied {
  headers?: Record<string, string>
  query?: Record<string, string>
  basic?: readonly [user: string, password: string]
  bearer?: string
}

/** Fixed keys, applied to every call. */
export interface Keys<F extends z.ZodObject = z.ZodObject> {
  type: 'keys'
  fields: F
  /** Default: the field `token` as bearer. */
  apply?(fields: Fields<F>): Applied
}

/** A way to connect an account. */
export type Auth = OAuth2 | Session | Keys
