import type { PublishError } from '@syndikit/core'
import { errorFrom } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { rateOf } from '../src/errors.ts'
import { adapter } from './scene.ts'

const refusal = (status: number, body: unknown, headers: Record<string, string> = {}): Promise<PublishError> =>
  errorFrom(adapter(), new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }))

describe('what Mastodon refuses', () => {
  const rows: [status: number, error: string, code: string][] = [
    [401, 'The access token is invalid', 'auth'],
    [401, 'The access token was revoked', 'auth'],
    [401, 'The access token expired', 'auth'],
    [422, 'This method requires an authenticated user', 'auth'],
    [403, 'This action is outside the authorized scopes', 'permission'],
    [403, 'This action is not allowed', 'permission'],
    [403, 'Your login is currently disabled', 'policy'],
    [403, 'Your login is currently pending approval', 'policy'],
    [403, 'Your login is missing a confirmed e-mail address', 'policy'],
    [429, 'Too many requests', 'rate'],
    [422, 'Cannot attach files that have not finished processing. Try again in a moment!', 'not-ready'],
    [422, 'Media 109, 110 not found or already attached to another post', 'stale'],
    [422, 'Validation failed: File content type is invalid, File is invalid', 'media'],
    [422, 'File type of uploaded media could not be verified', 'media'],
    [422, 'Error processing thumbnail for uploaded media', 'media'],
    [422, '1281x720 GIF files are not supported', 'media'],
    [422, '8000x8000 images are not supported', 'media'],
    [422, 'Video has no video stream', 'media'],
    [422, '240fps videos are not supported', 'media'],
    [422, 'Cannot attach more than 4 files', 'media'],
    [422, 'Cannot attach a video to a post that already contains images', 'media'],
    [422, "Validation failed: Text can't be blank", 'invalid'],
    [422, 'Validation failed: Text character limit of 500 exceeded', 'invalid'],
    [404, 'The post you are trying to reply to does not appear to exist.', 'gone'],
    [404, 'Record not found', 'gone'],
  ]
  for (const [status, error, code] of rows)
    it(`${status} “${error}” is \`${code}\`, and certainly not published`, async () => {
      expect(await refusal(status, { error })).toMatchObject({ code, outcome: 'not-published', platform: 'mastodon', status })
    })

  for (const status of [500, 502, 503])
    it(`${status} decides nothing: a key that was sent again has answered it`, async () => {
      expect(await refusal(status, { error: 'There was a temporary problem serving your request, please try again' })).toMatchObject({
        code: 'transient',
        outcome: 'unknown',
      })
      expect(await refusal(status, '<html>')).toMatchObject({ code: 'transient', outcome: 'unknown' })
    })

  it('a page of a gateway proves nothing', async () => {
    expect(await refusal(404, '<html>')).toMatchObject({ code: 'gone', outcome: 'unknown' })
  })

  it('a throttled call waits until the reset by the clock of the server', async () => {
    const headers = { date: 'Fri, 20 Nov 2026 09:00:00 GMT', 'x-ratelimit-reset': '2026-11-20T09:03:00.000000Z' }
    expect((await refusal(429, { error: 'Too many requests' }, headers)).retryAfterMs).toBe(180_000)
    expect((await refusal(429, { error: 'Too many requests' })).retryAfterMs).toBeUndefined()
  })

  it('what is left of the rate is read from ISO dates', () => {
    const headers = new Headers({ 'x-ratelimit-limit': '300', 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '2026-11-20T09:05:00.123456Z' })
    expect(rateOf(headers)).toEqual({ remaining: 12, resetAt: new Date('2026-11-20T09:05:00.123Z') })
    expect(rateOf(new Headers())).toBeUndefined()
  })
})
