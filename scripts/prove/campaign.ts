// One campaign from its first server to its verdict.

import { appendFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type DeliveryInfo, generateKey } from '@syndikit/core'
import type { Shown } from '@syndikit/sandbox'
import { type App, type Connected, connectAll, createApp, envOf, type Scene } from './app.ts'
import type { Campaign } from './arguments.ts'
import { chanceOf } from './chance.ts'
import { rage, type Toll } from './chaos.ts'
import { boundsOf } from './classes.ts'
import { type Started, startDrivers } from './drivers.ts'
import { playFaults } from './fault-script.ts'
import { readJournal, type Story, storiesOf } from './journal.ts'
import { tenants } from './platform.ts'
import { exitOf, keepAlive, type Living, messageOf, type Run, start } from './processes.ts'
import { buildPrograms, type Program } from './programs.ts'
import { type Figures, figuresOf, lagsOf, percentile, printViolations } from './report.ts'
import { isClean, type Violation, violationsOf } from './verdict.ts'

/**
 * After faults and kills have stopped. What met several faults looks again after 2, 10, 30 and 120 s and 5 min; a refresh of an account that was cut off is
 * believed to be under way for two minutes.
 */
const drainMs = 8 * 60_000

interface Stage {
  readonly campaign: Campaign
  readonly scene: Scene
  readonly drivers: Started
  readonly app: App
  readonly connected: Connected
  readonly sandbox: ReturnType<typeof start>
  readonly runOf: (program: Program, args?: readonly string[]) => Run
  /** What went wrong with the campaign's own processes. */
  readonly faults: string[]
  /** So much of it that there is no point in going on. */
  readonly broken: AbortSignal
  readonly fault: (why: string) => void
  readonly say: (line: string) => void
}

export interface Verdict {
  readonly figures: Figures
  readonly clean: boolean
  /** Where logs, journal and files are. */
  readonly folder: string
}

const mostFaults = 5

const faultsOf = (): Pick<Stage, 'faults' | 'broken' | 'fault'> => {
  const faults: string[] = []
  const breaking = new AbortController()
  const fault = (why: string) => {
    faults.push(why)
    if (faults.length >= mostFaults) breaking.abort()
  }
  return { faults, broken: breaking.signal, fault }
}

const setUp = async (campaign: Campaign, folder: string, say: Stage['say']): Promise<Stage> => {
  const drivers = await startDrivers(campaign.storage, campaign.queue, folder)
  const log = join(folder, 'log.txt')
  const hear = (text: string) => appendFileSync(log, text)
  const fileOf = await buildPrograms()
  const sandbox = start({ file: fileOf('sandbox'), args: [campaign.door], env: process.env, hear })
  const { url: sandboxUrl } = await messageOf<{ url: string }>(sandbox)
  const { door, seed, ratePerSecond } = campaign
  const scene: Scene = { door, place: drivers.place, keys: generateKey(), sandboxUrl, journal: join(folder, 'journal.jsonl'), seed, ratePerSecond }
  const app = await createApp(scene)
  const connected = await connectAll(app)
  const runOf: Stage['runOf'] = (program, args = []) => ({ file: fileOf(program), args, env: envOf(scene), hear })
  return { campaign, scene, drivers, app, connected, sandbox, runOf, say, ...faultsOf() }
}

const trouble = async ({ campaign, scene, drivers, broken, say }: Stage, workers: readonly Living[], host: Living): Promise<Toll> => {
  const { door, seed, minutes } = campaign
  const toll: Toll = { kills: 0, stops: 0, databaseCrashes: 0, redisFlushes: 0, redisCrashes: 0 }
  const stop = AbortSignal.any([AbortSignal.timeout(minutes * 60_000), broken])
  const { database, redis } = drivers
  const from = Date.now()
  const tell = setInterval(() => say(`${Math.round((Date.now() - from) / 1_000)} s: ${JSON.stringify(toll)}`), 30_000)
  await Promise.all([
    playFaults(scene.sandboxUrl, door, chanceOf(seed), stop),
    rage({ workers, host, database, redis, longestStopMs: boundsOf[door].stopMs, toll, stop }, seed),
  ])
  clearInterval(tell)
  return toll
}

/** What the host's last life left open is asked for again, and nothing new. */
const finishHost = async ({ runOf }: Stage, host: Living): Promise<void> => {
  const last = host.release()
  last.kill('SIGKILL')
  await exitOf(last)
  const ended = await exitOf(start(runOf('host', ['--finish'])))
  if (ended !== 0) throw new Error(`The host could not finish: it ended with ${ended}.`)
}

