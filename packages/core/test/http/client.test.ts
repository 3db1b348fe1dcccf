// The client that adapters get: what leaves, where to, with what; what an answer or its absence means; what is repeated and what never.

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Applied } from '../../src/contract/auth.ts'
import { PublishError } from '../../src/contract/error.ts'
import type { Call, Http, Reply } from '../../src/contract/http.ts'
import type { Media } from '../../src/contract/media.ts'
import { markNotSent } from '../../src/contract/ports.ts'
import { type CallMode, createHttp, type Exchange, type HttpOptions } from '../../src/http/client.ts'
import { quickClock } from '../engine/rig.ts'

const adapter: HttpOptions['adapter'] = {
  id: 'toy',
  name: 'Toy',
  http: { base: 'https://toy.example/api', hosts: ['toy.example', 'upload.toy.example'], timeoutMs: 20_000, headers: { 'x-version': '7' } },
  errors: {
    read: ({ json }) => (z.object({ code: z.string(), message: z.string() }).partial().safeParse(json).data ?? {}) as { code: string },
    table: [
      ['duplicate', 'duplicate'],
      ['perhaps', 'policy', { perhapsLive: true }],
      ['token', 'auth'],
      [/^E4\d\d$/g, 'invalid'],
      ['slow', 'rate', { afterMs: 9_000 }],
    ],
  },
}
const secret = 'canary-bearer-token'

type Answer = Response | Error | ((request: Request) => Response | Promise<Response>)
const world = (answers: Answer[], more: Partial<HttpOptions> & { mode?: never; as?: CallMode } = {}) => {
  const clock = quickClock()
  const requests: Request[] = []
  const exchanges: Exchange[] = []
  const { as, ...options } = more
  const http = createHttp({
    adapter,
    clock,
    credentials: async () => ({ bearer: secret }),
    fetch: async (request) => {
      requests.push(request.clone())
      const answer = answers.length > 1 ? (answers.shift() as Answer) : (answers[0] as Answer)
      if (answer instanceof Error) throw answer
      return typeof answer === 'function' ? answer(request) : answer.clone()
    },
    onExchange: (exchange) => exchanges.push(exchange),
    ...(as && { mode: () => as }),
    ...options,
  })
  return { http, clock, requests, exchanges }
}
const failure = async (w: { clock: ReturnType<typeof quickClock> }, call: Promise<unknown>): Promise<PublishError> => {
  const error = await w.clock.drive(call).then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  if (!PublishError.is(error)) throw error
  return error
}
const send = (http: Http, call: Call<unknown> = {}) => http.post('posts', { json: { text: 'hello' }, accept: z.object({ id: z.string() }), ...call })
const network = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(`${code} canary-ip-10.0.0.7`), { code }) })

