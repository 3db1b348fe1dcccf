// What comes between a process and its ports: its database and its network, each call of them with its own fate.

import type { Fetch, Storage } from '../../src/index.ts'
import { around } from '../engine/rig.ts'
import { boundMs } from './adapter.ts'
import { type Answer, type Call, type Door, doors } from './platform.ts'
import { departs } from './watch.ts'
import { type Departure, type Life, never, type World } from './world.ts'

// ---- the database

const writes = {
  /** Fails, and nothing happened. */
  refused: 3,
  /** Fails, and it happened. */
  'ack lost': 4,
  /** Fails, and it happens a little later. */
  'ack lost, and late': 2,
  /** The process dies: before it, after it, or with it still on its way. */
  'dies before': 1,
  'dies after': 2,
  'dies, and late': 1,
  /** The process stands still before it or after it. */
  'stops before': 1,
  'stops after': 1,
  slow: 3,
} as const
const reads = { refused: 3, 'dies before': 1, 'stops after': 1, slow: 3 } as const
const readVerbs = /^now$|\.(get|list|counts|attempts|claimed|byKey|byAccount|grant|ofGrant|inUse|upcoming)$/

const down = (verb: string) => new Error(`The database did not answer \`${verb}\`.`)
const pauseMs = ({ chance }: World): number => chance.between(1_000, chance.next() < 0.5 ? 20_000 : 200_000)

const meet = async (world: World, life: Life, verb: string, call: () => Promise<unknown>): Promise<unknown> => {
  const { clock, chance, weather, note } = world
  const run = () => clock.moving(call())
  const later = (ms: number) =>
    void clock
      .sleep(ms)
      .then(run)
      .catch(() => undefined)
  if (clock.now() < world.outageUntil) throw down(verb)
  if (chance.next() >= weather.storage) return run()
  const fault = chance.of<keyof typeof writes>(readVerbs.test(verb) ? reads : writes)
  note(`${life.name} ${verb}: ${fault}`)
  if (fault.startsWith('dies') && fault !== 'dies after') life.die(verb)
  if (fault === 'dies before' || fault === 'refused') throw down(verb)
  if (fault === 'ack lost, and late' || fault === 'dies, and late') {
    later(chance.between(50, fault === 'dies, and late' ? 100_000 : 4_000))
    throw down(verb)
  }
  if (fault === 'stops before') life.pause(pauseMs(world))
  await life.going()
  if (fault === 'slow') await clock.sleep(chance.between(20, 3_000))
  const result = await run()
  if (fault === 'stops after') life.pause(pauseMs(world))
  if (fault === 'dies after') life.die(verb)
  if (fault === 'ack lost') throw down(verb)
  return result
}

/** The database as one process sees it. */
export const databaseOf = (world: World, life: Life): Storage =>
  around(world.storage, async (verb, call) => {
    if (life.dead) return never
    try {
      const result = await meet(world, life, verb, call)
      if (verb === 'deliveries.claim') for (const { id } of (result as { claims: { id: string }[] }).claims) world.holders.set(id, life.name)
      return result
    } finally {
      await life.going()
    }
  })

// ---- the network

const commitFaults = {
  reset: 2,
  'request lost': 2,
  'not sent': 1,
  'reply lost': 3,
  'reply lost, reset': 2,
  'arrives late': 4,
  '503 after the effect': 2,
  '502 of a gateway': 1,
  'unreadable 200': 1,
  throttled: 1,
  'throttled with a date': 1,
  'token expired': 2,
  'dies before': 1,
  'dies after': 3,
  'dies, and late': 2,
  'stops after': 2,
  slow: 2,
} as const
const otherFaults = {
  reset: 3,
  'request lost': 2,
  'reply lost': 2,
  '502 of a gateway': 2,
  'token expired': 2,
  'dies after': 1,
  'stops after': 1,
  slow: 2,
} as const
type WireFault = keyof typeof commitFaults

const callOf = async (request: Request): Promise<Call> => ({
  method: request.method,
  path: new URL(request.url).pathname,
  bearer: request.headers.get('authorization')?.replace('Bearer ', '') ?? '',
  key: request.headers.get('idempotency-key') ?? '',
  body: await request.text(),
})
const isCommit = ({ method, path }: Call): boolean => (method === 'POST' && path.endsWith('/posts')) || method === 'PUT'

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
  /** Of the door: how late it may still be. */
  readonly boundMs: number
  readonly from: number
}

