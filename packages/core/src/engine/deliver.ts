// One claimed delivery, from claim to settle: gather what the run needs, run the adapter's method, decide, write.

import type { Connection, ConnectionInUse } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Run } from '../contract/kind.ts'
import type { Claim, Saved, Settle, Written } from '../contract/storage.ts'
import { createHttp, type Exchange, timeoutOf } from '../http/client.ts'
import type { StoredContent } from './body.ts'
import { fromDatabase } from './database.ts'
import type { Deps } from './deps.ts'
import { emptyJournal, writeJournal, writeMarker } from './journal.ts'
import { lazyMedia } from './lazy-media.ts'
import type { Lease } from './lease.ts'
import { type Ending, type Next, nextStep } from './next-step.ts'
import type { Pace } from './pace.ts'
import { createRun, endingOf, type Running } from './run.ts'
import type { RunPorts } from './run-state.ts'
import { type Ended, settleOf, settleUnread } from './settle.ts'
import { isPoison, isSuspect, suspectStarts } from './suspect.ts'
import { Unserved } from './versioned.ts'
import { keptOf, leftOf, methodOf, policyWithout, type Work, workOf } from './work.ts'

/** The batched writes of the worker. */
export interface Writes {
  save(row: Saved): Promise<Written>
  settle(row: Settle): Promise<Written>
}
export interface DeliverDeps extends Deps {
  readonly writes: Writes
  /** Batched as well. */
  inUse(key: Pick<Connection, 'tenant' | 'id'>): Promise<ConnectionInUse | undefined>
  readonly pace: Pace
  newId(): string
}

/** By the database's clock: never ahead of it, and never behind it. */
interface Times {
  now(): number
  latest(): number
}
const timesOf = (claim: Claim, lease: Lease): Times => ({
  now: () => claim.claimedAt + lease.age().least,
  latest: () => claim.claimedAt + lease.age().most,
})

/** What ends a delivery before its adapter is asked. */
const early = ({ claim, open, journal, policy, dueAt }: Work): Ending | undefined => {
  if (isPoison(claim, journal)) return { kind: 'poison' }
  if (!open && journal.done.length === 0 && claim.claimedAt > dueAt + policy.maxLatenessMs) return { kind: 'late' }
  return undefined
}

const portsOf = (deps: DeliverDeps, work: Work, lease: Lease, times: Times): RunPorts => {
  const { claim, journal, adapter, policy, support } = work
  const ports: RunPorts = {
    ...times,
    journal,
    open: work.open,
    lease,
    recovery: support.spec.recovery,
    onUncertain: policy.onUncertain,
    timeoutMs: timeoutOf(adapter, deps.settings.requestTimeoutMs),
    quota: () => fromDatabase(deps.pace.take(adapter, claim)),
    claimed: (ids) => fromDatabase(deps.storage.deliveries.claimed(claim.tenant, claim.connectionId, claim.id, ids)),
    owns: async (id) => {
      // What is changed belongs to the delivery that published it.
      if (claim.action !== 'publish') return true
      await ports.save([id])
      return (await ports.claimed([id])).length === 0
    },
    save: async (placements = []) => {
      const { id, fence } = claim
      const row = { id, fence, steps: writeJournal(ports.journal), marker: writeMarker(ports.journal, ports.open), placements }
      if ((await fromDatabase(deps.writes.save(row))) === 'done') return
      lease.lose()
      throw new PublishError('transient', 'Another worker has taken this delivery over. Nothing was sent.', { outcome: 'not-published', retryAfterMs: 0 })
    },
  }
  return ports
}

/** The delivery's id without dashes: the same in every run, never the same for two deliveries. */
const keyOf = ({ id }: Claim): string => id.replaceAll('-', '')

const runOf = async (deps: DeliverDeps, work: Work, ports: RunPorts, running: Running, exchanges: Exchange[]): Promise<Run | Ending> => {
  const { claim, adapter } = work
  const found = await fromDatabase(deps.inUse({ tenant: claim.tenant, id: claim.connectionId }))
  if (!found) return { kind: 'refused', error: new PublishError('setup', `${adapter.name}: the connection was removed.`, { platform: adapter.id }) }
  const { connection, grant, holdUntil } = found
  const blocked = await fromDatabase(deps.pace.before(adapter, claim, ports, holdUntil))
  if (blocked) return blocked
  const current = ports.open ? connection : await fromDatabase(deps.access.daily(connection, grant))
  const opened = await fromDatabase(deps.access.of(current, current === connection ? grant : undefined))
  const http = createHttp({
    adapter,
    server: opened.account.server,
    fetch: deps.fetch,
    clock: deps.clock,
    random: deps.random,
    mostMs: deps.settings.requestTimeoutMs,
    credentials: () => fromDatabase(opened.applied()),
    renew: (used) => fromDatabase(opened.renew(used)),
    mode: running.mode,
    leave: running.leave,
    limit: deps.pace.limiter(connection.id),
    onExchange: (exchange) => exchanges.push(exchange),
    onRate: (rate) => deps.pace.told(adapter, connection, claim.action, rate),
  })
  const delivery = { key: keyOf(claim), at: new Date(claim.dueAt) }
  return { account: opened.account, http, credentials: opened.credentials, delivery, ...running.steps }
}

/** Before it begins: whatever is saved or settled next takes it back. */
const saveAlone = async ({ journal, save }: RunPorts): Promise<void> => {
  journal.alone = true
  const saving = save()
  journal.alone = false
  await saving
}