describe('what a failure of a commit means', () => {
  test.each<[string, Answer, [string, 'not-published' | 'unknown']]>([
    ['a name that does not resolve', network('ENOTFOUND'), ['transient', 'not-published']],
    ['a refused connection', network('ECONNREFUSED'), ['transient', 'not-published']],
    ['no connection in time', network('UND_ERR_CONNECT_TIMEOUT'), ['transient', 'not-published']],
    ['a certificate that is not trusted', network('CERT_HAS_EXPIRED'), ['transient', 'not-published']],
    ['a TLS handshake that fails', network('ERR_SSL_WRONG_VERSION_NUMBER'), ['transient', 'not-published']],
    ['our own guard', markNotSent(new PublishError('invalid', 'That is a private address.')), ['invalid', 'not-published']],
    ['the other side closed', network('UND_ERR_SOCKET'), ['transient', 'unknown']],
    ['a reset', network('ECONNRESET'), ['transient', 'unknown']],
    ['a broken pipe', network('EPIPE'), ['transient', 'unknown']],
    ['no head in time', network('UND_ERR_HEADERS_TIMEOUT'), ['transient', 'unknown']],
    ['no body in time', network('UND_ERR_BODY_TIMEOUT'), ['transient', 'unknown']],
    ['something nobody knows', new Error('strange'), ['transient', 'unknown']],
    ['400 in the platform’s words', Response.json({ code: 'E400', message: 'no' }, { status: 400 }), ['invalid', 'not-published']],
    ['400 of a gateway', new Response('<html>', { status: 400 }), ['invalid', 'unknown']],
    ['401 without words', new Response('', { status: 401 }), ['auth', 'not-published']],
    ['403 in words', Response.json({ message: 'no' }, { status: 403 }), ['permission', 'not-published']],
    ['403 of a gateway', new Response('<html>', { status: 403 }), ['permission', 'unknown']],
    ['404 of a gateway', new Response('<html>', { status: 404 }), ['gone', 'unknown']],
    ['408', Response.json({ message: 'slow' }, { status: 408 }), ['transient', 'unknown']],
    ['409 duplicate', Response.json({ code: 'duplicate' }, { status: 409 }), ['duplicate', 'not-published']],
    ['413 in words', Response.json({ message: 'big' }, { status: 413 }), ['media', 'not-published']],
    ['429 without words', new Response('', { status: 429 }), ['rate', 'not-published']],
    ['500 in words', Response.json({ code: 'E500', message: 'no' }, { status: 500 }), ['transient', 'unknown']],
    ['500 that is called invalid', Response.json({ code: 'E499' }, { status: 500 }), ['invalid', 'unknown']],
    ['502', new Response('<html>', { status: 502 }), ['transient', 'unknown']],
    ['a refusal that may be live all the same', Response.json({ code: 'perhaps' }, { status: 400 }), ['policy', 'unknown']],
    ['a redirect', new Response('', { status: 302, headers: { location: 'https://evil.example' } }), ['unknown', 'unknown']],
    ['200 that is no JSON', new Response('One moment, please'), ['unknown', 'unknown']],
    ['200 of another shape', Response.json({ ok: true }), ['unknown', 'unknown']],
    ['200 without a body', new Response(null), ['unknown', 'unknown']],
  ])('%s', async (_, answer, expected) => {
    const w = world([answer], { as: 'commit' })
    const error = await failure(w, send(w.http))
    expect([error.code, error.outcome]).toEqual(expected)
    expect(w.requests).toHaveLength(1)
    expect(w.exchanges).toHaveLength(1)
    expect(error.message).not.toMatch(/canary/)
  })

  test('an answer of more than 8 MB is not read to its end', async () => {
    let given = 0
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          given += 1
          controller.enqueue(new Uint8Array(1024 * 1024))
        },
      })
    const w = world([() => new Response(body())], { as: 'commit' })
    const error = await failure(w, send(w.http))
    expect([error.code, error.outcome]).toEqual(['unknown', 'unknown'])
    expect(given).toBeLessThan(12)
    expect(w.exchanges).toMatchObject([{ error: 'unknown' }])
  })

  test('8 MB exactly are read', async () => {
    const w = world([new Response(JSON.stringify({ id: 'x'.repeat(8 * 1024 * 1024 - 9) }))])
    expect(((await w.clock.drive(send(w.http))) as { id: string }).id).toHaveLength(8 * 1024 * 1024 - 9)
  })

  test('no answer within its time, however it is slow', async () => {
    const never = () => new Promise<Response>(() => undefined)
    const stalled = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }))
    const heeding = (request: Request) => new Promise<Response>((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason)))
    for (const [answer, took] of [
      [stalled, 20_000],
      [heeding, 20_000],
      // It gets a second for its last word, and is then left alone.
      [never, 21_000],
    ] as const) {
      const w = world([answer], { as: 'commit' })
      const began = w.clock.now()
      const error = await failure(w, send(w.http))
      expect([error.code, error.outcome, error.message]).toEqual([
        'transient',
        'unknown',
        'Toy did not answer POST /api/posts within 20 s. It may have arrived.',
      ])
      expect(w.clock.now() - began).toBe(took)
    }
  })

  test('a commit never takes longer than its lease reckons with, a download may', async () => {
    const stall = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }))
    for (const [as, took] of [
      ['commit', 20_000],
      ['prepare', 3 * 90_000 + 2_500],
    ] as const) {
      const w = world([stall], { as })
      const began = w.clock.now()
      await failure(w, send(w.http, { timeoutMs: 90_000 }))
      expect(w.clock.now() - began).toBe(took)
    }
    const bounded = world([stall], { as: 'commit', mostMs: 3_000 })
    const began = bounded.clock.now()
    await failure(bounded, send(bounded.http))
    expect(bounded.clock.now() - began).toBe(3_000)
  })
})

