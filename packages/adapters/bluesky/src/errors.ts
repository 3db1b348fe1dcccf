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
    ['ScopeMissingError', 'permission'], // of OAuth; atproto oauth-scopes scope-missing-error.ts@d6296a1
    ['InvalidSwap', 'duplicate'],
    ['RecordNotFound', 'gone'],
    ['BlobNotFound', 'stale'],
    ['PayloadTooLarge', 'media'],
    ['InvalidMimeType', 'media'],
    ['InvalidSize', 'media'],
    ['RateLimitExceeded', 'rate'],
    // The video service, in the words that Bluesky's own app looks for (social-app@1f28c94 and later, src/view/com/composer/state/video.ts).
    [/unconfirmed_email|confirm your email/i, 'policy'],
    [/not allowed to upload videos|not old enough to upload videos/i, 'policy'],
    [/exceeded daily upload (bytes|videos) limit/i, 'rate', { afterMs: 60 * 60_000 }], // of a day; every try uploads the file again
    [/uploading is disabled|failed to get user's upload stats/i, 'transient'],
    [/larger than the maximum allowed size/i, 'media'],
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
