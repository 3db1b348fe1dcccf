// The key ring: what the host gives as `keys`, checked and parsed. Bad keys are refused at start, never at the first publish.

import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'

/** One AES-256 key. A `KeyObject` prints no bytes. */
export interface Key {
  /** Short fingerprint: names the key in envelopes, reports and messages, and tells nothing about it. */
  readonly id: string
  readonly secret: KeyObject
}

/** The first key seals, all open. */
export interface KeyRing {
  readonly primary: Key
  readonly keys: readonly Key[]
  find(id: string): Key | undefined
}

const keyBytes = 32
const mend = 'Make one with `generateKey()` and keep it outside the database.'

/** A new key for the option `keys`: 32 random bytes, base64url. */
export const generateKey = (): string => randomBytes(keyBytes).toString('base64url')

/** 48 bits of a hash under a fixed label: enough to tell keys of one ring apart, useless for finding the key. */
export const keyOf = (bytes: Uint8Array): Key => {
  const id = createHash('sha256').update('syndikit key id\0').update(bytes).digest('base64url').slice(0, 8)
  return { id, secret: createSecretKey(bytes) }
}

/** The keys printed in our docs: everybody knows them. */
const exampleKeys = [1, 2].map((n) => createHash('sha256').update(`syndikit example key ${n}`).digest())

const decode = (text: string): Buffer | undefined => {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  const plain = text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
  return bytes.toString('base64url') === plain ? bytes : undefined
}

const stepsAreAll = (bytes: Buffer, step: number): boolean => bytes.every((byte, at) => at === 0 || byte === ((bytes[at - 1] ?? 0) + step + 256) % 256)

/** Why bytes of the right length are no key. Random bytes meet none of these but once in 10^13 keys. */
const weakness = (bytes: Buffer): string | undefined => {
  if (bytes.every((byte) => byte === 0)) return 'is all zeros'
  if (stepsAreAll(bytes, 0)) return 'is one byte repeated'
  if (stepsAreAll(bytes, 1) || stepsAreAll(bytes, -1)) return 'counts up or down'
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is a text (a password?), not random bytes'
  if (new Set(bytes).size < 12) return 'repeats a few bytes'
  if (exampleKeys.some((example) => example.equals(bytes))) return 'is the example key of the documentation, which everybody knows'
  return undefined
}

const parseKey = (text: string, name: string): Buffer => {
  const bytes = decode(text)
  if (!bytes) throw new TypeError(`keys: ${name} is neither base64, base64url nor hex; a password is not a key. ${mend}`)
  if (bytes.length !== keyBytes) throw new TypeError(`keys: ${name} has ${bytes.length} bytes; it must have ${keyBytes}. ${mend}`)
  const why = weakness(bytes)
  if (why) throw new TypeError(`keys: ${name} ${why}. ${mend}`)
  return bytes
}

/**
 * Reads the option `keys`: 32-byte keys in base64, base64url or hex, in a list or separated by commas or white space. Throws a `TypeError` that says which key is wrong
 * and how to mend it, and never shows a key.
 */
export const parseKeys = (keys: string | readonly string[] | undefined): KeyRing => {
  const given: unknown[] = typeof keys === 'string' ? [keys] : Array.isArray(keys) ? keys : keys === undefined || keys === null ? [] : [keys]
  if (given.some((text) => typeof text !== 'string')) throw new TypeError(`keys: must be a string, or a list of strings. ${mend}`)
  const texts = given.flatMap((text) => (text as string).split(/[\s,]+/)).filter((text) => text !== '')
  if (texts.length === 0) throw new TypeError(`keys: missing. Stored credentials are sealed with at least one key. ${mend}`)
  const ring = texts.map((text, at) => keyOf(parseKey(text, texts.length === 1 ? 'the key' : `key ${at + 1} of ${texts.length}`)))
  for (const [at, { id }] of ring.entries()) {
    const first = ring.findIndex((key) => key.id === id)
    if (first !== at) throw new TypeError(`keys: key ${at + 1} is key ${first + 1} again. Remove one of them.`)
  }
  return { primary: ring[0] as Key, keys: ring, find: (id) => ring.find((key) => key.id === id) }
}