describe('what is repeated', () => {
  const ok = Response.json({ id: '1' })
  test.each(['read', 'prepare'] as const)('a %s after a fault, twice, with pauses', async (as) => {
    const w = world([network('ECONNRESET'), new Response('', { status: 503 }), ok], { as })
    const began = w.clock.now()
    expect(await w.clock.drive(send(w.http))).toEqual({ id: '1' })
    expect([w.requests.length, w.clock.now() - began]).toEqual([3, 2_500])
    expect(await w.requests[2]?.json()).toEqual({ text: 'hello' })
  })
  test('no longer than that', async () => {
    const w = world([network('ECONNRESET')], { as: 'read' })
    expect((await failure(w, send(w.http))).code).toBe('transient')
    expect(w.requests).toHaveLength(3)
  })
  test('not before the platform’s own time, and not at all where that is long', async () => {
    const w = world([new Response('', { status: 503, headers: { 'retry-after': '4' } }), ok], { as: 'read' })
    const began = w.clock.now()
    await w.clock.drive(send(w.http))
    expect(w.clock.now() - began).toBe(4_000)
    const long = world([new Response('', { status: 503, headers: { 'retry-after': '60' } })], { as: 'read' })
    expect((await failure(long, send(long.http))).retryAfterMs).toBe(60_000)
    expect(long.requests).toHaveLength(1)
  })
  test.each([400, 403, 404, 429])('not a refusal: %d', async (status) => {
    const w = world([Response.json({ message: 'no' }, { status })], { as: 'read' })
    await failure(w, send(w.http))
    expect(w.requests).toHaveLength(1)
  })
  test('nothing on the way to an open commit', async () => {
    const w = world([ok], { as: 'silent' })
    await expect(w.http.get('posts?access_token=canary')).rejects.toThrow('Toy: its adapter called GET posts on the way to a commit')
    expect(w.requests).toEqual([])
  })
})

describe('401', () => {
  const denied = () => Response.json({ code: 'token' }, { status: 401 })
  const renewing = (answers: Answer[], more: object = {}) => {
    const used: Applied[] = []
    let current = 'old'
    const w = world(answers, {
      as: 'commit',
      credentials: async () => ({ bearer: `${current}-${secret}` }),
      renew: async (applied) => {
        used.push(applied)
        current = 'new'
        return true
      },
      ...more,
    })
    return { ...w, used }
  }
  test('renews once and sends again, with the new one', async () => {
    const w = renewing([denied(), Response.json({ id: '1' })])
    expect(await w.clock.drive(send(w.http))).toEqual({ id: '1' })
    expect(w.requests.map(({ headers }) => headers.get('authorization'))).toEqual([`Bearer old-${secret}`, `Bearer new-${secret}`])
    expect(w.used).toEqual([{ bearer: `old-${secret}` }])
  })
  test('twice is an answer', async () => {
    const w = renewing([denied()])
    expect(await failure(w, send(w.http))).toMatchObject({ code: 'auth', outcome: 'not-published' })
    expect([w.requests.length, w.used.length]).toEqual([2, 1])
  })
  test('that a gateway may have said in the platform’s place does not send a commit twice', async () => {
    const w = renewing([Response.json({ code: 'token' }, { status: 500 })])
    expect(await failure(w, send(w.http))).toMatchObject({ code: 'auth', outcome: 'unknown' })
    expect([w.requests.length, w.used.length]).toEqual([1, 0])
  })
  test('of a renewal that failed is its own error', async () => {
    const w = renewing([denied()], { renew: async () => Promise.reject(new PublishError('auth', 'Toy: connect the account again.')) })
    expect((await failure(w, send(w.http))).message).toBe('Toy: connect the account again.')
  })
})

describe('in the turn in which the bytes of a commit leave', () => {
  test('it is asked whether they may, before each of its exchanges, and not before reads', async () => {
    const asked: number[] = []
    const leave = () => void asked.push(1)
    const w = world([Response.json({ code: 'token' }, { status: 401 }), Response.json({ id: '1' })], { as: 'commit', leave, renew: async () => true })
    await w.clock.drive(send(w.http))
    expect(asked).toHaveLength(2)
    const read = world([Response.json({ id: '1' })], { as: 'read', leave })
    await read.clock.drive(send(read.http))
    expect(asked).toHaveLength(2)
  })
  test('where they may not, nothing leaves and the error is what was said', async () => {
    const no = new PublishError('transient', 'The lease ended.', { outcome: 'not-published', retryAfterMs: 0 })
    const w = world([Response.json({ id: '1' })], {
      as: 'commit',
      leave: () => {
        throw no
      },
    })
    expect(await failure(w, send(w.http))).toBe(no)
    expect(w.requests).toEqual([])
  })
})

