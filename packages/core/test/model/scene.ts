// A run's stage: world, processes, host.

import { type Clock, createSyndikit, type Logger, type Random, type Storage, type Syndikit } from '../../src/index.ts'
import { modelAdapter } from './adapter.ts'
import { type Chance, chanceOf } from './chance.ts'
import { worldClock } from './clock.ts'
import type { Plan } from './commands.ts'
import { databaseOf, networkOf } from './faults.ts'
import { type Host, newHost } from './host.ts'
import { newPlatform } from './platform.ts'
import { keyOf } from './truth.ts'
import { newSeeing, type Seeing, watched } from './watch.ts'
import { type Life, newLife, type World, weathers } from './world.ts'

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
  /** By tenant, in the order of the doors. */
  readonly connections: Record<'ann' | 'bob', readonly string[]>
  /** Logs the tenants in, in calm weather; then the weather is the plan's. */
  connect(): Promise<void>
}

const keys = Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 5)).toString('base64')
export const longestCallMs = 180_000

const randomOf = (chance: Chance): Random => ({
  bytes: (length) => Uint8Array.from({ length }, () => chance.between(0, 255)),
  fraction: () => chance.next(),
})

const loggerInto = (logs: string[]): Logger => {
  const log = (fields: object, message: string) => void logs.push(`${message} ${JSON.stringify(fields)}`)
  return { debug: log, info: log, warn: log, error: log }
}

const boot = (scene: Scene, slot: number, n: number): Process => {
  const { world, plan, host } = scene
  const life = newLife(world, `w${slot}${'abcdefghijklmnopqrstuvwxyz'[n % 26]}`, plan.skewsMs[slot] ?? 0)
  const syndikit = createSyndikit({
    adapters: plan.doors.map(modelAdapter),
    storage: databaseOf(world, life),
    keys,
    clock: life.clock,
    random: randomOf(chanceOf(slot * 1_000 + n)),
    fetch: networkOf(world, life),
    logger: loggerInto(world.logs),
  }) as Syndikit
  syndikit.on('*', (event) => void host.heard.push(event))
  return { life, syndikit, ticking: undefined, working: false }
}

let births = 0
/** The process of this slot; a new one where the last has died. */
export const processOf = (scene: Scene, worker: number): Process => {
  const slot = worker % scene.plan.workers
  const there = scene.processes[slot]
  if (there && !there.life.dead) return there
  births += 1
  const fresh = boot(scene, slot, births)
  scene.processes[slot] = fresh
  return fresh
}

export const openScene = async (plan: Plan, storageOf: (clock: Clock) => Storage | Promise<Storage>): Promise<Scene> => {
  births = 0
  const clock = worldClock()
  const startAt = clock.now()
  const [timeline, violations]: [string[], string[]] = [[], []]
  const note = (line: string) => void timeline.push(`${((clock.now() - startAt) / 1_000).toFixed(3).padStart(10)} s  ${line}`)
  const violated = (line: string) => {
    violations.push(line)
    note(`*** ${line}`)
  }
  const seeing = newSeeing()
  const storage = watched(await storageOf({ now: clock.now, elapsed: clock.now, sleep: clock.sleep }), seeing, { note, violated })
  const world: World = {
    clock,
    chance: chanceOf(1),
    platform: newPlatform(clock.now),
    storage,
    departures: [],
    violations,
    logs: [],
    holders: new Map(),
    excused: seeing.excused,
    weather: weathers.calm,
    outageUntil: 0,
    rowOf: async (key) => {
      const id = [...seeing.seen.keys()].find((one) => key.startsWith(keyOf(one)))
      return id === undefined ? undefined : clock.moving(storage.deliveries.get(seeing.tenants.get(id) ?? '', id))
    },
    note,
    violated,
  }
  const scene: Scene = {
    plan,
    world,
    host: newHost(violated),
    seeing,
    timeline,
    processes: [],
    connections: { ann: [], bob: [] },
    connect: () => connectAll(scene),
  }
  return scene
}

const connectAll = async (scene: Scene): Promise<void> => {
  const { world, plan } = scene
  const { syndikit } = processOf(scene, 0)
  const connect = async (tenant: string, platform: string): Promise<string> => {
    const opening = syndikit.connections.open({ tenant, platform, fields: { name: `secret-${tenant}` } })
    if (!(await world.clock.until(opening, longestCallMs))) throw new Error('Connecting did not end.')
    return (await opening)[0]?.id as string
  }
  const [first = ''] = plan.doors
  for (const door of plan.doors) scene.connections.ann = [...scene.connections.ann, await connect('ann', door)]
  scene.connections.bob = [await connect('bob', first)]
  world.weather = weathers[plan.weather]
}
