// `tick`: work where nothing may stay running. It looks as often as there is something to look for, and returns with nothing under way.

import { expect, test } from 'vitest'
import { around, openRig, type RigOptions, sendTo } from './rig.ts'

/** A platform whose sends take a while, and how often the database was asked for due deliveries. */
const slowly = async (takesMs: number, settings: RigOptions['settings'] = {}) => {
  const looks: number[] = []
  const rig = await openRig({
    settings,
    publish: ({ parts }, run, { platform, clock }) =>
      run.commit<{ text: string }, { id: string }>('post', {
        request: { text: parts[0]?.text ?? '' },
        send: async ({ text }) => {
          await clock.sleep(takesMs)
          return sendTo(platform, clock, run, text)
        },
      }),
    wrap: (storage) =>
      around(storage, (verb, call) => {
        if (verb === 'deliveries.claim') looks.push(rig?.clock.elapsed() ?? 0)
        if (looks.length > 1_000) throw new Error('It looks without a pause.')
        return call()
      }),
  })
  return { rig, looks, shown: () => rig.platform.posts.map(({ text }) => text).sort() }
}

test('while every slot is full it lets time pass, and then takes the next one', async () => {
  const { rig, looks, shown } = await slowly(3_000, { slots: 1 })
  await rig.publish('one')
  await rig.publish('two')
  await rig.clock.drive(rig.syndikit.tick({ budgetMs: 20_000 }))
  expect(shown()).toEqual(['one', 'two'])
  expect(looks.length).toBeLessThan(10)
})

test('while something is under way and nothing else is due it does not ask again and again', async () => {
  const { rig, looks, shown } = await slowly(5_000)
  await rig.publish('one')
  await rig.clock.drive(rig.syndikit.tick({ budgetMs: 20_000 }))
  expect(shown()).toEqual(['one'])
  expect(looks.length).toBeLessThan(15)
})

test('what becomes due while it works goes out in the same tick', async () => {
  const { rig, shown } = await slowly(4_000)
  await rig.publish('one')
  await rig.schedule('two', 2_000)
  await rig.clock.drive(rig.syndikit.tick({ budgetMs: 20_000 }))
  expect(shown()).toEqual(['one', 'two'])
})

test('what is due later than half its budget waits for the next tick, and nothing is left under way', async () => {
  const { rig, shown } = await slowly(4_000)
  await rig.publish('one')
  await rig.schedule('two', 11_000)
  await rig.clock.drive(rig.syndikit.tick({ budgetMs: 20_000 }))
  expect(shown()).toEqual(['one'])
  expect(await rig.storage.deliveries.counts('ann')).toMatchObject({ running: 0, scheduled: 1 })
})

test('with nothing due it ends at once', async () => {
  const { rig, looks } = await slowly(1)
  const from = rig.clock.elapsed()
  await rig.clock.drive(rig.syndikit.tick({ budgetMs: 20_000 }))
  expect([looks.length, rig.clock.elapsed() - from]).toEqual([1, 0])
})
