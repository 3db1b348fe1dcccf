// Accounts and rows for a bench: accounts through the calls, rows straight into the storage, with the body that the calls would store.

import { createHash, randomBytes } from 'node:crypto'
import { type Adapter, createSyndikit, type NewPublication, type Queue, type Storage, type Syndikit } from '@syndikit/core'

export const slots = 100
export const hourMs = 3_600_000
/** Enough that no share of one tenant or connection holds anything up. */
const tenants = 100
const perTenant = 5
const chunk = 1_000
export const text = 'The quick brown fox jumps over the lazy dog, again and again, until it is as long as what people write. '.repeat(2)

export interface Account {
  readonly tenant: string
  readonly id: string
}
interface More {
  readonly queue?: Queue
  readonly slots?: number
  readonly perConnection?: number
}

/** The same for all processes of a bench, and for nothing else. */
const keys = createHash('sha256').update('syndikit bench').digest('base64url')

export const syndikitOn = (storage: Storage, adapter: Adapter, more: More = {}): Syndikit =>
  createSyndikit({ adapters: [adapter], storage, keys, slots, ...more })

export const connect = async (syndikit: Syndikit): Promise<Account[]> => {
  const accounts: Account[] = []
  for (let n = 0; n < tenants * perTenant; n++) {
    const tenant = `tenant-${n % tenants}`
    const [connection] = await syndikit.connections.open({ tenant, platform: 'noop', fields: { token: `account-${n}` } })
    accounts.push({ tenant, id: connection?.id ?? '' })
  }
  return accounts
}

/** What the calls store for one post. */
export const bodyOf = async (syndikit: Syndikit, storage: Storage, { tenant, id }: Account): Promise<string> => {
  const content = { text: `${text}${randomBytes(6).toString('hex')}` }
  const result = await syndikit.scheduler.schedule({ tenant, content, to: [id], at: new Date(Date.now() + 90 * 24 * hourMs) })
  if (!('publicationId' in result)) throw new Error(`The sample was not stored: ${JSON.stringify(result)}`)
  const stored = await storage.publications.get(tenant, result.publicationId)
  if (!stored) throw new Error('The sample is not there.')
  return stored.body
}

let made = 0
/** Grows with time, as core's own ids do. */
const newId = (): string => {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${(++made & 0xfff).toString(16).padStart(3, '0')}-8000-${randomBytes(6).toString('hex')}`
}

/** Stores `count` publications of one delivery each, round the accounts. */
export const load = async (storage: Storage, accounts: readonly Account[], body: string, count: number, dueAt: (n: number) => number): Promise<void> => {
  const publication = (n: number): NewPublication => {
    const { tenant, id } = accounts[n % accounts.length] as Account
    const activeKey = randomBytes(32).toString('hex')
    const delivery = { id: newId(), connectionId: id, platform: 'noop', action: 'publish' as const, activeKey, priority: 1 as const, dueAt: dueAt(n) }
    return { id: newId(), tenant, idempotencyKey: null, requestHash: 'v1:bench', body, deliveries: [delivery] }
  }
  for (let at = 0; at < count; at += chunk) {
    const result = await storage.publications.add(Array.from({ length: Math.min(chunk, count - at) }, (_, n) => publication(at + n)))
    if (result.status !== 'added') throw new Error(`Rows were not stored: ${result.status}`)
  }
}

/** How long before they are due rows must be stored, so that none comes too late: as fast as this machine is now, and half as fast. */
export const aheadMs = async (
  scene: { readonly storage: Storage; readonly accounts: readonly Account[]; readonly body: string },
  count: number,
): Promise<number> => {
  const began = performance.now()
  await load(scene.storage, scene.accounts, scene.body, chunk, () => Date.now() + 2_000 * hourMs)
  return Math.ceil(((performance.now() - began) * 2 * count) / chunk) + 3_000
}
