// What comes between a process and its database: each call with its own fate.

import type { Storage } from '@syndikit/core'
import { around } from '../../core/test/engine/around.ts'
import type { Life } from './life.ts'
import { readFaults, writeFaults } from './weather.ts'
import { never, type World } from './world.ts'

const readVerbs = /^now$|\.(get|list|counts|attempts|claimed|byKey|byAccount|grant|ofGrant|inUse|upcoming)$/

const down = (verb: string) => new Error(`The database did not answer \`${verb}\`.`)

/** Stops the process for a while: the whole machine now and then, or with its wall clock set back meanwhile. */
export const halt = ({ chance }: World, life: Life): void => {
  const ms = chance.between(1_000, chance.next() < 0.5 ? 20_000 : 200_000)
  const how = chance.next()
  if (how < 0.3) life.suspend(ms)
  else life.pause(ms)
  if (how > 0.7) life.jump(-chance.between(ms, 2 * ms))
}

const later = (world: World, ms: number, run: () => Promise<unknown>): void =>
  void world.clock
    .sleep(ms)
    .then(run)
    .catch(() => undefined)

const faulty = async (world: World, life: Life, verb: string, run: () => Promise<unknown>): Promise<unknown> => {
  const { clock, chance } = world
  const fault = chance.of<keyof typeof writeFaults>(readVerbs.test(verb) ? readFaults : writeFaults)
  world.note(`${life.name} ${verb}: ${fault}`)
  world.faults += 1
  life.troubles += 1
  if (fault.startsWith('dies') && fault !== 'dies after') life.die(verb)
  if (fault === 'dies before' || fault === 'refused') throw down(verb)
  if (fault === 'ack lost, and late' || fault === 'dies, and late') {
    later(world, chance.between(50, fault === 'dies, and late' ? 100_000 : 4_000), run)
    throw down(verb)
  }
  if (fault === 'stops before') halt(world, life)
  await life.going()
  if (fault === 'slow') await clock.sleep(chance.between(20, 3_000))
  const result = await run()
  if (fault === 'stops after') halt(world, life)
  if (fault === 'dies after') life.die(verb)
  if (fault === 'ack lost') throw down(verb)
  return result
}

const meet = (world: World, life: Life, verb: string, call: () => Promise<unknown>): Promise<unknown> => {
  const { clock, chance, weather } = world
  const run = () => clock.moving(call())
  if (clock.now() < world.outageUntil) {
    life.troubles += 1
    throw down(verb)
  }
  return chance.next() < weather.storage ? faulty(world, life, verb, run) : run()
}

/** K5: a row that still runs is given out again only where something has befallen its last holder. */
const handedOut = (
  world: World,
  life: Life,
  troubles: number,
  claims: readonly { readonly id: string; readonly fence: number; readonly from: string }[],
): void => {
  for (const { id, fence, from } of claims) {
    const last = world.holders.get(id)
    // A claim in between whose answer was lost left it with nobody.
    const isLast = last?.fence === fence - 1
    if (from === 'running' && last && isLast && last.troublesNow() === last.troubles)
      world.violated('K5', `${id} was given to ${life.name} while ${last.name} had it`)
    world.holders.set(id, { name: life.name, fence, troubles, troublesNow: () => life.troubles })
  }
}

/** The database as one process sees it. */
export const databaseOf = (world: World, life: Life): Storage =>
  around(world.storage, async (verb, call) => {
    if (life.dead) return never
    // What it asked for before it stood still comes to it all the same.
    const troubles = life.still ? life.troubles - 1 : life.troubles
    try {
      const result = await meet(world, life, verb, call)
      if (verb === 'deliveries.claim') handedOut(world, life, troubles, (result as { claims: { id: string; fence: number; from: string }[] }).claims)
      return result
    } finally {
      await life.going()
    }
  })
