// What Mastodon says when it refuses: `{ error }` without codes, so the rows read the sentences of its source. A server whose own language is not
// English (DEFAULT_LOCALE) says most of them in that one: there the HTTP status decides.

import type { Adapter, Errors } from '@syndikit/core'
import { z } from 'zod'

const refusal = z.object({ error: z.string(), error_description: z.string().nullish() })

/** An ISO 8601 instant, unlike everybody else's. */
const resetOf = (headers: Headers): number => Date.parse(headers.get('x-ratelimit-reset') ?? '')

/** By the server's own `date`, the only clock that fits its reset. */
const untilReset = (headers: Headers): number | undefined => {
  const ms = resetOf(headers) - Date.parse(headers.get('date') ?? '')
  return ms > 0 ? ms : undefined
}

export const errors: Errors = {
  read: ({ json, status, headers }) => {
    const said = refusal.safeParse(json).data
    const retryAfterMs = status === 429 && !headers.has('retry-after') ? untilReset(headers) : undefined
    return { ...(said && { message: said.error_description ?? said.error }), ...(retryAfterMs !== undefined && { retryAfterMs }) }
  },
  table: [
    [/^The access token (is invalid|was revoked|expired)/i, 'auth'],
    [/^This method requires an authenticated user/i, 'auth'], // with status 422
    [/outside the authorized scopes/i, 'permission'],
    [/^Your login is (currently disabled|currently pending approval|missing a confirmed)/i, 'policy'],
    [/^Too many requests/i, 'rate'],
    [/have not finished processing/i, 'not-ready'],
    [/^(Validation failed: )?Media .* not found or already attached/i, 'stale'],
    [/^Validation failed: (File|Thumbnail)/i, 'media'],
    [/^(Error processing thumbnail|File type of uploaded media)/i, 'media'],
    [/^Cannot attach /i, 'media'],
    [/^\d+(x\d+|fps) (images|videos|GIF files) are not supported|^Video has no video stream/i, 'media'],
    [/does not appear to exist/i, 'gone'], // the post to answer, with status 404
    [/^Record not found/i, 'gone'],
    [/^Validation failed/i, 'invalid'],
  ],
}

export const rateOf: NonNullable<Adapter['rateOf']> = (headers) => {
  const remaining = Number(headers.get('x-ratelimit-remaining') ?? Number.NaN)
  const resetAt = resetOf(headers)
  return Number.isFinite(remaining) && Number.isFinite(resetAt) ? { remaining, resetAt: new Date(resetAt) } : undefined
}
