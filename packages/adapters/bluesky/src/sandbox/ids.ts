// Identifiers that look and behave like atproto's: CIDs, TIDs, signed tokens.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { BlueskyStage, Fields, Json } from './state.ts'

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'
const sortable = '234567abcdefghijklmnopqrstuvwxyz'

const toBase32 = (bytes: Uint8Array): string => {
  let out = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += base32[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? out + base32[(held << (5 - bits)) & 31] : out
}

const cid = (codec: number, sha256: Buffer): string => `b${toBase32(Buffer.concat([Buffer.from([1, codec, 0x12, 0x20]), sha256]))}`

/** The real CID of bytes, from their SHA-256 in hex. */
export const cidOfBlob = (sha256: string): string => cid(0x55, Buffer.from(sha256, 'hex'))

const canonical = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const keys = Object.keys(value).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join()}}`
}

/** Same content, same CID; over JSON instead of CBOR, so it is not the one the network would give. */
export const cidOfRecord = (value: Json): string => cid(0x71, createHash('sha256').update(canonical(value)).digest())

export const isTid = (text: string): boolean => /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/.test(text)

/** 53 bits of microseconds and 10 of a clock id, always growing. */
export const nextTid = ({ state, now }: Pick<BlueskyStage, 'state' | 'now'>): string => {
  state.lastTid = Math.max(Math.max(0, Math.floor(now())) * 1000, state.lastTid + 1)
  let rest = BigInt(state.lastTid) << 10n
  let out = ''
  for (let i = 0; i < 13; i++) {
    out = sortable[Number(rest & 31n)] + out
    rest >>= 5n
  }
  return out
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export const sign = (key: string, typ: string, claims: object): string => {
  const body = `${encoded({ typ, alg: 'HS256' })}.${encoded(claims)}`
  return `${body}.${createHmac('sha256', key).update(body).digest('base64url')}`
}

/** The claims of a token that this server signed; anything else is undefined. */
export const verified = (key: string, token: string): Fields | undefined => {
  const [head = '', claims = '', signature = ''] = token.split('.')
  const expected = createHmac('sha256', key).update(`${head}.${claims}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Fields
}
