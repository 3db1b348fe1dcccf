// What a grant that cannot be renewed becomes: at risk, or to be connected again. Stored with its event, so that the host hears of it once.

import type { GrantChange } from '../contract/connection-store.ts'
import type { ConnectionsDeps } from './deps.ts'
import type { Opened } from './open-grant.ts'

type Deps = Pick<ConnectionsDeps, 'storage' | 'logger'>

const change = ({ storage }: Deps, { grant }: Opened, to: GrantChange, type: 'grant:at-risk' | 'grant:needs-reauth', more: object = {}) =>
  storage.connections.replaceGrant(grant.tenant, grant.id, grant.version, to, {
    event: { type, data: JSON.stringify({ platform: grant.platform, ...more }) },
  })

/** Nothing more to try. Answers false when somebody has moved the grant meanwhile. */
export const giveUp = async (deps: Deps, opened: Opened, because: string): Promise<boolean> => {
  const { id: grantId, platform, state } = opened.grant
  if (state === 'needs_reauth' || state === 'revoked') return true
  deps.logger.warn({ grantId, platform }, `The account must be connected again: ${because}.`)
  return change(deps, opened, { state: 'needs_reauth', refreshStartedAt: null }, 'grant:needs-reauth', { reason: because })
}

/** `refreshStartedAt` is left standing: the old refresh token is not touched again before the live token's end. */
export const warn = async (deps: Deps, opened: Opened): Promise<void> => {
  const { id: grantId, platform, state } = opened.grant
  if (state !== 'active') return
  deps.logger.warn({ grantId, platform }, 'A refresh has an unknown outcome. The live token stays in use.')
  await change(deps, opened, { state: 'at_risk' }, 'grant:at-risk')
}

export const isLive = async ({ storage }: Pick<Deps, 'storage'>, { grant }: Opened): Promise<boolean> =>
  grant.expiresAt === null || grant.expiresAt > (await storage.now())
