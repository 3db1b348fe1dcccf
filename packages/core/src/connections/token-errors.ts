// What a token endpoint's refusal means. Pure.

import type { Adapter } from '../contract/adapter.ts'
import { type ErrorCode, PublishError } from '../contract/error.ts'
import type { Reply } from '../contract/http.ts'
import { errorOf } from '../http/errors.ts'
import { plain } from './words.ts'

type Platform = Pick<Adapter, 'id' | 'name' | 'errors'>

/** RFC 6749, 5.2. Other words of a platform are never shown as a code: they might be anything. */
const rfcCodes: Readonly<Record<string, ErrorCode>> = {
  invalid_grant: 'auth',
  invalid_client: 'setup',
  invalid_request: 'setup',
  invalid_scope: 'setup',
  unauthorized_client: 'setup',
  unsupported_grant_type: 'setup',
  temporarily_unavailable: 'transient',
  server_error: 'transient',
}

const advice: Partial<Readonly<Record<ErrorCode, string>>> = {
  auth: 'Connect the account again.',
  setup: "Look at the app's settings: client id and secret, redirect URI, scopes.",
  policy: 'The platform restricts the app or the account: look at it there.',
}

export const unreadable = (platform: Platform, status: number, why: string): PublishError =>
  new PublishError('unknown', `${platform.name}: the answer (${status}) of its token endpoint ${why}.`, { platform: platform.id, status })

const textOf = (json: unknown, name: string): string | undefined => {
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** The adapter's table may know better than the RFC: X says `invalid_request` for a dead refresh token. A 401 is about the app, never about the account. */
const codeOf = (reply: Reply, mapped: ErrorCode, rfc: ErrorCode | undefined): ErrorCode => {
  if (reply.status === 429) return 'rate'
  if (reply.status >= 500 || reply.status < 400 || reply.status === 408 || reply.status === 425) return 'transient'
  if (rfc === 'auth' || (mapped === 'auth' && reply.status !== 401)) return 'auth'
  if (reply.status === 401 || rfc !== undefined) return rfc ?? 'setup'
  return mapped === 'rate' || mapped === 'transient' || mapped === 'policy' ? mapped : 'setup'
}

/** A gateway's 502 or 504, or a page in place of an answer, says nothing about what the platform behind it did. */
const mayHaveActed = (reply: Reply, spoken: boolean): boolean =>
  reply.status < 400 || reply.status === 408 || (reply.status >= 500 && reply.status !== 503 && !spoken)

interface Asked {
  readonly platform: Platform
  readonly connecting?: boolean
}

export const tokenError = ({ platform, connecting = false }: Asked, reply: Reply, secrets: readonly string[], nowMs: number): PublishError => {
  const mapped = errorOf(reply, { platform, what: 'the token request', secrets }, nowMs)
  const said = textOf(reply.json, 'error')
  const rfc = said !== undefined && Object.hasOwn(rfcCodes, said) ? rfcCodes[said] : undefined
  const spoken = said !== undefined || mapped.platformCode !== undefined
  const known = reply.status < 400 || reply.status >= 500 || spoken || reply.status === 401 || reply.status === 429
  const code = known ? codeOf(reply, mapped.code, rfc) : 'transient'
  const description = plain(textOf(reply.json, 'error_description') ?? '', secrets)
  const name = rfc === undefined ? '' : ` ${said}`
  const message = `${platform.name} answered ${reply.status}${name} to the token request${description && `: ${description}`}.`
  return new PublishError(code, `${message.replace(/([.!?])\.$/, '$1')} ${advice[code] ?? (connecting ? 'Start again later.' : 'It is tried again.')}`, {
    platform: platform.id,
    status: reply.status,
    platformCode: rfc === undefined ? undefined : said,
    retryAfterMs: mapped.retryAfterMs,
    outcome: code !== 'auth' && code !== 'setup' && mayHaveActed(reply, spoken) ? 'unknown' : 'not-published',
  })
}
