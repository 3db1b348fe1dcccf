// Many at once on the same rows: each row goes to one claimer, and shared publications make nobody wait crosswise.
import { postgresStorage } from '@syndikit/storage-postgres'
import { describe, expect, test } from 'vitest'
import { connected, publication, query, serverForFile, skipped, tenant, verdict } from './fixtures.ts'

describe.skipIf(skipped !== undefined)(`races ${skipped ?? ''}`, () => {
  const { emptyPools } = serverForFile()
  const pools = emptyPools(4, { max: 6 })

  const opened = async () => {
    const given = await pools()
    const storages = given.map((pool) => postgresStorage(pool))
    for (const storage of storages) await connected(storage).catch(() => storage.open('suite'))
    const [storage] = storages
    const [pool] = given
    if (!storage || !pool) throw new Error('no storage')
    return { storages, storage, pool }
  }

  test('of eight claimers on four pools, each row goes to exactly one', async () => {
    const { storages, storage } = await opened()
    const rows = 2_000
    await storage.publications.add(Array.from({ length: rows }, (_, n) => publication(n)))
    const claimed: string[] = []
    await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        for (;;) {
          const { claims, more } = (await storages[n % storages.length]?.deliveries.claim({ ...query, limit: 30 })) ?? { claims: [], more: false }
          claimed.push(...claims.map(({ id }) => id))
          if (claims.length === 0 && !more) return
        }
      }),
    )
    expect(claimed).toHaveLength(rows)
    expect(new Set(claimed).size).toBe(rows)
    expect((await storage.deliveries.counts(tenant)).running).toBe(rows)
  })

  test('a claimer to whom another was faster looks again soon, because nothing is said of what stands behind, and not without a pause', async () => {
    const { storage, pool } = await opened()
    await storage.publications.add([publication(1)])
    const other = await pool.connect()
    await other.query(`begin; select id from syndikit_deliveries for update`)
    const lost = await storage.deliveries.claim(query)
    expect(lost.claims).toEqual([])
    expect(lost.wakeInMs).toBeGreaterThan(5)
    expect(lost.wakeInMs).toBeLessThan(100)
    await other.query('rollback')
    other.release()
    expect((await storage.deliveries.claim(query)).claims).toHaveLength(1)
    expect((await storage.deliveries.claim(query)).wakeInMs).toBeGreaterThan(1_000)
  })

  test('four writers that settle shared publications in any order never deadlock, and each publication is finished once', async () => {
    const { storages, storage, pool } = await opened()
    const [publications, each] = [40, 20]
    const due = (p: number, n: number) => ({ ...publication(`${p}-${n}`).deliveries[0], id: `delivery-${n}-${p}`, activeKey: `key-${p}-${n}` })
    await storage.publications.add(
      Array.from({ length: publications }, (_, p) => ({ ...publication(p), deliveries: Array.from({ length: each }, (_, n) => due(p, n) as never) })),
    )
    const { claims } = await storage.deliveries.claim({ ...query, limit: publications * each })
    expect(claims).toHaveLength(publications * each)
    const deadlocks = async () =>
      Number((await pool.query('select pg_stat_force_next_flush(), deadlocks from pg_stat_database where datname = current_database()')).rows[0]?.deadlocks)
    // Every writer has deliveries of every publication, each in an order of its own.
    const shares = storages.map((_, writer) => claims.filter((_, n) => n % storages.length === writer).map(verdict))
    const mixed = shares.map((share, writer) => share.toSorted((a, b) => ((writer % 2 === 0 ? 1 : -1) * (a.id < b.id ? -1 : 1)) as number))
    const before = await deadlocks()
    await Promise.all(
      storages.map(async ({ deliveries }, writer) => {
        for (let at = 0; at < (mixed[writer]?.length ?? 0); at += 25)
          expect(new Set(await deliveries.settle(mixed[writer]?.slice(at, at + 25) ?? []))).toEqual(new Set(['done']))
      }),
    )
    const { rows } = await pool.query(`select count(*)::int as finished from syndikit_events where type = 'publication:finished'`)
    expect(rows).toEqual([{ finished: publications }])
    expect((await deadlocks()) - before).toBe(0)
  })
})
