// A run's stage: world, processes, host.

import { type Clock, createSyndikit, type Logger, type Storage, type Syndikit } from '@syndikit/core'
import { populate, type Tenant } from './accounts.ts'
import { restartStamps, simulated } from './adapter.ts'
import { newBroker, queueOf } from './broker.ts'
import { chanceOf } from './chance.ts'
import { startAt, worldClock } from './clock.ts'
import type { Plan } from './commands.ts'
import { databaseOf } from './database.ts'
import { type Host, newHost } from './host.ts'
import { breach, type Invariant } from './invariants.ts'
import { keys, randomOf } from './keys.ts'
import { type Life, newLife } from './life.ts'
import { networkOf } from './network.ts'
import { newPlatform } from './platform.ts'
import { countingPairs } from './refreshes.ts'
import { keyOf } from './truth.ts'
import { newSeeing, type Seeing, watched } from './watch.ts'
import { weathers } from './weather.ts'
import type { World } from './world.ts'

export interface Process {
  readonly life: Life
  readonly syndikit: Syndikit
  /** Its present tick. */
  ticking: Promise<void> | undefined
  /** Started, and not yet stopped. */
  working: boolean
}

export interface Scene {
  readonly plan: Plan
  readonly world: World
  readonly host: Host
  readonly seeing: Seeing
  readonly timeline: string[]
  readonly processes: Process[]
  /** By tenant. */
  readonly connections: Readonly<Record<Tenant, readonly string[]>>
  /** Processes that were ever started. */
  births: number
  /** Calls of the host without an answer. */
  asking: number
  /** The next call is not waited for. */
  atOnce: boolean
}
export type StorageOf = (clock: Clock) => Storage | Promise<Storage>

export const longestCallMs = 180_000

const loggerInto = (logs: string[]): Logger => {
  const log = (fields: object, message: string) => void logs.push(`${message} ${JSON.stringify(fields)}`)
  return { debug: log, info: log, warn: log, error: log }
}

const boot = (scene: Scene, slot: number): Process => {
  const { world, plan, host } = scene
  scene.births += 1
  const life = newLife(world, `w${slot}${'abcdefghijklmnopqrstuvwxyz'[scene.births % 26]}`, plan.skewsMs[slot] ?? 0)
  const syndikit = createSyndikit({
    adapters: plan.doors.map((door) => simulated(door, plan.rotating)),
    storage: databaseOf(world, life),
    ...(plan.queue && { queue: queueOf(world, life) }),
    keys,
    clock: life.clock,
    random: randomOf(chanceOf(slot * 1_000 + scene.births)),
    fetch: networkOf(world, life),
    logger: loggerInto(world.logs),
  }) as Syndikit
  syndikit.on('*', (event) => void host.heard.push(event))
  return { life, syndikit, ticking: undefined, working: false }
}

/** The process of this slot; a new one where the last has died. */
export const processOf = (scene: Scene, worker: number): Process => {
  const slot = worker % scene.plan.workers
  const there = scene.processes[slot]
  if (there && !there.life.dead) return there
  const fresh = boot(scene, slot)
  scene.processes[slot] = fresh
  return fresh
}

interface Notes {
  readonly timeline: string[]
  readonly violations: string[]
  note(line: string): void
  violated(which: Invariant, what: string): void
}
const newNotes = (clock: Pick<Clock, 'now'>): Notes => {
  const [timeline, violations]: [string[], string[]] = [[], []]
  const note = (line: string) => void timeline.push(`${((clock.now() - startAt) / 1_000).toFixed(3).padStart(10)} s  ${line}`)
  return {
    timeline,
    violations,
    note,
    violated: (which, what) => {
      violations.push(breach(which, what))
      note(`*** ${breach(which, what)}`)
    },
  }
}

const worldOf = async (storageOf: StorageOf, seeing: Seeing, { note, violated, violations }: Notes, clock: World['clock']): Promise<World> => {
  const stored = await storageOf({ now: clock.now, elapsed: clock.now, sleep: clock.sleep })
  const storage = watched(
    countingPairs(stored, () => world),
    seeing,
    { note, violated },
  )
  const world: World = {
    clock,
    chance: chanceOf(1),
    platform: newPlatform(clock.now),
    broker: newBroker(),
    refreshes: { underway: new Map(), stored: new Map(), accounts: new Map() },
    storage,
    departures: [],
    violations,
    logs: [],
    holders: new Map(),
    excused: seeing.excused,
    weather: weathers.calm,
    outageUntil: 0,
    faults: 0,
    rowOf: async (key) => {
      const id = [...seeing.seen.keys()].find((one) => key.startsWith(keyOf(one)))
      return id === undefined ? undefined : clock.moving(storage.deliveries.get(seeing.tenants.get(id) ?? '', id))
    },
    note,
    violated,
  }
  return world
}

export const openScene = async (plan: Plan, storageOf: StorageOf): Promise<Scene> => {
  restartStamps()
  const clock = worldClock()
  const notes = newNotes(clock)
  const seeing = newSeeing()
  const world = await worldOf(storageOf, seeing, notes, clock)
  await world.storage.open('default')
  const connections = await populate(world, plan)
  world.weather = weathers[plan.weather]
  return { plan, world, host: newHost(notes.violated), seeing, timeline: notes.timeline, processes: [], connections, births: 0, asking: 0, atOnce: false }
}
