// Rules about paused platforms: nothing of them is given out, nobody waits for them, and nothing is lost.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule, type Scene, shortMs } from './scene.ts'

const many = 1200
const claimers = 8

const toVerdict = (scene: Scene) => {
  const { id, fence, to: _, ...verdict } = scene.verdict({ id: '', fence: 0 })
  return { ...verdict, to: 'published' as const }
}

/** Claims until nothing more is due, and tells what was given out. */
const drain = async (scene: Scene): Promise<string[]> => {
  const given: string[] = []
  for (;;) {
    const { claims, wakeInMs } = await scene.claim()
    if (claims.length === 0 && wakeInMs !== 0) return given
    given.push(...claims.map(({ id }) => id))
  }
}

/** Due while its platform is paused, and met by a claim. */
const parked = async (scene: Scene, rows: number): Promise<string[]> => {
  await scene.storage.platforms.pause('x')
  const ids = await scene.schedule(...Array.from({ length: rows }, () => ({})))
  assert.deepEqual(await drain(scene), [])
  return ids
}

const pausing: readonly Rule[] = [
  {
    name: 'of a paused platform nothing is given out, and other platforms go on',
    run: async (scene) => {
      const [x, y] = await scene.schedule({}, { platform: 'y' })
      await scene.storage.platforms.pause('x')
      await scene.storage.platforms.pause('x')
      const first = await scene.claim()
      assert.deepEqual([first.claims.map(({ id }) => id), first.more], [[y], false])
      const row = await scene.get(x ?? '')
      assert.deepEqual([row.state, row.nextAt, row.fence, row.starts], ['scheduled', null, 0, 0])
      assert.deepEqual((await scene.claim()).claims, [])
      assert.deepEqual(await scene.storage.platforms.paused(), ['x'])
    },
  },
  {
    name: 'what came due while its platform was paused goes out once it is resumed, and hints can tell it anew',
    run: async (scene) => {
      const [x] = await parked(scene, 1)
      const { rev } = await scene.get(x ?? '')
      const upcoming = async () => scene.storage.deliveries.upcoming((await scene.storage.now()) + aMinuteMs, null, 10)
      assert.deepEqual(await upcoming(), [], 'a parked delivery is not coming up')
      const before = await scene.storage.now()
      await scene.storage.platforms.resume('x')
      const [up] = await upcoming()
      assert.deepEqual([up?.id, up?.rev], [x, rev + 1])
      assert.ok(up && up.nextAt >= before && up.nextAt <= (await scene.storage.now()), 'it is due from now on')
      assert.equal((await scene.claimOne()).id, x)
      assert.deepEqual(await scene.storage.platforms.paused(), [])
      await scene.storage.platforms.resume('x')
    },
  },
  {
    name: 'a platform is paused and resumed by itself',
    run: async (scene) => {
      for (const platform of ['y', 'x']) await scene.storage.platforms.pause(platform)
      const [x, y] = await scene.schedule({}, { platform: 'y' })
      assert.deepEqual(await drain(scene), [])
      assert.deepEqual(await scene.storage.platforms.paused(), ['x', 'y'])
      await scene.storage.platforms.resume('x')
      assert.deepEqual(await drain(scene), [x])
      assert.deepEqual(await scene.storage.platforms.paused(), ['y'])
      await scene.storage.platforms.resume('y')
      assert.deepEqual(await drain(scene), [y])
    },
  },
  {
    name: 'what is not due yet is left alone by a pause',
    run: async (scene) => {
      await scene.storage.platforms.pause('x')
      const delivery = await scene.scheduleOne({ dueInMs: aMinuteMs })
      const before = await scene.get(delivery)
      assert.deepEqual(await drain(scene), [])
      await scene.storage.platforms.resume('x')
      assert.deepEqual(await scene.get(delivery), before)
    },
  },
  {
    name: 'a paused platform wakes nobody, and hides nothing that is due behind it',
    run: async (scene) => {
      await scene.storage.platforms.pause('x')
      await scene.schedule(...Array.from({ length: many }, (_, n) => ({ dueInMs: -aMinuteMs - n })))
      const [behind] = await scene.schedule({ platform: 'y' })
      let looks = 0
      for (let found = ''; found !== behind; looks++) {
        const { claims, wakeInMs } = await scene.claim({ limit: 1 })
        found = claims[0]?.id ?? ''
        assert.ok(found === behind || wakeInMs === 0, 'until it has seen all that is due, a claim asks for another look at once')
      }
      assert.ok(looks <= 10, `a claim should put many out of the way at once, but it took ${looks}`)
      assert.deepEqual(await drain(scene), [])
      const { wakeInMs } = await scene.claim()
      assert.ok(wakeInMs !== null && wakeInMs > aMinuteMs / 2, 'only the lease of the other platform ends some time')
    },
  },
]

