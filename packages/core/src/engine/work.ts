// What a run of a claimed delivery rests on, gathered from its row without asking anybody.

import type { Adapter } from '../contract/adapter.ts'
import { PublishError } from '../contract/error.ts'
import type { Placed, Placement, Push, Run, Support } from '../contract/kind.ts'
import type { Media } from '../contract/media.ts'
import type { Claim } from '../contract/storage.ts'
import { type Body, readBody, type StoredContent, type StoredPlacement } from './body.ts'
import type { Deps } from './deps.ts'
import { type Journal, type OpenCommit, readJournal, readMarker } from './journal.ts'
import { defaultGiveUpAfterMs, type Policy } from './next-step.ts'
import { Unserved } from './versioned.ts'

/** Later than planned by more than this, it may have gone out before: a restored backup, a clock set back, a long outage. */
const overdueMs = 10 * 60_000

export interface Work {
  readonly claim: Claim
  readonly body: Body
  readonly journal: Journal
  readonly open: OpenCommit | null
  readonly adapter: Adapter
  readonly support: Support
  readonly content: StoredContent
  readonly policy: Policy
  /** From when on it counts as late. */
  readonly dueAt: number
}

const contentOf = (claim: Claim, body: Body): StoredContent | undefined =>
  claim.action === 'publish' || claim.action === 'update' ? body.contents[claim.platform] : body.placed?.[claim.connectionId]?.content

const policyOf = ({ settings }: Deps, body: Body, platform: string, spec: Push<object, never>): Policy => ({
  retryAfterMs: settings.retryAfterMs[platform] ?? settings.retryAfterMs.default,
  maxLatenessMs: body.maxLatenessMs ?? settings.maxLatenessMs,
  giveUpAfterMs: spec.giveUpAfterMs ?? defaultGiveUpAfterMs,
  onUncertain: body.onUncertain ?? settings.onUncertain,
})

/** For a delivery that cannot be read here: nothing but what the process itself says. */
export const policyWithout = ({ settings }: Deps): Policy => ({
  retryAfterMs: settings.retryAfterMs.default,
  maxLatenessMs: settings.maxLatenessMs,
  giveUpAfterMs: defaultGiveUpAfterMs,
  onUncertain: 'hold',
})

/** A try that began before the delivery was due was cut off by a reschedule: a new one begins, unless something may be out. */
const startOf = ({ claimedAt, dueAt }: Claim, { startedAt, done }: Journal, open: OpenCommit | null): number =>
  startedAt === null || (startedAt < dueAt && !open && done.length === 0) ? claimedAt : startedAt

/**
 * Everything that can be known without asking anybody.
 * @throws Unserved where another process may know more, whatever else where the row is damaged.
 */
export const workOf = (deps: Deps, claim: Claim): Work => {
  const body = readBody(claim.body)
  const adapter = deps.adapters.get(claim.platform)
  if (!adapter) throw new Unserved(`${claim.platform}: no adapter of this process serves it. Add it to \`adapters\`.`)
  const content = contentOf(claim, body)
  const support = adapter.content.find(({ kind }) => kind === content?.kind)
  if (!content || !support) throw new Unserved(`${adapter.name}: its adapter does not take the kind \`${content?.kind ?? 'unknown'}\`.`)
  const journal = readJournal(claim.steps)
  const open = readMarker(claim.marker)
  const planned = Math.max(claim.dueAt, journal.plannedAt ?? 0, journal.resolvedAt ?? 0)
  return {
    claim,
    body,
    journal: {
      ...journal,
      startedAt: startOf(claim, journal, open),
      overdue: journal.overdue ?? (claim.claimedAt - planned > overdueMs ? { since: claim.dueAt, until: claim.claimedAt } : null),
      deaths: journal.deaths + (claim.from === 'running' ? 1 : 0),
    },
    open,
    adapter,
    support,
    content,
    policy: policyOf(deps, body, claim.platform, support.spec as Push<object, never>),
    dueAt: Math.max(claim.dueAt, journal.resolvedAt ?? 0),
  }
}

const placedOf = ({ claim, body, support }: Work, files: readonly Media[]): Placed<object> => {
  const placed = body.placed?.[claim.connectionId]
  if (!placed) throw new PublishError('invalid', `${claim.platform}: there is nothing to ${claim.action}.`)
  return {
    ...placed.placement,
    parts: placed.parts.length > 0 ? placed.parts : [placed.placement],
    content: support.of.build(placed.content.input as object, files),
  }
}

/** What the delivery changes or removes, as it was. */
export const leftOf = ({ claim, body }: Work): Placement | undefined => body.placed?.[claim.connectionId]?.placement

const sectionsIn = ({ support }: Work, { input, files }: StoredContent): number =>
  support.of.sections(support.of.build(input as object, files as readonly Media[])).length

/** What was there, without the last parts where an update makes the content shorter: those are gone when it is done. */
export const keptOf = (work: Work): StoredPlacement | undefined => {
  const placed = work.body.placed?.[work.claim.connectionId]
  if (!placed || work.claim.action !== 'update') return placed
  const surplus = sectionsIn(work, placed.content) - sectionsIn(work, work.content)
  return surplus > 0 ? { ...placed, parts: placed.parts.slice(0, -surplus) } : placed
}

/** The adapter's method for this action, with its arguments. */
export const methodOf = (work: Work, files: readonly Media[], old: readonly Media[], run: Run): (() => Promise<Placement | undefined>) => {
  const { claim, support, content, adapter } = work
  const { spec } = support
  const built = () => ({ ...support.of.build(content.input as object, files), options: content.options })
  if (claim.action === 'publish') return () => spec.publish(built(), run)
  const placed = placedOf(work, old)
  const method = spec[claim.action]
  if (!method) throw new PublishError('invalid', `${adapter.name} cannot ${claim.action} a ${support.kind}.`, { platform: adapter.id })
  if (claim.action === 'update') return async () => (await spec.update?.(built(), placed, run)) ?? leftOf(work)
  return async () => {
    await (claim.action === 'unpublish' ? spec.unpublish : spec.refresh)?.(placed, run)
    return leftOf(work)
  }
}
