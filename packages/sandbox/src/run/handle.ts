// One request's way through the fault script and its platform's emulator.

import type { Clock } from '@syndikit/core'
import type { Logged } from '../sandbox.ts'
import { connectionLost, effects } from './effects.ts'
import type { Asked, createFaults } from './faults.ts'
import type { Stand } from './stand.ts'

const requestsKept = 10_000

export interface Surroundings {
  readonly clock: Clock
  readonly script: ReturnType<typeof createFaults>
  /** Aborted when the sandbox is closed: nothing waits any longer. */
  readonly ended: AbortSignal
}

/** Rejects as soon as the client goes away; what it asked for happens all the same. */
const unlessGone = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const gone = () => reject(signal.reason)
    signal.addEventListener('abort', gone, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone))
  })

const crashed = (platform: string, error: unknown): Response =>
  Response.json(
    {
      error: 'emulator_failed',
      message: `The emulator of ${platform} threw: ${error instanceof Error ? error.message : String(error)}. That is a bug in the emulator.`,
    },
    { status: 500 },
  )

/** Every real server says what time it has. */
const dated = (reply: Response, now: number): Response => {
  if (reply.headers.has('date')) return reply
  const headers = new Headers(reply.headers)
  headers.set('date', new Date(now).toUTCString())
  return new Response(reply.body, { status: reply.status, statusText: reply.statusText, headers })
}

async function play(stand: Stand, request: Request, { clock, script, ended }: Surroundings): Promise<Response> {
  const { emulator, sandbox } = stand
  const effect = async (arrived: Request): Promise<Response> => {
    const reply = await (async () => emulator.fetch(arrived))().catch((error: unknown) => crashed(sandbox.platform, error))
    await stand.save()
    return dated(reply, clock.now())
  }
  let asked: Asked
  try {
    asked = { platform: sandbox.platform, isCommit: emulator.isCommit(request), isToken: emulator.isToken?.(request) ?? false }
  } catch (error) {
    return crashed(sandbox.platform, error)
  }
  const rule = script.meet(asked)
  if (!rule) return effect(request)
  script.record({ at: clock.now(), fault: rule.fault, platform: sandbox.platform, method: request.method, path: new URL(request.url).pathname })
  return effects[rule.fault]({
    request,
    effect,
    async wait() {
      await clock.sleep(rule.delayMs ?? 60_000, ended)
      if (ended.aborted) throw connectionLost()
    },
    throttled: (withHeader) => emulator.throttled(withHeader),
    async expire() {
      emulator.act('expire')
      await stand.save()
    },
  })
}

/** Answers requests and keeps the log of them. */
export function createHandler(surroundings: Surroundings): { requests: Logged[]; handle(stand: Stand, request: Request): Promise<Response> } {
  const requests: { -readonly [K in keyof Logged]: Logged[K] }[] = []
  return {
    requests,
    async handle(stand, request) {
      const { host, pathname } = new URL(request.url)
      const entry: (typeof requests)[number] = {
        at: surroundings.clock.now(),
        platform: stand.sandbox.platform,
        method: request.method,
        host,
        path: pathname,
        status: undefined,
      }
      requests.push(entry)
      if (requests.length > requestsKept) requests.shift()
      try {
        const reply = await unlessGone(play(stand, request, surroundings), request.signal)
        entry.status = reply.status
        return reply
      } catch (error) {
        entry.status = 'lost'
        throw error
      }
    },
  }
}