const held: readonly Rule[] = [
  {
    name: 'a worker that holds a delivery of a paused platform finishes it',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const claim = await scene.claimOne()
      await scene.storage.platforms.pause('x')
      assert.deepEqual(await scene.storage.deliveries.extend([claim], aMinuteMs), ['done'])
      assert.deepEqual(await scene.storage.deliveries.save([{ id: claim.id, fence: claim.fence, steps: '{"v":1}', marker: '{"m":1}' }]), ['done'])
      assert.deepEqual(await scene.storage.deliveries.settle([scene.verdict(claim)]), ['done'])
      assert.equal((await scene.get(delivery)).state, 'published')
    },
  },
  {
    name: 'a delivery whose lease ended under a pause is taken up as such after it',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const first = await scene.claimOne({ leaseMs: shortMs })
      await scene.storage.platforms.pause('x')
      await scene.passed()
      assert.deepEqual(await drain(scene), [])
      const row = await scene.get(delivery)
      assert.deepEqual([row.state, row.nextAt, row.fence], ['running', null, first.fence])
      await scene.storage.platforms.resume('x')
      const second = await scene.claimOne()
      assert.deepEqual([second.id, second.from, second.fence, second.starts], [delivery, 'running', first.fence + 1, 2])
    },
  },
  {
    name: 'a worker that is late under a pause keeps its delivery, and no resume takes it away',
    run: async (scene) => {
      const [kept, ended] = await scene.schedule({}, {})
      const { claims } = await scene.claim({ leaseMs: shortMs })
      await scene.storage.platforms.pause('x')
      await scene.passed()
      assert.deepEqual(await drain(scene), [])
      const of = (id: string | undefined) => claims.filter((claim) => claim.id === id)
      assert.deepEqual(await scene.storage.deliveries.extend(of(kept), aMinuteMs), ['done'])
      assert.deepEqual(await scene.storage.deliveries.settle(of(ended).map((claim) => scene.verdict(claim, { to: 'uncertain' }))), ['done'])
      const before = [await scene.get(kept ?? ''), await scene.get(ended ?? '')]
      await scene.storage.platforms.resume('x')
      assert.deepEqual([await scene.get(kept ?? ''), await scene.get(ended ?? '')], before)
      assert.deepEqual(await drain(scene), [])
    },
  },
  {
    name: 'a look at what is uncertain is put off by a pause, and resolve goes by what was seen before',
    run: async (scene) => {
      const [again, resolved] = await scene.schedule({}, {})
      const nextAt = await scene.storage.now()
      const { claims } = await scene.claim()
      await scene.storage.deliveries.settle(claims.map((claim) => scene.verdict(claim, { to: 'uncertain', nextAt })))
      const { rev } = await scene.get(resolved ?? '')
      await scene.storage.platforms.pause('x')
      assert.deepEqual(await drain(scene), [])
      const row = await scene.get(again ?? '')
      assert.ok(row.state === 'uncertain' && row.nextAt !== null && row.nextAt > nextAt + aMinuteMs)
      assert.equal(await scene.storage.deliveries.resolve('tenant-a', resolved ?? '', rev, toVerdict(scene)), 'done')
      await scene.storage.platforms.resume('x')
      assert.equal((await scene.get(again ?? '')).rev, row.rev)
      assert.deepEqual(await drain(scene), [again])
      assert.deepEqual([(await scene.get(resolved ?? '')).state, (await scene.get(resolved ?? '')).nextAt], ['published', null])
    },
  },
]

