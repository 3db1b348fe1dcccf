// What each fault does to a request: the one table of the fault script.

import type { Fault } from '../contract.ts'

/** What a fault can play with. */
export interface Scene {
  readonly request: Request
  /** The request has its effect, and the effect is saved. */
  effect(request: Request): Promise<Response>
  /** Waits as long as the rule says; rejects with the connection lost when the sandbox is closed meanwhile. */
  wait(): Promise<void>
  throttled(withHeader: boolean): Response
  expire(): Promise<void>
}

/** The connection broke. Deliberately not marked as "not sent": whoever sees it cannot know. */
export const connectionLost = (): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' }) })

export const isConnectionLost = (error: unknown): boolean => error instanceof TypeError && (error.cause as { code?: string } | undefined)?.code === 'ECONNRESET'

const page = (status: number, title: string): Response =>
  new Response(`<html>\r\n<head><title>${title}</title></head>\r\n<body><center><h1>${title}</h1></center></body>\r\n</html>\r\n`, {
    status,
    headers: { 'content-type': 'text/html' },
  })
const badGateway = () => page(502, '502 Bad Gateway')
const unavailable = () => page(503, '503 Service Temporarily Unavailable')
const garbage = () => page(200, 'One moment, please...')

const forget = async (reply: Response): Promise<void> => reply.body?.cancel()

/** Bytes that are already on their way: they arrive even when their sender is gone. */
const held = async (request: Request): Promise<Request> => {
  const body = request.body === null ? null : await request.arrayBuffer()
  return new Request(request.url, { method: request.method, headers: request.headers, body })
}

export const effects: Readonly<Record<Fault, (scene: Scene) => Promise<Response>>> = {
  'drop-request': async () => {
    throw connectionLost()
  },
  'drop-reply': async ({ effect, request }) => {
    await forget(await effect(request))
    throw connectionLost()
  },
  'error-after': async ({ effect, request }) => {
    await forget(await effect(request))
    return badGateway()
  },
  'error-before': async () => unavailable(),
  'delay-reply': async ({ effect, request, wait }) => {
    const reply = await effect(request)
    await wait()
    return reply
  },
  'arrive-late': async ({ effect, request, wait }) => {
    const arriving = await held(request)
    await wait()
    return effect(arriving)
  },
  'garbage-before': async () => garbage(),
  'garbage-after': async ({ effect, request }) => {
    await forget(await effect(request))
    return garbage()
  },
  throttle: async ({ throttled }) => throttled(true),
  'throttle-without-header': async ({ throttled }) => throttled(false),
  'expire-token': async ({ effect, request, expire }) => {
    await expire()
    return effect(request)
  },
}
