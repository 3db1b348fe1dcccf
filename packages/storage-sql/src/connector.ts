// What a database has to offer to carry `sqlStorage`, and the form in which verbs talk to it.

import type { DialectName } from './dialect/dialects.ts'

/** All that ever crosses to the database: a batch travels as one JSON text, a boolean never travels. */
export type Value = string | number | null
/** Column by name. The connector turns a bigint or a numeric string of its driver into a number. */
export type Row = Record<string, Value>

/** One statement of the dialect, ready to be sent. */
export interface Statement {
  readonly sql: string
  /** By position. */
  readonly params: readonly Value[]
}

/**
 * A verb, as a generator of statements: it yields what is to be run and is given the rows. So one text serves a network driver, which awaits
 * between two statements, and an embedded one, which runs the whole verb in one synchronous turn. A failed statement is thrown in at its `yield`.
 */
export type Work<T> = Generator<Statement, T, readonly Row[]>

/** Sends one statement; rows in the order of the database. */
export type Query = (statement: Statement) => Promise<readonly Row[]>

/** A driver, as `sqlStorage` needs it: three calls and a name. */
export interface SqlConnector<Tx = unknown> {
  readonly dialect: DialectName
  /** One statement outside of a transaction; only ever a read. */
  readonly query: Query
  /**
   * Runs the work in one transaction and commits, or rolls back and throws. One transaction at a time per underlying connection. Where the database says "try again"
   * (busy, serialisation failure, deadlock), `work` is called afresh, so it may run several times; the event loop is never blocked in between.
   */
  transaction<T>(work: () => Work<T>): Promise<T>
  /** Runs the work inside the host's open transaction, and neither commits nor rolls it back. */
  within<T>(tx: Tx, work: () => Work<T>): Promise<T>
  /** Whether an error says that one row's data cannot be stored, and nothing was. Absent: no error says so. */
  isDataError?(error: unknown): boolean
  close(): Promise<void>
}

/** Runs a work over a driver that answers later. */
export const drive = async <T>(work: Work<T>, query: Query): Promise<T> => {
  let step = work.next()
  while (!step.done) {
    let rows: readonly Row[]
    try {
      rows = await query(step.value)
    } catch (error) {
      step = work.throw(error)
      continue
    }
    step = work.next(rows)
  }
  return step.value
}

/** Runs a work over a driver that answers at once: nothing else of this process happens in between. */
export const driveNow = <T>(work: Work<T>, query: (statement: Statement) => readonly Row[]): T => {
  let step = work.next()
  while (!step.done) {
    let rows: readonly Row[]
    try {
      rows = query(step.value)
    } catch (error) {
      step = work.throw(error)
      continue
    }
    step = work.next(rows)
  }
  return step.value
}
