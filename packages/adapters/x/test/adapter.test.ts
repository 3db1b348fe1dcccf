// The adapter's data: options, consent, accounts, limits, checks, errors, rates, metrics.

import { readFileSync } from 'node:fs'
import { countText, type ErrorCode, type Media, type PostPart, type Problem, type PublishError, type Reply } from '@syndikit/core'
import { errorFrom, httpFor } from '@syndikit/testing'
import fc from 'fast-check'
import twitterText from 'twitter-text'
import { describe, expect, it } from 'vitest'
import { problemsOf } from '../src/check.ts'
import { type XOptions, x } from '../src/index.ts'
import { limitsFor } from '../src/limits.ts'
import { readMetrics } from '../src/metrics.ts'
import { options, type XPost } from '../src/request.ts'
import { omar, sara, sceneOf } from './scene.ts'

type Cashtags = Record<'cashtags' | 'cashtags_with_indices', { text: string; expected: string[] }[]>
const cashtags: Cashtags = JSON.parse(readFileSync(new URL('./vectors/cashtags.json', import.meta.url), 'utf8'))

describe('the options of the app', () => {
  const wrong = (given: unknown): string => {
    try {
      x(given as XOptions)
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError)
      return (error as Error).message
    }
    return 'accepted'
  }

  it('are refused with the option and the mend named', () => {
    expect(wrong({})).toBe('x(): `clientId` must be a string: copy the OAuth 2.0 Client ID from "Keys and tokens" in the X developer console.')
    expect(wrong({ clientId: ' ' })).toMatch(/^x\(\): `clientId` must be not empty: copy/)
    expect(wrong({ clientId: 'a', clientSecret: '' })).toMatch(/`clientSecret` must be not empty: .*or leave it out for a public client/)
    expect(wrong({ clientId: 'a', longPosts: 'yes' })).toBe('x(): `longPosts` must be true or false.')
    expect(wrong({ clientId: 'a', clientsecret: 'b' })).toBe('x(): there is no option `clientsecret`; remove it.')
    expect(wrong(undefined)).toMatch(/^x\(\): `options` must be an object/)
  })

  it('never show the secret', () => {
    expect(wrong({ clientId: '', clientSecret: 'the-secret' })).not.toContain('the-secret')
  })

  it('make a confidential client with a secret and a public one without', () => {
    expect(x({ clientId: 'id', clientSecret: 's' }).auth).toMatchObject([
      { type: 'oauth2', client: { id: 'id', secret: 's', auth: 'basic' }, rotation: 'family' },
    ])
    expect(x({ clientId: 'id' }).auth).toMatchObject([
      { client: { id: 'id', auth: 'none' }, scopes: ['tweet.read', 'tweet.write', 'users.read', 'media.write', 'offline.access'] },
    ])
  })
})

describe('accounts', () => {
  const accountsOf = async (who: typeof sara) => {
    const scene = await sceneOf({ who })
    const bearer = scene.asked('users/me', 'GET')[0]?.headers.get('authorization')?.replace('Bearer ', '')
    const adapter = x({ clientId: 'a' })
    return adapter.accounts({ http: httpFor(adapter, (request) => scene.sandbox.fetch(request), { bearer }) })
  }

  it('are the one who consented, with the plan', async () => {
    expect(await accountsOf(sara)).toEqual([
      {
        id: sara.id,
        name: 'sandbox_sara',
        url: 'https://x.com/sandbox_sara',
        facts: { displayName: 'Sara Haddad', verified: true, subscription: 'Premium' },
      },
    ])
    expect(await accountsOf(omar)).toMatchObject([{ name: 'sandbox_omar', facts: { verified: false, subscription: 'None' } }])
  })
})

describe('the options of a post', () => {
  it('are strict', () => {
    expect(options.safeParse({}).success).toBe(true)
    expect(options.safeParse({ replySettings: 'verified', quote: '12', communityId: '3', taggedUserIds: ['1'], madeWithAi: true }).success).toBe(true)
    for (const bad of [
      { replysettings: 'verified' },
      { replySettings: 'everyone' },
      { quote: 'https://x.com/a/status/1' },
      { taggedUserIds: Array(11).fill('1') },
      { nullcast: true },
    ])
      expect(options.safeParse(bad).success).toBe(false)
  })
})

