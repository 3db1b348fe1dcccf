// Where a delivery goes after a run: the whole table by hand, and what must hold for every ending in every situation.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ErrorCode, errorCodes, PublishError } from '../../src/contract/error.ts'
import {
  defaultGiveUpAfterMs,
  defaultMaxLatenessMs,
  defaultRetryAfterMs,
  type Ending,
  lookAgainAfterMs,
  type Next,
  nextStep,
  type Situation,
} from '../../src/engine/next-step.ts'

const minute = 60_000
const hour = 60 * minute
const at = Date.UTC(2026, 10, 20, 9)

const situation = (more: Partial<Situation> = {}): Situation => ({
  action: 'publish',
  now: at,
  dueAt: at,
  startedAt: at,
  tries: 0,
  done: 0,
  open: false,
  uncertain: false,
  stale: 0,
  reconciles: 0,
  looks: 0,
  chance: 0,
  policy: { retryAfterMs: defaultRetryAfterMs, maxLatenessMs: defaultMaxLatenessMs, giveUpAfterMs: defaultGiveUpAfterMs, onUncertain: 'hold' },
  ...more,
})
const refusedWith = (code: ErrorCode, retryAfterMs?: number): Ending => ({
  kind: 'refused',
  error: new PublishError(code, `Toy says ${code}.`, { outcome: 'not-published', retryAfterMs }),
})
const openWith = (retryAfterMs = 0): Ending => ({ kind: 'open', error: new PublishError('transient', 'Lost.'), notBefore: at + retryAfterMs })
const placed: Ending = { kind: 'placed', placement: { id: '1' } }
const policy = (more: Partial<Situation['policy']>): Partial<Situation> => ({ policy: { ...situation().policy, ...more } })

/** What is decided, with instants counted from now. */
const said = (ending: Ending, more: Partial<Situation> = {}): readonly [to: string, inMs: number | null, tries: number, code: string | undefined] => {
  const s = situation(more)
  const { to, nextAt, tries, reason } = nextStep(ending, s)
  return [to, nextAt === null ? null : nextAt - s.now, tries, reason?.code]
}

