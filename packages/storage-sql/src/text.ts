// Makes every JavaScript string safe as database text and back. A NUL ends a text in one database and is refused by another, a lone surrogate becomes
// a replacement character in UTF-8: two tenants could become one. Such a character is written as its code behind U+FFFF, which stands for no character.

import type { Row, Value } from './connector.ts'

const unsafe = /[\0\uffff\p{Surrogate}]/gu
const escaped = /\uffff([0-9a-f]{4})/g

const toText = (text: string): string => text.replace(unsafe, (char) => `\uffff${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

const fromText = (text: string): string =>
  text.includes('\uffff') ? text.replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : text

export const toValue = (value: Value | JsonParam): Value =>
  typeof value === 'string' ? toText(value) : typeof value === 'object' && value !== null ? value.json : value

/** What in a JSON text may stand for an unsafe character of a member. */
const suspicious = /\\u(?:0000|d[89a-f])|\uffff/

/** A list or batch as the one JSON text that it travels in, its members already safe. */
export interface JsonParam {
  readonly json: string
}

export const toJson = (rows: readonly unknown[]): JsonParam => {
  const json = JSON.stringify(rows)
  return { json: suspicious.test(json) ? JSON.stringify(rows, (_, value: unknown) => (typeof value === 'string' ? toText(value) : value)) : json }
}

export const fromRow = (row: Row): Row => {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'string') row[name] = fromText(value)
  }
  return row
}
