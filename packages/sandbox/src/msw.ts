// The sandbox inside a test, through msw: requests to the real hosts never leave the process.

import { type HttpHandler, HttpResponse, http } from 'msw'
import { isConnectionLost } from './run/effects.ts'
import type { RunningSandbox } from './sandbox.ts'

/**
 * One handler for all hosts of the sandbox: `setupServer(...sandboxHandlers(sandbox))`.
 * msw cannot break a connection with a code of its own: a dropped request or reply rejects as its network error, a `TypeError` without one.
 */
export const sandboxHandlers = (sandbox: RunningSandbox): HttpHandler[] => [
  http.all(
    ({ request }) => URL.canParse(request.url) && sandbox.knows(new URL(request.url).hostname),
    async ({ request }) => {
      try {
        return await sandbox.fetch(request)
      } catch (error) {
        if (isConnectionLost(error) || request.signal.aborted) return HttpResponse.error()
        throw error
      }
    },
  ),
]