describe('nothing is on the platform', () => {
  const rows: readonly (readonly [string, Ending, Partial<Situation>, ReturnType<typeof said>])[] = [
    ['a placement is published', placed, {}, ['published', null, 0, undefined]],
    ['later comes back when it said', { kind: 'later', afterMs: 15_000 }, {}, ['scheduled', 15_000, 0, undefined]],
    ['later past the time to give up fails', { kind: 'later', afterMs: 2 * hour }, {}, ['failed', null, 0, 'gave-up']],
    ['later without an end is given up', { kind: 'later', afterMs: Number.POSITIVE_INFINITY }, {}, ['failed', null, 0, 'gave-up']],
    ['a full window comes back when it ends', { kind: 'paced', until: at + hour }, {}, ['scheduled', hour, 0, 'rate']],
    [
      'a window that ends after it would be late is told when it is late',
      { kind: 'paced', until: at + 30 * hour },
      {},
      ['scheduled', 24 * hour + 1, 0, 'rate'],
    ],
    ['a window that has ended meanwhile comes back now', { kind: 'paced', until: at - 5 }, {}, ['scheduled', 0, 0, 'rate']],
    ['a step for a human waits for one', { kind: 'ask', name: 'a', title: 'Type it in.' }, {}, ['needs_action', null, 0, 'ask']],
    ['a lost account waits for being connected again', refusedWith('auth'), {}, ['scheduled', 6 * hour, 0, 'reconnect']],
    ['and no longer than it may be late', refusedWith('auth'), { dueAt: at - 20 * hour }, ['scheduled', 4 * hour + 1, 0, 'reconnect']],
    ['an account to be connected again waits', { kind: 'reconnect', message: 'Connect again.' }, {}, ['scheduled', 6 * hour, 0, 'reconnect']],
    ['no permission fails', refusedWith('permission'), {}, ['failed', null, 0, 'permission']],
    ['invalid fails', refusedWith('invalid'), {}, ['failed', null, 0, 'invalid']],
    ['media fails', refusedWith('media'), {}, ['failed', null, 0, 'media']],
    ['a duplicate fails', refusedWith('duplicate'), {}, ['failed', null, 0, 'duplicate']],
    ['policy fails', refusedWith('policy'), {}, ['failed', null, 0, 'policy']],
    ['setup fails', refusedWith('setup'), {}, ['failed', null, 0, 'setup']],
    ['gone fails a publish', refusedWith('gone'), {}, ['failed', null, 0, 'gone']],
    ['gone ends an unpublish well', refusedWith('gone'), { action: 'unpublish' }, ['published', null, 0, undefined]],
    ['a limit with a time waits as told and uses no try', refusedWith('rate', 40_000), { tries: 2 }, ['scheduled', 40_000, 2, 'rate']],
    ['a limit without a time waits a quarter of an hour', refusedWith('rate'), { tries: 2 }, ['scheduled', 15 * minute, 2, 'rate']],
    ['a limit that is over already waits a second', refusedWith('rate', 0), {}, ['scheduled', 1_000, 0, 'rate']],
    ['a time that is none is a second', refusedWith('rate', Number.NaN), {}, ['scheduled', 1_000, 0, 'rate']],
    ['not ready is asked again in half a minute', refusedWith('not-ready'), {}, ['scheduled', 30_000, 0, 'not-ready']],
    ['not ready for too long is given up', refusedWith('not-ready'), { startedAt: at - hour }, ['failed', null, 0, 'gave-up']],
    ['the first failure waits five minutes', refusedWith('transient'), {}, ['scheduled', 5 * minute, 1, 'transient']],
    ['the second fifteen', refusedWith('transient'), { tries: 1 }, ['scheduled', 15 * minute, 2, 'transient']],
    ['the third thirty', refusedWith('unknown'), { tries: 2 }, ['scheduled', 30 * minute, 3, 'unknown']],
    ['the fourth is the last', refusedWith('transient'), { tries: 3 }, ['failed', null, 4, 'transient']],
    ['a fault that says when to come back uses no try', refusedWith('transient', 7_000), { tries: 3 }, ['scheduled', 7_000, 3, 'transient']],
    ['a plan of its own', refusedWith('transient'), policy({ retryAfterMs: [3_000] }), ['scheduled', 3_000, 1, 'transient']],
    ['a plan without retries', refusedWith('transient'), policy({ retryAfterMs: [] }), ['failed', null, 1, 'transient']],
    ['stale prepares again at once', refusedWith('stale'), { stale: 2 }, ['scheduled', 0, 0, 'stale']],
    ['but not a fourth time', refusedWith('stale'), { stale: 3 }, ['failed', null, 0, 'stale']],
    ['a bug is retried like a fault', { kind: 'bug', message: 'TypeError' }, {}, ['scheduled', 5 * minute, 1, 'setup']],
    ['a bug that stays fails', { kind: 'bug', message: 'TypeError' }, { tries: 3 }, ['failed', null, 4, 'setup']],
    ['poison fails', { kind: 'poison' }, {}, ['failed', null, 0, 'poison']],
    ['too late is missed', { kind: 'late' }, { dueAt: at - 25 * hour }, ['missed', null, 0, 'late']],
    [
      'what this process cannot do waits for another and uses no try',
      { kind: 'unserved', message: 'No adapter.' },
      { tries: 3 },
      ['scheduled', 15 * minute, 3, 'setup'],
    ],
    ['until it is too late', { kind: 'unserved', message: 'No adapter.' }, { dueAt: at - 25 * hour }, ['missed', null, 0, 'late']],
  ]
  test.each(rows)('%s', (_, ending, more, expected) => expect(said(ending, more)).toEqual(expected))
})

