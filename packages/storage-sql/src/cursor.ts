// The place in a list where a page ended, as text that callers hand back without looking inside.

/** The values by which a list is ordered, of its last row. */
export type Place = readonly [at: number, id: string]

export const toCursor = (list: string, [at, id]: Place): string => Buffer.from(JSON.stringify([list, at, id])).toString('base64url')

const parse = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** Undefined for the first page. */
export const fromCursor = (list: string, cursor: string | undefined): Place | undefined => {
  if (cursor === undefined) return undefined
  const parsed = parse(cursor)
  if (Array.isArray(parsed) && parsed.length === 3 && parsed[0] === list && Number.isSafeInteger(parsed[1]) && typeof parsed[2] === 'string')
    return [parsed[1], parsed[2]]
  throw new TypeError(
    `syndikit: \`after\` is not a cursor of this list (${list}). Pass the \`next\` of the page before, unchanged; leave it out for the first page.`,
  )
}

export const checkLimit = (limit: number): number => {
  if (Number.isSafeInteger(limit) && limit > 0) return limit
  throw new TypeError(`syndikit: \`limit\` must be a whole number above 0, but is ${String(limit)}.`)
}
