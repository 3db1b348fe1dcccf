// The conformance suite of queues: what core relies on, tried on any implementation, with any test runner.

import assert from 'node:assert/strict'
import type { Queue, QueueRun, Worked } from '@syndikit/core'
import { createScene, realTime, type Scene, virtualTime } from './queue-scene.ts'

/** A queue to try, and how late it may be. */
export interface QueueSuite {
  /** Of the test runner: `test` of vitest or of node:test. */
  readonly test: (name: string, run: () => Promise<void>) => void
  /** An empty queue. Asked once per rule. */
  readonly create: () => Queue | Promise<Queue>
  /** After each rule, when every run was stopped. */
  readonly close?: (queue: Queue) => Promise<void>
  /** `virtual`: the queue waits through the clock it is given and nothing else, so that the suite turns it. Default `virtual`. */
  readonly clock?: 'virtual' | 'real'
  /** From a delivery's due instant to its claim when nobody told the queue. Default 1,050: a look a second. */
  readonly lagMs?: number
  /** The same after a wake-up in this process. Default 20. Only a queue that may lose wake-ups gives more, and at most `lagMs`. */
  readonly wakeLagMs?: number
  /** Looks that one run may have under way. Default 1. */
  readonly looksAtOnce?: number
}

interface Bounds {
  readonly lagMs: number
  readonly wakeLagMs: number
  readonly looksAtOnce: number
}
type Rule = (scene: Scene, bounds: Bounds) => Promise<void>

const claimedAll = async (scene: Scene, withinMs: number, what: string): Promise<void> => {
  const took = await scene.until(() => scene.rows.every(({ claimedAt }) => claimedAt !== undefined), withinMs)
  const late = scene.rows.filter(({ claimedAt }) => claimedAt === undefined).length
  assert.notEqual(took, undefined, `${what}: ${late} of ${scene.rows.length} still wait after ${withinMs} ms and ${scene.looks.begun} looks`)
}

/** Reproducible chance. */
const chance = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

const microtasks = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await undefined
}

const asleep = async (scene: Scene): Promise<QueueRun> => {
  const run = scene.start()
  await scene.pass(5)
  return run
}

/** Springs inside the next look, after it has seen what is due. */
const trap = (scene: Scene, spring: () => void): (() => boolean) => {
  const at = scene.looks.begun + 1
  scene.during = (look) => {
    if (look === at) spring()
  }
  return () => scene.looks.begun >= at
}

const wakeUps: Record<string, Rule> = {
  'what was due before the start is claimed without being told': async (scene, { lagMs }) => {
    for (let i = 0; i < 10; i++) scene.add(-1_000)
    scene.start()
    await claimedAll(scene, lagMs, 'Due before the start')
  },
  'looks again at the instant that the last look named': async (scene, { wakeLagMs }) => {
    const dueIn = [30, 31, 200, 550, 900]
    for (const inMs of dueIn) scene.add(inMs)
    scene.start()
    await claimedAll(scene, 900 + wakeLagMs, 'Named by the last look')
    for (const { at, claimedAt = 0 } of scene.rows) assert.ok(claimedAt - at <= wakeLagMs, `claimed ${claimedAt - at} ms late; at most ${wakeLagMs} allowed`)
    assert.ok(scene.looks.begun <= 3 * dueIn.length + 2, `${scene.looks.begun} looks for ${dueIn.length} instants`)
  },
  'what another process scheduled is claimed within the lag, without being told': async (scene, { lagMs }) => {
    scene.start()
    await scene.pass(100)
    scene.add(0)
    await claimedAll(scene, lagMs, 'Nobody told')
  },
  'a wake-up while asleep leads to a look': async (scene, { wakeLagMs }) => {
    const run = scene.start()
    for (let i = 0; i < 5; i++) {
      await scene.pass(40)
      scene.add(0)
      run.wake()
      await claimedAll(scene, wakeLagMs, 'Woken from sleep')
    }
  },
  'a hint of what is due now leads to a look': async (scene, { wakeLagMs }) => {
    scene.start()
    await scene.pass(40)
    await scene.hint([scene.add(0)])
    await claimedAll(scene, wakeLagMs, 'Hinted')
  },
  'a wake-up during a look leads to another look': async (scene, { lagMs, wakeLagMs }) => {
    const run = await asleep(scene)
    // The look has already seen that nothing is due when the delivery appears.
    const sprung = trap(scene, () => {
      scene.add(0)
      run.wake()
    })
    run.wake()
    assert.notEqual(await scene.until(sprung, lagMs), undefined, 'no look has begun')
    await claimedAll(scene, wakeLagMs, 'Woken during a look')
  },
  'a wake-up between a look and the sleep after it is not lost, however they interleave': async (scene, { lagMs, wakeLagMs }) => {
    const run = await asleep(scene)
    for (let gap = 0; gap < 12; gap++) {
      const sprung = trap(
        scene,
        () =>
          void microtasks(gap).then(() => {
            scene.add(0)
            run.wake()
          }),
      )
      run.wake()
      assert.notEqual(await scene.until(() => sprung() && scene.rows.length > gap, lagMs), undefined, 'no look has begun')
      await claimedAll(scene, wakeLagMs, `Woken ${gap} microtasks after the look had seen the table`)
      await scene.pass(5)
    }
  },
}

