// Rules about counting windows and paced slots, under many takers at once.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule, type Scene } from './scene.ts'

const bucket = (key: string, limit: number, windowMs = 60 * aMinuteMs, tenant = 'tenant-a') => ({ tenant, key, limit, windowMs })
const takes = async (scene: Scene, buckets: readonly ReturnType<typeof bucket>[]) => (await scene.storage.quotas.take(buckets)).ok

export const quotaRules: readonly Rule[] = [
  {
    name: 'two hundred takes at once are granted exactly the smallest limit, and count in every bucket or in none',
    run: async (scene) => {
      const both = [bucket('day', 100, 24 * 60 * aMinuteMs), bucket('hour', 25)]
      const granted = await atOnce(200, (n) => takes(scene, n % 2 === 0 ? both : both.toReversed()))
      assert.equal(granted.filter(Boolean).length, 25)
      const rest = await atOnce(100, () => takes(scene, both.slice(0, 1)))
      assert.equal(rest.filter(Boolean).length, 75)
    },
  },
  {
    name: 'a refused take is told when the last of its full windows ends',
    run: async (scene) => {
      const [short, long, open] = [bucket('short', 1, 10 * aMinuteMs), bucket('long', 1, 90 * aMinuteMs), bucket('open', 9, 900 * aMinuteMs)]
      assert.equal(await takes(scene, [short, long]), true)
      const now = await scene.storage.now()
      const one = await scene.storage.quotas.take([short, open])
      assert.ok(!one.ok && one.retryAt > now && one.retryAt <= now + short.windowMs)
      const two = await scene.storage.quotas.take([long, short])
      assert.ok(!two.ok && two.retryAt > one.retryAt && two.retryAt <= now + long.windowMs)
      assert.equal(await takes(scene, [open]), true)
    },
  },
  {
    name: 'a window that ended counts from zero',
    run: async (scene) => {
      const brief = bucket('brief', 1, 400)
      assert.equal(await takes(scene, [brief]), true)
      const refused = await scene.storage.quotas.take([brief])
      if (!refused.ok) await scene.wait(refused.retryAt - (await scene.storage.now()) + 5)
      assert.equal(await takes(scene, [brief]), true)
    },
  },
  {
    name: "an app's own window is shared by all",
    run: async (scene) => {
      const shared = bucket('app', 2, aMinuteMs, '')
      assert.deepEqual([await takes(scene, [shared]), await takes(scene, [shared]), await takes(scene, [shared])], [true, true, false])
      assert.equal(await takes(scene, [bucket('app', 2, aMinuteMs)]), true)
    },
  },
  {
    name: 'what a platform says of its window replaces our count, up and down',
    run: async (scene) => {
      const posts = bucket('posts', 10)
      const endsAt = (await scene.storage.now()) + 7 * aMinuteMs
      await scene.storage.quotas.correct(posts, 9, endsAt)
      assert.equal(await takes(scene, [posts]), true)
      assert.deepEqual(await scene.storage.quotas.take([posts]), { ok: false, retryAt: endsAt })
      await scene.storage.quotas.correct(posts, 3, endsAt)
      const granted = await atOnce(20, () => takes(scene, [posts]))
      assert.equal(granted.filter(Boolean).length, 7)
      await scene.storage.quotas.correct(posts, 10, (await scene.storage.now()) - 1)
      assert.equal(await takes(scene, [posts]), true, 'a window that is over stops nobody')
    },
  },
  {
    name: 'two hundred slots at once are two hundred instants, evenly apart, the first of them now',
    run: async (scene) => {
      const before = await scene.storage.now()
      const slots = await atOnce(200, () => scene.storage.quotas.slot('tenant-a', 'connection', 1000))
      const after = await scene.storage.now()
      const sorted = slots.toSorted((a, b) => a - b)
      for (let n = 1; n < sorted.length; n++) assert.ok((sorted[n] ?? 0) - (sorted[n - 1] ?? 0) >= 1000, 'two slots too close')
      assert.ok((sorted[0] ?? 0) <= after)
      assert.ok((sorted.at(-1) ?? 0) <= Math.max(after, before + 199_000) + (after - before))
    },
  },
  {
    name: 'a hold moves later slots behind it, never back, and every run of the connection is told of it',
    run: async (scene) => {
      const { quotas } = scene.storage
      const { id } = await scene.connect('tenant-a')
      const ask = async () => (await scene.storage.connections.inUse([{ tenant: 'tenant-a', id }]))[0]?.holdUntil
      const now = await scene.storage.now()
      assert.equal(await ask(), 0)
      await quotas.hold('tenant-a', id, now + 5 * aMinuteMs)
      await quotas.hold('tenant-a', id, now + 2 * aMinuteMs)
      assert.deepEqual([await ask(), await ask()], [now + 5 * aMinuteMs, now + 5 * aMinuteMs])
      const slots = [await quotas.slot('tenant-a', id, 1000), await quotas.slot('tenant-a', id, 1000)]
      assert.deepEqual(slots, [now + 5 * aMinuteMs, now + 5 * aMinuteMs + 1000])
      assert.ok((await quotas.slot('tenant-a', 'another', 1000)) <= (await scene.storage.now()))
    },
  },
]
