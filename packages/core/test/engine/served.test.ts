// Workers with different adapters on one database: each takes what it serves, and what nobody serves is told.

import { expect, test } from 'vitest'
import { adapterOf, hour, minute, openRig, type Rig } from './rig.ts'

const withoutAdapter = (rig: Rig) => rig.process({ adapters: [adapterOf({ adapter: { id: 'other', name: 'Other' } }, rig)] })

test('a worker without the adapter leaves a due delivery to one that has it, which finds it as it was', async () => {
  const rig = await openRig()
  const other = withoutAdapter(rig)
  const id = await rig.publish('one')
  const before = await rig.get(id)
  await rig.tick(other)
  expect(await rig.get(id)).toEqual(before)
  await rig.tick()
  expect(await rig.get(id)).toMatchObject({ state: 'published', tries: 0 })
  expect(await rig.syndikit.scheduler.attempts({ tenant: 'ann', deliveryId: id })).toHaveLength(1)
})

test('where no worker has it for five minutes it is told why the delivery waits, and it goes out once one has', async () => {
  const rig = await openRig()
  const other = withoutAdapter(rig)
  const id = await rig.publish('one')
  await rig.clock.pass(5 * minute + 1)
  await rig.tick(other)
  expect(await rig.get(id)).toMatchObject({
    state: 'scheduled',
    reason: { code: 'setup', message: 'toy: no adapter of this process serves it. Add it to `adapters`.' },
  })
  await rig.clock.pass(20 * minute)
  await rig.tick()
  expect(await rig.get(id)).toMatchObject({ state: 'published' })
})

test('where no worker ever has it, it is missed in the end, with an event', async () => {
  const rig = await openRig()
  const other = withoutAdapter(rig)
  const id = await rig.publish('one')
  await rig.clock.pass(25 * hour)
  await rig.tick(other)
  expect(await rig.get(id)).toMatchObject({ state: 'missed' })
  expect(rig.platform.arrived).toEqual([])
})
