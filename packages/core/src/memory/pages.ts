// Pages of an ordered list, and the cursor that says where a page ended.

import type { Page, Paged } from '../contract/storage.ts'
import { byText } from './tables.ts'

/** The values by which a list is ordered. */
type Place = readonly [at: number, id: string]

const parse = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}

const fromCursor = (list: string, cursor: string | undefined): Place | undefined => {
  if (cursor === undefined) return undefined
  const parsed = parse(cursor)
  if (Array.isArray(parsed) && parsed.length === 3 && parsed[0] === list && typeof parsed[1] === 'number' && typeof parsed[2] === 'string')
    return [parsed[1], parsed[2]]
  throw new TypeError(
    `syndikit: \`after\` is not a cursor of this list (${list}). Pass the \`next\` of the page before, unchanged; leave it out for the first page.`,
  )
}

export const checkLimit = (limit: number): number => {
  if (Number.isSafeInteger(limit) && limit > 0) return limit
  throw new TypeError(`syndikit: \`limit\` must be a whole number above 0, but is ${String(limit)}.`)
}

const compare = (a: Place, b: Place) => a[0] - b[0] || byText(a[1], b[1])

/** Of rows in the order of `placeOf`, ascending (`up`) or descending (`down`). */
export const page = <Row, T>(
  list: string,
  rows: readonly Row[],
  { limit, after }: Page,
  placeOf: (row: Row) => Place,
  direction: 'up' | 'down',
  toItem: (row: Row) => T,
): Paged<T> => {
  checkLimit(limit)
  const ended = fromCursor(list, after)
  const sign = direction === 'up' ? 1 : -1
  const rest = ended ? rows.filter((row) => sign * compare(placeOf(row), ended) > 0) : rows
  const found = rest.slice(0, limit)
  const last = found.at(-1)
  const items = found.map(toItem)
  if (rest.length <= limit || last === undefined) return { items }
  return { items, next: Buffer.from(JSON.stringify([list, ...placeOf(last)])).toString('base64url') }
}