const runWork = async (deps: DeliverDeps, work: Work, ports: RunPorts, exchanges: Exchange[]): Promise<Ending> => {
  if (isSuspect(work.claim)) await saveAlone(ports)
  const running = createRun(ports)
  const run = await runOf(deps, work, ports, running, exchanges)
  if ('kind' in run) return run
  const filesOf = ({ input, files }: StoredContent) => lazyMedia(deps.media, work.support.of.media(input as object), files)
  const before = work.body.placed?.[work.claim.connectionId]?.content
  const [files, old] = [filesOf(work.content), before && filesOf(before)]
  try {
    return await running.perform(() => methodOf(work, files.media, old?.media ?? [], run)())
  } finally {
    await files.close()
    await old?.close()
  }
}

/** Something that is gone already counts as removed. */
const removed = (ending: Ending, work: Work, ports: RunPorts): Ending => {
  const placement = leftOf(work)
  const gone = ending.kind === 'refused' && ending.error.code === 'gone' && ending.error.outcome === 'not-published'
  return gone && placement && work.claim.action === 'unpublish' && !ports.open ? { kind: 'placed', placement } : ending
}

type Told = Omit<Ended, 'next' | 'journal' | 'open' | 'proof' | 'wasUncertain' | 'placed'>

/** A row that was read: run it. */
const deliverWork = async (deps: DeliverDeps, work: Work, lease: Lease, told: Omit<Told, 'ending' | 'tookMs' | 'now'>, took: () => number): Promise<Settle> => {
  const { claim, policy, support } = work
  const times = timesOf(claim, lease)
  const ports = portsOf(deps, work, lease, times)
  const ending = early(work) ?? removed(await runWork(deps, work, ports, told.exchanges as Exchange[]).catch(endingOf), work, ports)
  const error = ending.kind === 'refused' || ending.kind === 'open' ? ending.error : undefined
  if (error?.code === 'rate') await deps.pace.hold(claim, error.retryAfterMs).catch(() => undefined)
  const { journal, open } = ports
  const wasUncertain = work.open?.uncertain === true
  const next = nextStep(ending, {
    action: claim.action,
    now: times.now(),
    dueAt: work.dueAt,
    startedAt: journal.startedAt ?? claim.claimedAt,
    tries: claim.tries,
    done: journal.done.length,
    open: open !== null,
    uncertain: open !== null && wasUncertain,
    stale: journal.stale,
    reconciles: journal.reconciles,
    looks: open && wasUncertain ? open.looks + 1 : 0,
    chance: deps.random.fraction(),
    policy,
  })
  const placed = next.to === 'published' ? keptOf(work) : undefined
  return settleOf({ ...told, ending, next, journal, open, proof: support.spec.proof ?? 'platform', wasUncertain, placed, now: times.now(), tookMs: took() })
}

/** A row that this process cannot read: left as it is, for one that can. */
const leave = (deps: DeliverDeps, claim: Claim, error: unknown, told: Omit<Told, 'ending' | 'tookMs' | 'now'>, took: () => number): Settle => {
  const message = error instanceof Unserved ? error.message : 'What is stored of this delivery cannot be read.'
  const ending: Ending = claim.starts > suspectStarts ? { kind: 'poison' } : { kind: 'unserved', message }
  const next: Next = nextStep(ending, {
    action: claim.action,
    now: claim.claimedAt,
    dueAt: claim.dueAt,
    startedAt: claim.claimedAt,
    tries: claim.tries,
    done: 0,
    open: claim.marker !== null,
    uncertain: claim.from === 'uncertain',
    stale: 0,
    reconciles: 0,
    looks: 0,
    chance: deps.random.fraction(),
    policy: policyWithout(deps),
  })
  return settleUnread({
    ...told,
    ending,
    next,
    journal: emptyJournal(),
    open: null,
    proof: 'platform',
    wasUncertain: claim.from === 'uncertain',
    placed: undefined,
    now: claim.claimedAt,
    tookMs: took(),
  })
}

/**
 * Runs one claimed delivery and settles it; answers what was settled. Never rejects. Where the settle cannot be written the lease ends by itself, and the next worker begins with
 * what is stored.
 */
export const deliver = async (deps: DeliverDeps, claim: Claim, lease: Lease): Promise<Settle | undefined> => {
  const began = deps.clock.elapsed()
  const took = () => deps.clock.elapsed() - began
  const told = { claim, exchanges: [], startedAt: claim.claimedAt, attemptId: deps.newId() }
  const work = read(deps, claim)
  const row = 'error' in work ? leave(deps, claim, work.error, told, took) : await deliverWork(deps, work, lease, told, took)
  return (await settleSurely(deps, row, lease)) ? row : undefined
}

const read = (deps: DeliverDeps, claim: Claim): Work | { readonly error: unknown } => {
  try {
    return workOf(deps, claim)
  } catch (error) {
    return { error }
  }
}

const settleAgainAfterMs = [50, 200, 1_000, 3_000, 10_000]

/** The same row again is answered `done`, so a lost answer is asked for until the lease is about to end. */
const settleSurely = async (deps: DeliverDeps, row: Settle, lease: Lease): Promise<boolean> => {
  for (const pause of [...settleAgainAfterMs, undefined]) {
    try {
      const written = await deps.writes.settle(row)
      if (written === 'stale')
        deps.logger.warn({ deliveryId: row.id, fence: row.fence }, 'Another worker settled this delivery; what this run saw is kept as an attempt.')
      return written === 'done'
    } catch (error) {
      deps.logger.error({ deliveryId: row.id, error: error instanceof Error ? error.name : 'error' }, 'A delivery could not be settled yet.')
      if (pause === undefined || !lease.covers(pause)) break
      await deps.clock.sleep(pause)
    }
  }
  return false
}
