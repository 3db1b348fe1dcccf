// Carries out the commands of a plan on its stage.

import { listAll, onOne, publish } from './asks.ts'
import type { Befalling, Command } from './commands.ts'
import { type Process, processOf, type Scene } from './scene.ts'

/** Begins a tick, or joins the one under way; what it does happens while time passes. */
export const tick = ({ world }: Scene, process: Process): Promise<void> => {
  process.ticking ??= process.syndikit
    .tick({ budgetMs: 2_000 })
    .catch((error: unknown) => world.note(`${process.life.name}: its tick failed, ${error instanceof Error ? error.message : ''}`))
    .finally(() => {
      process.ticking = undefined
    })
  return process.ticking
}

/** Works for a while, beside whatever comes next. */
const runFor = ({ world }: Scene, process: Process, ms: number): void => {
  const { clock, note } = world
  const { life, syndikit } = process
  if (process.working) return
  note(`${life.name} starts`)
  process.working = true
  const working = syndikit.start()
  void clock
    .sleep(ms)
    .then(() => working.stop())
    .then(() => {
      process.working = false
      note(`${life.name} has stopped`)
    })
}

const befall = ({ world }: Scene, process: Process, command: Befalling): void => {
  const { clock, broker, platform } = world
  switch (command.do) {
    case 'kill':
      process.life.die('killed')
      break
    case 'pause':
    case 'suspend':
    case 'jump':
      process.life[command.do](command.ms)
      break
    case 'outage':
      world.outageUntil = clock.now() + command.ms
      break
    case 'queue-down':
      broker.downUntil = clock.now() + command.ms
      break
    case 'flush':
      broker.hints = []
      break
    case 'expire':
      platform.expireTokens()
  }
}

export const perform = async (scene: Scene, command: Command): Promise<void> => {
  const { world } = scene
  const { clock, chance } = world
  chance.restart(command.seed)
  const process = processOf(scene, 'worker' in command ? command.worker : chance.between(0, 2))
  world.note(`--- ${JSON.stringify(command)}`)
  scene.atOnce = command.atOnce === true
  if ('nth' in command) return onOne(scene, process, command)
  switch (command.do) {
    case 'publish':
    case 'schedule':
      return publish(scene, process, command)
    case 'list':
      return listAll(scene, process, chance.next() < 0.5 ? 'ann' : 'bob')
    case 'tick':
      return void tick(scene, process)
    case 'run':
      return runFor(scene, process, command.forMs)
    case 'pass':
      return clock.pass(command.ms)
    default:
      world.faults += 1
      return befall(scene, process, command)
  }
}
