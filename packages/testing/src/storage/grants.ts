// Rules about grants: one refresh at a time, and no credential written over a newer one. And about what an OAuth callback takes.

import assert from 'node:assert/strict'
import { aMinuteMs, atOnce, type Rule, type Scene, shortMs } from './scene.ts'

const stored = async (scene: Scene, id: string) => {
  const grant = await scene.storage.connections.grant('tenant-a', id)
  assert.ok(grant)
  return grant
}

export const grantRules: readonly Rule[] = [
  {
    name: 'of fifty that replace the same version, one does, and the version grows by one',
    run: async (scene) => {
      const { grantId } = await scene.connect()
      const event = { type: 'grant:restored', data: '{}' }
      const won = await atOnce(50, (n) => scene.storage.connections.replaceGrant('tenant-a', grantId, 1, { sealed: `{"n":${n}}` }, { event }))
      assert.equal(won.filter(Boolean).length, 1)
      const grant = await stored(scene, grantId)
      assert.deepEqual([grant.version, grant.rev, grant.sealed], [2, 1, `{"n":${won.indexOf(true)}}`])
      assert.deepEqual(
        (await scene.events()).map(({ subjectId, rev, type }) => [subjectId, rev, type]),
        [[grantId, 1, 'grant:restored']],
      )
      assert.equal(await scene.storage.connections.replaceGrant('tenant-a', 'nobody', 1, { sealed: '{}' }), false)
    },
  },
  {
    name: 'what is not a new credential leaves the version, and rev grows only with an event',
    run: async (scene) => {
      const { grantId } = await scene.connect()
      const before = await stored(scene, grantId)
      const change = { state: 'at_risk', dataKey: '{"w":2}', keyId: 'key-2', data: '{"d":2}', expiresAt: 7, refreshStartedAt: 8 } as const
      assert.equal(await scene.storage.connections.replaceGrant('tenant-a', grantId, 1, change), true)
      assert.deepEqual(await stored(scene, grantId), { ...before, ...change })
      const event = { type: 'grant:at-risk', data: '{}' }
      assert.equal(await scene.storage.connections.replaceGrant('tenant-a', grantId, 1, { expiresAt: null }, { event }), true)
      assert.deepEqual(await stored(scene, grantId), { ...before, ...change, expiresAt: null, rev: 1 })
    },
  },
  {
    name: 'of fifty that want to refresh, one gets the lease, until it ends',
    run: async (scene) => {
      const { grantId } = await scene.connect()
      const { connections } = scene.storage
      assert.equal(await connections.lease('tenant-a', grantId, 2, 'early', aMinuteMs), false, 'the version must be the stored one')
      const before = await scene.storage.now()
      const got = await atOnce(50, (n) => scene.storage.connections.lease('tenant-a', grantId, 1, `owner-${n}`, 2 * aMinuteMs))
      assert.equal(got.filter(Boolean).length, 1)
      const { refreshStartedAt } = await stored(scene, grantId)
      assert.ok(refreshStartedAt !== null && refreshStartedAt >= before)
      await connections.unlease('tenant-a', grantId, `owner-${got.indexOf(false)}`)
      assert.equal(await connections.lease('tenant-a', grantId, 1, 'another', aMinuteMs), false, 'only its owner ends a lease')
      await connections.unlease('tenant-a', grantId, `owner-${got.indexOf(true)}`)
      assert.equal((await stored(scene, grantId)).refreshStartedAt, null)
      assert.equal(await connections.lease('tenant-a', grantId, 1, 'another', shortMs), true)
      await scene.passed()
      assert.notEqual((await stored(scene, grantId)).refreshStartedAt, null, 'a refresh of unknown outcome stays visible')
      assert.equal(await connections.lease('tenant-a', grantId, 1, 'next', aMinuteMs), true)
    },
  },
  {
    name: 'who refreshes stores the credential only while the lease stands, and the lease ends with it',
    run: async (scene) => {
      const { grantId } = await scene.connect()
      const { connections } = scene.storage
      const replace = (leaseOwner: string, version = 1) =>
        connections.replaceGrant('tenant-a', grantId, version, { sealed: '{"new":1}', refreshStartedAt: null }, { leaseOwner })
      assert.equal(await replace('nobody'), false)
      await connections.lease('tenant-a', grantId, 1, 'slow', shortMs)
      await scene.passed()
      assert.equal(await replace('slow'), false, 'its lease has ended')
      await connections.lease('tenant-a', grantId, 1, 'quick', aMinuteMs)
      assert.deepEqual([await replace('slow'), await replace('quick')], [false, true])
      const grant = await stored(scene, grantId)
      assert.deepEqual([grant.version, grant.sealed, grant.refreshStartedAt], [2, '{"new":1}', null])
      assert.deepEqual([await replace('quick', 2), await connections.lease('tenant-a', grantId, 2, 'next', aMinuteMs)], [false, true])
    },
  },
  {
    name: 'an OAuth state is taken once by a hundred that try, and one that ended says so',
    run: async (scene) => {
      const now = await scene.storage.now()
      const state = { id: scene.id('state'), tenant: 'tenant-a', keyId: 'key-1', sealed: '{"verifier":1}', expiresAt: now + aMinuteMs }
      const ended = { ...state, id: scene.id('state'), expiresAt: now - 1 }
      await scene.storage.oauth.putState(state)
      await scene.storage.oauth.putState(ended)
      const taken = await atOnce(100, () => scene.storage.oauth.takeState('tenant-a', state.id))
      assert.deepEqual(
        taken.filter((one) => one !== undefined),
        [{ state, expired: false }],
      )
      assert.deepEqual(await scene.storage.oauth.takeState('tenant-a', ended.id), { state: ended, expired: true })
      assert.equal(await scene.storage.oauth.takeState('tenant-a', ended.id), undefined)
    },
  },
  {
    name: 'of fifty that register a client, the first one is the one for all, until it is replaced by who knows it',
    run: async (scene) => {
      const client = (sealed: string, keyId = 'key-1', tenant = 'tenant-a') => ({
        ...{ tenant, platform: 'm', server: 'https://s.example', redirectUri: 'https://app.example/cb' },
        ...{ keyId, sealed },
      })
      const answers = await atOnce(50, (n) => scene.storage.oauth.putClient(client(`{"n":${n}}`)))
      assert.equal(new Set(answers.map(({ sealed }) => sealed)).size, 1)
      const [first] = answers
      assert.ok(first)
      assert.deepEqual(await scene.storage.oauth.client('tenant-a', 'm', 'https://s.example', 'https://app.example/cb'), first)
      assert.deepEqual(await scene.storage.oauth.putClient(client('{"x":1}'), '{"guess":1}'), first)
      assert.deepEqual(await scene.storage.oauth.putClient(client('{"x":1}', 'key-2'), first.sealed), client('{"x":1}', 'key-2'))
      assert.equal(await scene.storage.oauth.client('tenant-a', 'm', 'https://other.example', 'https://app.example/cb'), undefined)
    },
  },
]
