// Turns statements with named parameters into a dialect's, with one reading of the clock for a whole verb.

import type { Row, Statement, Value, Work } from './connector.ts'
import type { Dialect } from './dialect/dialect.ts'
import { fromRow, type JsonParam, toValue, toValues } from './text.ts'

export type Params = Readonly<Record<string, Value | JsonParam>>

/** Makes the statements of one run of a verb. `:name` is a parameter; `:now` is the instant of the verb. */
export interface Sql {
  (text: string, params?: Params): Statement
  readonly dialect: Dialect
}

interface Place {
  readonly name: string
  /** All members of a list, each as a parameter. */
  readonly each: boolean
}
interface Compiled {
  /** Between the parameters. */
  readonly texts: readonly string[]
  readonly places: readonly Place[]
  /** Put together, where their number is always the same. */
  readonly sql: string | undefined
}

// A cast (`::json`) is no parameter.
const parameter = /(?<!:):(\*?)([a-z]\w*)/gi
const insertInto = /^\s*insert into (\w+)/

const compile = (text: string, dialect: Dialect, clocked: boolean): Compiled => {
  const places: Place[] = []
  const into = insertInto.exec(text)?.[1] ?? ''
  const marked = text.replace(parameter, (_, star: string, name: string) => {
    if (name === 'now' && !clocked) return dialect.now
    if (name === 'into') return into
    places.push({ name, each: star !== '' })
    return '\0'
  })
  const texts = marked.split('\0')
  const whole = texts.map((before, n) => (n === 0 ? before : `${dialect.placeholder(n, places[n - 1]?.name === 'now' ? 'int' : undefined)}${before}`)).join('')
  return { texts, places, sql: places.some(({ each }) => each) ? undefined : whole }
}

/** Few different lengths, so few different statements: the last member is repeated. */
const padded = (values: readonly Value[]): readonly Value[] => {
  const last = values.at(-1) ?? null
  return [...values, ...Array<Value>(2 ** Math.ceil(Math.log2(values.length || 1)) - values.length).fill(last)]
}

/** With a clock, `:now` is a parameter read once per verb; without, the database's own. */
export const sqlFor = (dialect: Dialect, clock: { now(): number } | undefined): (() => Sql) => {
  const { padsSpaces } = dialect
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
    const given = (name: string, params: Params) => {
      const value = name === 'now' ? now : params[name]
      if (value === undefined) throw new Error(`syndikit: the statement's parameter "${name}" is missing.`)
      return value
    }
    const valuesOf = ({ name, each }: Place, params: Params): readonly Value[] => {
      const value = given(name, params)
      return each && typeof value === 'object' && value !== null ? padded(toValues(value, padsSpaces)) : [toValue(value, padsSpaces)]
    }
    const sql = (text: string, params: Params = {}): Statement => {
      const { texts, places, sql: whole } = compiledOf(text)
      const values = places.map((place) => valuesOf(place, params))
      if (whole !== undefined) return { sql: whole, params: values.flat() }
      const spread = values.map((some) => some.map(() => '?').join(', '))
      return { sql: texts.map((before, n) => `${n === 0 ? '' : spread[n - 1]}${before}`).join(''), params: values.flat() }
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