const noise = async (scene: Scene, { lagMs }: Bounds, seed: number): Promise<void> => {
  const random = chance(seed)
  scene.start()
  const later: { at: number; hint: () => Promise<void> }[] = []
  for (let i = 0; i < 60; i++) {
    const row = scene.add(random() < 0.5 ? 0 : random() * 400)
    const times = Math.floor(random() * 4)
    for (let n = 0; n < times; n++) {
      const hint = random() < 0.1 ? () => scene.queue.hint([{ id: `nobody${i}`, rev: 9, at: scene.clock.now() }]) : () => scene.hint([row])
      later.push({ at: scene.clock.now() + random() * 500, hint })
    }
    const ready = later.filter(({ at }) => at <= scene.clock.now())
    later.splice(0, later.length, ...later.filter(({ at }) => at > scene.clock.now()))
    await Promise.all(ready.reverse().map(({ hint }) => hint()))
    await scene.pass(random() * 20)
  }
  await claimedAll(scene, 400 + lagMs, `Hints lost, repeated, reordered, late (seed ${seed})`)
  for (const { at, claimedAt = 0 } of scene.rows) {
    assert.ok(claimedAt >= at, `claimed ${at - claimedAt} ms before it was due`)
    assert.ok(claimedAt - at <= lagMs, `claimed ${claimedAt - at} ms late; at most ${lagMs} allowed (seed ${seed})`)
  }
}

const faults: Record<string, Rule> = {
  'hints that are lost, repeated, reordered, late or of nobody change nothing but the lag': async (scene, bounds) => {
    for (const seed of [1, 2, 3]) await noise(scene, bounds, seed)
  },
  'a look that rejects, throws or answers nonsense does not end the looking, and is not repeated in a hot loop': async (scene, { lagMs }) => {
    const bad: (() => Promise<Worked>)[] = [
      () => Promise.reject(new Error('the database is away')),
      () => {
        throw new Error('a bug')
      },
      () => Promise.resolve(undefined as unknown as Worked),
      () => Promise.resolve({ wakeInMs: Number.NaN, settled: Promise.resolve() }),
    ]
    let failed = 0
    scene.start((n) => bad[failed++]?.() ?? scene.work(n))
    await scene.pass(1)
    assert.ok(failed <= bad.length, `${failed} looks in the millisecond after the first failure`)
    scene.add(0)
    await claimedAll(scene, (bad.length + 1) * lagMs, 'After looks that failed')
    assert.ok(scene.logged.length > 0, 'no look that failed was told to the logger')
  },
  'an answer of 0 with nothing due does not spin': async (scene) => {
    let looks = 0
    scene.start(async () => ({ wakeInMs: ++looks < 5_000 ? 0 : 1_000, settled: Promise.resolve() }))
    await scene.pass(100)
    assert.ok(looks <= 100, `${looks} looks in 100 ms`)
  },
  'an idle queue looks at most twice a second': async (scene) => {
    scene.start()
    await scene.pass(3_000)
    assert.ok(scene.looks.begun <= 7, `${scene.looks.begun} looks in 3 s with nothing to do`)
  },
  'never has more looks under way than allowed, whatever wakes it': async (scene, { looksAtOnce }) => {
    const run = scene.start()
    scene.during = () => scene.clock.sleep(5)
    for (let i = 0; i < 50; i++) {
      const row = scene.add(0)
      run.wake()
      await Promise.all([scene.hint([row]), scene.hint([row])])
      await scene.pass(i % 3)
    }
    assert.ok(scene.looks.begun > 1, 'no look followed the wake-ups')
    assert.ok(scene.looks.most <= looksAtOnce, `${scene.looks.most} looks at once; at most ${looksAtOnce} allowed`)
  },
  'deliveries that take long hold up no further look': async (scene, { lagMs }) => {
    scene.settled = new Promise(() => {})
    const run = scene.start()
    for (let i = 0; i < 3; i++) {
      scene.add(0)
      run.wake()
      await claimedAll(scene, lagMs, 'While earlier deliveries still run')
    }
  },
}

