// A kind that runs one delivery of a connection at a time: what the calls store, seen by what a claim gives out.
import { expect, test } from 'vitest'
import { openRig, type Rig, tenant } from './rig.ts'

const claimed = async ({ storage }: Rig): Promise<number> => {
  const query = { limit: 10, leaseMs: 1, skipTenants: [], skipConnections: [], perTenant: 10, perConnection: 10 }
  return (await storage.deliveries.claim(query)).claims.length
}

test('deliveries of such a kind to one connection are given out one at a time, those to another beside them', async () => {
  const rig = await openRig({ spec: { serialize: true } })
  const other = await rig.connect(tenant, 'toy-2')
  await rig.publish('one')
  await rig.publish('two')
  await rig.publish('three', { to: [other] })
  expect(await claimed(rig)).toBe(2)
})

test('what is done to a post takes its turn as well', async () => {
  const rig = await openRig({ spec: { serialize: true } })
  const deliveryId = await rig.publish('one')
  await rig.work()
  await rig.clock.drive(rig.syndikit.publisher.unpublish({ tenant, deliveryId }))
  await rig.publish('two')
  expect(await claimed(rig)).toBe(1)
})

test('so does what is sent once more', async () => {
  const rig = await openRig({ spec: { serialize: true } })
  const deliveryId = await rig.schedule('one', 3_600_000)
  await rig.clock.drive(rig.syndikit.scheduler.cancel({ tenant, deliveryId }))
  await rig.clock.drive(rig.syndikit.scheduler.retry({ tenant, deliveryId }))
  await rig.publish('two')
  expect(await claimed(rig)).toBe(1)
})

test('other kinds run side by side', async () => {
  const rig = await openRig()
  await rig.publish('one')
  await rig.publish('two')
  expect(await claimed(rig)).toBe(2)
})
