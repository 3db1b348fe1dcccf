// The loop of every queue: what permits ask for, when they are given back, and how long it sleeps. The rules of all queues are tried by `testQueue`.
import { virtualClock } from '@syndikit/testing'
import { expect, test } from 'vitest'
import { type Logger, lookLoop, type Worked } from '../../src/index.ts'

const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const rig = (longestSleepMs?: () => number) => {
  const clock = virtualClock({ idleMs: 0 })
  const looks: number[] = []
  const at: number[] = []
  const from = clock.now()
  const scene = {
    clock,
    looks,
    at,
    answer: (): Worked | Promise<Worked> => ({ wakeInMs: 1_000, settled: Promise.resolve() }),
  }
  const work = async (n: number): Promise<Worked> => {
    looks.push(n)
    at.push(clock.now() - from)
    return scene.answer()
  }
  return { scene, loop: lookLoop(work, { clock, logger: quiet, ...(longestSleepMs && { longestSleepMs }) }) }
}
const all = Number.POSITIVE_INFINITY

test('a permit leads to a look for one delivery, and permits that come during a look share the next one', async () => {
  const { scene, loop } = rig()
  await scene.clock.pass(1)
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const answer = scene.answer
  scene.answer = async () => {
    await gate
    return answer()
  }
  const first = loop.permit()
  await scene.clock.pass(1)
  const others = [1, 2, 3].map(() => loop.permit())
  open()
  await Promise.all([first, ...others])
  expect(scene.looks).toEqual([all, 1, 3])
  await loop.stop()
})

test('a permit is given back when what its look claimed is settled', async () => {
  const { scene, loop } = rig()
  await scene.clock.pass(1)
  let settle = (): void => undefined
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  scene.answer = () => ({ wakeInMs: 1_000, settled })
  let isBack = false
  const permit = loop.permit().then(() => {
    isBack = true
  })
  await scene.clock.pass(500)
  expect([scene.looks, isBack]).toEqual([[all, 1], false])
  settle()
  await permit
  await loop.stop()
})

test('a permit whose look failed, or that came too late, is given back at once and says which', async () => {
  const { scene, loop } = rig()
  await scene.clock.pass(1)
  scene.answer = () => Promise.reject(new Error('the database is away'))
  expect(await loop.permit()).toBe(true)
  const waiting = loop.permit()
  await loop.stop()
  expect([await waiting, await loop.permit()]).toEqual([false, false])
  expect(scene.looks).toEqual([all, 1])
})

test('where more is due than there were permits for, the next look is for all of it', async () => {
  const { scene, loop } = rig()
  await scene.clock.pass(1)
  const answers = [0, 1_000]
  scene.answer = () => ({ wakeInMs: answers.shift() ?? 1_000, settled: Promise.resolve() })
  await loop.permit()
  await scene.clock.pass(5)
  expect(scene.looks).toEqual([all, 1, all])
  await loop.stop()
})

test('it sleeps until a named instant, and where none is named as long as it may', async () => {
  const { scene, loop } = rig(() => 5_000)
  // The first look is over: it has named nothing.
  const answers = [400, 999, 1_000]
  scene.answer = () => ({ wakeInMs: answers.shift() ?? 1_000, settled: Promise.resolve() })
  await scene.clock.pass(12_000)
  expect(scene.at).toEqual([0, 5_000, 5_400, 6_399, 11_399])
  await loop.stop()
})
