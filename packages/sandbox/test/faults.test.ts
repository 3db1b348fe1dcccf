// Every fault, in process and over HTTP: what the client sees and what people see.

import { notSent } from '@syndikit/core'
import { createSandbox, type Fault, type FaultRule, type RunningSandbox, sandboxFetch, serveSandbox } from '@syndikit/sandbox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { settle, type VirtualClock, virtualClock } from './support.ts'
import { ask, postOf, sandbox as toy } from './toy.ts'

type Fetch = (request: Request) => Promise<Response>
interface Ground {
  readonly sandbox: RunningSandbox
  readonly clock: VirtualClock
  readonly fetch: Fetch
}

const inProcess = async (): Promise<Ground> => {
  const clock = virtualClock()
  const sandbox = createSandbox({ platforms: [toy], clock, seed: 0 })
  return { sandbox, clock, fetch: sandbox.fetch }
}
const overHttp = async (): Promise<Ground> => {
  const ground = await inProcess()
  const server = await serveSandbox(ground.sandbox)
  onTestFinished(() => server.close())
  return { ...ground, fetch: sandboxFetch(server.url) }
}

/** What the client got: a status and whether the body was JSON, or the code of a broken connection. */
const outcome = async (reply: Promise<Response>): Promise<string> => {
  try {
    const { status, headers, body } = await reply.then(async (it) => ({ status: it.status, headers: it.headers, body: await it.text() }))
    const isJson = body === '' || body.startsWith('{')
    return `${status}${isJson ? '' : ' not json'}${headers.has('retry-after') ? ' retry-after' : ''}`
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(notSent(error)).toBe(false)
    return ((error as Error).cause as { code: string }).code
  }
}

const atOnce: [Fault, seen: string, posts: number][] = [
  ['drop-request', 'ECONNRESET', 0],
  ['drop-reply', 'ECONNRESET', 1],
  ['error-before', '503 not json', 0],
  ['error-after', '502 not json', 1],
  ['garbage-before', '200 not json', 0],
  ['garbage-after', '200 not json', 1],
  ['throttle', '429 retry-after', 0],
  ['throttle-without-header', '429', 0],
  ['expire-token', '401', 0],
]

describe.each([
  ['in process', inProcess],
  ['over HTTP', overHttp],
])('%s', (_, ground) => {
  test.each(atOnce)('%s: the client sees %s, and %i post is there', async (fault, seen, posts) => {
    const { sandbox, fetch } = await ground()
    sandbox.faults.add({ fault, on: 'commit', nth: 1 })
    expect(await outcome(fetch(postOf('hello')))).toBe(seen)
    expect(sandbox.visible()).toHaveLength(posts)
    expect(sandbox.faults.log).toEqual([{ at: expect.any(Number), fault, platform: 'toy', method: 'POST', path: '/posts' }])
    expect(sandbox.requests.map(({ status }) => status)).toEqual([seen === 'ECONNRESET' ? 'lost' : Number(seen.slice(0, 3))])
  })

  test('delay-reply: the effect is there at once, the answer after a minute', async () => {
    const { sandbox, clock, fetch } = await ground()
    sandbox.faults.add({ fault: 'delay-reply', nth: 1 })
    let answered = false
    const reply = fetch(postOf('hello')).finally(() => {
      answered = true
    })
    await expect.poll(() => clock.sleeping).toBe(1)
    await clock.advance(59_999)
    expect([sandbox.visible().length, answered]).toEqual([1, false])
    await clock.advance(1)
    expect((await reply).status).toBe(201)
  })

  test('delay-reply: a client that gave up in between finds the effect', async () => {
    const { sandbox, clock, fetch } = await ground()
    sandbox.faults.add({ fault: 'delay-reply', nth: 1 })
    const giveUp = new AbortController()
    const reply = fetch(new Request(postOf('hello'), { signal: giveUp.signal }))
    reply.catch(() => undefined)
    await expect.poll(() => clock.sleeping).toBe(1)
    giveUp.abort(new DOMException('too slow', 'TimeoutError'))
    await expect(reply).rejects.toThrow('too slow')
    expect(sandbox.visible()).toHaveLength(1)
    await expect.poll(() => sandbox.requests[0]?.status).toBe('lost')
  })

  test('arrive-late: nothing is there when the client gives up, and it arrives all the same', async () => {
    const { sandbox, clock, fetch } = await ground()
    sandbox.faults.add({ fault: 'arrive-late', nth: 1, delayMs: 90_000 })
    const giveUp = new AbortController()
    const reply = fetch(new Request(postOf('late'), { signal: giveUp.signal }))
    reply.catch(() => undefined)
    await expect.poll(() => clock.sleeping).toBe(1)
    giveUp.abort()
    await expect(reply).rejects.toMatchObject({ name: 'AbortError' })
    await clock.advance(89_999)
    expect(sandbox.visible()).toEqual([])
    await clock.advance(1)
    await expect.poll(() => sandbox.visible().map(({ text }) => text)).toEqual(['late'])
  })

  test('closing ends what a fault holds back: it never arrives', async () => {
    const { sandbox, clock, fetch } = await ground()
    sandbox.faults.add({ fault: 'arrive-late', nth: 1 })
    const reply = outcome(fetch(postOf('never')))
    await expect.poll(() => clock.sleeping).toBe(1)
    await sandbox.close()
    expect(await reply).toBe('ECONNRESET')
    await settle()
    expect(sandbox.visible()).toEqual([])
  })
})

