// The memory of the host survives its deaths.
import { appendFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournal, readJournal, storiesOf } from '../journal.ts'

const draft = { tenant: 'north', idempotencyKey: 'intent-0-0', to: ['connection'], texts: ['A text'], at: '2026-11-27T09:00:00.000Z' }

test('a line that a death cut off is as if it had not been written, and the next life goes on after it', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'syndikit-journal-')), 'journal.jsonl')
  expect(readJournal(file)).toEqual([])
  const write = openJournal(file)
  write({ is: 'intent', n: 0, drafts: [draft], after: { do: 'cancel', at: draft.at } })
  appendFileSync(file, '{"is":"taken","n":0,"ids":[["del')
  const next = openJournal(file)
  expect(storiesOf(readJournal(file))).toEqual([{ n: 0, drafts: [draft], after: { do: 'cancel', at: draft.at }, changes: [] }])
  next({ is: 'taken', n: 0, ids: [['delivery']] })
  next({ is: 'changed', n: 0, deliveryId: 'delivery', change: 'cancel', status: 'done' })
  const [story] = storiesOf(readJournal(file))
  expect(story?.taken).toEqual([['delivery']])
  expect(story?.changes.map(({ status }) => status)).toEqual(['done'])
})
