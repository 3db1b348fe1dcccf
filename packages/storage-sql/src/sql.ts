// Turns statements with named parameters into a dialect's, with one reading of the clock for a whole verb.

import type { Row, Statement, Value, Work } from './connector.ts'
import type { Dialect } from './dialect/dialect.ts'
import { fromRow, type JsonParam, toValue } from './text.ts'

export type Params = Readonly<Record<string, Value | JsonParam>>

/** Makes the statements of one run of a verb. `:name` is a parameter; `:now` is the instant of the verb. */
export interface Sql {
  (text: string, params?: Params): Statement
  readonly dialect: Dialect
}

interface Compiled {
  readonly sql: string
  readonly names: readonly string[]
}

// A cast (`::json`) is no parameter.
const parameter = /(?<!:):([a-z]\w*)/gi

const compile = (text: string, dialect: Dialect, clocked: boolean): Compiled => {
  const names: string[] = []
  const sql = text.replace(parameter, (_, name: string) => {
    if (name === 'now' && !clocked) return dialect.now
    names.push(name)
    return dialect.placeholder(names.length, name === 'now' ? 'int' : undefined)
  })
  return { sql, names }
}

/** With a clock, `:now` is a parameter read once per verb; without, the database's own. */
export const sqlFor = (dialect: Dialect, clock: { now(): number } | undefined): (() => Sql) => {
  const compiled = new Map<string, Compiled>()
  const compiledOf = (text: string) => {
    const known = compiled.get(text)
    if (known) return known
    const made = compile(text, dialect, clock !== undefined)
    compiled.set(text, made)
    return made
  }
  return () => {
    const now = clock ? Math.floor(clock.now()) : null
    const paramOf = (name: string, params: Params): Value => {
      const value = name === 'now' ? now : params[name]
      if (value === undefined) throw new Error(`syndikit: the statement's parameter "${name}" is missing.`)
      return toValue(value)
    }
    const sql = (text: string, params: Params = {}): Statement => {
      const made = compiledOf(text)
      return { sql: made.sql, params: made.names.map((name) => paramOf(name, params)) }
    }
    return Object.assign(sql, { dialect })
  }
}

/** The same work, given its rows in JavaScript's own strings. */
export function* readable<T>(work: Work<T>): Work<T> {
  let step = work.next()
  while (!step.done) {
    let rows: readonly Row[]
    try {
      rows = (yield step.value).map(fromRow)
    } catch (error) {
      step = work.throw(error)
      continue
    }
    step = work.next(rows)
  }
  return step.value
}
