// Identifiers, hashes and canonical JSON. Pure but for the ports they are given.

import { createHash } from 'node:crypto'
import type { Clock, Random } from '../contract/ports.ts'

/** Time-ordered UUIDs (version 7), so that rows written together lie together. Unguessable in their last 62 bits. */
export const createIds = (clock: Clock, random: Random): (() => string) => {
  let lastAt = 0
  let sequence = 0
  return () => {
    const at = Math.floor(clock.now())
    sequence = at <= lastAt ? sequence + 1 : (random.bytes(1)[0] as number)
    if (sequence > 0xfff) {
      lastAt += 1
      sequence = 0
    }
    lastAt = Math.max(at, lastAt)
    const time = lastAt.toString(16).padStart(12, '0')
    const tail = random.bytes(8)
    tail[0] = ((tail[0] as number) & 0x3f) | 0x80
    const hex = Buffer.from(tail).toString('hex')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${hex.slice(0, 4)}-${hex.slice(4)}`
  }
}

/** The same text for the same meaning: sorted members, no `undefined`, instants as ISO text. */
export const canonical = (value: unknown): string => {
  if (value instanceof Date) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${Array.from(value, (item) => canonical(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
    .join(',')}}`
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
