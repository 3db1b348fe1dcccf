// Processes with different key rings on one database: while a new key is rolled out, or where one of them was given the wrong ring.

import { createSandbox } from '@syndikit/sandbox'
import { virtualClock } from '@syndikit/testing'
import { expect, test } from 'vitest'
import { createSyndikit, generateKey, memoryStorage, type Syndikit } from '../../src/index.ts'
import { toy } from './toy-adapter.ts'
import { toySandbox } from './toy-platform.ts'

const tenant = 'ann'

test('a worker that lacks the key of an account leaves its delivery to one that has it', async () => {
  const clock = virtualClock()
  const sandbox = createSandbox({ platforms: [toySandbox as never], clock })
  const storage = memoryStorage({ clock })
  const [old, next] = [generateKey(), generateKey()]
  const process = (keys: string[]) => createSyndikit({ adapters: [toy('look-up')], storage, keys, clock, fetch: sandbox.fetch }) as Syndikit
  const [upgraded, behind] = [process([next, old]), process([old])]
  const fields = { name: 'ann' }
  const [connection] = await clock.drive(upgraded.connections.open({ tenant, platform: 'toy', fields }))
  await clock.drive(upgraded.publisher.publish({ tenant, content: { text: 'rolled out' } as never, to: [connection?.id ?? ''] }))
  await clock.drive(behind.tick({ budgetMs: 1_000 }))
  expect((await upgraded.scheduler.counts({ tenant })).scheduled).toBe(1)
  await clock.pass(20 * 60_000)
  await clock.drive(upgraded.tick({ budgetMs: 1_000 }))
  expect((await upgraded.scheduler.counts({ tenant })).published).toBe(1)
  expect(sandbox.visible().map(({ text }) => text)).toEqual(['rolled out'])
})
