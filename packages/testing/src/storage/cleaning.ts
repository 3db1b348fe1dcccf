// Rules about forgetting: only what is over, with all that hangs on it, a piece at a time.

import assert from 'node:assert/strict'
import { aMinuteMs, type Rule, type Scene } from './scene.ts'

const finished = async (scene: Scene, count: number) => {
  const ids = await scene.schedule(...Array.from({ length: count }, () => ({})))
  const { claims } = await scene.claim({ limit: count })
  await scene.storage.deliveries.settle(claims.map((claim) => scene.verdict(claim, { placements: [`post-${claim.id}`] })))
  return await Promise.all(ids.map((id) => scene.get(id)))
}

export const cleaningRules: readonly Rule[] = [
  {
    name: 'clean forgets finished publications with deliveries, attempts, events and placements, at most so many',
    run: async (scene) => {
      const rows = await finished(scene, 7)
      const before = (await scene.storage.now()) + 1
      const cleaned = []
      for (let round = 0; round < 4; round++) cleaned.push(await scene.storage.clean(before, 3))
      assert.deepEqual(cleaned, [3, 3, 1, 0])
      for (const { id, publicationId, connectionId } of rows) {
        assert.equal(await scene.storage.deliveries.get('tenant-a', id), undefined)
        assert.equal(await scene.storage.publications.get('tenant-a', publicationId), undefined)
        assert.deepEqual(await scene.storage.deliveries.attempts('tenant-a', id), [])
        assert.deepEqual(await scene.storage.deliveries.claimed('tenant-a', connectionId, 'another', [`post-${id}`]), [])
      }
      assert.deepEqual(await scene.events(), [])
      assert.ok(await scene.storage.connections.get('tenant-a', rows[0]?.connectionId ?? ''))
      // What was left of a delivery would show under the next one of its id.
      const [again] = rows
      assert.ok(again)
      await scene.scheduleOne({ id: again.id })
      assert.deepEqual(await scene.storage.deliveries.attempts('tenant-a', again.id), [], 'attempts of a delivery that was forgotten')
    },
  },
  {
    name: 'clean keeps what is not over and what was over only lately',
    run: async (scene) => {
      for (const state of ['scheduled', 'running', 'uncertain', 'needs_action'] as const) await scene.inState(state)
      assert.equal(await scene.storage.clean((await scene.storage.now()) + aMinuteMs, 100), 0)
      const kept = await scene.scheduleOne({ dueInMs: 0 })
      await scene.wait(20)
      const between = await scene.storage.now()
      await scene.wait(20)
      await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne())])
      assert.equal(await scene.storage.clean(between, 100), 0, 'it was stored before, but finished after')
      assert.equal((await scene.get(kept)).state, 'published')
    },
  },
  {
    name: 'a key whose publication was forgotten is new again',
    run: async (scene) => {
      const connection = await scene.connectionFor('tenant-a')
      const add = async () => {
        const now = await scene.storage.now()
        const publication = scene.publicationOf('tenant-a', [scene.draft(now, connection, { activeKey: 'same' })], { idempotencyKey: 'key', requestHash: 'h' })
        const result = await scene.storage.publications.add([publication])
        return result.status === 'added' ? result.publications[0]?.status : result.status
      }
      assert.equal(await add(), 'added')
      await scene.storage.deliveries.settle([scene.verdict(await scene.claimOne())])
      assert.equal(await add(), 'replayed')
      assert.equal(await scene.storage.clean((await scene.storage.now()) + 1, 10), 1)
      assert.equal(await add(), 'added')
    },
  },
  {
    name: 'clean forgets OAuth states that ended, and no other',
    run: async (scene) => {
      const now = await scene.storage.now()
      const state = (expiresAt: number) => ({ id: scene.id('state'), tenant: 'tenant-a', keyId: 'key-1', sealed: '{}', expiresAt })
      const [ended, open] = [state(now - 1), state(now + aMinuteMs)]
      await scene.storage.oauth.putState(ended)
      await scene.storage.oauth.putState(open)
      await scene.storage.clean(now, 100)
      assert.equal(await scene.storage.oauth.takeState('tenant-a', ended.id), undefined)
      assert.ok(await scene.storage.oauth.takeState('tenant-a', open.id))
    },
  },
]
