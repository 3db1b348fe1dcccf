// No statement walks through a whole table. The statements are those that the whole suite of rules sends, not a list that could be forgotten.
import { DatabaseSync } from 'node:sqlite'
import { sqlStorage } from '@syndikit/storage-sql'
import { testStorage } from '@syndikit/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { memoryConnector } from './connector.ts'

const heard = new Set<string>()
const rules: { name: string; run: () => Promise<void> }[] = []
testStorage({
  test: (name, run) => rules.push({ name, run }),
  open: () => sqlStorage(memoryConnector(undefined, (sql) => heard.add(sql))),
})

const db = new DatabaseSync(':memory:')
const planOf = (sql: string): string[] => {
  const params = Array.from(sql.matchAll(/\?/g), () => null)
  return db
    .prepare(`explain query plan ${sql}`)
    .all(...params)
    .map(({ detail }) => String(detail))
}
const scansOf = (sql: string): string[] => planOf(sql).filter((detail) => /^SCAN (syndikit_\w+|[a-z]\b)/.test(detail))

/** Walks that are meant, and why they are no harm. */
const meant: readonly (readonly [statement: RegExp, why: string])[] = [
  [/^select name, value from syndikit_meta$/, 'two rows'],
  [/^select platform from syndikit_pauses order by platform$/, 'a handful of rows'],
  [/^select (seq|seq, tenant, .*) from syndikit_events order by seq limit \?$/, 'the oldest ones, in the order of the table, up to the limit'],
  [/^select seq from syndikit_events order by seq limit 1$/, 'the first one'],
  [/^select state, count\(\*\) as amount from syndikit_deliveries group by state$/, 'a count of everything; no part of the engine'],
  [/^select key_id, sum\(amount\)/, 'a count of everything; key rotation only'],
  [/ from syndikit_(grants where key_id <|oauth_clients where key_id <>)/, 'key rotation only, and it ends at the limit'],
]
const plain = (sql: string) => sql.replace(/\s+/g, ' ').trim()
const statements = () => [...heard].filter((sql) => /^\s*(select|insert|update|delete)\b/.test(sql))
const find = (part: string): string => {
  const found = statements().find((sql) => plain(sql).includes(part))
  if (found === undefined) throw new Error(`no rule sent a statement with "${part}"`)
  return found
}

beforeAll(async () => {
  for (const { run } of rules) await run()
  await sqlStorage(memoryConnector(db)).open('plans')
}, 120_000)

describe('of every statement that the rules send', () => {
  test('none walks through a table, but those that are meant to', () => {
    expect(statements().length).toBeGreaterThan(100)
    const walks = statements().filter((sql) => scansOf(sql).length > 0 && !meant.some(([statement]) => statement.test(plain(sql))))
    expect(walks.map(plain)).toEqual([])
  })
  test('every exception is still needed', () => {
    const unused = meant.filter(([statement]) => !statements().some((sql) => statement.test(plain(sql)) && scansOf(sql).length > 0))
    expect(unused).toEqual([])
  })
})

test('a walk is seen, or the test above could not fail', () => {
  expect(scansOf('select id from syndikit_deliveries where state = ?')).toEqual(['SCAN syndikit_deliveries'])
  expect(scansOf('select d.id from syndikit_deliveries d where d.fence = ?')).toEqual(['SCAN d'])
})

test('the claim asks the index of due rows once per priority', () => {
  const probes = planOf(find('as level_3')).filter((detail) => detail.includes('syndikit_deliveries_next (priority=? AND next_at<?)'))
  expect(probes).toHaveLength(4)
})

test('the claim asks for each candidate whether its platform is paused, and resume finds what is parked by an index', () => {
  expect(planOf(find('as level_3')).filter((detail) => /SEARCH p USING .*\(platform=\?\)/.test(detail))).toHaveLength(4)
  expect(planOf(find('where parked = 1 and platform = ?')).join()).toContain('syndikit_deliveries_parked (parked=? AND platform=?)')
})

test('the claim asks for each candidate who is in its lane by the key of lanes', () => {
  expect(planOf(find('as level_3')).filter((detail) => /SEARCH l USING .*\(tenant=\? AND lane=\?\)/.test(detail))).toHaveLength(4)
})

test('what waits for somebody, one publication and what a limit put off have an index of their own', () => {
  expect(planOf(find(`where d.tenant = ? and state in ('uncertain', 'needs_action', 'failed') and d.state in`)).join()).toContain('syndikit_deliveries_inbox')
  expect(planOf(find('where d.tenant = ? and d.publication_id = ? order by')).join()).toContain('syndikit_deliveries_publication')
  expect(planOf(find('and next_at > due_at')).join()).toContain('syndikit_deliveries_postponed')
})
