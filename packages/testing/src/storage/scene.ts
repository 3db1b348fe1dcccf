// What every rule of the storage suite starts from: an empty storage, rows by the handful, and time that can pass.

import assert from 'node:assert/strict'
import type { Claim, ClaimQuery, Connection, Delivery, NewPublication, State, Storage, StoredEvent } from '@syndikit/core'
import { aMinuteMs, createRows, type Due, type Rows } from './rows.ts'

export { aMinuteMs, type Due } from './rows.ts'

/** One promise of the contract, tried. */
export interface Rule {
  readonly name: string
  run(scene: Scene): Promise<void>
}

/** A lease that has ended by the time somebody looks, after `passed()`. */
export const shortMs = 1

type Next = () => Storage

/** What fills the storage. */
const filling = (next: Next, { grantOf, connectionOf, draft, publicationOf }: Rows) => {
  /** An active connection of a grant of its own. */
  const connect = async (tenant = 'tenant-a', more: Partial<Connection> = {}): Promise<Connection> => {
    const grant = grantOf(tenant)
    const [connection] = await next().connections.put(grant, [connectionOf(grant, more)])
    assert.ok(connection, 'put() answered no connection')
    return connection
  }
  const connections = new Map<string, Promise<Connection>>()
  /** The same connection for every call of a tenant. */
  const connectionFor = async (tenant: string): Promise<string> => {
    const known = connections.get(tenant) ?? connect(tenant)
    connections.set(tenant, known)
    return (await known).id
  }

  /** One publication per row, all in one call; answers the ids of the deliveries. */
  const schedule = async (...rows: readonly Due[]): Promise<string[]> => {
    const now = await next().now()
    const publications: NewPublication[] = []
    for (const row of rows) {
      const tenant = row.tenant ?? 'tenant-a'
      publications.push(publicationOf(tenant, [draft(now, row.connectionId ?? (await connectionFor(tenant)), row)]))
    }
    const result = await next().publications.add(publications)
    assert.equal(result.status, 'added')
    return publications.map(({ deliveries: [delivery] }) => delivery?.id ?? '')
  }
  const scheduleOne = async (row: Due = {}): Promise<string> => (await schedule(row))[0] ?? ''

  return { connect, connectionFor, schedule, scheduleOne }
}

/** What moves deliveries and looks at them. */
const moving = (next: Next, { query, verdict }: Rows, scheduleOne: (row?: Due) => Promise<string>) => {
  const claim = (more: Partial<ClaimQuery> = {}) => next().deliveries.claim(query(more))
  /** The only claim there is. */
  const claimOne = async (more: Partial<ClaimQuery> = {}): Promise<Claim> => {
    const { claims } = await claim(more)
    assert.equal(claims.length, 1, 'exactly one delivery should be claimed')
    return claims[0] as Claim
  }
  const get = async (delivery: string, tenant = 'tenant-a'): Promise<Delivery> => {
    const row = await next().deliveries.get(tenant, delivery)
    assert.ok(row, `delivery ${delivery} of ${tenant} should be there`)
    return row
  }
  /** A delivery in that state, and waiting for nothing. */
  const inState = async (state: State): Promise<Delivery> => {
    const delivery = await scheduleOne({ dueInMs: state === 'scheduled' || state === 'canceled' ? aMinuteMs : -1000 })
    if (state === 'canceled') assert.equal(await next().deliveries.cancel('tenant-a', delivery), 'done')
    if (state !== 'scheduled' && state !== 'canceled') {
      const held = await claimOne()
      if (state !== 'running') assert.deepEqual(await next().deliveries.settle([verdict(held, { to: state })]), ['done'])
    }
    return await get(delivery)
  }
  return { claim, claimOne, get, inState }
}

/** All events so far, oldest first; forgotten afterwards. */
const drainEvents = async (next: Next): Promise<StoredEvent[]> => {
  const all: StoredEvent[] = []
  for (;;) {
    const found = await next().events.read('suite', 500, aMinuteMs)
    if (found.length === 0) break
    all.push(...found)
    await next().events.ack(found.map(({ seq }) => seq))
  }
  await next().events.release('suite')
  return all
}

export const createScene = (storages: readonly Storage[], wait: (ms: number) => Promise<void>) => {
  let turn = 0
  /** Another instance each time, where there are several: what one of them keeps to itself shows. */
  const next = (): Storage => {
    const storage = storages[turn++ % storages.length]
    assert.ok(storage, 'open() gave no storage')
    return storage
  }
  const rows = createRows()
  const filled = filling(next, rows)
  return {
    get storage() {
      return next()
    },
    storages,
    wait,
    /** Long enough for a lease of `shortMs` to end. */
    passed: () => wait(20),
    events: () => drainEvents(next),
    ...rows,
    ...filled,
    ...moving(next, rows, filled.scheduleOne),
  }
}
export type Scene = ReturnType<typeof createScene>

/** `count` calls at once, each given its number. */
export const atOnce = <T>(count: number, call: (n: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: count }, (_, n) => call(n)))
