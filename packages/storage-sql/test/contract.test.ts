// The SQL keeps the rules on the database's own clock too, and a verb that fails leaves nothing half done.
import { DatabaseSync } from 'node:sqlite'
import { type Statement, sqlStorage } from '@syndikit/storage-sql'
import { testStorage } from '@syndikit/testing'
import { describe, expect, test } from 'vitest'
import { memoryConnector } from './connector.ts'

describe('on the clock of the database', () => testStorage({ test, open: () => sqlStorage(memoryConnector()) }))

/** Everything that is stored. */
const dump = (db: DatabaseSync): string => {
  const tables = db.prepare(`select name from sqlite_schema where type = 'table' order by name`).all()
  return JSON.stringify(tables.map(({ name }) => [name, db.prepare(`select * from "${String(name)}" order by 1, 2`).all()]))
}

const due = (id: string) => ({ id, connectionId: 'connection', platform: 'x', action: 'publish' as const, activeKey: id, priority: 1 as const, dueAt: 1 })
const grant = {
  id: 'grant',
  tenant: 'tenant',
  platform: 'x',
  state: 'active' as const,
  version: 1,
  rev: 0,
  dataKey: '{}',
  keyId: 'key',
  sealed: '{}',
  data: '{}',
  expiresAt: null,
  refreshStartedAt: null,
}
const connection = {
  id: 'connection',
  tenant: 'tenant',
  platform: 'x',
  accountId: 'a',
  grantId: 'grant',
  state: 'active' as const,
  name: 'N',
  data: '{}',
  sealed: null,
}
const claimAll = { limit: 10, leaseMs: 60_000, skipTenants: [], skipConnections: [], perTenant: 10, perConnection: 10 }

/** A storage with three claimed deliveries of one publication, whose statements can be made to fail. */
const breakable = async () => {
  const db = new DatabaseSync(':memory:')
  let sent = 0
  let failAt = Number.POSITIVE_INFINITY
  const storage = sqlStorage(
    memoryConnector(db, () => {
      if (++sent === failAt) throw new Error('the connection was lost')
    }),
    { clock: { now: () => 1000 } },
  )
  await storage.open('suite')
  await storage.connections.put(grant, [connection])
  const deliveries = ['one', 'two', 'three'].map(due)
  await storage.publications.add([{ id: 'publication', tenant: 'tenant', idempotencyKey: null, requestHash: 'h', body: '{}', deliveries }])
  const { claims } = await storage.deliveries.claim(claimAll)
  return {
    db,
    storage,
    claims,
    failAt: (n: number) => {
      failAt = sent + n
    },
    sentSince: (before: number) => sent - before,
    sent: () => sent,
  }
}

const verdicts = (claims: readonly { id: string; fence: number }[]) =>
  claims.map(({ id, fence }) => ({
    id,
    fence,
    to: 'published' as const,
    nextAt: null,
    tries: 1,
    steps: '{}',
    marker: null,
    result: '{}',
    attempt: { id: `attempt-${id}`, data: '{}' },
    event: { type: 'delivery:published', data: '{}' },
    placements: [`post-${id}`],
  }))

describe('a verb whose n-th statement fails changes nothing, and works when it is called again', () => {
  const verbs = {
    settle: {
      call: ({ storage, claims }: Awaited<ReturnType<typeof breakable>>) => storage.deliveries.settle(verdicts(claims)),
      answer: ['done', 'done', 'done'],
    },
    add: {
      call: ({ storage }: Awaited<ReturnType<typeof breakable>>) =>
        storage.publications.add([{ id: 'next', tenant: 'tenant', idempotencyKey: 'k', requestHash: 'h', body: '{}', deliveries: [due('four')] }]),
      answer: { status: 'added', publications: [{ status: 'added', publicationId: 'next' }] },
    },
    'put of a reconnect': {
      call: ({ storage }: Awaited<ReturnType<typeof breakable>>) => storage.connections.put({ ...grant, id: 'newer' }, [connection]),
      answer: [{ ...connection, grantId: 'newer', createdAt: 1000 }],
    },
  }
  for (const [name, { call, answer }] of Object.entries(verbs))
    test(name, async () => {
      const whole = await breakable()
      const before = whole.sent()
      await call(whole)
      const statements = whole.sentSince(before)
      expect(statements).toBeGreaterThan(3)
      for (let n = 1; n <= statements; n++) {
        const broken = await breakable()
        const stored = dump(broken.db)
        broken.failAt(n)
        await expect(call(broken)).rejects.toThrow('the connection was lost')
        expect(dump(broken.db)).toBe(stored)
        expect(await call(broken)).toEqual(answer)
        expect(dump(broken.db)).toBe(dump(whole.db))
      }
    })
})

test('a verb over many rows has as many statements as over one', async () => {
  const count = async (rows: number) => {
    const sent: Statement['sql'][] = []
    const storage = sqlStorage(memoryConnector(undefined, (sql) => sent.push(sql)))
    await storage.open('suite')
    await storage.connections.put(grant, [connection])
    const deliveries = Array.from({ length: rows }, (_, n) => due(`delivery-${n}`))
    await storage.publications.add([{ id: 'publication', tenant: 'tenant', idempotencyKey: null, requestHash: 'h', body: '{}', deliveries }])
    const { claims } = await storage.deliveries.claim({ ...claimAll, limit: rows, perTenant: rows, perConnection: rows })
    expect(claims).toHaveLength(rows)
    await storage.deliveries.save(claims)
    await storage.deliveries.settle(verdicts(claims))
    return sent.length
  }
  expect(await count(150)).toBe(await count(1))
})

test('verbs before open and after close say what is missing', async () => {
  const storage = sqlStorage(memoryConnector())
  await expect(storage.deliveries.counts()).rejects.toThrow(/Await `storage.open\(deployment\)`/)
  await expect(storage.open('')).rejects.toThrow(TypeError)
  await storage.open('suite')
  await storage.close()
  await expect(storage.quotas.take([])).rejects.toThrow(/not open/)
})
