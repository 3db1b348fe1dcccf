// PostgreSQL keeps the rules that every storage keeps; and of all statements that were sent meanwhile, none walks through a whole table.
import { postgresStorage } from '@syndikit/storage-postgres'
import { testStorage } from '@syndikit/testing'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fill } from './fill.ts'
import { serverForFile, skipped } from './fixtures.ts'

interface Heard {
  /** Of the last call. */
  readonly values: readonly unknown[]
  /** How its transaction began; undefined where it had none. */
  readonly begin: string | undefined
}
const heard = new Map<string, Heard>()

const listening = (pool: pg.Pool) => ({
  connect: async () => {
    const client = await pool.connect()
    let begin: string | undefined
    const query = (statement: pg.QueryConfig) => {
      if (statement.text.startsWith('begin')) begin = statement.text
      heard.set(statement.text, { values: statement.values ?? [], begin })
      return client.query(statement)
    }
    return Object.assign(Object.create(client) as pg.PoolClient, { query, release: (error?: boolean) => client.release(error) })
  },
  on: pool.on.bind(pool),
  off: pool.off.bind(pool),
})

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Node[]
}

/** Tables and indexes that are read from one end to the other. A node below a limit stops early. */
const walksOf = (node: Node, isLimited = false): string[] => {
  const type = node['Node Type']
  const here = type === 'Seq Scan' ? [`table ${node['Relation Name']}`] : []
  if (/^(Index|Index Only|Bitmap Index) Scan$/.test(type) && node['Index Cond'] === undefined && !isLimited) here.push(`index ${node['Index Name']}`)
  const limits = type === 'Limit' || (isLimited && ['LockRows', 'Subquery Scan', 'Result'].includes(type))
  return [...here, ...(node.Plans ?? []).flatMap((child) => walksOf(child, limits))]
}

/** Walks that are meant, and why they are no harm. */
const meant: readonly (readonly [statement: RegExp, why: string])[] = [
  [/^select name, value from syndikit_meta$/, 'two rows'],
  [/^select state, count\(\*\) as amount from syndikit_deliveries group by state$/, 'a count of everything; no part of the engine'],
  [/^select key_id, sum\(amount\)/, 'a count of everything; key rotation only'],
  [/^select platform, state, case when next_at <= /, 'a count of everything; operators only, and over indexes'],
  [/ from syndikit_pauses\b/, 'as many rows as platforms are paused'],
  [/ syndikit_lanes\b/, 'as many rows as lanes are taken'],
]
const plain = (sql: string) => sql.replace(/\s+/g, ' ').trim()
const isMeant = (sql: string) => meant.some(([statement]) => statement.test(plain(sql)))
const statements = () => [...heard.keys()].filter((sql) => /^\s*(select|insert|update|delete)\b/.test(sql))

describe.skipIf(skipped !== undefined)(`PostgreSQL ${skipped ?? ''}`, () => {
  const { emptyPools, newPool, newUrl } = serverForFile()

  describe('postgresStorage keeps the contract', () => {
    const pools = emptyPools(1)
    testStorage({ test, open: async () => (await pools()).map((pool) => postgresStorage({ pool: listening(pool) })) })
  })

  describe('of every statement that the rules send', () => {
    let client: pg.PoolClient

    beforeAll(async () => {
      const url = await newUrl()
      const storage = postgresStorage(url)
      await storage.open('plans')
      await storage.close()
      client = await newPool(url, { pipeline: false }).connect()
    })

    afterAll(() => client.release())

    const planOf = async (
      sql: string,
      kind: 'generic' | 'custom',
      { values, begin }: Heard = heard.get(sql) ?? { values: [], begin: undefined },
    ): Promise<Node> => {
      await client.query(`${begin ?? 'begin'}; set local plan_cache_mode = force_${kind}_plan; prepare planned as ${sql}`)
      const literals = values.map((value) => (value === null ? 'null' : client.escapeLiteral(String(value))))
      const { rows } = await client.query(`explain (format json) execute planned${literals.length > 0 ? `(${literals.join(', ')})` : ''}`)
      await client.query('deallocate planned; rollback')
      return rows[0]['QUERY PLAN'][0].Plan as Node
    }
    const walking = async (kind: 'generic' | 'custom'): Promise<string[]> => {
      const found: string[] = []
      for (const sql of statements()) {
        const walks = walksOf(await planOf(sql, kind))
        if (walks.length > 0 && !isMeant(sql)) found.push(`${walks.join(', ')}: ${plain(sql)}`)
      }
      return found
    }

    test('there are enough to look at', () => {
      expect(statements().length).toBeGreaterThan(100)
    })

    test('none walks through an empty table, as a connection of the first minute would go on to', async () => {
      expect(await walking('generic')).toEqual([])
    })

    test('none walks through a table that filled before anybody analysed it', async () => {
      await fill(client)
      expect(await walking('custom')).toEqual([])
    })

    test('none walks through a table once it is analysed', async () => {
      await client.query('vacuum analyze')
      expect(await walking('custom')).toEqual([])
      expect(await walking('generic')).toEqual([])
    })

    test('a walk is seen, or the tests above could not fail', async () => {
      const walks = async (sql: string, given?: Heard) => walksOf(await planOf(sql, 'generic', given))
      expect(await walks('select id from syndikit_deliveries where fence = 7')).toEqual(['table syndikit_deliveries'])
      expect(await walks('select id from syndikit_deliveries order by id', { values: [], begin: 'begin; set local enable_seqscan = off' })).toEqual([
        'index syndikit_deliveries_pkey',
      ])
      for (const [statement, why] of meant) {
        const walked: string[] = []
        for (const one of statements()) if (statement.test(plain(one))) walked.push(...(await walks(one)))
        expect(walked, why).not.toEqual([])
      }
    })

    test('the claim asks the index of due rows once per priority', async () => {
      const sql = statements().find((one) => one.includes('as level_3')) ?? ''
      const plan = JSON.stringify(await planOf(sql, 'generic'))
      expect(plan.match(/"Index Name":"syndikit_deliveries_next"/g)).toHaveLength(4)
    })
  })
})
