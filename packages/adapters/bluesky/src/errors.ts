// What Bluesky's servers say when they refuse: `{ error, message }`, the video service also `{ jobStatus: { error } }`.

import type { Adapter, Errors } from '@syndikit/core'
import { z } from 'zod'

const refusal = z.object({ error: z.string(), message: z.string().optional(), jobId: z.string().optional() })
const answer = z.union([refusal, z.object({ jobStatus: refusal }).transform(({ jobStatus }) => jobStatus)])

/** The video service's refusal that names a job which is as good as a new one: `already_exists:<jobId>`. */
export const alreadyProcessed = /^already_exists:(.+)$/

/** `ratelimit-reset` is in Unix seconds; the server's own `date` is the only clock that fits it. */
const untilReset = (headers: Headers): number | undefined => {
  const ms = Number(headers.get('ratelimit-reset') ?? Number.NaN) * 1000 - Date.parse(headers.get('date') ?? '')
  return ms > 0 ? ms : undefined
}

export const errors: Errors = {
  read: ({ json, status, headers }) => {
    const said = answer.safeParse(json).data
    const retryAfterMs = status === 429 && !headers.has('retry-after') ? untilReset(headers) : undefined
    return {
      ...(said && { code: said.error === 'already_exists' && said.jobId ? `already_exists:${said.jobId}` : said.error }),
      ...(said?.message !== undefined && { message: said.message }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }
  },
  table: [
    ['ExpiredToken', 'auth'], // with status 400
    ['InvalidToken', 'auth'],
    ['AuthMissing', 'auth'],
    ['AuthenticationRequired', 'auth'],
    ['AuthFactorTokenRequired', 'auth'],
    ['AccountTakedown', 'policy'],
    ['AccountDeactivated', 'policy'],
    ['AccountNotFound', 'permission'],
    ['ScopeMissingError', 'permission'], // name unverified
    ['InvalidSwap', 'duplicate'],
    ['RecordNotFound', 'gone'],
    ['BlobNotFound', 'stale'],
    ['PayloadTooLarge', 'media'],
    ['InvalidMimeType', 'media'],
    ['RateLimitExceeded', 'rate'],
    ['unconfirmed_email', 'policy'], // the video service asks for a confirmed e-mail address
    [/daily upload limit/i, 'rate'], // the video service; wording unverified
    [/^already_exists/, 'duplicate'],
    ['InvalidRequest', 'invalid'],
    ['InternalServerError', 'transient'],
  ],
}

/** Sent with every answer of a PDS. */
export const rateOf: NonNullable<Adapter['rateOf']> = (headers) => {
  const remaining = Number(headers.get('ratelimit-remaining') ?? Number.NaN)
  const resetAt = Number(headers.get('ratelimit-reset') ?? Number.NaN)
  return Number.isFinite(remaining) && Number.isFinite(resetAt) ? { remaining, resetAt: new Date(resetAt * 1000) } : undefined
}
