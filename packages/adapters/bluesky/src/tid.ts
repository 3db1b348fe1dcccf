// The record key of a post: a TID that follows from the delivery, so that every run of it writes to the same place.

import { createHash } from 'node:crypto'

const alphabet = '234567abcdefghijklmnopqrstuvwxyz'

/**
 * 53 bits of microseconds and 10 of clock id, in sortable base 32 (atproto.com/specs/tid). The parts of a thread follow each other. Two deliveries of the same second
 * share a key once in 2^30: the last second's 2^20 microseconds and the clock id come from a hash of the delivery's key.
 */
export const tidOf = ({ key, at }: { key: string; at: Date }, part: number): string => {
  const hash = createHash('sha256').update(key).digest()
  const micros = BigInt(at.getTime()) * 1000n - BigInt(hash.readUInt32BE(0) & 0xfffff) + BigInt(part)
  let rest = (micros << 10n) | BigInt(hash.readUInt16BE(4) & 0x3ff)
  let tid = ''
  for (let i = 0; i < 13; i++) {
    tid = alphabet[Number(rest & 31n)] + tid
    rest >>= 5n
  }
  return tid
}
