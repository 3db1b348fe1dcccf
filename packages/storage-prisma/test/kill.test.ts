// Killed at each point of a transaction that stores an article and its publication: both are there or neither, and what is there goes out once.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientFor, type HostClient } from './clients.ts'
import { databases, type Started } from './databases.ts'
import { connect, keys, syndikitOn, tenant } from './host.ts'
import type { Order } from './kill-worker.ts'

const worker = join(import.meta.dirname, 'kill-worker.ts')

/** What it printed, or null where it was killed. */
const run = (order: Order): Promise<string | null> =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, HOST_KEYS: keys }
    execFile(process.execPath, ['--conditions=@syndikit/source', worker, JSON.stringify(order)], { env }, (error, stdout, stderr) => {
      if (!error) resolve(stdout.trim())
      else if (error.signal === 'SIGKILL') resolve(null)
      else reject(new Error(stderr))
    })
  })

/** `most` children at once. */
const each = async (orders: readonly Order[], most: number, check: (order: Order) => Promise<void>): Promise<void> => {
  const left = [...orders]
  const next = async (): Promise<void> => {
    for (let order = left.shift(); order; order = left.shift()) await check(order)
  }
  await Promise.all(Array.from({ length: most }, next))
}

for (const { name, provider, skipped, start } of databases)
  describe.skipIf(skipped !== undefined)(`on ${name}`, () => {
    let started: Started
    let client: HostClient
    beforeAll(async () => {
      started = await start()
      client = await clientFor(provider, started.url)
    }, 120_000)
    afterAll(async () => {
      await client?.$disconnect()
      await started?.stop()
    })

    test('both or neither, and the post once', async () => {
      const posts: string[] = []
      const syndikit = syndikitOn(client, posts)
      const order = { provider, url: started.url, connectionId: await connect(syndikit) }
      const whole = await run({ ...order, text: 'whole', dieAt: 'never' })
      const statements = Number(whole)
      expect(statements).toBeGreaterThan(8)
      // On one database at every statement; the others have the same ones.
      const step = provider === 'postgresql' ? 1 : 6
      const inside = Array.from(
        { length: Math.ceil(statements / step) },
        (_, n): Order => ({ ...order, text: `statement ${n * step + 1}`, dieAt: n * step + 1 }),
      )
      const closing = [0, 1, 3].map((afterMs): Order => ({ ...order, text: `commit ${afterMs}`, dieAt: 'commit', afterMs }))
      const told = { ...order, text: 'told', dieAt: 'committed' } as const
      // SQLite has one writer, and its hosts wait for each other.
      await each([...inside, ...closing, told], provider === 'sqlite' ? 1 : 2, async (one) =>
        expect([one.text, await run(one)]).toEqual([one.text, expect.toSatisfy((said) => said === null || one.dieAt === 'commit')]),
      )

      const articles = (await client.article.findMany()).map(({ title }) => title).toSorted()
      const deliveries = (await syndikit.scheduler.list({ tenant, limit: 200 })).items
      expect(deliveries).toHaveLength(articles.length)
      expect(articles).toContain('told')
      expect(articles.filter((title) => title.startsWith('statement'))).toEqual([])

      const working = syndikit.start()
      for (const { publicationId } of deliveries) await syndikit.publisher.wait({ tenant, publicationId, timeoutMs: 20_000 })
      await working.stop()
      expect(posts.toSorted()).toEqual(articles)
    }, 240_000)
  })
