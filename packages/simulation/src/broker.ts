// A queue that all processes share and nobody can rely on: it loses, repeats, delays and brings forward hints, forgets everything at once, and is down now and then.

import type { Queue, QueueRun, Worked } from '@syndikit/core'
import type { Life } from './life.ts'
import { hintFaults } from './weather.ts'
import { never, type World } from './world.ts'

export interface Broker {
  /** Instants of the hints that it holds. */
  hints: number[]
  downUntil: number
  /** Of the workers that listen. */
  readonly bells: Set<() => void>
}
export const newBroker = (): Broker => ({ hints: [], downUntil: 0, bells: new Set() })

const horizonMs = 600_000
/** Behind a queue that says nothing the database is asked all the same. */
const fallbackMs = 5_000

const arrivals = (world: World, at: number): number[] => {
  const { chance, weather } = world
  if (chance.next() >= weather.queue) return [at]
  world.faults += 1
  switch (chance.of(hintFaults)) {
    case 'lost':
      return []
    case 'twice':
      return [at, at + chance.between(0, 60_000)]
    case 'late':
      return [at + chance.between(0, 600_000)]
    case 'early':
      return [at - chance.between(0, 60_000)]
    case 'refused':
      throw new Error('The queue takes no hint.')
  }
}

const due = ({ broker, clock }: World): boolean => {
  const at = broker.hints.findIndex((one) => one <= clock.now())
  if (at < 0) return false
  broker.hints.splice(at, 1)
  return true
}

const listen = (world: World, life: Life, work: (n: number) => Promise<Worked>): QueueRun => {
  const { broker, clock } = world
  let [stopped, wakes] = [false, 0]
  let sleeping = new AbortController()
  const wake = () => {
    wakes += 1
    sleeping.abort()
  }
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const before = wakes
      const { wakeInMs } = await work(due(world) ? 1 : Number.POSITIVE_INFINITY)
      if (stopped || wakes !== before || wakeInMs === 0) {
        // So that an answer of 0 does not spin.
        await life.clock.sleep(2)
        continue
      }
      sleeping = new AbortController()
      const next = Math.min(...broker.hints, clock.now() + fallbackMs)
      await life.clock.sleep(Math.max(next - clock.now(), 2), sleeping.signal)
    }
  }
  broker.bells.add(wake)
  const ended = loop()
  return {
    wake,
    stop: () => {
      stopped = true
      broker.bells.delete(wake)
      wake()
      return ended
    },
  }
}

/** The shared queue as one process sees it. */
export const queueOf = (world: World, life: Life): Queue => ({
  horizonMs,
  hint: async (deliveries) => {
    const { broker, clock } = world
    if (life.dead) return never
    if (clock.now() < broker.downUntil) throw new Error('The queue is down.')
    for (const { at } of deliveries) broker.hints.push(...arrivals(world, at))
    for (const ring of broker.bells) ring()
    await life.going()
  },
  run: (work) => listen(world, life, work),
})
