// From numbers to what somebody should do about them. Pure.

import type { KeyReport } from '../vault/vault.ts'
import type { Health, PlatformHealth } from './operations.ts'

/** One thing that somebody should look at. */
export interface Finding {
  readonly code: 'no-adapter' | 'paused' | 'late' | 'uncertain' | 'needs-action' | 'key-missing' | 'queue-unreachable' | 'queue-refused'
  /** `error`: something does not go out, or cannot be opened. `warning`: somebody has to decide or to know. */
  readonly severity: 'error' | 'warning'
  readonly platform?: string
  /** Deliveries or rows that it is about. */
  readonly count?: number
  /** What is wrong and how to mend it. */
  readonly message: string
}

interface Seen {
  readonly health: Health
  readonly keys: readonly KeyReport[]
  /** Why the queue says that it cannot be relied on. */
  readonly refusal: string | undefined
}

/** Later than this, the workers do not keep up or there are none. */
const lateMs = 60_000

const deliveries = (count: number): string => (count === 1 ? 'One delivery' : `${count} deliveries`)
const needs = (count: number): string => (count === 1 ? 'needs' : 'need')

const minutes = (ms: number): string => (ms < 120_000 ? `${Math.round(ms / 1_000)} seconds` : `${Math.round(ms / 60_000)} minutes`)

const ofPlatform = (one: PlatformHealth): Finding[] => {
  const { platform, paused, served, due, waiting, running, parked, uncertain, needsAction, oldestLagMs } = one
  const found: Finding[] = []
  const add = (code: Finding['code'], severity: Finding['severity'], count: number, message: string) =>
    found.push({ code, severity, platform, count, message: `${platform}: ${message}` })
  const open = due + waiting + running + parked + uncertain
  if (!served && open > 0)
    add(
      'no-adapter',
      'error',
      open,
      `${deliveries(open)} ${needs(open)} its adapter, which this process does not have. Add it to \`adapters\`, or start a worker that has it.`,
    )
  if (paused) add('paused', 'warning', parked + due, `it is paused; ${parked + due} due deliveries wait. \`operations.resume('${platform}')\` lets them go.`)
  else if (oldestLagMs > lateMs)
    add(
      'late',
      'error',
      due,
      `${deliveries(due)} should have gone out, the oldest ${minutes(oldestLagMs)} ago. Start a worker, more workers, or give them more \`slots\`.`,
    )
  if (uncertain > 0)
    add('uncertain', 'warning', uncertain, `${deliveries(uncertain)} may be out or not. Look on the platform, then call \`scheduler.resolve\`.`)
  if (needsAction > 0)
    add(
      'needs-action',
      'warning',
      needsAction,
      `${deliveries(needsAction)} ${needsAction === 1 ? 'waits' : 'wait'} for a person. List them with state \`needs_action\`.`,
    )
  return found
}

const ofKey = ({ keyId, rows }: KeyReport): Finding => ({
  code: 'key-missing',
  severity: 'error',
  count: rows,
  message: `${rows} rows are sealed under the key ${keyId}, which is not in \`keys\`: they cannot be opened. Put it back behind the first one.`,
})

const ofQueue = ({ health: { queue }, refusal }: Seen): Finding[] => {
  if (refusal !== undefined) return [{ code: 'queue-refused', severity: 'error', message: refusal }]
  if (queue?.reachable !== false) return []
  const message = 'The queue cannot be reached: workers ask the database by themselves, so deliveries go out, some seconds late. Start its server.'
  return [{ code: 'queue-unreachable', severity: 'warning', message }]
}

export const findings = (seen: Seen): Finding[] => [
  ...seen.keys.filter(({ role, rows }) => role === 'missing' && rows > 0).map(ofKey),
  ...ofQueue(seen),
  ...seen.health.platforms.flatMap(ofPlatform),
]
