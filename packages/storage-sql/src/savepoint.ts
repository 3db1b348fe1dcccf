// A part of a transaction that is kept or dropped by itself. The transaction around it, which may be the host's, goes on either way.

import type { Work } from './connector.ts'
import type { Sql } from './sql.ts'

/** Drops what the work wrote when it throws, and where `keeps` says no to its answer. */
export function* apart<T>(sql: Sql, name: string, work: () => Work<T>, keeps: (answer: T) => boolean = () => true): Work<T> {
  yield sql(`savepoint ${name}`)
  let answer: T
  try {
    answer = yield* work()
  } catch (error) {
    try {
      yield sql(`rollback to savepoint ${name}`)
      yield sql(`release savepoint ${name}`)
    } catch {
      // A full disk or a lost connection has already ended the whole transaction; the first error says why.
    }
    throw error
  }
  if (!keeps(answer)) yield sql(`rollback to savepoint ${name}`)
  yield sql(`release savepoint ${name}`)
  return answer
}
