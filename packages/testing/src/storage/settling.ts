// Rules about settle: one transaction per delivery, from `running` only, evidence always, and the end of a publication exactly once.

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type Settle, type State, states } from '@syndikit/core'
import { aMinuteMs, atOnce, type Rule, type Scene, shortMs } from './scene.ts'

const verdicts: readonly Settle['to'][] = ['scheduled', 'published', 'failed', 'missed', 'uncertain', 'needs_action']

/** One publication of so many due deliveries, claimed. */
const claimedPublication = async (scene: Scene, count: number) => {
  const connection = await scene.connectionFor('tenant-a')
  const now = await scene.storage.now()
  const publication = scene.publicationOf(
    'tenant-a',
    Array.from({ length: count }, () => scene.draft(now, connection)),
  )
  await scene.storage.publications.add([publication])
  const { claims } = await scene.claim({ limit: count })
  await scene.events()
  return { publication: publication.id, claims }
}

export const settlingRules: readonly Rule[] = [
  {
    name: 'settle writes the verdict, ends the lease and tells it',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const held = await scene.claimOne()
      await scene.events()
      const nextAt = (await scene.storage.now()) + aMinuteMs
      const more = { to: 'scheduled', nextAt, tries: 2, steps: '{"a":1}', marker: '{"m":1}', result: '{"r":1}' } as const
      const verdict = scene.verdict(held, { ...more, event: { type: 'delivery:postponed', data: '{"why":"rate"}' } })
      assert.deepEqual(await scene.storage.deliveries.settle([verdict]), ['done'])
      const { body, from, claimedAt, ...row } = held
      const { to, ...written } = more
      assert.deepEqual(await scene.get(delivery), { ...row, ...written, state: to, starts: 0, rev: held.rev + 1 })
      const [event] = await scene.events()
      assert.deepEqual([event?.subjectId, event?.rev, event?.type, event?.data], [delivery, held.rev + 1, 'delivery:postponed', '{"why":"rate"}'])
      const [attempt] = await scene.storage.deliveries.attempts('tenant-a', delivery)
      assert.deepEqual([attempt?.id, attempt?.fence, attempt?.data], [verdict.attempt.id, held.fence, '{}'])
    },
  },
  {
    name: 'who sees the verdict sees its attempt, its event and the counter too',
    run: async (scene) => {
      const { publication, claims } = await claimedPublication(scene, 20)
      const settled = scene.storage.deliveries.settle(
        claims.map((claim) => scene.verdict(claim, { placements: [`post-${claim.id}`], event: { type: 'delivery:published', data: '{}' } })),
      )
      let isOver = false
      const over = settled.finally(() => (isOver = true))
      let looks = 0
      for (; !isOver || looks === 0; looks++) {
        // A storage may wait for a timer, which a loop of promises alone would never let come.
        if (looks % 50 === 49) await setImmediate()
        const watched = claims[looks % claims.length]?.id ?? ''
        const { state } = await scene.get(watched)
        if (state !== 'published') continue
        assert.equal((await scene.storage.deliveries.attempts('tenant-a', watched)).length, 1, 'a verdict without its attempt')
        const { connectionId } = await scene.get(watched)
        assert.equal(
          (await scene.storage.deliveries.claimed('tenant-a', connectionId, 'another', [`post-${watched}`])).length,
          1,
          'a verdict without its placement',
        )
        assert.ok(
          (await scene.storage.events.read('watcher', 1000, aMinuteMs)).some(({ subjectId }) => subjectId === watched),
          'a verdict without its event',
        )
        assert.ok(((await scene.storage.publications.get('tenant-a', publication))?.pending ?? 20) < 20, 'a verdict that was not counted')
      }
      await over
    },
  },
  {
    name: 'an attempt is kept even when the verdict comes too late',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const late = await scene.claimOne({ leaseMs: shortMs })
      await scene.passed()
      const holder = await scene.claimOne()
      const evidence = scene.verdict(late, { attempt: { id: scene.id('attempt'), data: '{"remoteId":"42"}' }, placements: ['42'] })
      assert.deepEqual(await scene.storage.deliveries.settle([evidence, scene.verdict(holder)]), ['stale', 'done'])
      assert.deepEqual(await scene.storage.deliveries.settle([evidence]), ['stale'])
      const kept = await scene.storage.deliveries.attempts('tenant-a', delivery)
      assert.equal(kept.length, 2)
      assert.ok(kept.some(({ id, fence, data }) => id === evidence.attempt.id && fence === late.fence && data === '{"remoteId":"42"}'))
    },
  },
  {
    name: 'attempts are told oldest first',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const stored: string[] = []
      for (let tries = 1; tries <= 3; tries++) {
        const verdict = scene.verdict(await scene.claimOne(), { to: 'scheduled', nextAt: await scene.storage.now(), tries })
        await scene.storage.deliveries.settle([verdict])
        stored.push(verdict.attempt.id)
        await scene.passed()
      }
      const told = await scene.storage.deliveries.attempts('tenant-a', delivery)
      assert.deepEqual(
        told.map(({ id }) => id),
        stored,
      )
    },
  },
  {
    name: 'the same settle again answers done and does nothing twice, also when others moved the row since',
    run: async (scene) => {
      const { publication, claims } = await claimedPublication(scene, 1)
      const [claim] = claims
      assert.ok(claim)
      const retry = scene.verdict(claim, { to: 'scheduled', nextAt: await scene.storage.now(), event: { type: 'delivery:postponed', data: '{}' } })
      assert.deepEqual(await scene.storage.deliveries.settle([retry]), ['done'])
      const row = await scene.get(claim.id)
      assert.deepEqual(await scene.storage.deliveries.settle([retry, retry]), ['done', 'done'])
      assert.deepEqual(await scene.get(claim.id), row)
      const next = await scene.claimOne()
      assert.deepEqual(await scene.storage.deliveries.settle([retry]), ['done'], 'it was done, whatever happened since')
      const last = scene.verdict(next, { event: { type: 'delivery:published', data: '{}' } })
      assert.deepEqual(await scene.storage.deliveries.settle([last, last]), ['done', 'done'])
      assert.deepEqual(await scene.storage.deliveries.settle([last]), ['done'])
      assert.equal((await scene.storage.deliveries.attempts('tenant-a', claim.id)).length, 2)
      assert.equal((await scene.storage.publications.get('tenant-a', publication))?.pending, 0)
      assert.deepEqual(
        (await scene.events()).map(({ type }) => type),
        ['delivery:postponed', 'delivery:published', 'publication:finished'],
      )
    },
  },
  {
    name: 'another verdict under the same attempt does not reopen what is settled',
    run: async (scene) => {
      const delivery = await scene.scheduleOne()
      const done = scene.verdict(await scene.claimOne())
      await scene.storage.deliveries.settle([done])
      const nextAt = await scene.storage.now()
      assert.deepEqual(await scene.storage.deliveries.settle([{ ...done, to: 'scheduled', nextAt }]), ['stale'])
      assert.equal((await scene.get(delivery)).state, 'published')
      assert.deepEqual((await scene.claim()).claims, [])
    },
  },
  ...states.map(
    (state: State): Rule => ({
      name: `from ${state} nothing happens that is not drawn`,
      run: async (scene) => {
        const row = await scene.inState(state)
        const held = { id: row.id, fence: row.fence }
        const same = async (what: string) => assert.deepEqual(await scene.get(row.id), row, `${what} changed a row that is ${state}`)
        assert.deepEqual((await scene.claim()).claims, [])
        await same('claim')
        if (state !== 'running') {
          assert.deepEqual(await scene.storage.deliveries.extend([held], aMinuteMs), ['stale'])
          assert.deepEqual(await scene.storage.deliveries.save([{ ...held, steps: '{"x":1}', marker: '{"x":1}' }]), ['stale'])
          for (const to of verdicts) {
            assert.deepEqual(await scene.storage.deliveries.settle([scene.verdict(held, { to, nextAt: 1 })]), ['stale'])
            await same(`settle to ${to}`)
          }
        }
        if (state !== 'scheduled') {
          assert.equal(await scene.storage.deliveries.cancel('tenant-a', row.id), 'too-late')
          assert.equal(await scene.storage.deliveries.reschedule('tenant-a', row.id, 1), 'too-late')
          await same('cancel or reschedule')
        }
        if (state === 'uncertain' || state === 'needs_action') return
        for (const to of ['published', 'failed', 'scheduled'] as const) {
          const { id, fence, ...verdict } = scene.verdict(held, { nextAt: 1 })
          assert.equal(await scene.storage.deliveries.resolve('tenant-a', row.id, row.rev, { ...verdict, to }), 'stale')
          await same(`resolve to ${to}`)
        }
      },
    }),
  ),
  {
    name: 'a publication is finished exactly once, when its last delivery is, however many settle at the same moment',
    run: async (scene) => {
      const { publication, claims } = await claimedPublication(scene, 60)
      const written = await atOnce(claims.length, (n) => {
        const claim = claims[n]
        assert.ok(claim)
        return scene.storage.deliveries.settle([scene.verdict(claim, { to: (['published', 'failed', 'missed'] as const)[n % 3] ?? 'failed' })])
      })
      assert.ok(written.every(([one]) => one === 'done'))
      assert.equal((await scene.storage.publications.get('tenant-a', publication))?.pending, 0)
      const finished = (await scene.events()).filter(({ type }) => type === 'publication:finished')
      assert.deepEqual(
        finished.map(({ tenant, subjectId, rev }) => ({ tenant, subjectId, rev })),
        [{ tenant: 'tenant-a', subjectId: publication, rev: 1 }],
      )
    },
  },
  {
    name: 'deliveries of one publication that end in one call are all counted, and finish it once',
    run: async (scene) => {
      const { publication, claims } = await claimedPublication(scene, 5)
      const pending = async () => (await scene.storage.publications.get('tenant-a', publication))?.pending
      await scene.storage.deliveries.settle(claims.slice(0, 3).map((claim) => scene.verdict(claim)))
      assert.equal(await pending(), 2)
      await scene.storage.deliveries.settle(claims.slice(3).map((claim) => scene.verdict(claim)))
      assert.equal(await pending(), 0)
      assert.deepEqual(
        (await scene.events()).map(({ subjectId, type }) => [subjectId, type]),
        [[publication, 'publication:finished']],
      )
    },
  },
  {
    name: 'a publication is not finished while a delivery waits for somebody',
    run: async (scene) => {
      const { publication, claims } = await claimedPublication(scene, 4)
      const ends = (['published', 'uncertain', 'needs_action', 'scheduled'] as const).map((to) => ({ to, nextAt: to === 'scheduled' ? 1 : null }))
      await scene.storage.deliveries.settle(claims.map((claim, n) => scene.verdict(claim, ends[n])))
      assert.equal((await scene.storage.publications.get('tenant-a', publication))?.pending, 3)
      assert.deepEqual(await scene.events(), [])
    },
  },
]
