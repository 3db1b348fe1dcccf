// The key ring and the randomness of a world.

import type { Random } from '@syndikit/core'
import type { Chance } from './chance.ts'

export const keys = Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 5)).toString('base64')

export const randomOf = (chance: Chance): Random => ({
  bytes: (length) => {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = chance.between(0, 255)
    return bytes
  },
  fraction: () => chance.next(),
})