/** Rejects where `stop` does not resolve although no look is under way. */
const stops = async (scene: Scene, stopping: Promise<void>): Promise<void> => {
  let stopped = false
  const done = stopping.then(() => {
    stopped = true
  })
  const took = await scene.until(() => stopped, 100)
  assert.notEqual(took, undefined, 'stop() has not resolved after 100 ms')
  await done
}

const endings: Record<string, Rule> = {
  'stop() ends the looks, asleep or not, and neither a wake-up nor a hint brings them back': async (scene, { lagMs }) => {
    const run = scene.start()
    await scene.pass(30)
    const row = scene.add(10)
    await stops(scene, run.stop())
    const { begun } = scene.looks
    run.wake()
    await scene.hint([row])
    await scene.pass(2 * lagMs)
    assert.equal(scene.looks.begun, begun)
    await stops(scene, run.stop())
  },
  'stop() during a look lets that one end and begins no other': async (scene, { lagMs }) => {
    let open = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    scene.during = () => gate
    const run = scene.start()
    assert.notEqual(await scene.until(() => scene.looks.open > 0, lagMs), undefined, 'no look has begun')
    const { begun } = scene.looks
    run.wake()
    const stopping = run.stop()
    await scene.pass(5)
    open()
    await stops(scene, stopping)
    await scene.pass(2 * lagMs)
    assert.equal(scene.looks.begun, begun)
  },
  'stop() does not wait for deliveries under way': async (scene, { lagMs }) => {
    scene.settled = new Promise(() => {})
    scene.add(0)
    const run = scene.start()
    await claimedAll(scene, lagMs, 'Due at the start')
    await stops(scene, run.stop())
  },
  'two runs of one queue are two workers: stopping one leaves the other': async (scene, { lagMs }) => {
    const first = scene.start()
    let looks = 0
    scene.start((n) => {
      looks++
      return scene.work(n)
    })
    await stops(scene, first.stop())
    const before = looks
    scene.add(0)
    await claimedAll(scene, lagMs, 'With one of two workers stopped')
    assert.ok(looks > before, 'the other worker did not look')
  },
}

/**
 * Registers every rule that core relies on. A queue may lose, repeat, reorder or delay everything: the rules bound how much later a delivery is claimed then,
 * and that nothing stays unclaimed. Runs in virtual time where the queue waits through its clock, so that the lost wake-up is found by order and not by luck.
 */
export const testQueue = ({ test, create, close, clock = 'virtual', lagMs = 1_050, wakeLagMs = 20, looksAtOnce = 1 }: QueueSuite): void => {
  for (const [name, rule] of Object.entries({ ...wakeUps, ...faults, ...endings }))
    test(name, async () => {
      const queue = await create()
      const scene = createScene(queue, clock === 'virtual' ? virtualTime() : realTime())
      try {
        await rule(scene, { lagMs, wakeLagMs, looksAtOnce })
      } finally {
        await scene.end()
        await close?.(queue)
      }
    })
}
