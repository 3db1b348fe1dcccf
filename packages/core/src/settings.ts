// Reads what the host gave to `createSyndikit`. Whatever is wrong throws at once, and says which option it is and how to mend it.

import type { Adapter } from './contract/adapter.ts'
import type { Settings } from './engine/deps.ts'
import { leastLeaseMs } from './engine/lease.ts'
import { defaultMaxLatenessMs, defaultRetryAfterMs } from './engine/next-step.ts'
import { timeoutOf } from './http/client.ts'
import type { MediaOptions } from './media/opener.ts'
import type { SyndikitOptions } from './syndikit.ts'

const dayMs = 86_400_000

const fail = (what: string): never => {
  throw new TypeError(`createSyndikit: ${what}`)
}

/** Beyond `most`, a moment that is counted from it could not be stored. */
const wholeNumber = (name: string, value: number | undefined, otherwise: number, least: number, { most = Number.MAX_SAFE_INTEGER, why = '' } = {}): number => {
  if (value === undefined) return otherwise
  if (Number.isInteger(value) && value > most) return fail(`\`${name}\` is a whole number of at most ${most}, not ${value}.`)
  if (!Number.isInteger(value) || value < least)
    return fail(`\`${name}\` is a whole number of at least ${least}${why}, not ${typeof value === 'string' ? JSON.stringify(value) : String(value)}.`)
  return value
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '' && !value.includes('\0')

/** A spelling mistake in `media.root` would open the whole disk. */
const noOther = (given: object, known: object, below = ''): void => {
  const stray = Object.keys(given).filter((name) => !Object.hasOwn(known, name))
  if (stray.length > 0)
    fail(`there is no option ${stray.map((name) => `\`${below}${name}\``).join(', ')}. Remove it, or use one of ${Object.keys(known).join(', ')}.`)
}

/** Calls that a port must have; without one, the first publish would fail. Complete, so that every option is known by name. */
const portCalls: Record<keyof SyndikitOptions, readonly string[]> = {
  adapters: [],
  storage: [],
  queue: ['hint', 'run'],
  keys: [],
  deployment: [],
  retryAfterMs: [],
  maxLatenessMs: [],
  onUncertain: [],
  leaseMs: [],
  requestTimeoutMs: [],
  slots: [],
  perConnection: [],
  retentionMs: [],
  media: [],
  fetch: [],
  clock: ['now', 'elapsed', 'sleep'],
  random: ['bytes', 'fraction'],
  logger: ['debug', 'info', 'warn', 'error'],
}

/** What is there, by name and by what it can do; figures and plans are read by `settingsOf`. */
export const checkOptions = (options: SyndikitOptions): void => {
  if (typeof options !== 'object' || options === null) fail('give it an object with `adapters`, `storage` and `keys`.')
  noOther(options, portCalls)
  for (const [name, calls] of Object.entries(portCalls)) {
    const port: unknown = options[name as keyof SyndikitOptions]
    const missing = port === undefined ? [] : calls.filter((call) => typeof (port as Record<string, unknown> | null)?.[call] !== 'function')
    if (missing.length > 0) fail(`\`${name}\` lacks ${missing.map((call) => `\`${call}\``).join(', ')}. Give an object with ${calls.join(', ')}.`)
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') fail('`fetch` is a function from a Request to its Response, such as guardedFetch().')
}

const mediaNames: Record<keyof MediaOptions, true> = { open: true, root: true, tempDir: true, maxBytes: true, timeoutMs: true }

export const mediaOf = (media: MediaOptions | undefined): MediaOptions => {
  if (media === undefined) return {}
  if (typeof media !== 'object' || media === null) return fail("`media` is an object, such as { root: '/srv/uploads' }.")
  noOther(media, mediaNames, 'media.')
  const { open, maxBytes, timeoutMs } = media
  if (open !== undefined && typeof open !== 'function') fail('`media.open` is a function that answers { file } or { stream } for a ref.')
  for (const name of ['root', 'tempDir'] as const)
    if (media[name] !== undefined && !isText(media[name])) fail(`\`media.${name}\` is the path of a folder, such as '/srv/uploads'.`)
  wholeNumber('media.maxBytes', maxBytes, 0, 1)
  wholeNumber('media.timeoutMs', timeoutMs, 0, 1, { most: dayMs })
  return media
}

