// Rate limits of the emulated X: windows, headers, and the 429 (platforms-major 1.5).

import { blank } from './reply.ts'
import type { State } from './state.ts'

const quarterMs = 900_000
const dayMs = 86_400_000

interface Limit {
  readonly limit: number
  readonly windowMs: number
}
/** Per user, and per app where that is counted over a day. App-only limits of 15 minutes do not concern calls in a user's name. */
export interface Rate {
  readonly user: Limit
  readonly appDay?: number
}

export const every15 = (limit: number, appDay?: number): Rate => ({ user: { limit, windowMs: quarterMs }, ...(appDay !== undefined && { appDay }) })

interface Window {
  readonly prefix: string
  readonly limit: number
  readonly left: number
  readonly resetAt: number
}

const take = (state: State, key: string, { limit, windowMs }: Limit, now: number, prefix: string): Window => {
  const held = state.windows[key]
  const window = held && held.start + windowMs > now ? held : { start: now, used: 0 }
  state.windows[key] = window
  window.used++
  return { prefix, limit, left: limit - window.used, resetAt: window.start + windowMs }
}

/** Counts one call. The headers go on every answer; `over` says that this one is refused. */
export const counted = (
  state: State,
  now: number,
  key: string,
  rate: Rate,
  account: string,
  app: string,
): { headers: Record<string, string>; over: boolean } => {
  const windows = [
    take(state, `${key} user ${account}`, rate.user, now, 'x-rate-limit'),
    ...(rate.appDay === undefined ? [] : [take(state, `${key} app ${app}`, { limit: rate.appDay, windowMs: dayMs }, now, 'x-app-limit-24hour')]),
  ]
  const headers = windows.flatMap(({ prefix, limit, left, resetAt }) => [
    [`${prefix}-limit`, String(limit)],
    [`${prefix}-remaining`, String(Math.max(0, left))],
    [`${prefix}-reset`, String(Math.ceil(resetAt / 1000))],
  ])
  return { headers: Object.fromEntries(headers), over: windows.some(({ left }) => left < 0) }
}

export const tooMany = (): Response => blank(429)

/** Both shapes that the documentation shows: the problem with headers, the older body without. */
export const throttled = (now: number, withHeader: boolean): Response => {
  if (!withHeader) return Response.json({ errors: [{ code: 88, message: 'Rate limit exceeded' }] }, { status: 429 })
  const reply = tooMany()
  reply.headers.set('x-rate-limit-limit', '100')
  reply.headers.set('x-rate-limit-remaining', '0')
  reply.headers.set('x-rate-limit-reset', String(Math.ceil((now + quarterMs) / 1000)))
  return reply
}
