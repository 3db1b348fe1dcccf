// The vault: seals credentials for storage, opens them again, and moves everything to a new key without a pause.

import type { Secret } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'
import type { Clock, Logger, Random } from '../contract/ports.ts'
import type { JsonText, Storage } from '../contract/storage.ts'
import { openAccount, openGrant, openRow, type RingPlace, rewrap, sealAccount, sealGrant, sealRow } from './cells.ts'
import type { KeyRing } from './keys.ts'
import { openedGrants } from './opened.ts'
import { createRotation } from './rotation.ts'

/** Which credentials: of this grant, in this version. */
export interface SealedFor extends Pick<Grant, 'tenant' | 'id' | 'version'> {
  /** The grant's own data key, wrapped. Absent: a new one is made. */
  readonly dataKey?: JsonText
  readonly keyId?: string
}
/** The columns of a grant that hold what is sealed. */
export type SealedGrant = Pick<Grant, 'dataKey' | 'keyId' | 'sealed'>

/** One key of the ring, or one that rows still name. */
export interface KeyReport {
  readonly keyId: string
  /** `seals`: the first of `keys`. `opens`: another one of `keys`. `missing`: not in `keys`; its rows cannot be opened. */
  readonly role: 'seals' | 'opens' | 'missing'
  /** Rows sealed under it. Take a key out of `keys` only at 0. */
  readonly rows: number
}

/** Where credentials rest. Whatever does not open, for whatever reason, is a `PublishError` of code `setup` that names the row and the reason, never the value. */
export interface TokenVault {
  /** Seals the credentials of a grant under its data key, bound to deployment, tenant, grant, field and version. */
  seal(grant: SealedFor, credentials: Readonly<Record<string, string>>): Promise<SealedGrant>
  open(grant: Pick<Grant, 'tenant' | 'id' | 'version' | 'dataKey' | 'sealed'>): Promise<Readonly<Record<string, Secret>>>
  /**
   * Moves rows to the first key, while everything runs: re-wraps the data keys of at most `limit` grants and clients (default 500). Call it until `remaining` is 0 or stays the same: rows that do not
   * open are skipped and logged; OAuth states end by themselves within ten minutes.
   */
  rotate(options?: { readonly limit?: number }): Promise<{ readonly rewrapped: number; readonly remaining: number }>
  report(): Promise<readonly KeyReport[]>
}

/** What core itself uses beyond `TokenVault`. */
export interface Vault extends TokenVault {
  /** An account's own token, under the data key of its grant. It does not outlive the grant. */
  sealAccount(grant: Pick<Grant, 'tenant' | 'id' | 'dataKey'>, accountId: string, token: string): JsonText
  openAccount(grant: Pick<Grant, 'tenant' | 'id' | 'dataKey'>, accountId: string, sealed: JsonText): Secret
  sealRow(place: RingPlace, value: string): { readonly keyId: string; readonly sealed: JsonText }
  openRow(place: RingPlace, sealed: JsonText): string
  /** Drops what is kept opened in memory, of one grant or of all. */
  forget(grantId?: string): void
  /** The same data key under the first key of the ring. */
  rewrap(grant: Pick<Grant, 'tenant' | 'id' | 'dataKey'>): { readonly keyId: string; readonly dataKey: JsonText }
}

export interface VaultOptions {
  readonly ring: KeyRing
  readonly deployment: string
  readonly storage: Pick<Storage, 'connections' | 'oauth'>
  readonly random: Random
  readonly clock: Pick<Clock, 'elapsed'>
  readonly logger: Logger
}

export const createVault = ({ ring, deployment, storage, random, clock, logger }: VaultOptions): Vault => {
  const seals = { ring, deployment, random }
  const opened = openedGrants(clock)
  const report = async (): Promise<KeyReport[]> => {
    const counts = await storage.connections.countsByKey()
    const ids = new Set([...ring.keys.map((key) => key.id), ...Object.keys(counts)])
    const roleOf = (id: string) => (id === ring.primary.id ? 'seals' : ring.find(id) ? 'opens' : 'missing')
    return [...ids].map((keyId) => ({ keyId, role: roleOf(keyId), rows: counts[keyId] ?? 0 }))
  }
  const rows: Omit<Vault, keyof TokenVault | 'forget'> = {
    sealAccount: (grant, accountId, token) => sealAccount(seals, grant, accountId, token),
    openAccount: (grant, accountId, sealed) => openAccount(seals, grant, accountId, sealed),
    sealRow: (place, value) => sealRow(seals, place, value),
    openRow: (place, sealed) => openRow(seals, place, sealed),
    rewrap: (grant) => rewrap(seals, grant),
  }
  return {
    ...rows,
    seal: async (grant, credentials) => sealGrant(seals, grant, credentials),
    open: async (grant) => opened.of(grant, () => openGrant(seals, grant)),
    forget: opened.forget,
    rotate: createRotation({ primaryId: ring.primary.id, storage, logger, ...rows }),
    report,
  }
}
