// What operators ask and say: numbers that are true, findings with their mend, and a platform that waits for everybody.

import { expect, test } from 'vitest'
import { generateKey } from '../../src/index.ts'
import { inProcessQueue } from '../../src/queue/in-process.ts'
import { adapterOf, hour, minute, openRig, type Rig, refusal } from '../engine/rig.ts'

const toy = async (rig: Rig) => {
  const { platforms } = await rig.syndikit.operations.health()
  return platforms.find(({ platform }) => platform === 'toy')
}
const codes = async (rig: Rig) => (await rig.syndikit.operations.doctor()).map(({ code, severity, count }) => ({ code, severity, count }))

test('a platform that is paused in one process is sent nothing by any, and everything once when it is resumed', async () => {
  const rig = await openRig()
  const other = rig.process()
  await rig.syndikit.operations.pause('toy')
  await rig.publish('one')
  await rig.publish('two')
  await rig.tick(other)
  await rig.tick()
  expect(rig.platform.arrived).toEqual([])
  expect(await toy(rig)).toMatchObject({ paused: true, parked: 2, due: 0 })
  expect(await rig.syndikit.operations.doctor()).toEqual([
    { code: 'paused', severity: 'warning', platform: 'toy', count: 2, message: expect.stringContaining("operations.resume('toy')") },
  ])
  await other.operations.resume('toy')
  await rig.tick()
  expect(rig.platform.posts.map(({ text }) => text).sort()).toEqual(['one', 'two'])
  expect(await toy(rig)).toMatchObject({ paused: false, parked: 0, due: 0, waiting: 0, running: 0 })
  expect(await codes(rig)).toEqual([])
})

test('a resume wakes the workers of its process at once', async () => {
  const rig = await openRig()
  const working = rig.syndikit.start()
  await rig.syndikit.operations.pause('toy')
  await rig.publish('one')
  await rig.clock.pass(10 * minute)
  expect(rig.platform.posts).toEqual([])
  await rig.syndikit.operations.resume('toy')
  await rig.clock.pass(1)
  expect(rig.platform.posts).toHaveLength(1)
  await rig.clock.drive(working.stop())
})

test('a name that no adapter has is refused, with those that there are', async () => {
  const { syndikit } = await openRig()
  for (const call of [syndikit.operations.pause, syndikit.operations.resume])
    await expect(call('Toy')).rejects.toThrow('No adapter of this process is called `Toy`. Use one of toy.')
})

test('the numbers say what waits, what is due and since when, what this process does and has done', async () => {
  const rig = await openRig({ settings: { slots: 7 } })
  await rig.schedule('later', hour)
  await rig.publish('now')
  await rig.clock.pass(5_000)
  const { at, platforms, worker, queue } = await rig.syndikit.operations.health()
  expect(at.getTime()).toBe(rig.clock.now())
  expect(await rig.syndikit.operations.ping()).toEqual(at)
  expect(platforms).toEqual([
    { platform: 'toy', paused: false, served: true, waiting: 1, due: 1, oldestLagMs: 5_000, running: 0, uncertain: 0, needsAction: 0, failed: 0, parked: 0 },
  ])
  expect(queue).toBeUndefined()
  expect(worker).toMatchObject({ working: false, slots: 7, running: 0, settled: { published: 0 } })
  rig.platform.script.push(undefined, refusal('invalid'))
  await rig.publish('refused')
  const working = rig.syndikit.start()
  await rig.clock.pass(1_000)
  expect((await rig.syndikit.operations.health()).worker).toMatchObject({ working: true, settled: { published: 1, failed: 1, scheduled: 0 } })
  expect(await toy(rig)).toMatchObject({ waiting: 1, due: 0, oldestLagMs: 0, failed: 1 })
  await rig.clock.drive(working.stop())
})

test('the queue tells its own numbers, and when it cannot be reached or relied on', async () => {
  const numbers = { reachable: true, waiting: 1, delayed: 2, active: 3, failed: 4 }
  let open: () => Promise<void> = async () => undefined
  let health = numbers
  const queue = { ...inProcessQueue(), open: () => open(), health: async () => health }
  const rig = await openRig({ settings: { queue } })
  expect((await rig.syndikit.operations.health()).queue).toEqual(numbers)
  expect(await codes(rig)).toEqual([])
  open = () => Promise.reject(new Error('connect ECONNREFUSED'))
  health = { ...numbers, reachable: false }
  expect(await codes(rig)).toEqual([{ code: 'queue-unreachable', severity: 'warning', count: undefined }])
  open = () => Promise.reject(new TypeError('Set maxmemory-policy to noeviction.'))
  expect(await rig.syndikit.operations.doctor()).toEqual([{ code: 'queue-refused', severity: 'error', message: 'Set maxmemory-policy to noeviction.' }])
})

test('deliveries whose adapter this process lacks, or that nobody sends, are found, with what to do', async () => {
  const rig = await openRig()
  await rig.publish('one')
  await rig.clock.pass(2 * minute)
  expect(await rig.syndikit.operations.doctor()).toEqual([
    {
      code: 'late',
      severity: 'error',
      platform: 'toy',
      count: 1,
      message: expect.stringMatching(/^toy: One delivery should have gone out, the oldest 2 minutes ago\. Start a worker/),
    },
  ])
  const without = rig.process({ adapters: [adapterOf({ adapter: { id: 'other', name: 'Other' } }, rig)] })
  const found = await without.operations.doctor()
  expect(found.map(({ code, platform }) => [code, platform])).toEqual([
    ['no-adapter', 'toy'],
    ['late', 'toy'],
  ])
  expect(found[0]?.message).toContain('Add it to `adapters`, or start a worker that has it.')
})

test('what waits for people and what no key opens is found', async () => {
  const rig = await openRig({ recovery: { class: 'blind' } })
  rig.platform.script.push('lost-reply')
  await rig.publish('unknown')
  await rig.tick()
  expect(await codes(rig)).toEqual([{ code: 'uncertain', severity: 'warning', count: 1 }])
  const withoutKey = rig.process({ keys: generateKey() })
  const found = await withoutKey.operations.doctor()
  expect(found[0]).toMatchObject({ code: 'key-missing', severity: 'error', count: 1 })
})