describe('limits', () => {
  const account = (subscription: string) => ({ id: '1', name: 'a', facts: { subscription } })
  const most = (longPosts: boolean, subscription?: string) =>
    limitsFor(longPosts)(subscription === undefined ? undefined : account(subscription)).text?.text?.[0]?.max

  it('are 280, and 25,000 only where the app opted in and the account has Premium', () => {
    expect([most(false, 'Premium'), most(true, 'None'), most(true, 'Basic'), most(true)]).toEqual([280, 280, 280, 280])
    expect([most(true, 'Premium'), most(true, 'PremiumPlus')]).toEqual([25_000, 25_000])
    expect(limitsFor(true)({ id: '1', name: 'a' }).text?.text?.[0]?.max).toBe(280)
  })

  it('count text as X does', () => {
    const count = limitsFor(false)(undefined).text?.text?.[0]?.count
    expect(count && countText(`https://example.com/${'a'.repeat(100)} 👨‍👩‍👧‍👦 日本`, count)).toBe(23 + 1 + 2 + 1 + 4)
  })
})

describe('the check', () => {
  interface Draft extends Partial<Omit<XPost, 'parts' | 'poll'>>, Partial<PostPart> {
    readonly thread?: readonly Partial<PostPart>[]
    readonly poll?: { options: string[]; durationMs: number; multiple?: boolean; hideTotals?: boolean }
  }
  const premium = { id: sara.id, name: sara.name, facts: { subscription: 'Premium' } }
  const found = ({ text = '', media = [], thread = [], poll, options = {}, ...more }: Draft, longPosts = false): Problem[] => {
    const parts = [{ text, media }, ...thread.map(({ text = '', media = [] }) => ({ text, media }))]
    const post = { ...more, parts, options, ...(poll && { poll: { multiple: false, hideTotals: false, ...poll } }) }
    return problemsOf(post, limitsFor(longPosts)(premium))
  }
  const fileOf = (facts: Partial<Media>): Media => ({ type: 'image', mime: 'image/png', bytes: 100, ...facts }) as Media
  const png = fileOf({})
  const gif = fileOf({ mime: 'image/gif' })
  const codes = (draft: Draft) => found(draft).map(({ code, pointer }) => `${code} ${pointer}`)

  it('finds nothing in an ordinary post', () => {
    expect(found({ text: 'Fine $AAPL', media: [png, png], link: { url: 'https://example.com' } })).toEqual([])
    expect(found({ text: 'Fine', media: [gif], thread: [{ text: '$TSLA', media: [fileOf({ type: 'video', mime: 'video/mp4' })] }] })).toEqual([])
  })

  it('counts the link that is put below the text', () => {
    const link = { url: `https://example.com/${'x'.repeat(300)}` }
    expect(found({ text: 'a'.repeat(255), link })).toEqual([])
    expect(found({ text: 'a'.repeat(256), link })).toMatchObject([{ code: 'text-too-long', pointer: '/text', actual: 281, limit: 280 }])
    expect(found({ text: 'a'.repeat(256), link }, true)).toEqual([])
    expect(found({ text: 'a'.repeat(300), link })).toEqual([]) // the limit itself says so
  })

  it('wants one cashtag a post, a GIF alone, and small pictures', () => {
    expect(codes({ text: '$AAPL $TSLA', thread: [{ text: '$a $b.c $d' }] })).toEqual(['too-many-cashtags /text', 'too-many-cashtags /thread/0/text'])
    expect(codes({ text: 'a', media: [gif, png] })).toEqual(['media-mix /media'])
    expect(codes({ text: 'a', thread: [{ text: 'b', media: [png, fileOf({ bytes: 5 * 1024 * 1024 + 1 })] }] })).toEqual(['media-too-large /thread/0/media/1'])
    expect(found({ text: 'a', media: [fileOf({ mime: 'image/gif', width: 1400, height: 900 })] })).toMatchObject([
      { code: 'media-dimensions', severity: 'warning' },
    ])
  })

  it.each([...cashtags.cashtags, ...cashtags.cashtags_with_indices])('counts cashtags as twitter-text’s vectors do: $text', ({ text, expected }) => {
    const problem = found({ text }).find(({ code }) => code === 'too-many-cashtags')
    expect(problem?.actual).toBe(expected.length > 1 ? expected.length : undefined)
  })

  it('counts cashtags as X does', () => {
    const piece = fc.oneof(
      fc.constantFrom('$', '$AAPL', '$b', '$BRK.A', '$c_d', '$TOOLONGS', ' ', '\n', '.', ',', 'x', '1', '$1', '#', '(', ')', '@', 'é', '日'),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const text = pieces.join('')
        const problem = found({ text: `t ${text}` }).find(({ code }) => code === 'too-many-cashtags')
        const count = twitterText.extractCashtags(`t ${text}`).length
        expect([text, problem?.actual]).toEqual([text, count > 1 ? count : undefined])
      }),
      { numRuns: 2_000 },
    )
  })

  it('stays quick on a text made to slow it down', () => {
    const began = process.cpuUsage()
    found({ text: `${'$a'.repeat(20_000)} ${'$'.repeat(20_000)} ${'$aaaaaa._'.repeat(5_000)}` })
    expect(process.cpuUsage(began).user).toBeLessThan(2_000_000)
  })

  it('drops nothing of a poll silently', () => {
    const poll = { options: ['a', 'b'], durationMs: 600_000, multiple: true, hideTotals: true }
    expect(codes({ poll })).toEqual(['empty /text', 'poll-multiple /poll/multiple', 'poll-hide-totals /poll/hideTotals'])
  })

  it('finds the characters that X takes in no text', () => {
    for (const [text, count] of [
      ['\uFEFFa', 1],
      ['a\uFFFFb\uFFFE', 2],
      ['a\u202A\u2066', 0],
    ] as const) {
      expect(found({ text: 'a', thread: [{ text }] }).map(({ code, pointer, actual }) => [code, pointer, actual])).toEqual(
        count > 0 ? [['text-characters', '/thread/0/text', count]] : [],
      )
      expect(Boolean(twitterText.hasInvalidCharacters(text))).toBe(count > 0)
    }
  })

  it('finds an answer to what is no post of X', () => {
    expect(found({ text: 'a', replyTo: { id: '1234567890123456789' } })).toEqual([])
    for (const id of ['at://did:plc:abc/app.bsky.feed.post/1', 'https://x.com/a/status/1', '12345678901234567890'])
      expect(codes({ text: 'a', replyTo: { id } })).toEqual(['reply-unknown /replyTo'])
  })

  it('knows what goes with a quote and with tags', () => {
    expect(codes({ text: 'a', media: [png], options: { quote: '1' } })).toEqual(['quote-mix /options/quote'])
    expect(codes({ text: 'a', poll: { options: ['a', 'b'], durationMs: 600_000 }, options: { quote: '1' } })).toEqual(['quote-mix /options/quote'])
    expect(codes({ text: 'a', options: { quote: '1', taggedUserIds: ['2'] } })).toEqual(['tags-without-media /options/taggedUserIds'])
  })
})

