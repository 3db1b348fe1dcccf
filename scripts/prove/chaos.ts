// What befalls processes and servers while the campaign lasts: SIGKILL, SIGSTOP and SIGCONT, power cuts, a queue that is emptied.

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Server } from '@syndikit/servers'
import { between, type Chance, chanceOf, oneOf } from './chance.ts'
import type { Living } from './processes.ts'

interface Victims {
  readonly workers: readonly Living[]
  readonly host: Living
  readonly database: Server | undefined
  readonly redis: Server | undefined
  readonly longestStopMs: number
}

/** How often what happened. */
export interface Toll {
  kills: number
  stops: number
  databaseCrashes: number
  redisFlushes: number
  redisCrashes: number
}

const every = {
  stop: [1_500, 4_500],
  crashDatabase: [14_000, 24_000],
  flushRedis: [30_000, 30_000],
  crashRedis: [40_000, 65_000],
} as const
/** From the moment in which it is at work: on a busy machine it takes long to come so far. */
const lifeMs = { worker: [500, 9_000], host: [2_000, 9_000] } as const
/** Of the lives, so many end before that. */
const deadAtBirth = 0.15
const bornMs = [0, 400] as const
const outageMs = [200, 2_500] as const

interface Scene extends Victims {
  readonly toll: Toll
  readonly stop: AbortSignal
}

const repeatedly = async (
  chance: Chance,
  [least, most]: readonly [number, number],
  stop: AbortSignal,
  act: (chance: Chance) => Promise<void>,
): Promise<void> => {
  for (;;) {
    await setTimeout(between(chance, least, most), undefined, { signal: stop }).catch(() => undefined)
    if (stop.aborted) return
    await act(chance)
  }
}

/** It is at work, and dies again and again, until `stop`. */
const mortal = async (one: Living, chance: Chance, [least, most]: readonly [number, number], toll: Toll, stop: AbortSignal): Promise<void> => {
  let early = false
  let bornAt = performance.now()
  const dieAfter = async (ms: number) => {
    await setTimeout(ms, undefined, { signal: stop }).catch(() => undefined)
    if (!stop.aborted && one.kill()) toll.kills += 1
  }
  one.on('born', () => {
    bornAt = performance.now()
    early = chance() < deadAtBirth
    if (early) void dieAfter(between(chance, ...bornMs))
  })
  one.on('ready', () => {
    // Where a beginning takes long, so does the work.
    if (!early) void dieAfter(between(chance, least, Math.max(most, 2 * (performance.now() - bornAt))))
  })
  void dieAfter(between(chance, least, most))
  if (!stop.aborted) await once(stop, 'abort')
}

const flushed = ({ port }: Server): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('FLUSHALL\r\n'))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(String(data).startsWith('+OK'))
    })
    socket.once('error', () => resolve(false))
  })

const crash = async (server: Server, chance: Chance): Promise<void> => {
  await server.crash()
  await setTimeout(between(chance, ...outageMs))
  await server.start()
}

/** Until `stop`; resolves when every server is up again and nobody stands still. */
export const rage = async ({ workers, host, database, redis, longestStopMs, toll, stop }: Scene, seed: number): Promise<void> => {
  const chance = (n: number) => chanceOf(seed * 7_919 + n)
  const pauses = new Set<Promise<void>>()
  const pause = async (own: Chance) => {
    const victim = own() < 0.2 ? host : oneOf(own, workers)
    const ms = own() < 0.6 ? between(own, 200, 2_500) : between(own, 2_500, longestStopMs)
    toll.stops += 1
    const done = victim.stopFor(ms).finally(() => pauses.delete(done))
    pauses.add(done)
  }
  const turns = [
    ...workers.map((worker, n) => mortal(worker, chance(100 + n), lifeMs.worker, toll, stop)),
    mortal(host, chance(2), lifeMs.host, toll, stop),
    repeatedly(chance(3), every.stop, stop, pause),
  ]
  if (database)
    turns.push(
      repeatedly(chance(4), every.crashDatabase, stop, async (own) => {
        toll.databaseCrashes += 1
        await crash(database, own)
      }),
    )
  if (redis)
    turns.push(
      repeatedly(chance(5), every.flushRedis, stop, async () => {
        if (await flushed(redis)) toll.redisFlushes += 1
      }),
      repeatedly(chance(6), every.crashRedis, stop, async (own) => {
        toll.redisCrashes += 1
        await crash(redis, own)
      }),
    )
  await Promise.all(turns)
  await Promise.all(pauses)
}
