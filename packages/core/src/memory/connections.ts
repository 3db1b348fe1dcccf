// Grants and connections in memory.

import type { Connection, ConnectionInUse, ConnectionStore, Grant, GrantChange } from '../contract/connection-store.ts'
import type { NewEvent } from '../contract/storage.ts'
import { page } from './pages.ts'
import { wake } from './settle.ts'
import { byText, type GrantRow, keyOf, ofTenant, type Tables, tell, toGrant } from './tables.ts'

const given = <T extends object>(change: T): Partial<T> => Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<T>

const byAge = (a: Connection, b: Connection) => a.createdAt - b.createdAt || byText(a.id, b.id)

const accountOf = (tables: Tables, tenant: string, platform: string, accountId: string) =>
  [...tables.connections.values()].find((row) => row.tenant === tenant && row.platform === platform && row.accountId === accountId)

const opensNothing = (tables: Tables, grantId: string) => ![...tables.connections.values()].some((row) => row.grantId === grantId)

type NewConnection = Omit<Connection, 'createdAt'>

/** An account that was there before keeps its id and its age, and stays active if it was. */
const place = (tables: Tables, connection: NewConnection): Connection => {
  const before = accountOf(tables, connection.tenant, connection.platform, connection.accountId)
  const { id, createdAt } = before ?? { id: connection.id, createdAt: tables.now() }
  const row = { ...connection, id, createdAt, state: before?.state === 'active' ? before.state : connection.state }
  tables.connections.set(row.id, row)
  return { ...row }
}

/** Which of these accounts are connected and kept already. */
const activeOf = (tables: Tables, connections: readonly NewConnection[]): string[] =>
  connections.flatMap(({ tenant, platform, accountId }) => {
    const row = accountOf(tables, tenant, platform, accountId)
    return row?.state === 'active' ? [row.id] : []
  })

const put = (tables: Tables, grant: Grant, connections: readonly NewConnection[], restored: NewEvent | undefined): Connection[] => {
  const foreign = connections.find(({ tenant }) => tenant !== grant.tenant)
  if (foreign) throw new TypeError(`syndikit: connection ${foreign.id} is of another tenant than its grant ${grant.id}.`)
  if (tables.grants.has(grant.id)) throw new Error(`syndikit: the grant ${grant.id} is stored already.`)
  const active = activeOf(tables, connections)
  const row = { ...grant, leaseOwner: null, leaseUntil: 0 }
  tables.grants.set(grant.id, row)
  const stored = connections.map((connection) => place(tables, { ...connection, grantId: grant.id }))
  for (const { id, tenant } of tables.grants.values()) if (tenant === grant.tenant && id !== grant.id && opensNothing(tables, id)) tables.grants.delete(id)
  if (restored && active.length > 0) {
    tell(tables, row.tenant, row.id, ++row.rev, restored)
    wake(tables, row.tenant, active)
  }
  return stored
}

const connectionsOf = (tables: Tables, grantId: string): string[] =>
  [...tables.connections.values()].filter((row) => row.grantId === grantId).map(({ id }) => id)

const leaseStands = (tables: Tables, row: GrantRow) => row.leaseOwner !== null && row.leaseUntil > tables.now()

const replaceGrant = (
  tables: Tables,
  row: GrantRow | undefined,
  version: number,
  change: GrantChange,
  more: Parameters<ConnectionStore['replaceGrant']>[4] = {},
): boolean => {
  if (row?.version !== version) return false
  if (more.leaseOwner !== undefined && !(leaseStands(tables, row) && row.leaseOwner === more.leaseOwner)) return false
  Object.assign(row, given(change))
  if (change.sealed !== undefined) row.version++
  if (more.leaseOwner !== undefined) Object.assign(row, { leaseOwner: null, leaseUntil: 0 })
  if (more.event) tell(tables, row.tenant, row.id, ++row.rev, more.event)
  if (more.wake) wake(tables, row.tenant, connectionsOf(tables, row.id))
  return true
}

const lease = (tables: Tables, row: GrantRow | undefined, version: number, owner: string, leaseMs: number): boolean => {
  if (row?.version !== version || (leaseStands(tables, row) && row.leaseOwner !== owner)) return false
  const now = tables.now()
  Object.assign(row, { leaseOwner: owner, leaseUntil: now + leaseMs, refreshStartedAt: now })
  return true
}