const problem = (name: string, more: object = {}) => ({ title: 'T', detail: 'D', type: `https://api.x.com/2/problems/${name}`, ...more })
const forbidden = (detail: string) => ({ detail, type: 'about:blank', title: 'Forbidden', status: 403 })
const old = (code: number, message = 'M') => ({ errors: [{ code, message }] })
const duplicate = 'You are not allowed to create a Tweet with duplicate content.'

describe('errors', () => {
  const answered = (status: number, body: unknown, headers: Record<string, string> = {}): Promise<PublishError> =>
    errorFrom(x({ clientId: 'a' }), body === undefined ? new Response(null, { status, headers }) : Response.json(body, { status, headers }))

  const rows: readonly (readonly [status: number, body: unknown, code: ErrorCode, outcome?: 'unknown'])[] = [
    [401, { title: 'Unauthorized', type: 'about:blank', status: 401, detail: 'Unauthorized' }, 'auth'],
    [401, undefined, 'auth'],
    [403, problem('unsupported-authentication'), 'auth'],
    ...[32, 89, 99, 215].flatMap((code) => [[403, old(code), 'auth'] as const, [400, old(code), 'auth'] as const]),
    [400, { error: 'invalid_request', error_description: 'Value passed for the authorization code was invalid.' }, 'auth'],
    [400, { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' }, 'auth'],
    [401, { error: 'unauthorized_client', error_description: 'Missing valid authorization header' }, 'setup'],
    [403, problem('client-forbidden', { reason: 'official-client-forbidden' }), 'setup'],
    [403, problem('client-forbidden', { reason: 'client-not-enrolled', registration_url: 'https://developer.x.com' }), 'setup'],
    [403, problem('oauth1-permissions'), 'setup'],
    [403, old(261), 'setup'],
    [403, old(453, 'You currently have access to a subset of X API V2 endpoints'), 'setup'],
    [
      402,
      {
        title: 'CreditsDepleted',
        detail: 'Your enrolled account does not have any credits to fulfill this request.',
        type: 'https://api.x.com/2/problems/credits',
      },
      'setup',
    ],
    [402, { title: 'Something new' }, 'setup'],
    [403, problem('not-authorized-for-resource'), 'permission'],
    [403, problem('not-authorized-for-field'), 'permission'],
    [403, forbidden(duplicate), 'duplicate'],
    [403, old(187, 'Status is a duplicate.'), 'duplicate'],
    [403, forbidden('You can only reply to or quote posts where you are mentioned or are the author.'), 'invalid'],
    [
      403,
      forbidden(
        'Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.',
      ),
      'invalid',
    ],
    [403, forbidden('You attempted to reply to a Tweet that is deleted or not visible to you.'), 'invalid'],
    [403, old(433), 'invalid'],
    [403, old(385), 'invalid'],
    [403, forbidden('You are not permitted to perform this action.'), 'permission'],
    [403, forbidden('Posts are limited to a maximum of one cashtag.'), 'invalid'],
    [400, problem('invalid-request', { errors: [{ message: 'The Tweet contains an invalid URL.', parameters: {} }] }), 'invalid'],
    [
      400,
      problem('invalid-request', { errors: [{ message: '$.media.media_ids: there must be a maximum of 4 items in the array', parameters: {} }] }),
      'invalid',
    ],
    [400, problem('invalid-request', { errors: [{ message: 'anything', parameters: { text: ['a'] } }] }), 'invalid'],
    [403, old(186, 'Tweet needs to be a bit shorter.'), 'invalid'],
    [403, old(386, 'The Tweet exceeds the number of allowed attachment types.'), 'invalid'],
    [400, problem('invalid-request', { errors: [{ message: 'Your media IDs are invalid.', parameters: { 'media.media_ids': ['1'] } }] }), 'stale'],
    [400, old(324, 'Invalid media id 889241623330263044'), 'stale'],
    [404, problem('resource-not-found', { detail: 'Could not find media with id: [1].', resource_type: 'media' }), 'stale'],
    [400, { detail: 'Segments do not add up to provided total file size.', type: 'about:blank', title: 'Bad Request', status: 400 }, 'stale'],
    [400, old(323), 'media'],
    [400, old(324, 'The validation of media ids failed.'), 'media'],
    [400, old(325), 'media'],
    [403, forbidden('This user is not allowed to post a video longer than 2 minutes'), 'media'],
    [429, problem('rate-limit-exceeded'), 'rate'],
    [429, old(88, 'Rate limit exceeded'), 'rate'],
    [429, undefined, 'rate'],
    [403, old(185, 'User is over daily status update limit.'), 'rate'],
    [429, problem('usage-capped', { period: 'Daily', scope: 'Account' }), 'rate'],
    [403, problem('usage-capped', { period: 'Monthly', scope: 'Product' }), 'rate'],
    [403, old(64, 'Your account is suspended'), 'policy'],
    [403, problem('user-suspended'), 'policy'],
    [403, forbidden('Your account is suspended and is not permitted to access this feature.'), 'policy'],
    [
      403,
      forbidden('To protect our users from spam and other malicious activity, this account is temporarily locked. Please log in to https://x.com.'),
      'policy',
    ],
    [403, forbidden('This request looks like it might be automated.'), 'policy'],
    [403, forbidden('Your account is not permitted to access this feature.'), 'permission'],
    [403, old(326, 'To protect our users, this account is temporarily locked'), 'policy'],
    [403, old(226, 'This request looks like it might be automated.'), 'policy'],
    [404, problem('resource-not-found', { detail: 'Could not find tweet with id: [1].', resource_type: 'tweet' }), 'gone'],
    ...[500, 502, 503, 504].map((status) => [status, { title: 'Service Unavailable', type: 'about:blank', status }, 'transient', 'unknown'] as const),
    [503, old(130, 'Over capacity'), 'transient', 'unknown'],
    [500, old(131, 'Internal error'), 'transient', 'unknown'],
    [400, old(131, 'Internal error'), 'transient', 'unknown'],
  ]

  it.each(rows.map(([status, body, code, outcome = 'not-published']) => ({ status, body, code, outcome })))(
    '$status $body is $code',
    async ({ status, body, code, outcome }) => {
      const error = await answered(status, body)
      expect([error.code, error.outcome]).toEqual([code, outcome])
      expect(error.message).toMatch(/^X answered /)
    },
  )

  it('that a gateway answers in its place prove nothing', async () => {
    for (const body of ['<html>Forbidden</html>', 7, null, [], { error: 7 }, { errors: 'no' }, { errors: [null] }])
      expect((await answered(403, body)).outcome).toBe('unknown')
  })

  it('wait until the window ends, by X’s own clock', async () => {
    const date = 'Fri, 20 Nov 2026 09:00:00 GMT'
    const reset = { 'x-rate-limit-reset': String(Date.parse(date) / 1000 + 420) }
    expect((await answered(429, old(88), { date, ...reset })).retryAfterMs).toBe(420_000)
    expect((await answered(429, old(88), reset)).retryAfterMs).toBeUndefined()
    expect((await answered(429, old(88), { date })).retryAfterMs).toBeUndefined()
    expect((await answered(403, old(187), { date, ...reset })).retryAfterMs).toBeUndefined()
    expect((await answered(429, problem('usage-capped'), { date, ...reset })).retryAfterMs).toBe(3_600_000)
  })

  it('wait until the day ends where it is the day that is used up', async () => {
    const date = 'Fri, 20 Nov 2026 09:00:00 GMT'
    const after = (seconds: number) => String(Date.parse(date) / 1000 + seconds)
    const quarter = { 'x-rate-limit-remaining': '40', 'x-rate-limit-reset': after(420) }
    const day = (of: string, remaining: number) => ({
      [`x-${of}-limit-24hour-remaining`]: String(remaining),
      [`x-${of}-limit-24hour-reset`]: after(36_000),
    })
    const waits = async (headers: object) => (await answered(429, undefined, { date, ...headers } as Record<string, string>)).retryAfterMs
    expect(await waits({ ...quarter, ...day('app', 0) })).toBe(36_000_000)
    expect(await waits({ ...quarter, ...day('app', 7), ...day('user', 0) })).toBe(36_000_000)
    expect(await waits({ ...quarter, ...day('app', 7), ...day('user', 7) })).toBe(420_000)
    expect(await waits({ ...quarter, 'x-rate-limit-remaining': '0', ...day('app', 0) })).toBe(36_000_000)
  })

  it('are read without ever throwing', () => {
    const { errors } = x({ clientId: 'a' })
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 100, max: 599 }), (json, status) => {
        const reply: Reply = { status, json, text: '', headers: new Headers() }
        const { code, message } = errors.read(reply)
        expect([typeof code, typeof message].every((type) => type === 'string' || type === 'undefined')).toBe(true)
      }),
    )
  })
})

