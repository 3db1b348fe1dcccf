// When credentials are renewed, and what to do while that is open. Pure; `refresh.ts` acts on it.

import type { Adapter } from '../contract/adapter.ts'
import type { OAuth2, Rotation } from '../contract/auth.ts'
import type { Grant } from '../contract/connection-store.ts'
import { authOf } from './deps.ts'
import { refreshLeaseMs } from './patient.ts'
import { type Credentials, dataOf, type GrantData } from './stored.ts'

/** Why fresh credentials are wanted: somebody is about to use them, or the platform has just refused this access token. */
export type Why = { readonly is: 'use' } | { readonly is: 'refused'; readonly access: string | undefined }

const marginMs = 300_000
/** An unknown refresh at a strict platform: until this long before its end the live token is used and the old refresh token is not touched. */
const lastTryMs = 60_000
/** While another process refreshes, a token with this much left is still handed out. */
const stillGoodMs = 15_000
/** Two refusals within this time, with a refresh between them, are the platform's last word. */
const refusedAgainMs = 600_000

/** How a grant is renewed. */
export interface Renewal {
  /** `refresh`: by refresh token. `access`: the access token itself is exchanged for a longer one. `login`: by what the user typed. `none`: not at all. */
  readonly by: 'refresh' | 'access' | 'login' | 'none'
  readonly rotation: Rotation
  readonly minAgeMs: number
}

const byOAuth = (auth: OAuth2, { refresh }: Credentials): Renewal['by'] => {
  if (auth.refresh === false) return 'none'
  return refresh !== undefined ? 'refresh' : auth.refresh ? 'access' : 'none'
}

export const renewalOf = (adapter: Adapter, data: GrantData, credentials: Credentials): Renewal => {
  if (data.method === 'keys') return { by: 'none', rotation: 'none', minAgeMs: 0 }
  if (data.method === 'session') return { by: 'login', rotation: authOf(adapter, 'session').rotation ?? 'strict', minAgeMs: 0 }
  const auth = authOf(adapter, 'oauth2')
  return { by: byOAuth(auth, credentials), rotation: auth.rotation ?? 'strict', minAgeMs: auth.refresh ? (auth.refresh.minAgeMs ?? 0) : 0 }
}

/** A refresh of unknown outcome may simply be repeated: nothing rotates, the old token has a grace, or we can log in anew. */
export const mayRepeat = ({ by, rotation }: Renewal, sinceMs: number): boolean =>
  by === 'login' || rotation === 'none' || (typeof rotation === 'object' && sinceMs < rotation.graceMs)

/** How long before its end a token is renewed: late, because every rotation is a risk; but a token that renews itself must not be found dead. */
const renewAheadMs = (by: Renewal['by'], lifeMs: number): number => (by === 'access' ? Math.max(marginMs, lifeMs / 5) : Math.min(marginMs, lifeMs / 2))

export type Move =
  | { readonly do: 'use' }
  | { readonly do: 'renew' }
  /** Somebody else is at it. */
  | { readonly do: 'wait'; readonly forMs: number }
  /** A refresh of unknown outcome stands: say so, and use the live token. */
  | { readonly do: 'warn' }
  | { readonly do: 'give-up'; readonly because: string }

export interface Standing {
  readonly grant: Pick<Grant, 'state' | 'expiresAt' | 'refreshStartedAt' | 'data'>
  readonly access: string | undefined
  readonly renewal: Renewal
}

const whileRefreshing = ({ grant, renewal }: Standing, startedAt: number, leftMs: number, refused: boolean, now: number): Move => {
  const age = now - startedAt
  if (age < refreshLeaseMs) return !refused && leftMs > stillGoodMs ? { do: 'use' } : { do: 'wait', forMs: refreshLeaseMs - age }
  if (mayRepeat(renewal, age) || refused || leftMs <= lastTryMs) return { do: 'renew' }
  return grant.state === 'active' ? { do: 'warn' } : { do: 'use' }
}

/** By the database's clock. */
export const nextMove = (standing: Standing, why: Why, now: number): Move => {
  const { grant, access, renewal } = standing
  const { issuedAt, rejectedAt } = dataOf(grant)
  if (grant.state === 'needs_reauth' || grant.state === 'revoked') return { do: 'give-up', because: grant.state === 'revoked' ? 'revoked' : 'connect it again' }
  const refused = why.is === 'refused' && why.access === access
  const leftMs = grant.expiresAt === null ? Number.POSITIVE_INFINITY : grant.expiresAt - now
  const early = leftMs > renewAheadMs(renewal.by, (grant.expiresAt ?? 0) - issuedAt) || (leftMs > 0 && now - issuedAt < renewal.minAgeMs)
  if (!refused && early) return { do: 'use' }
  if (renewal.by === 'none')
    return !refused && leftMs > 0 ? { do: 'use' } : { do: 'give-up', because: refused ? 'refused' : 'the token has ended, and the platform renews none' }
  if (refused && rejectedAt !== undefined && now - rejectedAt < refusedAgainMs) return { do: 'give-up', because: 'refused again right after a renewal' }
  return grant.refreshStartedAt === null ? { do: 'renew' } : whileRefreshing(standing, grant.refreshStartedAt, leftMs, refused, now)
}
