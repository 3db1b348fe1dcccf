// Ids and other unguessable strings.

import { createHash } from 'node:crypto'
import type { Random } from '../contract/ports.ts'

/** 128 random bits: opaque, and never guessed. */
export const newId = (random: Random): string => Buffer.from(random.bytes(16)).toString('base64url')

/** 256 random bits: for `state` and PKCE verifiers. */
export const newToken = (random: Random): string => Buffer.from(random.bytes(32)).toString('base64url')

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