describe('a commit may be on the platform', () => {
  const open = { open: true } as const
  const rows: readonly (readonly [string, Ending, Partial<Situation>, ReturnType<typeof said>])[] = [
    ['the first look comes at once', openWith(), open, ['scheduled', 2_000, 0, 'unknown-outcome']],
    ['looks become rare', openWith(), { ...open, reconciles: 3 }, ['scheduled', 2 * minute, 0, 'unknown-outcome']],
    ['and stay at five minutes', openWith(), { ...open, reconciles: 30 }, ['scheduled', 5 * minute, 0, 'unknown-outcome']],
    ['not before the platform had its time', openWith(90_000), open, ['scheduled', 90_000, 0, 'unknown-outcome']],
    ['past the time to give up it is uncertain', openWith(), { ...open, startedAt: at - hour }, ['uncertain', 5 * minute, 0, 'unknown-outcome']],
    ['nobody can know: uncertain', { kind: 'uncertain', message: 'Who knows.', canLook: true }, open, ['uncertain', 5 * minute, 0, 'unknown-outcome']],
    ['nobody can look: it waits for a human', { kind: 'uncertain', message: 'Who knows.', canLook: false }, open, ['uncertain', null, 0, 'unknown-outcome']],
    ['a refusal before the look is no failure', refusedWith('permission'), open, ['uncertain', 5 * minute, 0, 'unknown-outcome']],
    ['poison is no failure', { kind: 'poison' }, open, ['uncertain', 5 * minute, 0, 'unknown-outcome']],
    ['a bug to the end is no failure', { kind: 'bug', message: 'TypeError' }, { ...open, tries: 3 }, ['uncertain', 5 * minute, 4, 'unknown-outcome']],
    ['being late is no miss', { kind: 'late' }, { ...open, dueAt: at - 25 * hour }, ['uncertain', 5 * minute, 0, 'unknown-outcome']],
    [
      'drop: no look',
      { kind: 'uncertain', message: '', canLook: true },
      { ...open, ...policy({ onUncertain: 'drop' }) },
      ['uncertain', null, 0, 'unknown-outcome'],
    ],
    ['a lost account waits', refusedWith('auth'), open, ['scheduled', 6 * hour, 0, 'reconnect']],
    ['but not for ever', refusedWith('auth'), { ...open, dueAt: at - 25 * hour }, ['uncertain', 5 * minute, 0, 'unknown-outcome']],
  ]
  test.each(rows)('%s', (_, ending, more, expected) => expect(said(ending, more)).toEqual(expected))

  test('an uncertain one is looked for after 5 minutes, 30 minutes and 6 hours, and then waits for a human', () => {
    const look: Ending = { kind: 'uncertain', message: 'Not found.', canLook: true }
    const pauses = [0, 1, 2, 3, 4].map((looks) => said(look, { ...open, uncertain: looks > 0, looks })[1])
    expect(pauses).toEqual([5 * minute, 30 * minute, 6 * hour, null, null])
    expect(lookAgainAfterMs).toEqual([5 * minute, 30 * minute, 6 * hour])
  })

  test('whatever goes wrong with a look, it is as uncertain as before and uses no try', () => {
    const endings: Ending[] = [
      ...errorCodes.map((code) => refusedWith(code)),
      openWith(),
      { kind: 'bug', message: 'TypeError' },
      { kind: 'later', afterMs: 5 },
      { kind: 'paced', until: at + 5 },
      { kind: 'reconnect', message: 'Connect.' },
      { kind: 'unserved', message: 'No adapter.' },
      { kind: 'poison' },
    ]
    for (const ending of endings)
      expect(said(ending, { ...open, uncertain: true, looks: 1, tries: 2 }), JSON.stringify(ending)).toEqual(['uncertain', 30 * minute, 2, 'unknown-outcome'])
    expect(said(placed, { ...open, uncertain: true, looks: 1 })[0]).toBe('published')
  })
})

