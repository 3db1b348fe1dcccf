// Rows of every kind, complete and ordinary, for the rules of the storage suite to change.

import type { ClaimQuery, Connection, Grant, NewDelivery, NewPublication, Settle } from '@syndikit/core'

export interface Due extends Partial<Omit<NewDelivery, 'dueAt'>> {
  readonly tenant?: string
  /** From now; negative is overdue. Default a second overdue. */
  readonly dueInMs?: number
}

export const aMinuteMs = 60_000

type Ids = (kind: string) => string

/** Grow, as core's ids do. */
const createIds = (): Ids => {
  let made = 0
  return (kind) => `${kind}-${String(++made).padStart(8, '0')}`
}

const consents = (id: Ids) => {
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
  return { grantOf, connectionOf }
}

const publications = (id: Ids) => {
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
  return { draft, publicationOf, verdict }
}

const query = (more: Partial<ClaimQuery> = {}): ClaimQuery => ({
  limit: 100,
  leaseMs: aMinuteMs,
  skipTenants: [],
  skipConnections: [],
  perTenant: 1000,
  perConnection: 1000,
  ...more,
})

export const createRows = () => {
  const id = createIds()
  return { id, query, ...consents(id), ...publications(id) }
}
export type Rows = ReturnType<typeof createRows>
