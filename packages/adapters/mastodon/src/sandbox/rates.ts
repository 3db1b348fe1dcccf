// Rate limits of an emulated Mastodon server: windows of the clock, headers with ISO dates (config/initializers/rack_attack.rb, app/lib/rate_limiter.rb).

import { Refused } from './reply.ts'
import type { Profile, Server } from './state.ts'

const minute = 60_000

interface Limit {
  readonly key: string
  readonly limit: number
  readonly periodMs: number
}

const resetAt = (now: number, periodMs: number): string => {
  const at = Math.floor(now / 1000) * 1000 + (periodMs - ((Math.floor(now / 1000) * 1000) % periodMs))
  return new Date(at).toISOString().replace('Z', '000Z')
}

const headersFor = ({ limit, periodMs }: Limit, used: number, now: number): Record<string, string> => ({
  'x-ratelimit-limit': String(limit),
  'x-ratelimit-remaining': String(Math.max(0, limit - used)),
  'x-ratelimit-reset': resetAt(now, periodMs),
})

const usedOf = (server: Server, { key, periodMs }: Limit, now: number): { start: number; used: number } => {
  const start = Math.floor(now / periodMs) * periodMs
  const held = server.windows[key]
  const window = held?.start === start ? held : { start, used: 0 }
  server.windows[key] = window
  return window
}

const limitsOf = (profile: Profile, method: string, path: string, account: string | undefined, token: string): Limit[] => {
  if (!path.startsWith('/api')) return []
  if (account === undefined) return [{ key: 'address', limit: 300, periodMs: 5 * minute }]
  const perAccount = { key: `account ${account}`, limit: profile.countsPerToken ? 1_500 : 300, periodMs: 5 * minute }
  return [
    perAccount,
    ...(profile.countsPerToken ? [{ key: `token ${token}`, limit: 300, periodMs: 5 * minute }] : []),
    ...(method === 'POST' && /^\/api\/v\d+\/media$/.test(path) ? [{ key: `media ${account}`, limit: 30, periodMs: 30 * minute }] : []),
    ...(method === 'DELETE' && /^\/api\/v1\/statuses\/\d+$/.test(path) ? [{ key: `delete ${account}`, limit: 30, periodMs: 30 * minute }] : []),
  ]
}

export const tooMany = (): Refused => new Refused(429, 'Too many requests')

/** Counts one call and answers the headers of the tightest limit. */
export const counted = (
  server: Server,
  profile: Profile,
  now: number,
  { method, path, account, token }: { method: string; path: string; account: string | undefined; token: string },
): { headers: Record<string, string>; over: boolean } => {
  let tightest: { headers: Record<string, string>; left: number } | undefined
  for (const limit of limitsOf(profile, method, path, account, token)) {
    const window = usedOf(server, limit, now)
    window.used++
    const left = limit.limit - window.used
    if (!tightest || left < tightest.left) tightest = { headers: headersFor(limit, window.used, now), left }
  }
  return { headers: tightest?.headers ?? {}, over: (tightest?.left ?? 0) < 0 }
}

const statuses = (account: string): Limit => ({ key: `statuses ${account}`, limit: 300, periodMs: 180 * minute })

/** One more status of an account, where three hours hold 300. */
export const takeStatus = (server: Server, account: string, now: number): void => {
  const limit = statuses(account)
  const window = usedOf(server, limit, now)
  if (window.used >= limit.limit) throw tooMany()
  window.used++
}

/** Headers of posting and editing: of the statuses, unless the calls are tighter. */
export const statusHeaders = (server: Server, account: string, now: number, calls: Record<string, string>): Record<string, string> => {
  const limit = statuses(account)
  const window = usedOf(server, limit, now)
  return limit.limit - window.used > Number(calls['x-ratelimit-remaining'] ?? Number.POSITIVE_INFINITY) ? calls : headersFor(limit, window.used, now)
}

export const throttled = (now: number, withHeader: boolean): Response => {
  const reply = tooMany().reply()
  if (withHeader)
    for (const [name, value] of Object.entries(headersFor({ key: '', limit: 300, periodMs: 5 * minute }, 300, now))) reply.headers.set(name, value)
  return reply
}
