// The sealed form of one value: `sk1.<key id>.<iv>.<ciphertext and tag>`, AES-256-GCM, bound to the place where it is stored.

import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from '../contract/ports.ts'
import type { Key } from './keys.ts'

const format = 'sk1'
const ivBytes = 12
const tagBytes = 16

/** Where a value belongs. It opens nowhere else: not in another row, field, version, tenant or deployment. */
export interface Place {
  readonly deployment: string
  /** What kind of row: `grant`, `data-key`, `account`, `oauth-state`, `oauth-client`. */
  readonly table: string
  readonly tenant: string
  readonly row: string
  readonly field: string
  readonly version: number
}

/** Why an envelope does not open; without the value, the key or the envelope. */
export type Unopened = 'not an envelope' | 'another format' | 'cut short' | 'unknown key' | 'changed or moved'

export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
  readonly why: Unopened
  readonly keyId: string | undefined
  constructor(why: Unopened, keyId?: string) {
    super(why)
    this.why = why
    this.keyId = keyId
  }
}

/** Each field with its length in front, so that no two places give the same bytes. */
const additionalData = ({ deployment, table, tenant, row, field, version }: Place): Buffer => {
  const fields = [format, deployment, table, tenant, row, field, String(version)]
  return Buffer.concat(
    fields.flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8')
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

export const sealBytes = (key: Key, place: Place, value: Uint8Array, random: Random): string => {
  const iv = random.bytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key.secret, iv, { authTagLength: tagBytes })
  cipher.setAAD(additionalData(place))
  const sealed = Buffer.concat([cipher.update(value), cipher.final(), cipher.getAuthTag()])
  return [format, key.id, Buffer.from(iv).toString('base64url'), sealed.toString('base64url')].join('.')
}

const bytesOf = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'base64url')
  // Node skips what is not base64url: two texts would be one envelope.
  if (bytes.toString('base64url') !== text) throw new EnvelopeError('not an envelope')
  return bytes
}

/** Never passes anything through: what is not a whole envelope of this format, under a known key, from this place, is an `EnvelopeError`. */
export const openBytes = (find: (keyId: string) => Key | undefined, place: Place, envelope: unknown): Buffer => {
  if (typeof envelope !== 'string') throw new EnvelopeError('not an envelope')
  const [version, keyId = '', iv = '', body = '', ...rest] = envelope.split('.')
  if (version !== format) throw new EnvelopeError(/^sk\d+$/.test(version ?? '') ? 'another format' : 'not an envelope')
  if (rest.length > 0 || !/^[\w-]{8}$/.test(keyId)) throw new EnvelopeError('not an envelope')
  const [nonce, sealed] = [bytesOf(iv), bytesOf(body)]
  if (nonce.length !== ivBytes || sealed.length < tagBytes) throw new EnvelopeError('cut short', keyId)
  const key = find(keyId)
  if (!key) throw new EnvelopeError('unknown key', keyId)
  const decipher = createDecipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: tagBytes })
  decipher.setAAD(additionalData(place))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()])
  } catch {
    throw new EnvelopeError('changed or moved', keyId)
  }
}