describe('parts are on the platform', () => {
  test.each(['permission', 'invalid', 'media', 'duplicate', 'policy', 'setup', 'gone'] as const)('%s of the next one needs a human, with the count', (code) => {
    expect(said(refusedWith(code), { done: 2 })).toEqual(['needs_action', null, 0, 'partial'])
    expect(nextStep(refusedWith(code), situation({ done: 2 })).reason?.message).toMatch(/^Of it, 2 parts went out and the rest did not\. Toy says/)
  })
  test('giving up after a commit is uncertain, and nothing can look', () => {
    expect(said({ kind: 'later', afterMs: 2 * hour }, { done: 1 })).toEqual(['uncertain', null, 0, 'unknown-outcome'])
  })
  test('it does not wait for a limit or an account for ever', () => {
    for (const ending of [
      refusedWith('rate', 5_000),
      refusedWith('auth'),
      { kind: 'paced', until: at + hour } as const,
      { kind: 'unserved', message: '' } as const,
    ]) {
      expect(said(ending, { done: 1 })[0]).toBe('scheduled')
      expect(said(ending, { done: 1, dueAt: at - 25 * hour })[0]).toBe('needs_action')
    }
  })
})

test('what waits for a limit, a retry or a human does not use up its time to the verdict', () => {
  for (const ending of [refusedWith('rate'), refusedWith('auth'), refusedWith('transient'), { kind: 'paced', until: at + hour } as const])
    expect(nextStep(ending, situation()).stopsTheClock, ending.kind).toBe(true)
  for (const ending of [{ kind: 'later', afterMs: 5 } as const, refusedWith('not-ready'), openWith()])
    expect(nextStep(ending, situation({ open: ending.kind === 'open' })).stopsTheClock, ending.kind).toBeUndefined()
})

// ---- for every ending in every situation

const anyMs = fc.oneof(fc.integer({ min: 0, max: 100 * 24 * hour }), fc.constantFrom(0, 1, Number.POSITIVE_INFINITY, Number.NaN, -5))
const anyEnding: fc.Arbitrary<Ending> = fc.oneof(
  fc.constant(placed),
  anyMs.map((afterMs): Ending => ({ kind: 'later', afterMs: Math.max(0, afterMs) })),
  fc.integer({ min: -hour, max: 100 * hour }).map((inMs): Ending => ({ kind: 'paced', until: at + inMs })),
  fc.constant<Ending>({ kind: 'ask', name: 'a', title: 'Do it.' }),
  fc.record({ code: fc.constantFrom(...errorCodes), ms: fc.option(anyMs, { nil: undefined }) }).map(({ code, ms }) => refusedWith(code, ms)),
  anyMs.map((ms): Ending => ({ kind: 'open', error: undefined, notBefore: ms })),
  fc.boolean().map((canLook): Ending => ({ kind: 'uncertain', message: 'm', canLook })),
  fc.constantFrom<Ending>(
    { kind: 'reconnect', message: 'm' },
    { kind: 'bug', message: 'm' },
    { kind: 'unserved', message: 'm' },
    { kind: 'poison' },
    { kind: 'late' },
  ),
)
const anySituation = fc
  .record({
    action: fc.constantFrom('publish', 'update', 'unpublish', 'refresh'),
    lateMs: fc.integer({ min: 0, max: 60 * hour }),
    ranMs: fc.integer({ min: 0, max: 3 * hour }),
    tries: fc.integer({ min: 0, max: 6 }),
    done: fc.integer({ min: 0, max: 3 }),
    open: fc.boolean(),
    uncertain: fc.boolean(),
    stale: fc.integer({ min: 0, max: 4 }),
    reconciles: fc.integer({ min: 0, max: 50 }),
    looks: fc.integer({ min: 0, max: 5 }),
    chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    onUncertain: fc.constantFrom('hold', 'retry', 'drop'),
  })
  .map(({ lateMs, ranMs, onUncertain, ...s }) =>
    situation({ ...s, uncertain: s.uncertain && s.open, dueAt: at - lateMs, startedAt: at - ranMs, ...policy({ onUncertain }) } as Partial<Situation>),
  )
