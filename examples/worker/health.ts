// What an orchestrator asks: is the process alive, may it get traffic, how does it go.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from './syndikit.ts'

export interface Probes {
  /** From now on it is not ready: no new traffic. It stays alive until what is under way has ended. */
  stopping(): void
  /** Answers `/healthz`, `/readyz` and `/status`; false: it was another path. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>
}

const patienceMs = 2_000

export const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  const late = AbortSignal.timeout(ms)
  return Promise.race([work, new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(late.reason)))])
}

export const probesOf = (app: App): Probes => {
  let isStopping = false
  // An answer of the database says more than an open socket does. A queue that is down is no reason: workers go on without it.
  const ready = () =>
    within(patienceMs, app.operations.ping()).then(
      () => !isStopping,
      () => false,
    )
  const paths: Record<string, (response: ServerResponse) => Promise<void>> = {
    // Only whether the event loop turns: a database that is away must not get every process killed.
    '/healthz': async (response) => json(response, 200, { alive: true }),
    '/readyz': async (response) => {
      const isReady = await ready()
      json(response, isReady ? 200 : 503, { ready: isReady })
    },
    '/status': async (response) => json(response, 200, { ...(await app.operations.health()), findings: await app.operations.doctor() }),
  }
  return {
    stopping: () => {
      isStopping = true
    },
    answer: async ({ url }, response) => {
      const path = paths[url ?? '']
      await path?.(response)
      return path !== undefined
    },
  }
}
