// Rate limits of the emulated Bluesky (A1, rate limits and errors): points per account, calls per address, headers of the tightest.

import { Refused } from './reply.ts'
import type { State } from './state.ts'

const hour = 3600
const day = 86_400

export interface Use {
  readonly key: string
  readonly limit: number
  readonly seconds: number
  readonly points: number
}

/** Every caller shares one address here. */
export const perAddress: Use = { key: 'address', limit: 3_000, seconds: 300, points: 1 }
export const perWrite = (did: string, points: number): Use[] => [
  { key: `write hour ${did}`, limit: 5_000, seconds: hour, points },
  { key: `write day ${did}`, limit: 35_000, seconds: day, points },
]
export const perLogin = (identifier: string): Use[] => [
  { key: `login ${identifier}`, limit: 30, seconds: 300, points: 1 },
  { key: `login day ${identifier}`, limit: 300, seconds: day, points: 1 },
]
export const perUpload = (did: string): Use[] => [{ key: `upload ${did}`, limit: 1_000, seconds: day, points: 1 }]

export const headersOf = (limit: number, left: number, resetAt: number, seconds: number): Record<string, string> => ({
  'ratelimit-limit': String(limit),
  'ratelimit-remaining': String(Math.max(0, left)),
  'ratelimit-reset': String(Math.ceil(resetAt / 1000)),
  'ratelimit-policy': `${limit};w=${seconds}`,
})

export const tooMany = (): Refused => new Refused(429, 'RateLimitExceeded', 'Rate Limit Exceeded')

/** Counts what a request uses, and throws once one is used up. `headers` shows the tightest so far. */
export class Meter {
  readonly #state: State
  readonly #now: number
  #tightest = Number.POSITIVE_INFINITY
  headers: Record<string, string> = {}

  constructor(state: State, now: number) {
    this.#state = state
    this.#now = now
  }

  use(...uses: readonly Use[]): void {
    const over = uses.filter((use) => this.#take(use) < 0)
    if (over.length > 0) throw tooMany()
  }

  #take({ key, limit, seconds, points }: Use): number {
    const held = this.#state.windows[key]
    const window = held && held.start + seconds * 1000 > this.#now ? held : { start: this.#now, used: 0 }
    this.#state.windows[key] = window
    window.used += points
    const left = limit - window.used
    if (left < this.#tightest) {
      this.#tightest = left
      this.headers = headersOf(limit, left, window.start + seconds * 1000, seconds)
    }
    return left
  }
}
