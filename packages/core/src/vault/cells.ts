// What is sealed under what: credentials and account tokens under their grant's data key, data keys and other rows under the key ring.

import { Secret } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Random } from '../contract/ports.ts'
import type { JsonText } from '../contract/storage.ts'
import { EnvelopeError, openBytes, type Place, sealBytes, type Unopened } from './envelope.ts'
import { type KeyRing, keyOf } from './keys.ts'
import type { SealedFor, SealedGrant } from './vault.ts'

export interface Seals {
  readonly ring: KeyRing
  readonly deployment: string
  readonly random: Random
}
/** A row sealed by the ring itself, without a data key: OAuth states and clients. */
export type RingPlace = Pick<Place, 'table' | 'tenant' | 'row'>
type Keyed = Pick<Grant, 'tenant' | 'id' | 'dataKey'>

const reasons: Readonly<Record<Unopened, (keyId: string) => string>> = {
  'not an envelope': () => 'what is stored there was not sealed by Syndikit.',
  'another format': () => 'a newer version of Syndikit sealed it. Run that version.',
  'cut short': () => 'it was cut short. Look at the width of the column, or restore the row.',
  'unknown key': (keyId) => `it is sealed under the key "${keyId}", which is not in \`keys\`. Add that key again.`,
  'changed or moved': () =>
    'it was changed or cut, or comes from another row, another version of the row or another deployment. Restore the row, or connect the account again.',
}

/** Stored text of ours that does not parse is no envelope. */
const parsed = (text: JsonText): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new EnvelopeError('not an envelope')
  }
}

const guarded = <T>(what: string, open: () => T): T => {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    throw new PublishError('setup', `Vault: ${what} cannot be opened: ${reasons[error.why](error.keyId ?? '')}`, { cause: error })
  }
}

/** This process cannot open it, another one may: it has the key, or the newer version. */
export const isOthersToOpen = (error: unknown): error is PublishError =>
  PublishError.is(error) && error.cause instanceof EnvelopeError && (error.cause.why === 'unknown key' || error.cause.why === 'another format')

const wrapPlace = (deployment: string, { tenant, id }: Pick<Grant, 'tenant' | 'id'>): Place => ({
  deployment,
  table: 'data-key',
  tenant,
  row: id,
  field: 'key',
  version: 0,
})
const fieldPlace = (deployment: string, { tenant, id, version }: SealedFor, field: string): Place => ({
  deployment,
  table: 'grant',
  tenant,
  row: id,
  field,
  version,
})
const accountPlace = (deployment: string, { tenant, id }: Keyed, accountId: string): Place => ({
  deployment,
  table: 'account',
  tenant,
  row: id,
  field: accountId,
  version: 0,
})
const rowPlace = (deployment: string, place: RingPlace): Place => ({ deployment, ...place, field: 'value', version: 0 })

const wrap = ({ ring, deployment, random }: Seals, grant: Pick<Grant, 'tenant' | 'id'>, bytes: Uint8Array) => ({
  keyId: ring.primary.id,
  dataKey: JSON.stringify(sealBytes(ring.primary, wrapPlace(deployment, grant), bytes, random)),
})
const unwrap = ({ ring, deployment }: Seals, grant: Keyed) =>
  guarded(`the data key of grant ${grant.id}`, () => openBytes(ring.find, wrapPlace(deployment, grant), parsed(grant.dataKey)))

/** Opens under one data key only. */
const under = (bytes: Uint8Array) => {
  const key = keyOf(bytes)
  return (id: string) => (id === key.id ? key : undefined)
}

/** The same data key under the first key of the ring. */
export const rewrap = (seals: Seals, grant: Keyed) => wrap(seals, grant, unwrap(seals, grant))

export const sealGrant = (seals: Seals, grant: SealedFor, credentials: Readonly<Record<string, string>>): SealedGrant => {
  const { dataKey, keyId } = grant
  const own = dataKey === undefined || keyId === undefined ? undefined : { dataKey, keyId }
  const bytes = own ? unwrap(seals, { ...grant, dataKey: own.dataKey }) : seals.random.bytes(32)
  const key = keyOf(bytes)
  const place = (field: string) => fieldPlace(seals.deployment, grant, field)
  const fields = Object.entries(credentials).map(([field, value]) => [field, sealBytes(key, place(field), Buffer.from(value, 'utf8'), seals.random)])
  return { ...(own ?? wrap(seals, grant, bytes)), sealed: JSON.stringify(Object.fromEntries(fields)) }
}

export const openGrant = (seals: Seals, grant: Keyed & Pick<Grant, 'version' | 'sealed'>): Readonly<Record<string, Secret>> => {
  const find = under(unwrap(seals, grant))
  return guarded(`the credentials of grant ${grant.id}`, () => {
    const fields = parsed(grant.sealed)
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new EnvelopeError('not an envelope')
    const open = (field: string, envelope: unknown) => new Secret(openBytes(find, fieldPlace(seals.deployment, grant, field), envelope).toString('utf8'))
    return Object.fromEntries(Object.entries(fields).map(([field, envelope]) => [field, open(field, envelope)]))
  })
}

export const sealAccount = (seals: Seals, grant: Keyed, accountId: string, token: string): JsonText =>
  JSON.stringify(sealBytes(keyOf(unwrap(seals, grant)), accountPlace(seals.deployment, grant, accountId), Buffer.from(token, 'utf8'), seals.random))

export const openAccount = (seals: Seals, grant: Keyed, accountId: string, sealed: JsonText): Secret => {
  const find = under(unwrap(seals, grant))
  const open = () => new Secret(openBytes(find, accountPlace(seals.deployment, grant, accountId), parsed(sealed)).toString('utf8'))
  return guarded(`the token of account ${accountId} of grant ${grant.id}`, open)
}

export const sealRow = ({ ring, deployment, random }: Seals, place: RingPlace, value: string): { readonly keyId: string; readonly sealed: JsonText } => ({
  keyId: ring.primary.id,
  sealed: JSON.stringify(sealBytes(ring.primary, rowPlace(deployment, place), Buffer.from(value, 'utf8'), random)),
})

export const openRow = ({ ring, deployment }: Seals, place: RingPlace, sealed: JsonText): string =>
  guarded(`${place.table} ${place.row}`, () => openBytes(ring.find, rowPlace(deployment, place), parsed(sealed)).toString('utf8'))
