// Stores renewed tokens, first thing: at a platform that rotates, the only copy is in our hands.

import type { Tokens } from '../contract/auth.ts'
import type { Grant, GrantChange } from '../contract/connection-store.ts'
import type { NewEvent } from '../contract/storage.ts'
import type { ConnectionsDeps } from './deps.ts'
import type { Opened } from './open-grant.ts'
import type { Why } from './renewal.ts'
import { type Credentials, type GrantData, toSealed } from './stored.ts'

type Deps = Pick<ConnectionsDeps, 'storage' | 'vault' | 'clock' | 'logger'>

/** Between tries; the last one repeats. Short, because another process that finds the database back would try the refresh token that this pair has replaced. */
const storeAgainAfterMs = [200, 500, 1_000] as const
/** A database that is away for longer may be away for good. Nobody waits here for so long: who wants the tokens is told to come back. */
const longestMs = 600_000

export interface Renewed {
  readonly opened: Opened
  readonly tokens: Tokens
  readonly owner: string
  readonly why: Why
  /** By the database's clock, before the call left: a token's life starts no earlier. */
  readonly startedAt: number
}

/** A platform that sends no new refresh token means the old one to stay. */
const merged = ({ credentials }: Opened, tokens: Tokens): Credentials => ({
  fields: credentials.fields,
  access: tokens.access,
  ...((tokens.refresh ?? credentials.refresh) !== undefined && { refresh: tokens.refresh ?? (credentials.refresh as string) }),
})

const changeOf = async ({ vault }: Deps, { opened, tokens, why, startedAt }: Renewed, current: Grant): Promise<GrantChange> => {
  const { grant } = opened
  const { rejectedAt: _, ...before } = opened.data
  const data: GrantData = {
    ...before,
    issuedAt: startedAt,
    ...(tokens.server !== undefined && { server: tokens.server }),
    ...(why.is === 'refused' && { rejectedAt: startedAt }),
  }
  const { sealed } = await vault.seal({ ...current, version: grant.version + 1 }, toSealed(merged(opened, tokens)))
  return {
    sealed,
    data: JSON.stringify(data),
    expiresAt: tokens.expiresInMs === undefined ? null : startedAt + tokens.expiresInMs,
    refreshStartedAt: null,
    ...(current.state !== 'revoked' && { state: 'active' as const }),
  }
}

const restoredEvent = (grant: Grant): NewEvent | undefined =>
  grant.state === 'at_risk' || grant.state === 'needs_reauth' ? { type: 'grant:restored', data: JSON.stringify({ platform: grant.platform }) } : undefined

/** True: stored, or no longer wanted, because the grant is gone or has newer credentials. */
const store = async (deps: Deps, renewed: Renewed): Promise<boolean> => {
  const { connections } = deps.storage
  const { tenant, id, version } = renewed.opened.grant
  const current = await connections.grant(tenant, id)
  if (!current || current.version !== version) return true
  const change = await changeOf(deps, renewed, current)
  const told = { event: restoredEvent(current), wake: current.state === 'needs_reauth' }
  // A late answer comes after the lease: the version alone still keeps it from overwriting anything newer.
  return (
    (await connections.replaceGrant(tenant, id, version, change, { ...told, leaseOwner: renewed.owner })) ||
    connections.replaceGrant(tenant, id, version, change, told)
  )
}

/** Said once a minute. */
const logEvery = 60

const tryToStore = async (deps: Deps, renewed: Renewed, n: number): Promise<boolean> => {
  try {
    return await store(deps, renewed)
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'unknown'
    if (n % logEvery === 0) deps.logger.error({ grantId: renewed.opened.grant.id, reason }, 'Renewed tokens could not be stored. Trying again.')
    return false
  }
}

/** Stores them as soon as the database takes them, within ten minutes. False: the pair is lost. */
export const keepTokens = async (deps: Deps, renewed: Renewed): Promise<boolean> => {
  const { clock } = deps
  const until = clock.elapsed() + longestMs
  for (let n = 0; !(await tryToStore(deps, renewed, n)); n++) {
    if (clock.elapsed() >= until) return false
    await clock.sleep(storeAgainAfterMs[Math.min(n, storeAgainAfterMs.length - 1)] as number)
  }
  return true
}
