// A call that comes again after a crash is told what the first one did, whatever has happened to its moment and its files since.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStage, type Stage, tenant } from '@syndikit/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toy } from '../engine/toy-adapter.ts'
import { toySandbox } from '../engine/toy-platform.ts'

let stage: Stage
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'))
  stage = await openStage({
    adapter: () => toy('idempotent'),
    sandbox: toySandbox as never,
    connect: (to) => to.syndikit.connections.open({ tenant: to.tenant, platform: 'toy', fields: { name: 'password' } }),
  })
})
afterEach(async () => {
  await stage.close()
  await rm(folder, { recursive: true })
})

const draft = (text: string, atMs: number, more: object = {}) => ({
  tenant,
  content: { text, ...more } as never,
  to: [stage.connectionId],
  at: new Date(atMs),
  idempotencyKey: 'one',
})
const schedule = (given: ReturnType<typeof draft>) => stage.clock.drive(stage.syndikit.scheduler.schedule(given))
const hour = 3_600_000

test('a moment that has passed since is no reason to refuse the replay', async () => {
  const at = stage.clock.now() + hour
  const first = await schedule(draft('hello', at))
  await stage.clock.pass(2 * hour)
  await expect(schedule(draft('hello', at))).resolves.toEqual({ ...first, status: 'replayed' })
  await expect(schedule({ ...draft('hello', at), idempotencyKey: 'two' })).rejects.toThrow('in-the-past')
})

test('nor is a file that is gone since', async () => {
  const file = join(folder, 'note.gif')
  await writeFile(file, Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'))
  const given = draft('with a file', stage.clock.now() + hour, { media: [{ file }] })
  const first = await schedule(given)
  await rm(file)
  await expect(schedule(given)).resolves.toEqual({ ...first, status: 'replayed' })
})

test('another request under the key is told so, though it could not be taken in', async () => {
  const first = await schedule(draft('hello', stage.clock.now() + hour))
  const publicationId = 'publicationId' in first && first.publicationId
  await expect(schedule(draft('other', stage.clock.now() - hour))).resolves.toEqual({ status: 'key-reused', publicationId })
})

test('of several drafts each answer stands in its own place, and a wrong new one still refuses all', async () => {
  const at = stage.clock.now() + hour
  const first = await schedule(draft('hello', at))
  await stage.clock.pass(2 * hour)
  const later = { ...draft('later', stage.clock.now() + hour), idempotencyKey: 'later' }
  const wrong = { ...draft('wrong', at), idempotencyKey: 'wrong' }
  const all = (drafts: ReturnType<typeof draft>[]) => stage.clock.drive(stage.syndikit.scheduler.scheduleAll(drafts))
  await expect(all([later, draft('hello', at), wrong])).rejects.toThrow('/2/at')
  const results = await all([later, draft('hello', at)])
  expect(results).toMatchObject([{ status: 'scheduled' }, { ...first, status: 'replayed' }])
  await expect(all([draft('hello', at)])).resolves.toEqual([{ ...first, status: 'replayed' }])
})
