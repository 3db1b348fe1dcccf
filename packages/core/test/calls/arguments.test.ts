// Calls of a host without a compiler: what is missing or of a wrong type is named, nothing is changed, and a forgotten name never means everything.

import { beforeEach, expect, test } from 'vitest'
import { hour, openRig, type Rig, tenant } from '../engine/rig.ts'

let rig: Rig
let deliveryId: string
beforeEach(async () => {
  rig = await openRig()
  deliveryId = await rig.schedule('hello', hour)
})

const refused = async (call: () => unknown, words: string | RegExp) => {
  const error = await rig.clock.drive((async () => call())()).then(
    (result) => new Error(`It answered ${JSON.stringify(result)}.`),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toMatch(words)
  expect(await rig.get(deliveryId)).toMatchObject({ state: 'scheduled', rev: 1 })
}

const ofOne = ['get', 'cancel', 'executeNow', 'retry', 'attempts', 'reschedule', 'resolve', 'explain', 'update', 'unpublish', 'refresh'] as const
test.each(ofOne)('`%s` names what is missing', async (name) => {
  const { scheduler, publisher, explain } = rig.syndikit
  const call = { ...scheduler, ...publisher, explain }[name] as (request: unknown) => unknown
  const more = { at: new Date(rig.clock.now() + hour), as: 'failed', content: { text: 'other' } }
  for (const nothing of [undefined, null, deliveryId]) await refused(() => call(nothing), 'Give an object with `tenant` and `deliveryId`.')
  for (const wrong of [undefined, null, '', 7, {}]) {
    await refused(() => call({ ...more, deliveryId, tenant: wrong }), '`tenant` is a text that is not empty')
    await refused(() => call({ ...more, deliveryId: wrong, tenant }), '`deliveryId` is a text that is not empty')
  }
})

test('`wait` waits for one publication, never for all, and for a time that is one', async () => {
  const { wait } = rig.syndikit.publisher
  const { publicationId } = await rig.get(deliveryId)
  for (const wrong of [undefined, '', 7]) await refused(() => wait({ tenant, publicationId: wrong } as never), '`publicationId` is a text')
  await refused(() => wait({ publicationId } as never), '`tenant` is a text')
  for (const timeoutMs of [Number.NaN, -1, '5', null])
    await refused(() => wait({ tenant, publicationId, timeoutMs } as never), /`timeoutMs` is a number of milliseconds of at least 0, not/)
})

test('`tick` works for a time that is one', async () => {
  for (const budgetMs of [Number.NaN, -1, '5', null]) await refused(() => rig.syndikit.tick({ budgetMs } as never), '`budgetMs` is a number of milliseconds')
})

test('`metrics` wants a list', async () => {
  await refused(() => rig.syndikit.publisher.metrics({ tenant, deliveryIds: deliveryId } as never), '`deliveryIds` is a list')
  await refused(() => rig.syndikit.publisher.metrics({ deliveryIds: [] } as never), '`tenant` is a text')
})

test.each<[string, unknown, RegExp]>([
  ['sate', 'failed', /There is no filter `sate`\. Use state, platform,/],
  ['__proto__x', 1, /There is no filter/],
  ['state', 'lost', /`state` is one or a list of scheduled, running, .*, not lost\./],
  ['state', ['failed', 'lost'], /`state` is one or a list of/],
  ['action', 'delete', /`action` is one of publish, update, unpublish, refresh, not delete\./],
  ['platform', 5, /`platform` is a text that is not empty/],
  ['connectionId', {}, /`connectionId` is a text/],
  ['publicationId', null, /`publicationId` is a text/],
  ['from', new Date(Number.NaN), /`from` is a valid Date, not Invalid Date\./],
  ['until', 'tomorrow', /`until` is a valid Date, not tomorrow\./],
  ...[0, -1, 1.5, 201, Number.NaN, '5', null].map((limit): [string, unknown, RegExp] => ['limit', limit, /`limit` is a whole number from 1 to 200, not/]),
  ['after', 7, /`after` is the `next` of the page before/],
  ['after', 'nonsense', /`after` is not a cursor/],
])('`list` refuses the filter %s: %j', async (name, value, words) => {
  await refused(() => rig.syndikit.scheduler.list({ tenant, [name]: value } as never), words)
})

test('`list` takes what is undefined as not given, and no state as none', async () => {
  const { list } = rig.syndikit.scheduler
  expect((await rig.clock.drive(list({ tenant, state: undefined, from: undefined, limit: undefined }))).items).toHaveLength(1)
  expect((await rig.clock.drive(list({ tenant, state: [] }))).items).toHaveLength(0)
})

test('`reschedule` names a zone that is none, needed or not', async () => {
  for (const timeZone of ['Mars/Olympus', 7, null])
    for (const at of ['2026-12-01T09:00', new Date(rig.clock.now() + hour)])
      await expect(rig.clock.drive(rig.syndikit.scheduler.reschedule({ tenant, deliveryId, at, timeZone } as never))).rejects.toThrow(
        'unknown-zone at /timeZone',
      )
})