const isPause = (pause: unknown): boolean => typeof pause === 'number' && pause >= 0 && pause <= 400 * dayMs

const retriesOf = (given: SyndikitOptions['retryAfterMs'], adapters: readonly Adapter[]): Settings['retryAfterMs'] => {
  const noPlan = (name: string): never =>
    fail(`\`retryAfterMs\`${name === 'default' ? '' : ` for ${name}`} is a list of pauses in ms, such as [300000, 900000], of 400 days at most.`)
  if (given !== undefined && (typeof given !== 'object' || given === null)) return noPlan('default')
  const plans: Readonly<Record<string, readonly number[]>> =
    given === undefined ? {} : Array.isArray(given) ? { default: given as readonly number[] } : (given as Readonly<Record<string, readonly number[]>>)
  for (const [name, pauses] of Object.entries(plans)) {
    if (name !== 'default' && !adapters.some(({ id }) => id === name))
      fail(`\`retryAfterMs\` names \`${name}\`, which is no adapter of this Syndikit. Use one of ${['default', ...adapters.map(({ id }) => id)].join(', ')}.`)
    if (!Array.isArray(pauses) || !pauses.every(isPause)) noPlan(name)
  }
  return { ...plans, default: plans.default ?? defaultRetryAfterMs }
}

const onUncertainOf = (given: SyndikitOptions['onUncertain']): Settings['onUncertain'] => {
  if (given === undefined || ['hold', 'retry', 'drop'].includes(given)) return given ?? 'hold'
  return fail(`\`onUncertain\` is \`hold\`, \`retry\` or \`drop\`, not ${String(given)}.`)
}

export const retentionOf = ({ retentionMs }: SyndikitOptions): number => wholeNumber('retentionMs', retentionMs, 400 * dayMs, dayMs)

export const settingsOf = (options: SyndikitOptions): Settings => {
  const requestTimeoutMs =
    options.requestTimeoutMs === undefined ? undefined : wholeNumber('requestTimeoutMs', options.requestTimeoutMs, 0, 100, { most: dayMs })
  const slowest = Math.max(...options.adapters.map((adapter) => timeoutOf(adapter, requestTimeoutMs)))
  const leastMs = leastLeaseMs(slowest)
  return {
    retryAfterMs: retriesOf(options.retryAfterMs, options.adapters),
    maxLatenessMs: wholeNumber('maxLatenessMs', options.maxLatenessMs, defaultMaxLatenessMs, 1),
    onUncertain: onUncertainOf(options.onUncertain),
    requestTimeoutMs,
    leaseMs: wholeNumber('leaseMs', options.leaseMs, Math.max(60_000, 2 * slowest), leastMs, {
      most: dayMs,
      why: ", the slowest adapter's time-out and 4 s",
    }),
    slots: wholeNumber('slots', options.slots, 20, 1),
    perConnection: wholeNumber('perConnection', options.perConnection, 2, 1),
  }
}

export const adaptersOf = <A extends Adapter>(adapters: readonly A[]): Map<string, A> => {
  if (!Array.isArray(adapters) || adapters.length === 0) fail('`adapters` is a list with at least one adapter, such as [bluesky()].')
  const byId = new Map<string, A>()
  for (const adapter of adapters) {
    if (typeof adapter !== 'object' || adapter === null || adapter.contract !== 1)
      fail("`adapters` holds something that is no adapter of contract 1. Call its factory (`bluesky()`), and keep its version with core's.")
    if (byId.has(adapter.id)) fail(`two adapters are called \`${adapter.id}\`. Pass each once.`)
    byId.set(adapter.id, adapter)
  }
  return byId
}
