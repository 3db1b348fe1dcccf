// What is stored as JSON carries a version, so that a row of a newer Syndikit is left to one.

/** This process cannot do the delivery, another one may: it has the adapter, or the newer version. */
export class Unserved extends TypeError {
  override readonly name = 'Unserved'
}

/** Reads JSON of version 1. */
export const versioned = <T extends { v: 1 }>(text: string, what: string): T => {
  const value: unknown = JSON.parse(text)
  if (typeof value === 'object' && value !== null && 'v' in value && value.v === 1) return value as T
  throw new Unserved(`A ${what} was written by a newer version of Syndikit. Run that version, or let it finish first.`)
}