const remove = (tables: Tables, tenant: string, id: string): 'done' | 'not-found' => {
  const row = ofTenant(tables.connections.get(id), tenant)
  if (!row) return 'not-found'
  tables.connections.delete(id)
  tables.slots.delete(keyOf(tenant, id))
  if (opensNothing(tables, row.grantId)) tables.grants.delete(row.grantId)
  return 'done'
}

const countsByKey = (tables: Tables): Record<string, number> => {
  const counts = Object.create(null) as Record<string, number>
  for (const rows of [tables.grants, tables.oauthStates, tables.clients]) for (const { keyId } of rows.values()) counts[keyId] = (counts[keyId] ?? 0) + 1
  return counts
}

type Verbs<Name extends keyof ConnectionStore> = Pick<ConnectionStore, Name>

const inUse = (tables: Tables, tenant: string, id: string): ConnectionInUse | undefined => {
  const connection = ofTenant(tables.connections.get(id), tenant)
  if (!connection) return undefined
  const grant = ofTenant(tables.grants.get(connection.grantId), tenant)
  return { connection: { ...connection }, grant: grant && toGrant(grant), holdUntil: tables.slots.get(keyOf(tenant, id))?.holdUntil ?? 0 }
}

const reads = (tables: Tables): Verbs<'get' | 'inUse' | 'byAccount' | 'ofGrant' | 'list'> => {
  const copy = (row: Connection | undefined) => row && { ...row }
  const ofAge = (keep: (row: Connection) => boolean) => [...tables.connections.values()].filter(keep).sort(byAge)
  return {
    get: async (tenant, id) => copy(ofTenant(tables.connections.get(id), tenant)),
    inUse: async (keys) => keys.map(({ tenant, id }) => inUse(tables, tenant, id)),
    byAccount: async (tenant, platform, accountId) => copy(accountOf(tables, tenant, platform, accountId)),
    ofGrant: async (tenant, grantId) => ofAge((row) => row.tenant === tenant && row.grantId === grantId).map((row) => ({ ...row })),
    list: async (tenant, { platform, state, ...rest }) => {
      const rows = ofAge((row) => row.tenant === tenant && row.platform === (platform ?? row.platform) && row.state === (state ?? row.state))
      return page(
        'connections',
        rows,
        rest,
        ({ createdAt, id }) => [createdAt, id],
        'up',
        (row) => ({ ...row }),
      )
    },
  }
}

const grants = (tables: Tables): Verbs<'grant' | 'replaceGrant' | 'lease' | 'unlease' | 'grantsNotUnder' | 'countsByKey'> => {
  const grantOf = (tenant: string, id: string) => ofTenant(tables.grants.get(id), tenant)
  return {
    grant: async (tenant, id) => {
      const row = grantOf(tenant, id)
      return row && toGrant(row)
    },
    replaceGrant: async (tenant, id, version, change, more) => replaceGrant(tables, grantOf(tenant, id), version, change, more),
    lease: async (tenant, id, version, owner, leaseMs) => lease(tables, grantOf(tenant, id), version, owner, leaseMs),
    unlease: async (tenant, id, owner) => {
      const row = grantOf(tenant, id)
      if (row?.leaseOwner === owner) Object.assign(row, { leaseOwner: null, leaseUntil: 0, refreshStartedAt: null })
    },
    grantsNotUnder: async (keyId, limit) => {
      const others = [...tables.grants.values()].filter((row) => row.keyId !== keyId)
      return others
        .sort((a, b) => byText(a.id, b.id))
        .slice(0, limit)
        .map(toGrant)
    },
    countsByKey: async () => countsByKey(tables),
  }
}

export const memoryConnections = (tables: Tables): ConnectionStore => ({
  ...reads(tables),
  ...grants(tables),
  put: async (grant, connections, restored) => put(tables, grant, connections, restored),
  update: async (tenant, id, change) => {
    const row = ofTenant(tables.connections.get(id), tenant)
    if (row) Object.assign(row, given(change))
    return row !== undefined
  },
  remove: async (tenant, id) => remove(tables, tenant, id),
})