const always = (holds: (next: Next, s: Situation, ending: Ending) => void) =>
  fc.assert(
    fc.property(anyEnding, anySituation, (ending, s) => void holds(nextStep(ending, s), s, ending)),
    { numRuns: 5_000 },
  )

describe('for every ending in every situation', () => {
  test('failed and missed mean that nothing is on the platform', () =>
    always(({ to }, s) => {
      if (to === 'failed' || to === 'missed') expect([s.open, s.done]).toEqual([false, 0])
    }))
  test('published needs a placement, or something that was to be removed and is gone', () =>
    always(({ to }, s, ending) => {
      if (to === 'published')
        expect(ending.kind === 'placed' || (ending.kind === 'refused' && ending.error.code === 'gone' && s.action === 'unpublish')).toBe(true)
    }))
  test('what is final waits for nothing, and what is scheduled waits for a real moment that has not passed', () =>
    always(({ to, nextAt }, s) => {
      if (to === 'scheduled') expect(nextAt !== null && Number.isFinite(nextAt) && nextAt >= s.now).toBe(true)
      else if (to === 'uncertain') expect(nextAt === null || nextAt > s.now).toBe(true)
      else expect(nextAt).toBeNull()
    }))
  test('tries never shrink, and grow by one at most', () => always(({ tries }, s) => expect([s.tries, s.tries + 1]).toContain(tries)))
  test('only a fault uses a try', () =>
    always(({ tries }, s, ending) => {
      const isFault = ending.kind === 'bug' || (ending.kind === 'refused' && ['transient', 'unknown'].includes(ending.error.code))
      if (!isFault) expect(tries).toBe(s.tries)
    }))
  test('a limit that the platform tells is waited for, and at most a tenth longer', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 20 * hour }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (ms, chance) => {
        const { nextAt } = nextStep(refusedWith('rate', ms), situation({ chance }))
        expect(nextAt).toBeGreaterThanOrEqual(at + ms)
        expect(nextAt).toBeLessThanOrEqual(at + ms * 1.1 + 1)
      }),
    ))
  test('a retry comes after its pause, and at most a tenth later', () =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (tries, chance) => {
        const pause = [5, 15, 30][tries] as number
        const [, ms] = said(refusedWith('transient'), { tries, chance })
        expect(ms).toBeGreaterThanOrEqual(pause * minute)
        expect(ms).toBeLessThanOrEqual(pause * minute * 1.1 + 1)
      }),
    ))
  test('whoever is not told to wait longer comes back within the time to give up', () =>
    always((next, s, ending) => {
      if (next.to === 'scheduled' && (ending.kind === 'later' || ending.kind === 'open'))
        expect((next.nextAt as number) - s.startedAt).toBeLessThanOrEqual(defaultGiveUpAfterMs)
    }))
  test('where nothing is out, it never waits beyond the moment at which it is missed', () =>
    always((next, s, ending) => {
      const waits = ending.kind === 'paced' || ending.kind === 'reconnect' || (ending.kind === 'refused' && ['rate', 'auth'].includes(ending.error.code))
      if (next.to === 'scheduled' && waits && !s.open && s.done === 0)
        expect(next.nextAt).toBeLessThanOrEqual(Math.max(s.now, s.dueAt + defaultMaxLatenessMs + 1))
    }))
  test('everything but a placement, a `later` and its own end has a reason that people can read', () =>
    always((next, _s, ending) => {
      if (next.to !== 'published' && ending.kind !== 'later') expect(next.reason?.code).toBeDefined()
    }))
})
