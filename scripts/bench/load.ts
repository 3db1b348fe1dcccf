// Accounts and rows for a bench: accounts through the calls, rows straight into the storage, with the body that the calls would store.

import { createHash } from 'node:crypto'
import { type Adapter, createSyndikit, type NewPublication, type Queue, type Storage, type Syndikit } from '@syndikit/core'

export const slots = 100
export const hourMs = 3_600_000

/** Enough that no share of one tenant or connection holds anything up. */
export const tenants = 100
const perTenant = 4
const chunk = 1_000
const text = 'The quick brown fox jumps over the lazy dog, again and again, until the post is as long as people write them. '.repeat(2)

export interface Account {
  readonly tenant: string
  readonly id: string
}

export const syndikitOn = (storage: Storage, adapter: Adapter, more: { readonly queue?: Queue; readonly slots?: number } = {}): Syndikit =>
  createSyndikit({ adapters: [adapter], storage, keys: Buffer.from('bench key of 32 bytes, not used!').toString('hex').replace(/^../, 'ff'), slots, ...more })

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
  const result = await syndikit.scheduler.schedule({ tenant, content: { text }, to: [id], at: new Date(Date.now() + 90 * 24 * hourMs) })
  if (!('publicationId' in result)) throw new Error(`The sample was not stored: ${JSON.stringify(result)}`)
  const stored = await storage.publications.get(tenant, result.publicationId)
  if (!stored) throw new Error('The sample is not there.')
  return stored.body
}

let made = 0
const unique = (): string => {
  const hex = (++made).toString(16).padStart(12, '0')
  return `${Date.now()
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${hex}`
}

/** Stores `count` publications of one delivery each, round the accounts. */
export const load = async (storage: Storage, accounts: readonly Account[], body: string, count: number, dueAt: (n: number) => number): Promise<void> => {
  const publication = (n: number): NewPublication => {
    const { tenant, id } = accounts[n % accounts.length] as Account
    const delivery = {
      id: unique(),
      connectionId: id,
      platform: 'noop',
      action: 'publish' as const,
      activeKey: createHash('sha256').update(unique()).digest('hex'),
      priority: 1 as const,
      dueAt: dueAt(n),
    }
    return { id: unique(), tenant, idempotencyKey: null, requestHash: 'v1:bench', body, deliveries: [delivery] }
  }
  for (let at = 0; at < count; at += chunk) {
    const result = await storage.publications.add(Array.from({ length: Math.min(chunk, count - at) }, (_, n) => publication(at + n)))
    if (result.status !== 'added') throw new Error(`Rows were not stored: ${result.status}`)
  }
}