/** It has its effect now; what it leaves is seen at some moment within the bound. */
const arrive = ({ world, call, left, from, boundMs }: Trip): Answer => {
  const { clock, chance, platform } = world
  if (left) left.underway = false
  const latest = Math.max(clock.now(), from + boundMs - 1_000)
  const answer = platform.serve(call, chance.next() < 0.7 ? clock.now() : chance.between(clock.now(), latest))
  world.note(`the platform: ${call.method} ${call.path} ${call.key} → ${answer.status} ${JSON.stringify(answer.json)}`)
  return answer
}

const arriveLate = (trip: Trip): void => {
  const { clock, chance } = trip.world
  const ms = chance.between(500, trip.boundMs - 2_000)
  void clock.sleep(ms).then(() => arrive(trip))
}

const lostOnTheWay = async (trip: Trip, fault: WireFault): Promise<Response | undefined> => {
  const { world, life, left, signal } = trip
  const lost = () => {
    if (left) left.underway = false
  }
  switch (fault) {
    case 'reset':
      lost()
      throw broken('ECONNRESET')
    case 'not sent':
      lost()
      if (left) left.told = 'not-sent'
      throw broken('ECONNREFUSED')
    case 'request lost':
      lost()
      return aborted(signal)
    case '502 of a gateway':
      lost()
      return new Response('<html>502</html>', { status: 502 })
    case 'throttled':
    case 'throttled with a date':
      lost()
      return Response.json({ code: 'slow-down', message: 'too many' }, { status: 429, headers: fault === 'throttled' ? {} : { 'retry-after': '40' } })
    case 'arrives late':
      arriveLate(trip)
      return world.chance.next() < 0.5 ? aborted(signal) : Promise.reject(broken('ECONNRESET'))
    case 'dies before':
      lost()
      life.die('sending')
      return never
    case 'dies, and late':
      arriveLate(trip)
      life.die('sending')
      return never
    case 'token expired':
      world.platform.expireTokens()
      return undefined
    default:
      return undefined
  }
}

const travel = async (trip: Trip, fault: WireFault | undefined): Promise<Response> => {
  const { world, life, signal } = trip
  if (fault) world.note(`${life.name} ${trip.call.method} ${trip.call.path} ${trip.call.key}: ${fault}`)
  const lost = fault && (await lostOnTheWay(trip, fault))
  if (lost) return lost
  await world.clock.sleep(world.chance.between(20, 300))
  const answer = arrive(trip)
  if (fault === 'reply lost') return aborted(signal)
  if (fault === 'reply lost, reset') throw broken('ECONNRESET')
  if (fault === '503 after the effect') return Response.json({ code: 'oops', message: 'oops' }, { status: 503 })
  if (fault === 'unreadable 200') return new Response('<html>', { status: 200 })
  if (fault === 'slow') await world.clock.sleep(world.chance.between(2_000, 18_000))
  if (fault === 'stops after') life.pause(pauseMs(world))
  if (fault === 'dies after') life.die('sent')
  return respond(answer)
}

/** What the answer tells about a commit, once its sender has read it. */
const tell = (left: Departure | undefined, { status, headers }: Response): void => {
  if (!left || !headers.get('content-type')?.includes('json')) return
  if (status < 300) left.told = 'done'
  else if (status < 500) left.told = 'refused'
}

/** The network as one process sees it. What it hands over leaves in the same moment, whatever becomes of the process. */
export const networkOf =
  (world: World, life: Life): Fetch =>
  async (request) => {
    if (life.dead) return never
    const call = await world.clock.moving(callOf(request))
    const door = doors.find((one) => call.path.startsWith(`/${one}/`)) as Door
    const commits = isCommit(call)
    const left = commits ? await departs(world, life, call, door) : undefined
    const { chance, weather } = world
    const fault = chance.next() < (commits ? weather.commit : weather.request) ? chance.of<WireFault>(commits ? commitFaults : otherFaults) : undefined
    try {
      const response = await travel({ world, life, call, left, signal: request.signal, boundMs: boundMs(door), from: world.clock.now() }, fault)
      await life.going()
      tell(left, response)
      return response
    } finally {
      await life.going()
    }
  }
