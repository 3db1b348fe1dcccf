// The quickstart on other databases and queues: the same program, the same words, the same result.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { generateKey } from '@syndikit/core'
import { missing, type Server, startPostgres } from '@syndikit/servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../report.ts'

const main = join(import.meta.dirname, '..', 'main.ts')
const needs = missing('postgres') ?? missing('redis')

const run = (args: readonly string[], more: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const { INIT_CWD: _, SYNDIKIT_KEYS: __, DATABASE_URL: ___, REDIS_URL: ____, ...env } = process.env
    execFile(process.execPath, ['--conditions=@syndikit/source', main, '--json', ...args], { env: { ...env, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
const statuses = (out: string) => (JSON.parse(out) as Report).deliveries.map(({ platform, status }) => `${platform} ${status}`)
const published = ['x published', 'bluesky published', 'mastodon published']

describe.skipIf(needs !== undefined)(`with servers of this machine ${needs ?? ''}`, { timeout: 120_000 }, () => {
  let postgres: Server
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: 'off' })
  })
  afterAll(() => postgres.stop())

  test('on PostgreSQL, twice on one database: the second run publishes nothing and says so', async () => {
    const env = { SYNDIKIT_KEYS: generateKey() }
    const first = await run(['--storage', 'postgres', '--db', postgres.url], env)
    expect(statuses(first.out)).toEqual(published)
    const second = await run(['--storage', 'postgres', '--db', postgres.url], env)
    expect(JSON.parse(second.out)).toEqual(JSON.parse(first.out))
    expect(second.err).toContain('Nothing new is published')
    expect([first.code, second.code]).toEqual([0, 0])
  })

  test('on PostgreSQL and Redis, which it starts for itself', async () => {
    const { code, out, err } = await run(['--storage', 'postgres', '--queue', 'bullmq'])
    expect(statuses(out), err).toEqual(published)
    expect(code).toBe(0)
  })

  test('a database that stays asks for a key that stays', async () => {
    const { code, out } = await run(['--storage', 'postgres', '--db', postgres.url])
    expect(code).toBe(1)
    expect(out).toContain('Set SYNDIKIT_KEYS')
  })
})

test('a storage or a queue that there is not is refused with those that there are', async () => {
  expect((await run(['--storage', 'oracle'])).out).toContain('--storage is one of sqlite, postgres, not oracle.')
  expect((await run(['--queue', 'kafka'])).out).toContain('--queue is one of in-process, bullmq, not kafka.')
})