describe('rates', () => {
  it('are those of the manual, and what the headers say', () => {
    const adapter = x({ clientId: 'a' })
    expect(adapter.rates?.filter(({ on }) => on === 'publish')).toEqual([
      { on: 'publish', limit: 100, windowMs: 900_000, per: 'account' },
      { on: 'publish', limit: 10_000, windowMs: 86_400_000, per: 'app' },
    ])
    expect(adapter.rateOf?.(new Headers({ 'x-rate-limit-remaining': '3', 'x-rate-limit-reset': '1795165200' }))).toEqual({
      remaining: 3,
      resetAt: new Date('2026-11-20T09:00:00Z'),
    })
    const day = { 'x-app-limit-24hour-remaining': '0', 'x-app-limit-24hour-reset': '1795200000' }
    expect(adapter.rateOf?.(new Headers({ 'x-rate-limit-remaining': '3', 'x-rate-limit-reset': '1795165200', ...day }))).toEqual({
      remaining: 0,
      resetAt: new Date(1_795_200_000_000),
    })
    for (const odd of [{}, { 'x-rate-limit-remaining': 'many', 'x-rate-limit-reset': '1' }, { 'x-rate-limit-remaining': '1' }] as Record<string, string>[])
      expect(adapter.rateOf?.(new Headers(odd))).toBeUndefined()
  })
})

