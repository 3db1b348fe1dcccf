// The platform's log-in: access tokens that end, and refresh tokens that work for ever or once.

interface Token {
  readonly use: 'access' | 'refresh'
  readonly account: string
  expiresAt: number
}
/** Of an account whose refresh tokens work once. */
interface Family {
  live: string
  /** Pairs that renewals have brought. */
  issued: number
  ended: boolean
}
/** What a platform has given out. */
export interface Given {
  readonly tokens: Map<string, Token>
  readonly families: Map<string, Family>
  /** Every credential it gave out or was given. */
  readonly secrets: Set<string>
}
export const newGiven = (): Given => ({ tokens: new Map(), families: new Map(), secrets: new Set() })

/** Another copy, for another world. */
export const copyOf = ({ tokens, families, secrets }: Given): Given => ({
  tokens: new Map([...tokens].map(([name, token]) => [name, { ...token }])),
  families: new Map([...families].map(([account, family]) => [account, { ...family }])),
  secrets: new Set(secrets),
})

const tokenMs = 2 * 3_600_000

interface Pair {
  readonly access: string
  readonly refresh: string
  readonly expires_in: number
}

export const newPair = ({ tokens, secrets }: Given, account: string, now: number): Pair => {
  const name = `${tokens.size}-${account.replace('/', '-')}`
  const [access, refresh] = [`secret-access-${name}`, `secret-refresh-${name}`]
  tokens.set(access, { use: 'access', account, expiresAt: now + tokenMs })
  tokens.set(refresh, { use: 'refresh', account, expiresAt: Number.POSITIVE_INFINITY })
  secrets.add(access).add(refresh)
  return { access, refresh, expires_in: tokenMs / 1_000 }
}

/** A code or the refresh token that works once. Undefined: refused, and an old one has ended the grant. */
export const grantedOnce = (given: Given, account: string, refresh: string | undefined, now: number): Pair | undefined => {
  const family = given.families.get(account)
  if (refresh !== undefined && (!family || family.ended || family.live !== refresh)) {
    if (family) endFamily(given, account, family)
    return undefined
  }
  const pair = newPair(given, account, now)
  given.families.set(account, { live: pair.refresh, issued: refresh === undefined ? 0 : (family?.issued ?? 0) + 1, ended: false })
  return pair
}

const endFamily = ({ tokens }: Given, account: string, family: Family): void => {
  family.ended = true
  for (const token of tokens.values()) if (token.account === account) token.expiresAt = Number.NEGATIVE_INFINITY
}
