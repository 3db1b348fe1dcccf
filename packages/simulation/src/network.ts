// What comes between a process and the platform: each request with its own fate.

import type { Fetch } from '@syndikit/core'
import { boundMs, uploadMs } from './adapter.ts'
import { halt } from './database.ts'
import type { Life } from './life.ts'
import type { Answer, Call, Door } from './platform.ts'
import { isRefresh, renews } from './refreshes.ts'
import { asks, departs } from './watch.ts'
import { commitFaults, refreshFaults, requestFaults, type WireFault } from './weather.ts'
import { type Departure, never, type World } from './world.ts'

const callOf = async (request: Request): Promise<Call> => ({
  method: request.method,
  path: new URL(request.url).pathname,
  bearer: request.headers.get('authorization')?.replace('Bearer ', '') ?? '',
  key: request.headers.get('idempotency-key') ?? '',
  body: await request.text(),
})
const isCommit = ({ method, path }: Call): boolean => (method === 'POST' && path.endsWith('/posts')) || method === 'PUT'
const doorOf = ({ path }: Call): Door => path.split('/')[1] as Door

const broken = (code: string) => Object.assign(new TypeError('fetch failed'), { cause: { code } })
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = () => reject(signal.reason)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
const respond = ({ status, json }: Answer): Response => Response.json(json, { status })

interface Trip {
  readonly world: World
  readonly life: Life
  readonly call: Call
  readonly left: Departure | undefined
  readonly signal: AbortSignal
  /** How late it may still be. */
  readonly boundMs: number
  readonly from: number
  /** It has had its effect, or never will. */
  readonly over: () => void
  /** Its sender reckons with it no longer, though it is still on its way. */
  readonly givenUp: () => void
}

/** It has its effect now; what it leaves is seen at some moment within the bound. */
const arrive = ({ world, call, over, from, boundMs }: Trip): Answer => {
  const { clock, chance, platform } = world
  over()
  const latest = Math.max(clock.now(), from + boundMs - 1_000)
  const answer = platform.serve(call, chance.next() < 0.7 ? clock.now() : chance.between(clock.now(), latest))
  world.note(`the platform: ${call.method} ${call.path} ${call.key} → ${answer.status} ${JSON.stringify(answer.json)}`)
  return answer
}

const arriveLate = (trip: Trip): void => {
  const { clock, chance } = trip.world
  void clock.sleep(chance.between(500, trip.boundMs - 2_000)).then(() => arrive(trip))
}

type OnTheWay = (trip: Trip) => Promise<Response> | undefined

/** What becomes of a request before it arrives. Nothing: it arrives. */
const onTheWay: Partial<Record<WireFault, OnTheWay>> = {
  reset: ({ over }) => {
    over()
    throw broken('ECONNRESET')
  },
  'not sent': ({ over, left }) => {
    over()
    if (left) left.told = 'not-sent'
    throw broken('ECONNREFUSED')
  },
  'request lost': ({ over, signal }) => {
    over()
    return aborted(signal)
  },
  '502 of a gateway': async ({ over }) => {
    over()
    return new Response('<html>502</html>', { status: 502 })
  },
  throttled: async ({ over }) => {
    over()
    return Response.json({ code: 'slow-down', message: 'too many' }, { status: 429 })
  },
  'throttled with a date': async ({ over }) => {
    over()
    return Response.json({ code: 'slow-down', message: 'too many' }, { status: 429, headers: { 'retry-after': '40' } })
  },
  'arrives late': (trip) => {
    trip.givenUp()
    arriveLate(trip)
    return trip.world.chance.next() < 0.5 ? aborted(trip.signal) : Promise.reject(broken('ECONNRESET'))
  },
  'dies before': ({ over, life }) => {
    over()
    life.die('sending')
    return never
  },
  'dies, and late': (trip) => {
    arriveLate(trip)
    trip.life.die('sending')
    return never
  },
  'token expired': ({ world }) => {
    world.platform.expireTokens()
    return undefined
  },
}

const travel = async (trip: Trip, fault: WireFault | undefined): Promise<Response> => {
  const { world, life, signal, call } = trip
  const lost = fault && onTheWay[fault]?.(trip)
  if (lost) return lost
  await world.clock.sleep(call.path.endsWith('/upload') ? world.chance.between(...uploadMs) : world.chance.between(20, 300))
  const answer = arrive(trip)
  if (fault === 'reply lost') return aborted(signal)
  if (fault === 'reply lost, reset') throw broken('ECONNRESET')
  if (fault === '503 after the effect') return Response.json({ code: 'oops', message: 'oops' }, { status: 503 })
  if (fault === 'unreadable 200') return new Response('<html>', { status: 200 })
  if (fault === 'slow') await world.clock.sleep(world.chance.between(2_000, 18_000))
  if (fault === 'stops after') halt(world, life)
  if (fault === 'dies after') life.die('sent')
  return respond(answer)
}

/** What the answer tells about a commit, once its sender has read it. */
const tell = (left: Departure | undefined, { status, headers }: Response): void => {
  if (!left || !headers.get('content-type')?.includes('json')) return
  if (status < 300) left.told = 'done'
  else if (status < 500) left.told = 'refused'
}

const faultOf = ({ chance, weather }: World, call: Call, commits: boolean): WireFault | undefined => {
  if (chance.next() >= (commits ? weather.commit : weather.request)) return undefined
  return chance.of<WireFault>(commits ? commitFaults : isRefresh(call) ? refreshFaults : requestFaults)
}

const tripOf = async (world: World, life: Life, request: Request): Promise<Trip> => {
  const call = await world.clock.moving(callOf(request))
  const refreshes = isRefresh(call) ? renews(world, life, call) : undefined
  const left = isCommit(call) ? await departs(world, life, call, doorOf(call)) : undefined
  if (call.path.endsWith('/me') && call.key !== '') await asks(world, call)
  const over = () => {
    if (left) left.underway = false
    refreshes?.over()
  }
  const givenUp = () => refreshes?.givenUp()
  return { world, life, call, left, signal: request.signal, boundMs: refreshes?.boundMs ?? boundMs(doorOf(call)), from: world.clock.now(), over, givenUp }
}

/** The network as one process sees it. What it hands over leaves in the same moment, whatever becomes of the process. */
export const networkOf = (world: World, life: Life): Fetch => {
  // As a socket would: a request that is not held is collected before its signal can tell it anything, at another moment in every run.
  const open = new Set<Request>()
  return async (request) => {
    if (life.dead) return never
    open.add(request)
    const trip = await tripOf(world, life, request)
    const { call, left } = trip
    const fault = faultOf(world, call, left !== undefined)
    if (fault) {
      world.faults += 1
      world.note(`${life.name} ${call.method} ${call.path} ${call.key}: ${fault}`)
    }
    try {
      const response = await travel(trip, fault)
      await life.going()
      tell(left, response)
      return response
    } finally {
      open.delete(request)
      await life.going()
    }
  }
}
