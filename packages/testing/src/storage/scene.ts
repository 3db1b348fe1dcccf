// What every rule of the storage suite starts from: an empty storage, rows by the handful, and time that can pass.

import assert from 'node:assert/strict'
import type { Claim, ClaimQuery, Connection, Delivery, Grant, NewDelivery, NewPublication, Settle, State, Storage, StoredEvent } from '@syndikit/core'

/** One promise of the contract, tried. */
export interface Rule {
  readonly name: string
  run(scene: Scene): Promise<void>
}

export interface Due extends Partial<Omit<NewDelivery, 'dueAt'>> {
  readonly tenant?: string
  /** From now; negative is overdue. Default a second overdue. */
  readonly dueInMs?: number
}

export const aMinuteMs = 60_000
/** A lease that has ended by the time somebody looks, after `passed()`. */
export const shortMs = 1

export const createScene = (storages: readonly Storage[], wait: (ms: number) => Promise<void>) => {
  let turn = 0
  let made = 0
  /** Another instance each time, where there are several: what one of them keeps to itself shows. */
  const next = (): Storage => {
    const storage = storages[turn++ % storages.length]
    assert.ok(storage, 'open() gave no storage')
    return storage
  }
  /** Grows, as core's ids do. */
  const id = (kind: string) => `${kind}-${String(++made).padStart(8, '0')}`

  const grantOf = (tenant: string, more: Partial<Grant> = {}): Grant => ({
    id: id('grant'),
    tenant,
    platform: 'x',
    state: 'active',
    version: 1,
    rev: 0,
    dataKey: '{"wrapped":1}',
    keyId: 'key-1',
    sealed: '{"sealed":1}',
    data: '{"scopes":[]}',
    expiresAt: null,
    refreshStartedAt: null,
    ...more,
  })
  const connectionOf = (grant: Grant, more: Partial<Connection> = {}): Omit<Connection, 'createdAt'> => ({
    id: id('connection'),
    tenant: grant.tenant,
    platform: grant.platform,
    accountId: id('account'),
    grantId: grant.id,
    state: 'active',
    name: 'Name',
    data: '{}',
    sealed: null,
    ...more,
  })
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

  const draft = (now: number, connectionId: string, { tenant: _, dueInMs = -1000, ...more }: Due = {}): NewDelivery => ({
    id: id('delivery'),
    connectionId,
    platform: 'x',
    action: 'publish',
    activeKey: id('content'),
    priority: 1,
    dueAt: now + dueInMs,
    ...more,
  })
  const publicationOf = (tenant: string, deliveries: readonly NewDelivery[], more: Partial<NewPublication> = {}): NewPublication => ({
    id: id('publication'),
    tenant,
    idempotencyKey: null,
    requestHash: 'hash',
    body: '{"text":"hello"}',
    deliveries,
    ...more,
  })
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

  const query = (more: Partial<ClaimQuery> = {}): ClaimQuery => ({
    limit: 100,
    leaseMs: aMinuteMs,
    skipTenants: [],
    skipConnections: [],
    perTenant: 1000,
    perConnection: 1000,
    ...more,
  })
  const claim = (more: Partial<ClaimQuery> = {}) => next().deliveries.claim(query(more))
  /** The only claim there is. */
  const claimOne = async (more: Partial<ClaimQuery> = {}): Promise<Claim> => {
    const { claims } = await claim(more)
    assert.equal(claims.length, 1, 'exactly one delivery should be claimed')
    return claims[0] as Claim
  }
  const verdict = ({ id: delivery, fence }: { id: string; fence: number }, more: Partial<Settle> = {}): Settle => ({
    id: delivery,
    fence,
    to: 'published',
    nextAt: null,
    tries: 1,
    steps: '{"done":[]}',
    marker: null,
    result: null,
    attempt: { id: id('attempt'), data: '{}' },
    placements: [],
    ...more,
  })
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
  /** All events so far, oldest first; forgotten afterwards. */
  const events = async (): Promise<StoredEvent[]> => {
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

  return {
    get storage() {
      return next()
    },
    storages,
    wait,
    /** Long enough for a lease of `shortMs` to end. */
    passed: () => wait(20),
    id,
    grantOf,
    connectionOf,
    connect,
    connectionFor,
    draft,
    publicationOf,
    schedule,
    scheduleOne,
    query,
    claim,
    claimOne,
    verdict,
    get,
    inState,
    events,
  }
}
export type Scene = ReturnType<typeof createScene>

/** `count` calls at once, each given its number. */
export const atOnce = <T>(count: number, call: (n: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: count }, (_, n) => call(n)))
