// Waiting for a call that must not be aborted: a platform may act on it long after we stop waiting.

import type { Clock } from '../contract/ports.ts'

/** How long the answer of a log-in or refresh is waited for. */
export const patienceMs = 120_000
/** Longer than the patience, so that nobody else refreshes while an answer may still come. */
export const refreshLeaseMs = 150_000

export const late = Symbol('late')

/** The call's outcome, or `late` after `ms`. The call goes on. */
export const patiently = async <T>(clock: Clock, call: Promise<T>, ms: number = patienceMs): Promise<T | typeof late> => {
  const answered = new AbortController()
  const timer = clock.sleep(ms, answered.signal).then((): typeof late => late)
  try {
    return await Promise.race([call, timer])
  } finally {
    call.catch(() => undefined)
    answered.abort()
  }
}
