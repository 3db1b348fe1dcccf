// From the end of a run to the row that is written: what is kept, what is evidence, what is told. And what a row remembers between runs.

import { describe, expect, test } from 'vitest'
import type { Claim } from '../../src/contract/storage.ts'
import { dropStale, emptyJournal, type Journal, type OpenCommit, readJournal, readMarker, writeJournal, writeMarker } from '../../src/engine/journal.ts'
import { type Ended, settleOf, settleUnread } from '../../src/engine/settle.ts'
import { Unserved } from '../../src/engine/versioned.ts'

const now = 10_000
const claim = {
  id: 'd',
  tenant: 'ann',
  publicationId: 'p',
  connectionId: 'c',
  platform: 'toy',
  action: 'publish',
  state: 'running',
  priority: 1,
  dueAt: 4_000,
  nextAt: 70_000,
  fence: 3,
  rev: 7,
  starts: 1,
  tries: 1,
  steps: '{}',
  marker: null,
  result: null,
  createdAt: 0,
  body: '{}',
  from: 'scheduled',
  claimedAt: 9_000,
} satisfies Claim
const open: OpenCommit = { name: 'c', request: { a: 1 }, firstSentAt: 1, lastSentAt: 2, sends: 1, provedAbsent: false, uncertain: false, looks: 0 }
const done = [{ name: 'part-0', request: {}, placement: { id: 'id-1' } }]

const ended = (more: Partial<Ended> = {}): Ended => ({
  claim,
  ending: { kind: 'placed', placement: { id: 'id-1', url: 'https://a.example/1' } },
  next: { to: 'published', nextAt: null, tries: 1 },
  journal: { ...emptyJournal(), startedAt: 9_000 },
  open: null,
  proof: 'platform',
  wasUncertain: false,
  placed: undefined,
  exchanges: [],
  startedAt: 9_000,
  now,
  tookMs: 12.7,
  attemptId: 'attempt',
  ...more,
})
const told = (row: ReturnType<typeof settleOf>) => row.event && { type: row.event.type, ...(JSON.parse(row.event.data) as object) }
const journalIn = (row: ReturnType<typeof settleOf>): Journal => readJournal(row.steps)
const postponed = { to: 'scheduled', nextAt: now + 5, tries: 1, reason: { code: 'rate', message: 'Wait.' } } as const

