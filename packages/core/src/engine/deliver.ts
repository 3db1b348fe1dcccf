// One claimed delivery, from claim to settle: gather what the run needs, run the adapter's method, decide, write.

import type { Adapter } from '../contract/adapter.ts'
import { PublishError } from '../contract/error.ts'
import type { Placed, Placement, Push, Run, Support } from '../contract/kind.ts'
import type { Media } from '../contract/media.ts'
import type { Claim, Saved, Settle, Written } from '../contract/storage.ts'
import { createHttp, type Exchange, timeoutOf } from '../http/client.ts'
import { type Body, readBody, type StoredContent } from './body.ts'
import type { Deps } from './deps.ts'
import { emptyJournal, type Journal, type OpenCommit, readJournal, readMarker, writeJournal, writeMarker } from './journal.ts'
import { lazyMedia } from './lazy-media.ts'
import type { Lease } from './lease.ts'
import { defaultGiveUpAfterMs, type Ending, nextStep, type Policy } from './next-step.ts'
import type { Pace } from './pace.ts'
import { createRun, endingOf } from './run.ts'
import type { RunPorts } from './run-state.ts'
import { settleOf } from './settle.ts'

/** The batched writes of the worker. */
export interface Writes {
  save(row: Saved): Promise<Written>
  settle(row: Settle): Promise<Written>
}
export interface DeliverDeps extends Deps {
  readonly writes: Writes
  readonly pace: Pace
  newId(): string
}

/** Without getting anywhere: nothing was saved in between. */
const mostStarts = 3
/** In all: one that saves a step and then takes its worker down must end too. */
const mostDeaths = 20
/** Later than this at its first run, a delivery may have gone out before: a restored backup, a clock set back. */
const overdueMs = 10 * 60_000

interface Work {
  readonly claim: Claim
  readonly lease: Lease
  readonly body: Body
  readonly journal: Journal
  readonly open: OpenCommit | null
  readonly adapter: Adapter
  readonly support: Support
  readonly content: StoredContent
  readonly policy: Policy
  now(): number
}

const contentOf = (claim: Claim, body: Body): StoredContent | undefined =>
  claim.action === 'publish' || claim.action === 'update' ? body.contents[claim.platform] : body.placed?.[claim.connectionId]?.content

const policyOf = ({ settings }: Deps, body: Body, platform: string, spec: Push<object, never>): Policy => ({
  retryAfterMs: settings.retryAfterMs[platform] ?? settings.retryAfterMs.default,
  maxLatenessMs: body.maxLatenessMs ?? settings.maxLatenessMs,
  giveUpAfterMs: spec.giveUpAfterMs ?? defaultGiveUpAfterMs,
  onUncertain: body.onUncertain ?? settings.onUncertain,
})