describe('where it goes', () => {
  const called = async (url: string, call: Call<unknown> = {}, more: Partial<HttpOptions> = {}) => {
    const w = world([Response.json({})], more as never)
    await w.clock.drive(w.http.get(url, call))
    return w.requests[0] as Request
  }
  test('below the base, or to another of the platform’s hosts, with credentials and its own headers', async () => {
    expect((await called('posts/1')).url).toBe('https://toy.example/api/posts/1')
    const request = await called('https://upload.toy.example/x')
    expect(request.headers.get('authorization')).toBe(`Bearer ${secret}`)
    expect([request.headers.get('x-version'), request.headers.get('accept')]).toEqual(['7', 'application/json'])
  })
  test.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    'http://toy.example/',
    'https://toy.example:8443/',
    'https://toy.example.evil.example/',
    'data:,x',
  ])('not to %s', async (url) => {
    const w = world([Response.json({})])
    await expect(w.clock.drive(w.http.get(url))).rejects.toThrow(/Toy: its adapter called .*which is not one of its `http.hosts`/)
    expect(w.requests).toEqual([])
  })
  test('anywhere without credentials, where it says so', async () => {
    const request = await called('http://cdn.example/a', { foreign: true })
    expect([request.url, request.headers.get('authorization')]).toEqual(['http://cdn.example/a', null])
    expect((await called('https://toy.example/a', { foreign: true })).headers.get('authorization')).toBeNull()
  })
  test('redirects are not followed', async () => {
    const w = world([new Response('', { status: 301, headers: { location: 'https://evil.example' } })], { as: 'commit' })
    await failure(w, send(w.http))
    expect(w.requests.map(({ redirect, url }) => [redirect, url])).toEqual([['manual', 'https://toy.example/api/posts']])
  })
  test('a line break in a header is refused, whoever brings it', async () => {
    for (const value of ['a\r\nx-evil: 1', 'a\nb', 'a\0b']) {
      const w = world([Response.json({})])
      await expect(w.clock.drive(w.http.get('a', { headers: { 'x-name': value } }))).rejects.toThrow('holds a line break')
      const evil = world([Response.json({})], { credentials: async () => ({ bearer: value }) })
      await expect(evil.clock.drive(evil.http.get('a'))).rejects.toThrow('holds a line break')
      expect([...w.requests, ...evil.requests]).toEqual([])
    }
  })
})

describe('what it carries', () => {
  const bodyOf = async (call: Call<unknown>) => {
    const w = world([Response.json({})])
    await w.clock.drive(w.http.post('a', call))
    const request = w.requests[0] as Request
    return { type: request.headers.get('content-type'), length: request.headers.get('content-length'), bytes: Buffer.from(await request.arrayBuffer()) }
  }
  const media = (name: string, bytes: number): Media => ({
    type: 'image',
    mime: 'image/gif',
    bytes,
    name,
    sha256: 'x',
    chunks: async function* () {},
    stream: () => ReadableStream.from(Array.from({ length: bytes / 100 }, () => new Uint8Array(100).fill(65))),
  })
  test('JSON, fields, bytes', async () => {
    expect(await bodyOf({ json: { a: 'ü' } })).toMatchObject({ type: 'application/json', bytes: Buffer.from('{"a":"ü"}') })
    expect(await bodyOf({ fields: { a: 'b c', d: '&=' } })).toMatchObject({ type: 'application/x-www-form-urlencoded', bytes: Buffer.from('a=b+c&d=%26%3D') })
    expect((await bodyOf({ body: new Uint8Array([0, 255]) })).bytes).toEqual(Buffer.from([0, 255]))
  })
  test('one of them', async () => {
    const w = world([Response.json({})])
    await expect(w.clock.drive(w.http.post('a', { json: 1, fields: {} }))).rejects.toThrow('one of `json`, `form`, `fields` and `body`')
  })
  test('a file is streamed with its exact length', async () => {
    const { length, bytes, type } = await bodyOf({ body: media('a.gif', 70_000) })
    expect([length, bytes.length, type]).toEqual(['70000', 70_000, 'image/gif'])
  })
  test('multipart is streamed, its length is exact, and other software reads it as it was meant', async () => {
    const form = { text: 'grüße\r\n--x', file: media('a"\r\nx.gif', 3_300), blob: new Blob(['xyz'], { type: 'text/plain' }) }
    const { type, length, bytes } = await bodyOf({ form })
    expect(length).toBe(String(bytes.length))
    const read = await new Response(bytes, { headers: { 'content-type': type as string } }).formData()
    expect(read.get('text')).toBe('grüße\r\n--x')
    const file = read.get('file') as File
    expect([file.name, file.type, file.size]).toEqual(['a___x.gif', 'image/gif', 3_300])
    expect(await (read.get('blob') as File).text()).toBe('xyz')
  })
  test('secrets in the query are sent, and told nowhere', async () => {
    const w = world([Response.json({ message: `bad token canary-in-query, see https://toy.example/help?token=canary-in-query` }, { status: 403 })], {
      credentials: async () => ({ query: { access_token: 'canary-in-query' }, headers: { 'x-key': 'canary-in-header' }, basic: ['user', 'canary-in-basic'] }),
    })
    const error = await failure(w, w.http.get('posts', { query: { q: 'canary-asked' } }))
    expect(w.requests[0]?.url).toBe('https://toy.example/api/posts?q=canary-asked&access_token=canary-in-query')
    expect(JSON.stringify([error.message, error, w.exchanges])).not.toContain('canary')
    expect(error.message).toBe(
      'Toy answered 403 to GET /api/posts: bad token [secret], see https://toy.example/help. The account or the app may not do this: check its role, scopes and plan.',
    )
  })
  test('a secret in the path is told nowhere either', async () => {
    const bot = { ...adapter, http: { ...adapter.http, base: `https://toy.example/bot${secret}` } }
    for (const answer of [network('ECONNRESET'), new Response('', { status: 500 }), new Response('x')]) {
      const w = world([answer], { adapter: bot, as: 'commit' })
      const error = await failure(w, send(w.http))
      expect(JSON.stringify([error.message, w.exchanges])).not.toContain('canary')
      expect(error.message).toContain('/bot[secret]/posts')
    }
  })
})

