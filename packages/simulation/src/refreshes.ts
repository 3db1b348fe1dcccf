// Refreshes as they leave: who is at it, and which new pairs have reached the database.

import type { Storage } from '@syndikit/core'
import { around } from '../../core/test/engine/around.ts'
import type { Life } from './life.ts'
import type { Call } from './platform.ts'
import type { World } from './world.ts'

/** Core does not abort a refresh before this; its effect may come so late. */
const boundMs = 140_000

const shown = ({ path, body, bearer }: Call): string => (path.endsWith('/token') ? (new URLSearchParams(body).get('refresh_token') ?? '') : bearer)
export const isRefresh = ({ path }: Call): boolean => path.endsWith('/refresh') || path.endsWith('/token')

/** I15, as a refresh leaves. */
export const renews = (world: World, life: Life, call: Call): { readonly boundMs: number; over(): void; givenUp(): void } => {
  const { platform, refreshes, violated, note } = world
  const token = shown(call)
  const account = platform.given.tokens.get(token)?.account ?? ''
  const family = platform.given.families.get(account)
  const underway = refreshes.underway.get(account) ?? 0
  note(`${life.name} renews ${account}`)
  if (underway > 0) violated('I15', `${life.name} renews ${account} while another refresh of it is under way`)
  if (family && family.live !== token && family.issued === (refreshes.stored.get(account) ?? 0))
    violated('I15', `${life.name} shows an old refresh token of ${account}, whose successor is stored`)
  refreshes.underway.set(account, underway + 1)
  let isOver = false
  const over = () => {
    if (!isOver) refreshes.underway.set(account, (refreshes.underway.get(account) ?? 1) - 1)
    isOver = true
  }
  // A platform that does not rotate gives the same again: who got no answer may ask once more while the first one is still on its way.
  return { boundMs, over, givenUp: () => (family ? undefined : over()) }
}

/** Whether the grant of this account could not be kept: a pair that the platform gave out never reached the database. */
export const pairWasLost = ({ platform, refreshes }: World, account: string): boolean =>
  (platform.given.families.get(account)?.issued ?? 0) > (refreshes.stored.get(account) ?? 0)

/** The database, with the pairs counted that reach it. */
export const countingPairs = (storage: Storage, world: () => World): Storage =>
  around(storage, async (verb, call, args) => {
    const result = await call()
    const [tenant, id, version, change] = args as [string, string, number, { sealed?: string } | undefined]
    if (verb !== 'connections.replaceGrant' || result !== true || change?.sealed === undefined) return result
    const { platform, refreshes, violated } = world()
    const account = refreshes.accounts.get(id) ?? ''
    const after = await storage.connections.grant(tenant, id)
    if (after?.version !== version + 1) violated('I15', `the grant ${id} went from version ${version} to ${after?.version} with one pair stored`)
    refreshes.stored.set(account, platform.given.families.get(account)?.issued ?? 0)
    return result
  })