/** How long it took until nothing was under way any more. */
const drained = async ({ app, say }: Stage): Promise<number> => {
  const from = Date.now()
  for (let told = from; Date.now() - from < drainMs; await setTimeout(500)) {
    const all = await Promise.all(tenants.map((tenant) => app.scheduler.counts({ tenant })))
    const left = all.reduce((sum, { scheduled, running }) => sum + scheduled + running, 0)
    if (left === 0) break
    if (Date.now() - told > 30_000) {
      say(`${left} deliveries are still under way`)
      told = Date.now()
    }
  }
  return Date.now() - from
}

const stored = async (app: App): Promise<DeliveryInfo[]> => {
  const all: DeliveryInfo[] = []
  for (const tenant of tenants)
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = await app.scheduler.list({ tenant, limit: 200, after })
      all.push(...page.items)
      after = page.next
    }
  return all
}

const countPublications = (stories: readonly Story[]): number => stories.reduce((sum, { taken }) => sum + (taken?.length ?? 0), 0)

const summary = (deliveries: readonly DeliveryInfo[]): string => {
  const counts: Record<string, number> = {}
  for (const { state } of deliveries) counts[state] = (counts[state] ?? 0) + 1
  return JSON.stringify(counts)
}

const judged = async (stage: Stage, toll: Toll): Promise<{ figures: Figures; violations: readonly Violation[] }> => {
  const { app, campaign, connected, sandbox, scene, say } = stage
  sandbox.send('shown')
  const { shown, fired } = await messageOf<{ shown: Shown[]; fired: number }>(sandbox)
  const stories = storiesOf(readJournal(scene.journal))
  const deliveries = await stored(app)
  const byId = new Map(Object.entries(connected).map(([name, id]) => [id, name]))
  const violations = violationsOf({ door: campaign.door, stories, deliveries, shown, accounts: byId })
  const lags = await lagsOf(app, deliveries, shown)
  say(`${deliveries.length} deliveries: ${summary(deliveries)}; ${shown.length} posts are visible; ${fired} requests met a fault`)
  say(`${JSON.stringify(toll)}; refused: ${stories.filter(({ refused }) => refused !== undefined).length}`)
  say(`lag of ${lags.length} undisturbed deliveries: p50 ${percentile(lags, 0.5)} ms, p99 ${percentile(lags, 0.99)} ms`)
  const told = violations.filter(({ kind }) => !(kind === 'uncertain' && campaign.door === 'blind'))
  await printViolations(app, told, new Map(deliveries.map(({ id, tenant }) => [id, tenant])), say)
  return { figures: figuresOf(countPublications(stories), toll.kills, violations, lags), violations }
}

/** Every worker ends by itself when it is asked to. */
const endWorkers = async ({ fault }: Stage, workers: readonly Living[]): Promise<void> => {
  const ended = await Promise.all(
    workers.map((worker) => {
      const child = worker.release()
      child.kill('SIGTERM')
      return Promise.race([exitOf(child), setTimeout(30_000, 'no end')])
    }),
  )
  for (const how of ended) if (how !== 0) fault(`a worker was asked to end and ended with ${how}`)
}

const play = async (stage: Stage): Promise<Omit<Verdict, 'folder'>> => {
  const { campaign, runOf, faults, fault, say } = stage
  const workers = Array.from({ length: campaign.workers }, () => keepAlive(runOf('worker'), fault))
  const host = keepAlive(runOf('host'), fault)
  await Promise.all([host, ...workers].map((one) => new Promise<void>((resolve) => one.on('ready', resolve))))
  say('Everybody is at work.')
  const toll = await trouble(stage, workers, host)
  say('Faults and kills have stopped.')
  await finishHost(stage, host)
  say(`Nothing is under way any more after ${Math.round((await drained(stage)) / 1_000)} s.`)
  await endWorkers(stage, workers)
  const { figures, violations } = await judged(stage, toll)
  if (figures.publications === 0) fault('nothing was scheduled')
  for (const why of faults) say(`fault: ${why}`)
  return { figures, clean: isClean(campaign.door, violations) && faults.length === 0 }
}

export const runCampaign = async (campaign: Campaign, say: Stage['say']): Promise<Verdict> => {
  const folder = mkdtempSync(join(tmpdir(), 'syndikit-prove-'))
  say(`${campaign.storage}, ${campaign.queue}, ${campaign.door}: ${campaign.minutes} minutes with the seed ${campaign.seed}, in ${folder}`)
  const stage = await setUp(campaign, folder, say)
  try {
    return { ...(await play(stage)), folder }
  } finally {
    await stage.app.close()
    stage.sandbox.disconnect()
    await exitOf(stage.sandbox)
    await stage.drivers.stop()
  }
}