describe('settle', () => {
  test('published: placement, parts, proof, lag, and its ids claimed', () => {
    const row = settleOf(ended({ journal: { ...emptyJournal(), done } }))
    expect(row).toMatchObject({ id: 'd', fence: 3, to: 'published', nextAt: null, tries: 1, placements: ['id-1'] })
    expect(JSON.parse(row.result as string)).toEqual({
      v: 1,
      placement: { id: 'id-1', url: 'https://a.example/1' },
      parts: [{ id: 'id-1' }],
      proof: 'platform',
      at: now,
    })
    expect(told(row)).toMatchObject({ type: 'delivery:published', lagMs: 6_000, proof: 'platform' })
    expect(readMarker(row.marker)).toBeNull()
    expect(row.marker).not.toBeNull()
  })

  test('a removal claims no ids', () => expect(settleOf(ended({ claim: { ...claim, action: 'unpublish' } })).placements).toEqual([]))

  test('an uncertain one may only be looked at from now on, is told once, and counts its looks', () => {
    const next = { to: 'uncertain', nextAt: 5, tries: 1, reason: { code: 'unknown-outcome', message: 'm' } } as const
    const first = settleOf(ended({ ending: { kind: 'uncertain', message: 'm', canLook: true }, next, open }))
    expect(readMarker(first.marker)).toMatchObject({ uncertain: true, looks: 0, request: { a: 1 } })
    expect(told(first)?.type).toBe('delivery:uncertain')
    const again = settleOf(
      ended({ ending: { kind: 'uncertain', message: 'm', canLook: true }, next, open: { ...open, uncertain: true, looks: 1 }, wasUncertain: true }),
    )
    expect(readMarker(again.marker)).toMatchObject({ uncertain: true, looks: 2 })
    expect(told(again)).toBeUndefined()
  })

  test('what waits is told, with why and until when; what comes back at once is not', () => {
    const row = settleOf(ended({ ending: { kind: 'paced', until: now + 5 }, next: postponed }))
    expect(told(row)).toEqual({ type: 'delivery:postponed', reason: { code: 'rate', message: 'Wait.' }, nextAt: now + 5 })
    expect(told(settleOf(ended({ ending: { kind: 'paced', until: now }, next: { ...postponed, nextAt: now } })))).toBeUndefined()
    expect(told(settleOf(ended({ ending: { kind: 'later', afterMs: 5 }, next: { to: 'scheduled', nextAt: now + 5, tries: 1 } })))).toBeUndefined()
  })

  test('a wait stops the clock of the verdict and gives its slot back; a full window keeps the slot', () => {
    const journal = { ...emptyJournal(), startedAt: 9_000, paced: true }
    const refused = { kind: 'reconnect', message: 'm' } as const
    expect(journalIn(settleOf(ended({ ending: refused, next: { ...postponed, stopsTheClock: true }, journal })))).toMatchObject({
      startedAt: now + 5,
      paced: false,
      plannedAt: now + 5,
    })
    expect(journalIn(settleOf(ended({ ending: { kind: 'paced', until: 1 }, next: { ...postponed, stopsTheClock: true }, journal }))).paced).toBe(true)
    expect(journalIn(settleOf(ended({ ending: { kind: 'later', afterMs: 5 }, next: postponed, journal })))).toMatchObject({ startedAt: 9_000, paced: true })
  })

  test('what a human is asked is remembered, and forgotten when something else happens', () => {
    const ask = {
      ending: { kind: 'ask', name: 'a', title: 't' },
      next: { to: 'needs_action', nextAt: null, tries: 1, reason: { code: 'ask', message: 't' } },
    } as const
    const journal = journalIn(settleOf(ended(ask)))
    expect(journal.asked).toBe('a')
    expect(journalIn(settleOf(ended({ ending: { kind: 'paced', until: 1 }, next: postponed, journal }))).asked).toBeNull()
  })

  test('the attempt holds what was done and no content', () => {
    const journal = { ...emptyJournal(), once: { prepare: 'secret value' }, done }
    const data = JSON.parse(settleOf(ended({ journal, open, ending: { kind: 'open', error: undefined, notBefore: 0 }, next: postponed })).attempt.data)
    expect(data).toEqual({
      v: 1,
      from: 'scheduled',
      to: 'scheduled',
      startedAt: 9_000,
      tookMs: 13,
      exchanges: [],
      skipped: 0,
      steps: ['prepare'],
      done: [{ name: 'part-0', placement: { id: 'id-1' } }],
      open: { name: 'c', sends: 1, sentAt: 2 },
      reason: { code: 'rate', message: 'Wait.' },
      nextAt: now + 5,
    })
  })

  test('of many exchanges the first and the last are kept, and how many lie between', () => {
    const exchanges = Array.from({ length: 100 }, (_, i) => ({ method: 'GET', host: 'a.example', path: `/${i}`, status: 200, tookMs: 1 }))
    const data = JSON.parse(settleOf(ended({ exchanges })).attempt.data)
    expect(data.exchanges.map(({ path }: { path: string }) => path)).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `/${i}`),
      ...Array.from({ length: 20 }, (_, i) => `/${80 + i}`),
    ])
    expect(data.skipped).toBe(60)
  })

  test('a row that was not read is left as it is', () => {
    const unread = { ...claim, steps: '{"v":9}', marker: '{"v":9}', result: '{"v":9}' }
    const row = settleUnread(ended({ claim: unread, ending: { kind: 'unserved', message: 'm' }, next: postponed }))
    expect([row.steps, row.marker, row.result, row.placements]).toEqual(['{"v":9}', '{"v":9}', '{"v":9}', []])
  })
})

describe('the journal', () => {
  test('reads what it wrote, and what an older version wrote', () => {
    const journal = { ...emptyJournal(), once: { a: 1 }, done, kept: ['a'], tries: 1 } as unknown as Journal
    expect(readJournal(writeJournal(journal))).toEqual(journal)
    expect(readJournal('{}')).toEqual(emptyJournal())
    expect(readJournal('{"v":1,"once":{"a":1},"done":[]}')).toEqual({ ...emptyJournal(), once: { a: 1 } })
  })

  test.each(['{"v":2}', '[]', 'null', '7'])('leaves %s to a newer version', (text) => {
    expect(() => readJournal(text)).toThrow(Unserved)
    expect(() => readMarker(text)).toThrow(Unserved)
  })

  test('the marker is there exactly as long as something may be on the platform', () => {
    expect(writeMarker(emptyJournal(), null)).toBeNull()
    expect(readMarker(writeMarker(emptyJournal(), open))).toEqual(open)
    expect(writeMarker({ ...emptyJournal(), done }, null)).not.toBeNull()
  })

  test('stale forgets what was prepared since the last commit; where that did not help, all of it', () => {
    const journal = { ...emptyJournal(), once: { early: 1, late: 2 }, kept: ['early'], done }
    const first = dropStale(journal)
    expect([first.once, first.stale, first.done]).toEqual([{ early: 1 }, 1, done])
    expect([dropStale(first).once, dropStale(first).stale]).toEqual([{}, 2])
  })
})
