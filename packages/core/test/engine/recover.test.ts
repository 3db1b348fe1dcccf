// What to do about a commit of unknown outcome, for every recovery class.

import { describe, expect, test } from 'vitest'
import type { Recovery } from '../../src/contract/kind.ts'
import { type Known, leavesWithinMs, recover, settledAt } from '../../src/engine/recover.ts'

const sentAt = 1_000_000
const known = (recovery: Recovery, more: Partial<Omit<Known, 'open'>> & { open?: Partial<Known['open']> } = {}): Known => ({
  recovery,
  now: sentAt,
  timeoutMs: 20_000,
  canFind: true,
  onUncertain: 'hold',
  ...more,
  open: {
    name: 'c',
    request: null,
    firstSentAt: sentAt,
    lastSentAt: sentAt,
    sends: 1,
    provedAbsent: false,
    uncertain: false,
    looks: 0,
    ...more.open,
  },
})
const settled = sentAt + 20_000 + 60_000 + leavesWithinMs

describe('idempotent', () => {
  test('for ever: the same again, at once', () => expect(recover(known({ class: 'idempotent' }, { now: sentAt + 1e12 }))).toEqual({ do: 'send' }))
  test('with a delay: the same again, once the first could be there', () => {
    const recovery = { class: 'idempotent', settleMs: 30_000 } as const
    const until = sentAt + 30_000 + leavesWithinMs
    expect(recover(known(recovery))).toEqual({ do: 'wait', until })
    expect(recover(known(recovery, { now: until }))).toEqual({ do: 'send' })
  })
  test('for a while: not in the last sixth of it, by the first send', () => {
    const recovery = { class: 'idempotent', forMs: 3_600_000 } as const
    const more = { open: { lastSentAt: sentAt + 2_999_000 } }
    expect(recover(known(recovery, { now: sentAt + 2_999_999, ...more }))).toEqual({ do: 'send' })
    expect(recover(known(recovery, { now: sentAt + 3_000_000, ...more })).do).toBe('look')
    expect(recover(known(recovery, { now: sentAt + 3_000_000, canFind: false, ...more })).do).toBe('give-up')
  })
})

describe.each(['two-phase', 'look-up'] as const)('%s', (name) => {
  const recovery = { class: name, settleMs: 60_000 } as const
  test('looks at once and believes that it is absent only later', () => expect(recover(known(recovery))).toEqual({ do: 'look', absentAt: settled }))
  test('without a way to look nobody knows', () => expect(recover(known(recovery, { canFind: false }))).toMatchObject({ do: 'give-up', canLook: false }))
  test('and who wants it sent again has it sent again', () =>
    expect(recover(known(recovery, { canFind: false, onUncertain: 'retry' }))).toEqual({ do: 'send' }))
})

test('a probe is sent again, once the first could be there', () => {
  const recovery = { class: 'probe', settleMs: 60_000 } as const
  expect(recover(known(recovery, { now: settled - 1 }))).toEqual({ do: 'wait', until: settled })
  expect(recover(known(recovery, { now: settled }))).toEqual({ do: 'send' })
})

describe('blind', () => {
  test('is never sent again by itself', () => expect(recover(known({ class: 'blind' }, { canFind: false }))).toMatchObject({ do: 'give-up', canLook: false }))
  test('is not dropped in silence either', () => expect(recover(known({ class: 'blind' }, { canFind: false, onUncertain: 'drop' })).do).toBe('give-up'))
  test('is sent again where duplicates are accepted', () =>
    expect(recover(known({ class: 'blind' }, { canFind: false, onUncertain: 'retry' })).do).toBe('send'))
})

test('what is uncertain is never sent again, whatever the class and the policy, and absence is never believed', () => {
  for (const recovery of [
    { class: 'idempotent' },
    { class: 'two-phase', settleMs: 1 },
    { class: 'look-up', settleMs: 1 },
    { class: 'probe', settleMs: 1 },
    { class: 'blind' },
  ] as const)
    for (const onUncertain of ['hold', 'retry', 'drop'] as const) {
      const open = { uncertain: true }
      expect(recover(known(recovery, { now: sentAt + 1e12, open, onUncertain }))).toEqual({ do: 'look', absentAt: Number.POSITIVE_INFINITY })
      expect(recover(known(recovery, { now: sentAt + 1e12, open, onUncertain, canFind: false }))).toMatchObject({ do: 'give-up', canLook: false })
    }
})

test('a send has arrived for certain only after the time to leave, its time-out and the platform’s own delay, counted from the last one', () => {
  expect(settledAt(known({ class: 'look-up', settleMs: 60_000 }))).toBe(settled)
  expect(settledAt(known({ class: 'look-up', settleMs: 60_000 }, { open: { lastSentAt: sentAt + 500 } }))).toBe(settled + 500)
  expect(settledAt(known({ class: 'blind' }))).toBe(sentAt + 20_000 + leavesWithinMs)
})
