// Makes every JavaScript string safe as database text and back. A NUL ends a text in one database and is refused by another, a lone surrogate becomes
// a replacement character in UTF-8: two tenants could become one. Such a character is written as its code behind U+FFFF, which stands for no character.

import type { Row, Value } from './connector.ts'

const unsafe = /[\0\uffff\p{Surrogate}]/gu
const escaped = /\uffff([0-9a-f]{4})/g

const codeFor = (char: string) => `\uffff${char.charCodeAt(0).toString(16).padStart(4, '0')}`
/** Of a text that ends in spaces, the last one. */
const lastSpace = / $/

const toText = (text: string, padsSpaces: boolean): string => {
  const safe = text.replace(unsafe, codeFor)
  return padsSpaces ? safe.replace(lastSpace, codeFor) : safe
}

const fromText = (text: string): string =>
  text.includes('\uffff') ? text.replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : text

/** As it is sent. `padsSpaces`: the database takes texts for equal that differ in spaces at their ends. */
export const toValue = (value: Value | JsonParam, padsSpaces: boolean): Value => {
  if (typeof value === 'string') return toText(value, padsSpaces)
  return typeof value === 'object' && value !== null ? jsonOf(value, padsSpaces) : value
}

/** The members of a list, one by one. */
export const toValues = ({ members }: JsonParam, padsSpaces: boolean): readonly Value[] =>
  members.map((member) => (typeof member === 'string' ? toText(member, padsSpaces) : (member as Value)))

/** What in a JSON text may stand for an unsafe character of a member. */
const suspicious = /\\u(?:0000|d[89a-f])|\uffff/

/** A list or batch, which travels as one JSON text. */
export interface JsonParam {
  readonly members: readonly unknown[]
}

export const toJson = (members: readonly unknown[]): JsonParam => ({ members })

const jsonOf = ({ members }: JsonParam, padsSpaces: boolean): string => {
  const json = JSON.stringify(members)
  if (!suspicious.test(json) && !(padsSpaces && json.includes(' "'))) return json
  return JSON.stringify(members, (_, value: unknown) => (typeof value === 'string' ? toText(value, padsSpaces) : value))
}

export const fromRow = (row: Row): Row => {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'string') row[name] = fromText(value)
  }
  return row
}
