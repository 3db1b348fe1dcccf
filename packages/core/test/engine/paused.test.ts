// A platform that is paused, as the engine sees it: nothing goes out, nobody spins, and afterwards everything goes out once.
import { expect, test } from 'vitest'
import { around, minute, openRig, tenant } from './rig.ts'

test('a delivery of a paused platform waits, says why, and goes out once after it', async () => {
  let claims = 0
  const rig = await openRig({
    wrap: (storage) =>
      around(storage, (verb, call) => {
        if (verb === 'deliveries.claim') claims++
        return call()
      }),
  })
  await rig.storage.platforms.pause('toy')
  const deliveryId = await rig.publish('hello')
  await rig.tick()
  expect(claims).toBeLessThan(5)
  const explained = await rig.clock.drive(rig.syndikit.explain({ tenant, deliveryId }))
  expect([explained?.delivery.state, explained?.delivery.nextAt, explained?.next]).toEqual([
    'scheduled',
    undefined,
    'It is due, and goes on when its platform, which is paused, is resumed.',
  ])
  await rig.clock.pass(5 * minute)
  await rig.tick()
  expect(rig.platform.posts).toEqual([])
  await rig.storage.platforms.resume('toy')
  await rig.work()
  expect(rig.platform.posts.map(({ text }) => text)).toEqual(['hello'])
  expect((await rig.get(deliveryId)).state).toBe('published')
})

test('a worker that died under a pause is told of, and its commit is looked for after it', async () => {
  const rig = await openRig()
  const deliveryId = await rig.publish('hello')
  let dead = false
  const lost = rig.process({}, (storage) =>
    around(storage, (verb, call) => {
      dead ||= verb === 'deliveries.settle'
      return dead ? new Promise(() => undefined) : call()
    }),
  )
  void lost.tick({ budgetMs: 2_000 })
  await rig.clock.pass(minute)
  expect(rig.platform.posts).toHaveLength(1)
  await rig.storage.platforms.pause('toy')
  await rig.clock.pass(20 * minute)
  await rig.tick()
  const explained = await rig.clock.drive(rig.syndikit.explain({ tenant, deliveryId }))
  expect(explained?.next).toBe('The worker that had it went silent; another takes it up when its platform, which is paused, is resumed.')
  await rig.storage.platforms.resume('toy')
  await rig.work()
  expect([rig.platform.posts.length, rig.platform.looks.length > 0, (await rig.get(deliveryId)).state]).toEqual([1, true, 'published'])
})