const script = async (rules: FaultRule[], requests: Request[]) => {
  const { sandbox, fetch } = await inProcess()
  sandbox.faults.add(rules)
  const seen: string[] = []
  for (const request of requests) seen.push(await outcome(fetch(request)))
  return { seen, sandbox }
}
const token = () => new Request('https://toy.example/oauth/token', { method: 'POST', body: 'code=none' })

test('a rule counts only the requests it is about', async () => {
  const { seen } = await script([{ fault: 'error-before', on: 'commit', nth: 2 }], [ask('/a'), postOf('1'), ask('/b'), postOf('2'), postOf('3')])
  expect(seen).toEqual(['200', '201', '200', '503 not json', '201'])
})

test('a rule on token requests leaves all others alone', async () => {
  const { seen } = await script([{ fault: 'drop-reply', on: 'token', nth: 1 }], [postOf('1'), token(), token()])
  expect(seen).toEqual(['201', 'ECONNRESET', '400'])
})

test('a rule for another platform never fires', async () => {
  const sandbox = createSandbox({ platforms: [toy, { ...toy, platform: 'other', hosts: ['other.example'] }], seed: 0 })
  sandbox.faults.add({ fault: 'error-before', platform: 'other', nth: 1 })
  expect((await sandbox.fetch(postOf('1'))).status).toBe(201)
  expect((await sandbox.fetch(new Request('https://other.example/posts'))).status).toBe(503)
})

test('two rules that are due at once fire one after the other, so none is lost', async () => {
  const { seen, sandbox } = await script(
    [
      { fault: 'error-before', nth: 1 },
      { fault: 'throttle', nth: 1 },
    ],
    [postOf('1'), postOf('2'), postOf('3')],
  )
  expect(seen).toEqual(['503 not json', '429 retry-after', '201'])
  expect(sandbox.faults.log.map(({ fault }) => fault)).toEqual(['error-before', 'throttle'])
})

test('clear forgets what has not fired, and keeps the log of what has', async () => {
  const { sandbox } = await script(
    [
      { fault: 'error-before', nth: 1 },
      { fault: 'throttle', nth: 9 },
    ],
    [postOf('1')],
  )
  sandbox.faults.clear()
  expect([sandbox.faults.waiting, sandbox.faults.log.length]).toEqual([[], 1])
})

test.each<[string, unknown, RegExp]>([
  ['an unknown fault', { fault: 'explode', nth: 1 }, /fault/],
  ['nth below one', { fault: 'throttle', nth: 0 }, /nth/],
  ['a misspelt field', { fault: 'throttle', nth: 1, plattform: 'toy' }, /plattform/],
  ['a platform that is not there', { fault: 'throttle', nth: 1, platform: 'x' }, /no platform "x" here. It is one of toy/],
  [
    'one bad rule among good ones',
    [
      { fault: 'throttle', nth: 1 },
      { fault: 'throttle', nth: 1.5 },
    ],
    /nth/,
  ],
])('%s is refused with the reason, and nothing is added', async (_, rule, message) => {
  const { sandbox } = await inProcess()
  expect(() => sandbox.faults.add(rule as FaultRule)).toThrow(TypeError)
  expect(() => sandbox.faults.add(rule as FaultRule)).toThrow(message)
  expect(sandbox.faults.waiting).toEqual([])
})
