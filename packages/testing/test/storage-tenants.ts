// Storages that mix tenants up, made of the in-memory one.

import { memoryStorage, type Storage } from '@syndikit/core'

const groups = ['publications', 'deliveries', 'connections', 'oauth'] as const

/** One verb that takes whatever tenant it is given for the first one. */
export const ignoringTenant = (group: (typeof groups)[number], verb: string): Storage<never> => {
  const storage = memoryStorage()
  const original = (storage[group] as unknown as Record<string, (...args: unknown[]) => unknown>)[verb]
  if (!original) throw new Error(`no verb ${group}.${verb}`)
  const broken = (tenant: string, ...rest: unknown[]) => original(tenant === 'tenant-b' ? 'tenant-a' : tenant, ...rest)
  return { ...storage, [group]: { ...storage[group], [verb]: broken } }
}

/** A reconnect of one tenant removes what opens nothing, whoever's it is. */
export const removingForeignGrants = (): Storage<never> => {
  const storage = memoryStorage()
  const { put, grant } = storage.connections
  const empty: string[] = []
  let removed: readonly string[] = []
  const connections: Storage['connections'] = {
    ...storage.connections,
    put: async (given, opened) => {
      if (opened.length === 0) empty.push(given.id)
      else removed = [...empty]
      return put(given, opened)
    },
    grant: async (tenant, id) => (removed.includes(id) ? undefined : grant(tenant, id)),
  }
  return { ...storage, connections }
}
