// What a fault of the database means for a run: nothing was sent, and it is nobody's fault but the database's.

import { PublishError } from '../contract/error.ts'

const againAfterMs = 10_000

/** Passes on what the database answers. Where it does not, the delivery comes back soon, and it costs no try. A misuse stays a `TypeError`. */
export const fromDatabase = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    if (PublishError.is(cause) || cause instanceof TypeError) throw cause
    throw new PublishError('transient', 'The database did not answer. Nothing was sent.', { outcome: 'not-published', retryAfterMs: againAfterMs, cause })
  }
}
