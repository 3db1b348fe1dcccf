// What these tests do with a connection: use it, look at its rows, and make calls with it.

import type { Accessed } from '../../src/connections/access.ts'
import type { Adapter } from '../../src/contract/adapter.ts'
import { createHttp } from '../../src/http/client.ts'
import type { worldOf } from './world.ts'

export type World = ReturnType<typeof worldOf>
export const minute = 60_000
export const hour = 60 * minute

export const connected = async (world: World, user = 'ann') => {
  const [info] = await world.connect(user)
  const read = async () => (await world.row(info?.id ?? '')).connection
  const grant = async () => (await world.row(info?.id ?? '')).grant
  return { id: info?.id ?? '', read, grant }
}
export const opened = async (world: World, user = 'ann') => {
  await world.connections.open({ tenant: 't1', platform: 'acme', fields: { user, password: `canary-password-of-${user}` } })
  const [info] = (await world.connections.list({ tenant: 't1' })).connections
  return { id: info?.id ?? '', read: async () => (await world.row(info?.id ?? '')).connection, grant: async () => (await world.row(info?.id ?? '')).grant }
}
export const bearer = async (accessed: Accessed) => (await accessed.applied()).bearer ?? ''
export const works = async (world: World, accessed: Accessed): Promise<boolean> =>
  (await world.platform.fetch(new Request('https://acme.test/api/accounts', { headers: { authorization: `Bearer ${await bearer(accessed)}` } }))).ok
export const typesOf = async (world: World) => (await world.events()).map(({ type }) => type)
export const httpOf = (world: World, adapter: Adapter, accessed: Accessed) =>
  createHttp({ adapter, fetch: world.platform.fetch, clock: world.clock, credentials: accessed.applied, renew: accessed.renew })
