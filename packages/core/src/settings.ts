// Reads what the host gave to `createSyndikit`. Whatever is wrong throws at once, and says which option it is and how to mend it.

import type { Adapter } from './contract/adapter.ts'
import type { Settings } from './engine/deps.ts'
import { leastLeaseMs } from './engine/lease.ts'
import { defaultMaxLatenessMs, defaultRetryAfterMs } from './engine/next-step.ts'
import { timeoutOf } from './http/client.ts'
import type { SyndikitOptions } from './syndikit.ts'

const dayMs = 86_400_000

const wholeNumber = (name: string, value: number | undefined, otherwise: number, least: number, why = ''): number => {
  if (value === undefined) return otherwise
  if (!Number.isInteger(value) || value < least)
    throw new TypeError(`createSyndikit: \`${name}\` is a whole number of at least ${least}${why}, not ${String(value)}.`)
  return value
}

const retriesOf = (given: SyndikitOptions['retryAfterMs'], adapters: readonly Adapter[]): Settings['retryAfterMs'] => {
  const plans: Readonly<Record<string, readonly number[]>> =
    given === undefined ? {} : Array.isArray(given) ? { default: given as readonly number[] } : (given as Readonly<Record<string, readonly number[]>>)
  for (const [name, pauses] of Object.entries(plans)) {
    if (name !== 'default' && !adapters.some(({ id }) => id === name))
      throw new TypeError(
        `createSyndikit: \`retryAfterMs\` names \`${name}\`, which is no adapter of this Syndikit. Use one of ${['default', ...adapters.map(({ id }) => id)].join(', ')}.`,
      )
    if (!Array.isArray(pauses) || pauses.some((pause) => !Number.isFinite(pause) || pause < 0))
      throw new TypeError(`createSyndikit: \`retryAfterMs\`${name === 'default' ? '' : ` for ${name}`} is a list of pauses in ms, such as [300000, 900000].`)
  }
  return { ...plans, default: plans.default ?? defaultRetryAfterMs }
}

const onUncertainOf = (given: SyndikitOptions['onUncertain']): Settings['onUncertain'] => {
  if (given === undefined || ['hold', 'retry', 'drop'].includes(given)) return given ?? 'hold'
  throw new TypeError(`createSyndikit: \`onUncertain\` is \`hold\`, \`retry\` or \`drop\`, not ${String(given)}.`)
}

export const retentionOf = ({ retentionMs }: SyndikitOptions): number => wholeNumber('retentionMs', retentionMs, 400 * dayMs, dayMs)

export const settingsOf = (options: SyndikitOptions): Settings => {
  const requestTimeoutMs = options.requestTimeoutMs === undefined ? undefined : wholeNumber('requestTimeoutMs', options.requestTimeoutMs, 0, 100)
  const slowest = Math.max(...options.adapters.map((adapter) => timeoutOf(adapter, requestTimeoutMs)))
  const leastMs = leastLeaseMs(slowest)
  return {
    retryAfterMs: retriesOf(options.retryAfterMs, options.adapters),
    maxLatenessMs: wholeNumber('maxLatenessMs', options.maxLatenessMs, defaultMaxLatenessMs, 1),
    onUncertain: onUncertainOf(options.onUncertain),
    requestTimeoutMs,
    leaseMs: wholeNumber('leaseMs', options.leaseMs, Math.max(60_000, 2 * slowest), leastMs, ", the slowest adapter's time-out and 4 s"),
    slots: wholeNumber('slots', options.slots, 20, 1),
    perConnection: wholeNumber('perConnection', options.perConnection, 2, 1),
  }
}

export const adaptersOf = <A extends Adapter>(adapters: readonly A[]): Map<string, A> => {
  if (!Array.isArray(adapters) || adapters.length === 0)
    throw new TypeError('createSyndikit: `adapters` is a list with at least one adapter, such as [bluesky()].')
  const byId = new Map<string, A>()
  for (const adapter of adapters) {
    if (typeof adapter !== 'object' || adapter === null || adapter.contract !== 1)
      throw new TypeError(
        "createSyndikit: `adapters` holds something that is no adapter of contract 1. Call its factory (`bluesky()`), and keep its version with core's.",
      )
    if (byId.has(adapter.id)) throw new TypeError(`createSyndikit: two adapters are called \`${adapter.id}\`. Pass each once.`)
    byId.set(adapter.id, adapter)
  }
  return byId
}
