import type { PublishError } from '@syndikit/core'
import { errorFrom } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { rateOf } from '../src/errors.ts'
import { bluesky } from '../src/index.ts'

const refusal = (status: number, body: unknown, headers: Record<string, string> = {}): Promise<PublishError> =>
  errorFrom(bluesky(), new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }))

describe('what Bluesky refuses', () => {
  const rows: [status: number, body: { error: string; message?: string }, code: string][] = [
    [400, { error: 'ExpiredToken', message: 'Token has expired' }, 'auth'],
    [400, { error: 'InvalidToken', message: 'Token could not be verified' }, 'auth'],
    [401, { error: 'InvalidToken', message: 'Bad token scope' }, 'auth'],
    [401, { error: 'AuthMissing', message: 'Authentication Required' }, 'auth'],
    [401, { error: 'AuthenticationRequired', message: 'Invalid identifier or password' }, 'auth'],
    [401, { error: 'AuthFactorTokenRequired', message: 'A sign in code has been sent to your email address' }, 'auth'],
    [401, { error: 'AccountTakedown', message: 'Account has been taken down' }, 'policy'],
    [401, { error: 'AccountDeactivated', message: 'Account is deactivated' }, 'policy'],
    [403, { error: 'AccountNotFound', message: 'Account not found' }, 'permission'],
    [403, { error: 'ScopeMissingError', message: 'Missing required scope' }, 'permission'],
    [400, { error: 'InvalidSwap', message: 'Record was at bafyreib' }, 'duplicate'],
    [400, { error: 'RecordNotFound', message: 'Could not locate record: at://x' }, 'gone'],
    [400, { error: 'BlobNotFound', message: 'Could not find blob: bafkreib' }, 'stale'],
    [400, { error: 'InvalidMimeType', message: 'Referenced Mimetype does not match stored blob.' }, 'media'],
    [413, { error: 'PayloadTooLarge', message: 'request entity too large' }, 'media'],
    [400, { error: 'InvalidRequest', message: 'Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got 301) at $.text' }, 'invalid'],
    [429, { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' }, 'rate'],
    [400, { error: 'InvalidSize', message: 'Referenced Size does not match stored blob. Expected: 2, Got: 1' }, 'media'],
  ]
  for (const [status, body, code] of rows)
    it(`${status} ${body.error} is \`${code}\`, and certainly not published`, async () => {
      const error = await refusal(status, body)
      expect(error).toMatchObject({ code, outcome: 'not-published', platform: 'bluesky', platformCode: body.error, status })
      expect(error.message).toMatch(/^Bluesky /)
    })

  for (const status of [500, 502, 503])
    it(`${status} decides nothing: it may be published`, async () => {
      expect(await refusal(status, { error: 'InternalServerError', message: 'Internal Server Error' })).toMatchObject({ code: 'transient', outcome: 'unknown' })
      expect(await refusal(status, '<html>Bad gateway</html>')).toMatchObject({ code: 'transient', outcome: 'unknown' })
    })

  it('a refusal that is not in its own form proves nothing', async () => {
    expect((await refusal(400, '<html>')).outcome).toBe('unknown')
    expect((await refusal(404, 'no such route')).outcome).toBe('unknown')
  })

  it('a video without a confirmed e-mail address is told apart from a bad file', async () => {
    const body = { jobStatus: { did: '', error: 'unconfirmed_email', jobId: '', state: '' } }
    expect(await refusal(400, body)).toMatchObject({ code: 'policy', platformCode: 'unconfirmed_email' })
  })

  it.each([
    ['User has exceeded daily upload videos limit', 'rate'],
    ['User has exceeded daily upload bytes limit', 'rate'],
    ['Confirm your email address to upload videos', 'policy'],
    ['User is not allowed to upload videos', 'policy'],
    ['Account is not old enough to upload videos', 'policy'],
    ['Uploading is disabled at the moment', 'transient'],
    ["Failed to get user's upload stats", 'transient'],
    ['file size (300000001 bytes) is larger than the maximum allowed size (300000000 bytes)', 'media'],
  ])('the video service’s "%s" is `%s`, as name or as message', async (words, code) => {
    expect((await refusal(400, { error: words })).code).toBe(code)
    expect((await refusal(400, { error: 'BadRequest', message: words })).code).toBe(code)
    expect((await refusal(400, { jobStatus: { error: words, jobId: '', did: '', state: '' } })).code).toBe(code)
  })

  it('says how long to wait by the clock of the server', async () => {
    const headers = { date: 'Fri, 20 Nov 2026 09:00:00 GMT', 'ratelimit-reset': `${Date.parse('2026-11-20T09:04:00Z') / 1000}` }
    expect((await refusal(429, { error: 'RateLimitExceeded' }, headers)).retryAfterMs).toBe(240_000)
    expect((await refusal(429, { error: 'RateLimitExceeded' }, { ...headers, 'retry-after': '7' })).retryAfterMs).toBe(7_000)
    expect((await refusal(429, { error: 'RateLimitExceeded' }, { date: headers.date })).retryAfterMs).toBeUndefined()
  })
})

describe('what is left of the rate', () => {
  it('is read from every answer', () => {
    const headers = new Headers({ 'ratelimit-limit': '3000', 'ratelimit-remaining': '2999', 'ratelimit-reset': '1795172400', 'ratelimit-policy': '3000;w=300' })
    expect(rateOf(headers)).toEqual({ remaining: 2999, resetAt: new Date(1_795_172_400_000) })
    expect(rateOf(new Headers())).toBeUndefined()
    expect(rateOf(new Headers({ 'ratelimit-remaining': '0', 'ratelimit-reset': 'soon' }))).toBeUndefined()
  })
})
