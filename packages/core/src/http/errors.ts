// From a platform's answer to a PublishError: the adapter's table first, then the status. Pure.

import type { Adapter } from '../contract/adapter.ts'
import { type ErrorCode, type Outcome, PublishError } from '../contract/error.ts'
import type { Reply } from '../contract/http.ts'
import { redact } from './redact.ts'

interface Described {
  readonly platform: Pick<Adapter, 'id' | 'name' | 'errors'>
  /** Method and path, never a query string. */
  readonly what: string
  readonly secrets: readonly string[]
  /** Somebody is giving consent and sees the message: nothing is queued, nothing is repeated. */
  readonly connecting?: boolean | undefined
  /** What the platform's own rate headers say. */
  readonly resetAt?: Date | undefined
}

const byStatus = (status: number): ErrorCode => {
  if (status === 401) return 'auth'
  if (status === 403) return 'permission'
  if (status === 404 || status === 410) return 'gone'
  if (status === 429) return 'rate'
  if (status === 413 || status === 415) return 'media'
  if (status === 408 || status === 425 || status >= 500) return 'transient'
  return status >= 400 ? 'invalid' : 'unknown'
}

/** What to do, in the words of a person who has to do it. */
const advice: Readonly<Record<ErrorCode, string>> = {
  auth: 'Connect the account again.',
  permission: 'The account or the app may not do this: check its role, scopes and plan.',
  rate: 'It goes out when the platform takes more.',
  duplicate: 'The platform has this content already: change the text.',
  invalid: 'Change the content.',
  media: 'Change the file.',
  'not-ready': 'It is tried again shortly.',
  stale: 'It is prepared again.',
  gone: 'It is not there any more.',
  policy: 'The platform restricts the account: look at it there.',
  setup: "The app's owner must act: look at the app's settings on the platform.",
  transient: 'It is tried again.',
  unknown: 'Look at the platform.',
}

const whileConnecting: Partial<Readonly<Record<ErrorCode, string>>> = {
  rate: 'Start again later.',
  transient: 'Start again later.',
  'not-ready': 'Start again later.',
  stale: 'Start again.',
  invalid: "Look at what was entered, and at the app's settings.",
  gone: 'See that the server is the right one.',
}

/** `search` begins at the start each time, whatever flags an adapter's pattern has. */
const matches = (key: string | RegExp, code: string | undefined, message: string): boolean =>
  typeof key === 'string' ? key === code : (code !== undefined && code.search(key) !== -1) || message.search(key) !== -1

const readSafely = (platform: Described['platform'], reply: Reply): { code?: string; message?: string; retryAfterMs?: number } => {
  try {
    return platform.errors.read(reply)
  } catch {
    return {}
  }
}

const dateOrSeconds = (value: string, nowMs: number): number | undefined => {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000
  // `Date.parse` reads a date into almost anything, `-5` included.
  const at = /^[a-z]{3,9},? /i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

/** `Retry-After`: seconds, or a date. */
const retryAfter = (headers: Headers, nowMs: number): number | undefined => {
  const value = headers.get('retry-after')
  return value === null ? undefined : dateOrSeconds(value.trim(), nowMs)
}

/**
 * A refusal counts as definite only when the platform itself speaks, in its own form: what a gateway answers in its place proves nothing.
 * Statuses of the 5xx and 408 kind never do.
 */
const outcomeOf = (status: number, is: ErrorCode, spoken: boolean, perhapsLive: boolean): Outcome => {
  if (perhapsLive || is === 'transient' || is === 'unknown' || status >= 500 || status === 408) return 'unknown'
  return spoken || status === 401 || status === 429 ? 'not-published' : 'unknown'
}

export const errorOf = (reply: Reply, described: Described, nowMs: number): PublishError => {
  const { platform, what, secrets, resetAt, connecting } = described
  const { code, message, retryAfterMs } = readSafely(platform, reply)
  const clean = redact(message ?? '', secrets)
  const row = platform.errors.table.find(([key]) => matches(key, code, message ?? ''))
  const is = row?.[1] ?? byStatus(reply.status)
  const said = clean === '' ? `answered ${reply.status} to ${what}` : `answered ${reply.status} to ${what}: ${clean}`
  return new PublishError(is, `${platform.name} ${said}${/[.!?]$/.test(said) ? '' : '.'} ${(connecting && whileConnecting[is]) || advice[is]}`, {
    platform: platform.id,
    status: reply.status,
    platformCode: code === undefined ? undefined : redact(code, secrets),
    retryAfterMs:
      row?.[2]?.afterMs ?? retryAfterMs ?? retryAfter(reply.headers, nowMs) ?? (is === 'rate' && resetAt ? Math.max(0, resetAt.getTime() - nowMs) : undefined),
    outcome: outcomeOf(reply.status, is, code !== undefined || message !== undefined, row?.[2]?.perhapsLive === true),
  })
}