describe('what comes back', () => {
  test('exactly what `accept` reads', async () => {
    const w = world([Response.json({ id: '1', more: 2 })])
    expect(await w.clock.drive(send(w.http))).toEqual({ id: '1' })
    expect(await w.clock.drive(w.http.get('a'))).toBeUndefined()
    expect(await w.clock.drive(w.http.get('a', { accept: ({ status, text }: Reply) => `${status} ${text}` }))).toBe('200 {"id":"1","more":2}')
  })
  test('a function that cannot read it: nobody knows; one that knows better is believed', async () => {
    const w = world([Response.json({ error: 'no' })], { as: 'commit' })
    const slip = { accept: () => (undefined as unknown as { x: { y: string } }).x.y }
    expect(await failure(w, w.http.post('a', slip))).toMatchObject({ code: 'unknown', outcome: 'unknown' })
    const knows = {
      accept: () => {
        throw new PublishError('invalid', 'Toy: 200 means no.')
      },
    }
    expect(await failure(w, w.http.post('a', knows))).toMatchObject({ code: 'invalid', outcome: 'not-published' })
  })
  test('rate headers of commits are told; a slip in reading them changes nothing', async () => {
    const rates: unknown[] = []
    const told = { ...adapter, rateOf: () => ({ remaining: 0, resetAt: new Date(5) }) }
    const commit = world([Response.json({ id: '1' })], { adapter: told, as: 'commit', onRate: (rate) => void rates.push(rate) })
    await commit.clock.drive(send(commit.http))
    const read = world([Response.json({ id: '1' })], { adapter: told, as: 'read', onRate: (rate) => void rates.push(rate) })
    await read.clock.drive(send(read.http))
    expect(rates).toEqual([{ remaining: 0, resetAt: new Date(5) }])
    for (const rateOf of [
      () => {
        throw new TypeError('headers')
      },
      () => ({ remaining: Number.NaN, resetAt: new Date(Number.NaN) }),
    ]) {
      const w = world([Response.json({ id: '1' })], { adapter: { ...adapter, rateOf }, as: 'commit', onRate: (rate) => void rates.push(rate) })
      expect(await w.clock.drive(send(w.http))).toEqual({ id: '1' })
    }
    expect(rates).toHaveLength(1)
  })
  test.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '40' }, 40_000],
    [{ 'retry-after': ' 1.5 ' }, 1_500],
    [{ 'retry-after': 'Fri, 20 Nov 2026 09:01:00 GMT' }, 60_000],
    [{ 'retry-after': 'Fri, 20 Nov 2020 09:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{}, undefined],
  ])('%j is a wait of %s ms', async (headers, ms) => {
    const w = world([new Response('', { status: 429, headers })], { as: 'commit' })
    expect((await failure(w, send(w.http))).retryAfterMs).toBe(ms)
  })
  test('a pattern with a memory matches each time', async () => {
    for (let n = 0; n < 4; n++) {
      const w = world([Response.json({ code: 'E404' }, { status: 404 })], { as: 'commit' })
      expect((await failure(w, send(w.http))).code).toBe('invalid')
    }
  })
  test('the table’s own wait comes first', async () => {
    const w = world([Response.json({ code: 'slow' }, { status: 400, headers: { 'retry-after': '1' } })], { as: 'commit' })
    expect(await failure(w, send(w.http))).toMatchObject({ code: 'rate', retryAfterMs: 9_000 })
  })
})
