// Connected accounts for a world: connected once per process by the real engine, then copied from world to world.

import { createSyndikit, memoryStorage, type Storage, type Syndikit } from '@syndikit/core'
import { around } from '../../core/test/engine/around.ts'
import { simulated } from './adapter.ts'
import { chanceOf } from './chance.ts'
import { startAt } from './clock.ts'
import { keys, randomOf } from './keys.ts'
import { type Door, doors, newPlatform, type Platform } from './platform.ts'
import type { Given } from './tokens.ts'
import type { World } from './world.ts'

export type Tenant = 'ann' | 'bob'
const people: readonly { readonly tenant: Tenant; readonly account: string }[] = [
  { tenant: 'ann', account: 'ann' },
  { tenant: 'ann', account: 'ann-too' },
  { tenant: 'bob', account: 'bob' },
]

type Put = Parameters<Storage['connections']['put']>
interface Connected {
  readonly puts: readonly Put[]
  readonly given: Given
}

const connect = async (syndikit: Syndikit, door: Door, rotating: boolean, tenant: Tenant, account: string): Promise<void> => {
  if (!rotating) {
    await syndikit.connections.open({ tenant, platform: door, fields: { name: `secret-${account}` } })
    return
  }
  const redirectUri = 'https://host.example/callback'
  const { url } = await syndikit.connections.begin({ tenant, platform: door, redirectUri })
  const state = new URL(url).searchParams.get('state') ?? ''
  await syndikit.connections.complete({ tenant, callbackUrl: `${redirectUri}?${new URLSearchParams({ state, code: account })}` })
}

const callOn =
  (platform: Platform) =>
  async (request: Request): Promise<Response> => {
    const { method, url, headers } = request
    const bearer = headers.get('authorization')?.replace('Bearer ', '') ?? ''
    const { status, json } = platform.serve({ method, path: new URL(url).pathname, bearer, key: '', body: await request.text() }, startAt)
    return Response.json(json, { status })
  }

const connectAll = async (door: Door, rotating: boolean): Promise<Connected> => {
  const puts: Put[] = []
  const platform = newPlatform(() => startAt)
  const clock = { now: () => startAt, elapsed: () => 0, sleep: () => new Promise<void>(() => undefined) }
  const storage = around(memoryStorage({ clock }), (verb, call, args) => {
    if (verb === 'connections.put') puts.push(args as Put)
    return call()
  })
  const random = randomOf(chanceOf(-1 - 2 * doors.indexOf(door) - Number(rotating)))
  const syndikit = createSyndikit({ adapters: [simulated(door, rotating)], storage, keys, clock, random, fetch: callOn(platform) }) as Syndikit
  for (const { tenant, account } of people) await connect(syndikit, door, rotating, tenant, account)
  return { puts, given: platform.given }
}

const connected = new Map<string, Promise<Connected>>()
const once = (door: Door, rotating: boolean): Promise<Connected> => {
  const name = `${door} ${rotating}`
  const made = connected.get(name) ?? connectAll(door, rotating)
  connected.set(name, made)
  return made
}

/** Ids of the connections of both tenants, which are there from the beginning. */
export const populate = async (world: World, plan: { readonly doors: readonly Door[]; readonly rotating: boolean }): Promise<Record<Tenant, string[]>> => {
  const ids: Record<Tenant, string[]> = { ann: [], bob: [] }
  for (const door of plan.doors) {
    const { puts, given } = await once(door, plan.rotating)
    world.platform.adopt(given)
    for (const put of puts)
      for (const { tenant, id, accountId, grantId } of await world.storage.connections.put(...put)) {
        ids[tenant as Tenant].push(id)
        world.refreshes.accounts.set(grantId, accountId)
      }
  }
  return ids
}