const changing: readonly Rule[] = [
  {
    name: 'a parked delivery is canceled and rescheduled as ever, and no resume undoes it',
    run: async (scene) => {
      const [canceled, later, sooner] = await parked(scene, 3)
      const dueAt = (await scene.storage.now()) + aMinuteMs
      const { cancel, reschedule } = scene.storage.deliveries
      assert.equal(await cancel('tenant-a', canceled ?? ''), 'done')
      assert.equal(await reschedule('tenant-a', later ?? '', dueAt), 'done')
      assert.equal(await reschedule('tenant-a', sooner ?? '', dueAt - 2 * aMinuteMs), 'done')
      assert.deepEqual(await drain(scene), [])
      assert.equal((await scene.get(sooner ?? '')).nextAt, null, 'it came due, and is parked again')
      await scene.storage.platforms.resume('x')
      assert.deepEqual([(await scene.get(canceled ?? '')).state, (await scene.get(canceled ?? '')).nextAt], ['canceled', null])
      assert.equal((await scene.get(later ?? '')).nextAt, dueAt)
      assert.deepEqual(await drain(scene), [sooner])
    },
  },
  {
    name: 'a reconnect gives nothing out while the platform is paused',
    run: async (scene) => {
      const [delivery] = await parked(scene, 1)
      const { accountId, grantId } = (await scene.storage.connections.get('tenant-a', await scene.connectionFor('tenant-a'))) ?? assert.fail()
      const grant = scene.grantOf('tenant-a')
      await scene.storage.connections.put(grant, [scene.connectionOf(grant, { accountId })], { type: 'grant:restored', data: '{}' })
      await scene.storage.connections.replaceGrant('tenant-a', grantId, 1, {}, { wake: true })
      assert.deepEqual(await drain(scene), [])
      await scene.storage.platforms.resume('x')
      assert.deepEqual(await drain(scene), [delivery])
    },
  },
  {
    name: 'four that resume a platform at once bring all of it back, once',
    run: async (scene) => {
      const ids = await parked(scene, many)
      await atOnce(4, () => scene.storage.platforms.resume('x'))
      assert.deepEqual(await scene.storage.platforms.paused(), [])
      assert.deepEqual((await drain(scene)).sort(), ids)
      assert.deepEqual([...new Set(await Promise.all(ids.map(async (id) => (await scene.get(id)).rev)))], [3], 'scheduled, resumed, claimed')
    },
  },
  {
    name: 'a platform that is paused while it is being resumed is one of both, and nothing is lost',
    run: async (scene) => {
      const ids = await parked(scene, many)
      await Promise.all([scene.storage.platforms.resume('x'), scene.storage.platforms.pause('x')])
      const paused = await scene.storage.platforms.paused()
      const given = await drain(scene)
      assert.equal(given.length, paused.length > 0 ? 0 : many)
      await scene.storage.platforms.resume('x')
      assert.deepEqual([...given, ...(await drain(scene))].sort(), ids)
    },
  },
  {
    name: 'pauses that race with eight claimers hold, lose nothing and give nothing out twice',
    run: async (scene) => {
      const ids = await scene.schedule(...Array.from({ length: 400 }, (_, n) => ({ platform: n % 4 === 0 ? 'y' : 'x' })))
      const given: string[] = []
      let isOver = false
      const claiming = atOnce(claimers, async () => {
        while (!isOver || given.length < ids.length) {
          const { claims } = await scene.claim({ limit: 3 })
          given.push(...claims.map(({ id }) => id))
          await scene.wait(1)
        }
      })
      for (let round = 0; round < 10; round++) {
        await scene.storage.platforms.pause('x')
        const { claims } = await scene.claim({ limit: 3 })
        given.push(...claims.map(({ id }) => id))
        assert.ok(
          claims.every(({ platform }) => platform !== 'x'),
          'it is paused before this claim began',
        )
        await scene.storage.platforms.resume('x')
      }
      isOver = true
      await claiming
      assert.deepEqual(given.sort(), ids)
    },
  },
]

export const platformRules: readonly Rule[] = [...pausing, ...held, ...changing]
