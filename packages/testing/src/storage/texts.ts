// Rules about hostile text: what was stored comes back as it was, and two texts never become one.

import assert from 'node:assert/strict'
import type { Connection } from '@syndikit/core'
import { aMinuteMs, type Rule } from './scene.ts'

/** Beside quotes: a family of emoji, a change of direction, one letter composed and decomposed. */
const plain = [
  `' or ''='`,
  '"; drop table x; --',
  '\\',
  '%_%',
  ':now ?1 $1',
  '\u{1f600}\u{1f469}\u200d\u{1f467}',
  '\u202eabc',
  '\u00e9',
  'e\u0301',
  ' x ',
  '\n\t\r',
  '{"a":1}',
  'null',
  '0',
  '\u00c9'.repeat(200),
]
/** What some databases cannot hold as it is. */
const broken = ['a\0b', 'a\ud83d', '\udc00a', 'a\uffffb', 'a\ufffeb']

export const textRules: readonly Rule[] = [
  {
    name: 'JSON texts come back as they were written, whatever they say and up to 64 kB',
    run: async (scene) => {
      const values = [...plain, ...broken, 'x'.repeat(64 * 1024), '\u{1f600}'.repeat(16 * 1024)]
      const texts = values.map((value) => JSON.stringify({ value, nested: [JSON.stringify(value)] }))
      const connection = await scene.connectionFor('tenant-a')
      const now = await scene.storage.now()
      const publications = texts.map((body) => scene.publicationOf('tenant-a', [scene.draft(now, connection)], { body }))
      await scene.storage.publications.add(publications)
      const { claims } = await scene.claim()
      const textOf = new Map(publications.map(({ id, body }) => [id, body]))
      assert.equal(claims.length, texts.length)
      for (const claim of claims) assert.equal(claim.body, textOf.get(claim.publicationId))
      const rows = claims.map((claim) => ({ ...claim, steps: claim.body, marker: claim.body }))
      assert.ok((await scene.storage.deliveries.save(rows)).every((one) => one === 'done'))
      const verdicts = rows.map((row) =>
        scene.verdict(row, {
          steps: row.body,
          marker: row.body,
          result: row.body,
          attempt: { id: scene.id('attempt'), data: row.body },
          event: { type: 'e', data: row.body },
        }),
      )
      assert.ok((await scene.storage.deliveries.settle(verdicts)).every((one) => one === 'done'))
      const told = new Map((await scene.events()).map(({ subjectId, type, data }) => [`${type} ${subjectId}`, data]))
      for (const { id, body } of claims) {
        const row = await scene.get(id)
        const [attempt] = await scene.storage.deliveries.attempts('tenant-a', id)
        assert.deepEqual([row.steps, row.marker, row.result, attempt?.data, told.get(`e ${id}`)], [body, body, body, body, body])
      }
    },
  },
  {
    name: 'names, accounts, tenants and keys of ordinary but awkward text come back as they were',
    run: async (scene) => {
      for (const text of plain) {
        const connection = await scene.connect(text, { accountId: text, name: text, platform: text })
        assert.deepEqual(await scene.storage.connections.byAccount(text, text, text), connection)
        const now = await scene.storage.now()
        const publication = scene.publicationOf(text, [scene.draft(now, connection.id, { activeKey: text })], { idempotencyKey: text, requestHash: text })
        assert.equal((await scene.storage.publications.add([publication])).status, 'added')
        const claim = await scene.claimOne()
        assert.deepEqual([claim.tenant, claim.connectionId], [text, connection.id])
        assert.deepEqual(await scene.storage.deliveries.settle([scene.verdict(claim, { placements: [text], tries: 1 })]), ['done'])
        assert.deepEqual(await scene.storage.deliveries.claimed(text, connection.id, 'another', [text]), [text])
        assert.deepEqual(await scene.storage.quotas.take([{ tenant: text, key: text, limit: 1, windowMs: aMinuteMs }]), { ok: true })
      }
    },
  },
  {
    name: 'a text that a database cannot hold is refused, or comes back as it was',
    run: async (scene) => {
      for (const text of broken) {
        let connection: Connection
        try {
          connection = await scene.connect('tenant-a', { accountId: text, name: text })
        } catch {
          continue
        }
        assert.deepEqual([connection.accountId, connection.name], [text, text])
        assert.deepEqual(await scene.storage.connections.byAccount('tenant-a', 'x', text), connection)
      }
    },
  },
  {
    name: 'tenants that differ only in what a database may drop or replace never see each other',
    run: async (scene) => {
      const tenants = ['a', 'a\0', 'a\0b', 'a\ud800', 'a\udc00', 'a\ufffd', 'a\uffff', 'a\uffff0000', 'A', 'a ', '\u00e1', 'a\u0301']
      const connected = new Map<string, string>()
      for (const tenant of tenants) {
        try {
          connected.set(tenant, (await scene.connect(tenant)).id)
        } catch {
          assert.ok(tenant !== 'a', 'an ordinary tenant must be possible')
        }
      }
      for (const [tenant, id] of connected) {
        const { items } = await scene.storage.connections.list(tenant, { limit: 10 })
        assert.deepEqual(
          items.map((connection) => [connection.tenant, connection.id]),
          [[tenant, id]],
        )
      }
    },
  },
]
