// What X says when it refuses: a problem document, or the older `{ errors: [{ code, message }] }`; its token endpoint speaks OAuth.

import type { Adapter, Errors } from '@syndikit/core'
import { z } from 'zod'

const fault = z.object({ code: z.union([z.string(), z.number()]).optional(), message: z.string().optional() })
const refusal = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(fault).optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional(),
})

/** `https://api.x.com/2/problems/usage-capped` is the code `usage-capped`; `about:blank` is none. */
const problemOf = (type: string | undefined): string | undefined => /\/problems\/([\w-]+)$/.exec(type ?? '')?.[1]

const numberIn = (headers: Headers, name: string): number => Number(headers.get(name) ?? Number.NaN)

const windowOf = (headers: Headers, name: string): { remaining: number; resetAt: Date } | undefined => {
  const [remaining, resetAt] = [numberIn(headers, `${name}-remaining`), numberIn(headers, `${name}-reset`)]
  return Number.isFinite(remaining) && Number.isFinite(resetAt) ? { remaining, resetAt: new Date(resetAt * 1000) } : undefined
}

/**
 * Sent with every answer: of the window of the endpoint that answered, or of a used-up one that lasts longer. Those of a day are in no manual, but on live
 * answers (plhery/node-twitter-api-v2#495, #553).
 */
export const rateOf: NonNullable<Adapter['rateOf']> = (headers) => {
  const windows = ['x-rate-limit', 'x-app-limit-24hour', 'x-user-limit-24hour'].map((name) => windowOf(headers, name))
  const [usedUp] = windows.filter((window) => window !== undefined && window.remaining <= 0).sort((a, b) => Number(b?.resetAt) - Number(a?.resetAt))
  return usedUp ?? windows[0]
}

/** Resets are in Unix seconds; X's own `date` is the only clock that fits them. */
const untilReset = (headers: Headers): number | undefined => {
  const resetAt = rateOf(headers)?.resetAt.getTime() ?? numberIn(headers, 'x-rate-limit-reset') * 1000
  const ms = resetAt - Date.parse(headers.get('date') ?? '')
  return ms > 0 ? ms : undefined
}

const hourMs = 3_600_000

export const errors: Errors = {
  read: ({ json, status, headers }) => {
    const said = refusal.safeParse(json).data ?? {}
    const [first] = said.errors ?? []
    const code = problemOf(said.type) ?? first?.code?.toString() ?? said.error ?? (status === 402 ? 'credits' : undefined)
    const message =
      [...new Set([said.detail, said.error_description, ...(said.errors ?? []).map(({ message }) => message)])].filter(Boolean).join(' ') || said.title
    const retryAfterMs = status === 429 ? untilReset(headers) : undefined
    return { ...(code !== undefined && { code }), ...(message !== undefined && { message }), ...(retryAfterMs !== undefined && { retryAfterMs }) }
  },
  table: [
    [/duplicate content/i, 'duplicate'],
    ['187', 'duplicate'],
    // The same words for an id that has expired, is not processed yet, or hangs on a file X does not like: uploading again mends the first two, and ends the third after three times.
    [/media ids? (?:is|are) invalid|invalid media id/i, 'stale'],
    [/segments do not add up/i, 'stale'], // a piece got lost on X's side; wording of API 1.1
    [/could not find media/i, 'stale'], // between the steps of an upload; wording unverified
    [
      /reply to this conversation is not allowed|reply to a tweet that is deleted or not visible|only reply to or quote posts where you are mentioned/i,
      'invalid',
    ],
    [/maximum of one cashtag|contains an invalid url|maximum of 4 items/i, 'invalid'],
    [/not allowed to post a video longer than/i, 'media'],
    [/account is (?:suspended|temporarily locked)|looks like it might be automated/i, 'policy'], // what API 1.1 says with 64, 326 and 226; of API 2 unverified
    [/not permitted to perform this action/i, 'permission'], // too long, media, or an edit without Premium: X does not tell which
    ['385', 'invalid'],
    ['433', 'invalid'],
    ['186', 'invalid'],
    ['386', 'invalid'],
    ['323', 'media'],
    ['324', 'media'],
    ['325', 'media'],
    ['rate-limit-exceeded', 'rate'],
    ['88', 'rate'],
    ['185', 'rate', { afterMs: hourMs }], // the account's limit of a day; when it ends is not told
    ['usage-capped', 'rate', { afterMs: hourMs }], // of a day or a month, likewise
    ['credits', 'setup'], // pay-per-use is used up; body unverified, status 402 observed
    ['64', 'policy'],
    ['user-suspended', 'policy'],
    ['226', 'policy'],
    ['326', 'policy'],
    ['unsupported-authentication', 'auth'],
    ['32', 'auth'],
    ['89', 'auth'],
    ['99', 'auth'],
    ['215', 'auth'],
    ['invalid_request', 'auth'], // the token endpoint's word for a code or refresh token that is used, revoked or old
    ['unauthorized_client', 'setup'],
    ['client-forbidden', 'setup'],
    [/^oauth1-permissions$/i, 'setup'],
    ['261', 'setup'],
    ['453', 'setup'],
    ['not-authorized-for-resource', 'permission'],
    ['not-authorized-for-field', 'permission'],
    ['invalid-request', 'invalid'],
    ['resource-not-found', 'gone'],
    ['130', 'transient'],
    ['131', 'transient'],
  ],
}