describe('metrics', () => {
  it('are read for many posts at once; what is gone has none', async () => {
    const scene = await sceneOf()
    const kept = await scene.publish({ text: 'Watched' })
    const gone = await scene.publish({ text: 'Gone' })
    for (const post of scene.state.posts) if (post.id === gone.placement?.id) post.deleted = true
    await scene.clock.pass(3_600_000)
    const figures = { views: 420, likes: 10, comments: 0, shares: 2, saves: 1, native: { quotes: 0 } }
    expect([...(await scene.metrics(kept.id, gone.id))]).toEqual([[kept.id, figures]])
    expect(await scene.metrics(gone.id)).toEqual(new Map())
    expect(scene.asked('tweets', 'GET')).toHaveLength(2)
  })

  it('are read in both spellings', async () => {
    const counts = { reply_count: 1, like_count: 2, quote_count: 3, bookmark_count: 4, impression_count: 5 }
    const http = httpFor(x({ clientId: 'a' }), async () =>
      Response.json({
        data: [
          { id: '1', public_metrics: { ...counts, repost_count: 6 } },
          { id: '2', public_metrics: { ...counts, retweet_count: 7 } },
        ],
      }),
    )
    const placed = (id: string) => ({ id, parts: [], content: { parts: [] } })
    const found = await readMetrics([placed('1'), placed('2')], { account: { id: '1', name: 'a' }, http })
    expect([...found.values()].map(({ shares }) => shares)).toEqual([6, 7])
  })
})