/** Everything that can be known without asking anybody. A delivery that this process cannot read is somebody else's or nobody's. */
const workOf = (deps: Deps, claim: Claim, lease: Lease, now: () => number): Work => {
  const body = readBody(claim.body)
  const adapter = deps.adapters.get(claim.platform)
  if (!adapter) throw new TypeError(`${claim.platform}: no adapter of this process serves it. Add it to \`adapters\`.`)
  const content = contentOf(claim, body)
  const support = adapter.content.find(({ kind }) => kind === content?.kind)
  if (!content || !support) throw new TypeError(`${adapter.name}: its adapter does not take the kind \`${content?.kind ?? 'unknown'}\`.`)
  const journal = readJournal(claim.steps)
  const policy = policyOf(deps, body, claim.platform, support.spec as Push<object, never>)
  return {
    claim,
    lease,
    body,
    journal: { ...journal, startedAt: journal.startedAt ?? claim.claimedAt, deaths: journal.deaths + (claim.from === 'running' ? 1 : 0) },
    open: readMarker(claim.marker),
    adapter,
    support,
    content,
    policy,
    now,
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

/** The adapter's method for this action, with its arguments. */
const methodOf = (work: Work, files: readonly Media[], old: readonly Media[], run: Run): (() => Promise<Placement | undefined>) => {
  const { claim, support, content, adapter } = work
  const { spec } = support
  const built = () => ({ ...support.of.build(content.input as object, files), options: content.options })
  if (claim.action === 'publish') return () => spec.publish(built(), run)
  const placed = placedOf(work, old)
  const method = spec[claim.action]
  if (!method) throw new PublishError('invalid', `${adapter.name} cannot ${claim.action} a ${support.kind}.`, { platform: adapter.id })
  if (claim.action === 'update') return async () => (await spec.update?.(built(), placed, run)) ?? placed
  return async () => {
    await (claim.action === 'unpublish' ? spec.unpublish : spec.refresh)?.(placed, run)
    return { id: placed.id, ...(placed.url !== undefined && { url: placed.url }) }
  }
}

/** What ends a delivery before its adapter is asked. */
const early = ({ claim, open, journal, policy, now }: Work): Ending | undefined => {
  if (claim.starts > mostStarts || journal.deaths > mostDeaths) return { kind: 'poison' }
  if (!open && journal.done.length === 0 && now() > claim.dueAt + policy.maxLatenessMs) return { kind: 'late' }
  return undefined
}

const runWork = async (deps: DeliverDeps, work: Work, ports: RunPorts, exchanges: Exchange[]): Promise<Ending> => {
  const { claim, adapter, content } = work
  const connection = await deps.storage.connections.get(claim.tenant, claim.connectionId)
  if (!connection) return { kind: 'refused', error: new PublishError('setup', `${adapter.name}: the connection was removed.`, { platform: adapter.id }) }
  const blocked = await deps.pace.before(adapter, claim, ports)
  if (blocked) return blocked
  const opened = await deps.access.of(ports.open ? connection : await deps.access.daily(connection))
  const running = createRun(ports)
  const http = createHttp({
    adapter,
    server: opened.account.server,
    fetch: deps.fetch,
    clock: deps.clock,
    random: deps.random,
    mostMs: deps.settings.requestTimeoutMs,
    credentials: opened.applied,
    renew: opened.renew,
    mode: running.mode,
    limit: deps.pace.limiter(connection.id),
    onExchange: (exchange) => exchanges.push(exchange),
    onRate: (rate) => deps.pace.told(adapter, connection, claim.action, rate),
  })
  const run: Run = {
    account: opened.account,
    http,
    credentials: opened.credentials,
    delivery: { key: keyOf(claim), at: new Date(claim.dueAt) },
    ...running.steps,
  }
  const filesOf = ({ input, files }: StoredContent) => lazyMedia(deps.media, work.support.of.media(input as object), files)
  const before = work.body.placed?.[claim.connectionId]?.content
  const [files, old] = [filesOf(content), before && filesOf(before)]
  try {
    return await running.perform(() => methodOf(work, files.media, old?.media ?? [], run)())
  } finally {
    await files.close()
    await old?.close()
  }
}

/** The delivery's id without dashes: the same in every run, never the same for two deliveries. */
const keyOf = ({ id }: Claim): string => id.replaceAll('-', '')

const portsOf = (deps: DeliverDeps, work: Work): RunPorts => {
  const { claim, lease, journal, adapter, policy, support, now } = work
  const ports: RunPorts = {
    journal,
    open: work.open,
    lease,
    now,
    recovery: support.spec.recovery,
    onUncertain: policy.onUncertain,
    timeoutMs: timeoutOf(adapter, deps.settings.requestTimeoutMs),
    overdueSince: claim.tries === 0 && readJournal(claim.steps).startedAt === null && now() - claim.dueAt > overdueMs ? claim.dueAt : undefined,
    quota: () => deps.pace.take(adapter, claim),
    claimed: (ids) => deps.storage.deliveries.claimed(claim.tenant, claim.connectionId, claim.id, ids),
    save: async () => {
      const written = await deps.writes.save({
        id: claim.id,
        fence: claim.fence,
        steps: writeJournal(ports.journal),
        marker: writeMarker(ports.journal, ports.open),
      })
      if (written === 'stale') {
        lease.lose()
        throw new PublishError('transient', 'Another worker has taken this delivery over. Nothing was sent.', { outcome: 'not-published' })
      }
    },
  }
  return ports
}

/**
 * Runs one claimed delivery and settles it. Never rejects. Where the settle cannot be written the lease ends by itself, and the next worker begins with what is stored.
 */
export const deliver = async (deps: DeliverDeps, claim: Claim, lease: Lease): Promise<void> => {
  const began = deps.clock.elapsed()
  const now = () => claim.claimedAt + Math.round(deps.clock.elapsed() - began)
  const exchanges: Exchange[] = []
  let work: Work | undefined
  let ports: RunPorts | undefined
  let ending: Ending
  try {
    work = workOf(deps, claim, lease, now)
    ports = portsOf(deps, work)
    ending = early(work) ?? (await runWork(deps, work, ports, exchanges))
  } catch (error) {
    ending = endingOf(error)
  }
  if (ending.kind === 'refused' && ending.error.code === 'rate') await deps.pace.hold(claim, ending.error.retryAfterMs).catch(() => undefined)
  const journal = ports?.journal ?? safely(() => readJournal(claim.steps), emptyJournal())
  const open = ports ? ports.open : safely(() => readMarker(claim.marker), unreadable(claim))
  const next = nextStep(ending, {
    action: claim.action,
    now: now(),
    dueAt: claim.dueAt,
    startedAt: journal.startedAt ?? claim.claimedAt,
    tries: claim.tries,
    done: journal.done.length,
    open: open !== null,
    stale: journal.stale,
    reconciles: journal.reconciles,
    looks: open?.uncertain ? open.looks : 0,
    chance: deps.random.fraction(),
    policy: work?.policy ?? {
      retryAfterMs: deps.settings.retryAfterMs.default,
      maxLatenessMs: deps.settings.maxLatenessMs,
      giveUpAfterMs: defaultGiveUpAfterMs,
      onUncertain: 'hold',
    },
  })
  const row = settleOf({
    claim,
    ending,
    next,
    journal,
    open,
    proof: work?.support.spec.proof ?? 'platform',
    exchanges,
    startedAt: claim.claimedAt,
    now: now(),
    tookMs: deps.clock.elapsed() - began,
    attemptId: deps.newId(),
  })
  await settleSurely(deps, row, lease)
}

const safely = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** A marker that cannot be read stands for a commit of unknown outcome. */
const unreadable = (claim: Claim): OpenCommit | null =>
  claim.marker === null
    ? null
    : { name: 'unreadable', request: null, firstSentAt: claim.dueAt, lastSentAt: claim.dueAt, sends: 1, provedAbsent: false, uncertain: true, looks: 0 }

const settleAgainAfterMs = [50, 200, 1_000, 3_000, 10_000]

/** The same row again is answered `done`, so a lost answer is asked for until the lease is about to end. */
const settleSurely = async (deps: DeliverDeps, row: Settle, lease: Lease): Promise<void> => {
  for (const pause of [...settleAgainAfterMs, undefined]) {
    try {
      const written = await deps.writes.settle(row)
      if (written === 'stale')
        deps.logger.warn({ deliveryId: row.id, fence: row.fence }, 'Another worker settled this delivery; what this run saw is kept as an attempt.')
      return
    } catch (error) {
      deps.logger.error({ deliveryId: row.id, error: error instanceof Error ? error.name : 'error' }, 'A delivery could not be settled yet.')
      if (pause === undefined || !lease.covers(pause)) return
      await deps.clock.sleep(pause)
    }
  }
}
