// The rules of one run: `once`, `commit`, `later`, `ask`. What is kept, what ends it, what an adapter cannot do by mistake.

import { beforeEach, describe, expect, test } from 'vitest'
import { PublishError } from '../../src/contract/error.ts'
import type { Placement } from '../../src/contract/kind.ts'
import { emptyJournal, type Journal, longestJournal, type OpenCommit } from '../../src/engine/journal.ts'
import { createLease, moment } from '../../src/engine/lease.ts'
import { createRun, type Running } from '../../src/engine/run.ts'
import type { RunPorts } from '../../src/engine/run-state.ts'
import { quickClock } from './rig.ts'

type Steps = Running['steps']
const clock = quickClock()
let journal: Journal
let ports: RunPorts
/** What the database holds after each save. */
let saved: { once: Record<string, unknown>; open: OpenCommit | null }[]
let running: Running

const begin = (more: Partial<RunPorts> = {}): void => {
  ports = {
    journal,
    open: null,
    lease: createLease(clock, moment(clock), 60_000),
    now: () => clock.now(),
    latest: () => clock.now(),
    save: async () => {
      await clock.sleep(5)
      saved.push(structuredClone({ once: ports.journal.once, open: ports.open }))
    },
    quota: async () => undefined,
    claimed: async () => [],
    owns: async () => true,
    recovery: { class: 'idempotent' },
    onUncertain: 'hold',
    timeoutMs: 20_000,
    ...more,
  }
  running = createRun(ports)
}
const perform = (method: (steps: Steps) => Promise<Placement | undefined>) => clock.drive(running.perform(() => method(running.steps)))
beforeEach(() => {
  journal = emptyJournal()
  saved = []
  begin()
})
const there = { id: 'there' }
const bug = async (method: (steps: Steps) => Promise<Placement | undefined>): Promise<string> => {
  const ending = await perform(method)
  expect(ending.kind).toBe('bug')
  return ending.kind === 'bug' ? ending.message : ''
}
const commit = (steps: Steps, name = 'c', send: () => Promise<Placement> = async () => there) => steps.commit(name, { request: { a: 1 }, send })

describe('once', () => {
  test('a later run gets what the first one saved, and does not work again', async () => {
    await perform(async ({ once }) => ({ id: await once('a', async () => 'from the first') }))
    begin()
    expect(await perform(async ({ once }) => ({ id: await once('a', async () => 'from the second') }))).toEqual({
      kind: 'placed',
      placement: { id: 'from the first' },
    })
    expect(saved).toHaveLength(1)
  })

  test('what a later run gets is what the first one got: no undefined members, no class instances', async () => {
    const values: unknown[] = []
    const work = async ({ once }: Steps) => {
      values.push(await once('a', async () => ({ at: new Date(0), gone: undefined, list: [undefined] }) as never))
      return there
    }
    await perform(work)
    begin()
    await perform(work)
    expect(values[1]).toEqual(values[0])
    expect(values[0]).toEqual({ at: '1970-01-01T00:00:00.000Z', list: [null] })
  })

  test('work without a result is done once as well', async () => {
    let worked = 0
    const work = async ({ once }: Steps) => {
      await once('a', async () => {
        worked += 1
      })
      return there
    }
    await perform(work)
    begin()
    await perform(work)
    expect(worked).toBe(1)
  })

  test('steps side by side are all saved, whatever their order', async () => {
    await perform(async ({ once }) => {
      await Promise.all([3, 1, 2].map((n) => once(`s${n}`, async () => clock.sleep(n * 10).then(() => n))))
      return there
    })
    expect(saved.at(-1)?.once).toEqual({ s1: 1, s2: 2, s3: 3 })
  })

  test('what is done is not done again because a step beside it failed', async () => {
    await perform(async ({ once }) => {
      await Promise.all([once('good', async () => clock.sleep(50).then(() => 1)), once('bad', async () => Promise.reject(new Error('no')))])
      return there
    })
    expect(journal.once).toEqual({ good: 1 })
  })

  test('a failed step is not saved', async () => {
    await perform(({ once }) => once('a', async () => Promise.reject(new PublishError('invalid', 'No.'))))
    expect(journal.once).toEqual({})
  })

  test('more than 64 kB is refused and not kept, by this run or the next', async () => {
    const work = async ({ once }: Steps) => ({ id: await once('big', async () => 'x'.repeat(longestJournal)) })
    expect(await bug(work)).toMatch(/take \d+ bytes, 65536 at most/)
    expect(journal.once).toEqual({})
    begin()
    expect(await bug(work)).toMatch(/65536 at most/)
  })

  test('bytes are counted, not characters', async () =>
    expect(await bug(async ({ once }) => ({ id: await once('big', async () => '€'.repeat(30_000)) }))).toMatch(/at most/))

  test('two steps of one name are a bug', async () =>
    expect(
      await bug(async ({ once }) => {
        await once('a', async () => 1)
        await once('a', async () => 2)
        return there
      }),
    ).toMatch(/Two steps of one run are called `a`/))

  test.each(['', '__proto__'])('the name %j is none', async (name) =>
    expect(await bug(({ once }) => once(name, async () => there as never))).toMatch(/another name/),
  )

  test.each(['constructor', 'toString', 'hasOwnProperty'])('the name %s is a name like any other', async (name) => {
    expect(await perform(async ({ once }) => ({ id: await once(name, async () => 'mine') }))).toEqual({ kind: 'placed', placement: { id: 'mine' } })
    expect((await perform(({ ask }) => ask(name, { title: 'By hand.', steps: [] }))).kind).not.toBe('placed')
  })

  test('nothing begins once the lease is lost', async () => {
    ports.lease.lose()
    let worked = false
    const ending = await perform(async ({ once }) => {
      await once('a', async () => {
        worked = true
      })
      return there
    })
    expect([ending.kind, worked]).toEqual(['refused', false])
  })

  test('what was done while the lease was lost is not written over another worker’s', async () => {
    await perform(async ({ once }) => {
      await once('a', async () => ports.lease.lose())
      return there
    })
    expect(saved).toEqual([])
  })
})

describe('later', () => {
  test('ends the run, whatever the adapter catches', async () => {
    const ending = await perform(async ({ later, once }) => {
      try {
        later(5_000)
      } catch {
        await once('after', async () => 1).catch(() => undefined)
      }
      return there
    })
    expect(ending).toEqual({ kind: 'later', afterMs: 5_000 })
    expect(saved).toEqual([])
  })

  test('of several side by side the earliest counts, also when it speaks last', async () => {
    const ending = await perform(async ({ once, later }) => {
      await Promise.all([
        once('a', async () => later(60_000)),
        once('b', async () => clock.sleep(20).then(() => later(10_000))),
        once('c', async () => later(30_000)),
      ])
      return there
    })
    expect(ending).toEqual({ kind: 'later', afterMs: 10_000 })
  })

  test('is no result of the step it is in', async () => {
    await perform(async ({ once, later }) => {
      await once('a', async () => later(1_000))
      return there
    })
    expect(journal.once).toEqual({})
  })

  test('counts no less than nothing, and not a number is a bug', async () => {
    expect(await perform(async ({ later }) => later(-5))).toEqual({ kind: 'later', afterMs: 0 })
    begin()
    expect(await bug(async ({ later }) => later(Number.NaN))).toMatch(/NaN/)
  })
})

describe('ask', () => {
  test('ends the run, and the answer comes back later', async () => {
    const work = ({ ask }: Steps) => ask('post-it', { title: 'Post it by hand.', steps: ['Open the site.'] })
    expect(await perform(work)).toEqual({ kind: 'ask', name: 'post-it', title: 'Post it by hand.' })
    journal.answers = { 'post-it': { id: 'by-hand' } }
    begin()
    expect(await perform(work)).toEqual({ kind: 'placed', placement: { id: 'by-hand' } })
  })
})

describe('commit', () => {
  test('the request is in the database before anything is sent, and is what is sent', async () => {
    const request = { text: 'frozen' }
    await perform((steps) =>
      steps.commit('c', {
        request,
        send: async (sent) => {
          expect(saved.at(-1)?.open?.request).toEqual(sent)
          expect(sent).toEqual({ text: 'frozen' })
          expect(sent).not.toBe(request)
          return there
        },
      }),
    )
    expect(saved).toHaveLength(1)
  })

  test('a write that is not confirmed means no send', async () => {
    begin({ save: async () => Promise.reject(new Error('ECONNRESET')) })
    let sent = false
    const ending = await perform((steps) =>
      commit(steps, 'c', async () => {
        sent = true
        return there
      }),
    )
    expect(sent).toBe(false)
    expect(ending).toMatchObject({ kind: 'refused', error: { code: 'transient', outcome: 'not-published' } })
    expect(ports.open).toBeNull()
  })

  test('the adapter cannot catch that away', async () => {
    begin({ save: async () => Promise.reject(new Error('ECONNRESET')) })
    const ending = await perform(async (steps) => {
      await commit(steps).catch(() => undefined)
      return there
    })
    expect(ending.kind).toBe('refused')
  })

  test('too little of the lease is left: not sent', async () => {
    begin({ timeoutMs: 59_000 })
    const ending = await perform((steps) => commit(steps, 'c', async () => Promise.reject(new Error('it was sent'))))
    expect(ending).toMatchObject({ kind: 'refused', error: { outcome: 'not-published' } })
    expect(ports.open).toBeNull()
  })

  test('two at a time are a bug, and only one of them is sent', async () => {
    const sent: string[] = []
    const send = (name: string) => async () => {
      sent.push(name)
      return { id: name }
    }
    expect(await bug(async (steps) => (await Promise.all([commit(steps, 'a', send('a')), commit(steps, 'b', send('b'))]))[0])).toMatch(/it runs alone/)
    expect(sent).toEqual(['a'])
    expect(journal.done.map(({ name }) => name)).toEqual(['a'])
  })

  test('a commit during a step is a bug and is not sent', async () =>
    expect(
      await bug(async (steps) => {
        await steps.once('a', () => commit(steps) as never)
        return there
      }),
    ).toMatch(/it runs alone/))

  test('a step during a commit is a bug', async () => {
    const ending = await perform((steps) => commit(steps, 'c', async () => ({ id: await steps.once('inside', async () => 'x') })))
    expect(ending.kind).toBe('open')
    expect(journal.once).toEqual({})
  })

  test('a step that nobody awaited, before a commit, is a bug and the commit is not sent', async () => {
    let sent = false
    await bug(async (steps) => {
      void steps.once('slow', () => clock.sleep(100))
      return commit(steps, 'c', async () => {
        sent = true
        return there
      })
    })
    expect(sent).toBe(false)
  })

  test('a commit that nobody awaited is waited for, and what it did is known', async () => {
    expect(
      await bug(async (steps) => {
        void commit(steps, 'c', () => clock.sleep(100).then(() => there))
        return { id: 'too early' }
      }),
    ).toMatch(/Await them/)
    expect(journal.done).toMatchObject([{ name: 'c', placement: there }])
    expect(ports.open).toBeNull()
  })

  test('a finished one is not sent again: its placement comes back', async () => {
    await perform((steps) => commit(steps))
    begin()
    const ending = await perform((steps) => commit(steps, 'c', async () => Promise.reject(new Error('it was sent again'))))
    expect(ending).toEqual({ kind: 'placed', placement: there })
  })

  test('without an id in the answer nobody knows what happened', async () => {
    expect((await perform((steps) => commit(steps, 'c', async () => ({}) as Placement))).kind).toBe('open')
    expect(ports.open).toMatchObject({ name: 'c', sends: 1 })
  })

  test('an error that says nothing leaves it open; a definite refusal does not', async () => {
    expect((await perform((steps) => commit(steps, 'c', async () => Promise.reject(new TypeError('x is undefined'))))).kind).toBe('open')
    begin()
    expect(await perform((steps) => commit(steps, 'c', async () => Promise.reject(new PublishError('invalid', 'No.'))))).toMatchObject({ kind: 'refused' })
    expect(ports.open).toBeNull()
  })

  test('what the adapter returns is kept as a placement and nothing more', async () => {
    const ending = await perform(
      async (steps) => ({ ...(await commit(steps, 'c', async () => ({ ...there, secretish: 'x' }) as Placement)), more: 1 }) as Placement,
    )
    expect(ending).toEqual({ kind: 'placed', placement: there })
    expect(journal.done[0]?.placement).toEqual(there)
  })

  test('another commit than the one that is open: uncertain, and nothing is sent', async () => {
    begin({ open: { name: 'old', request: 1, firstSentAt: 0, lastSentAt: 0, sends: 1, provedAbsent: false, uncertain: false, looks: 0 } })
    const ending = await perform((steps) => commit(steps, 'new', async () => Promise.reject(new Error('it was sent'))))
    expect(ending).toMatchObject({ kind: 'uncertain', canLook: false })
    expect(ports.open?.name).toBe('old')
  })

  test('coming back without coming to the open commit is a bug', async () => {
    begin({ open: { name: 'old', request: 1, firstSentAt: 0, lastSentAt: 0, sends: 1, provedAbsent: false, uncertain: false, looks: 0 } })
    expect(await bug(async () => there)).toMatch(/without coming to the commit `old`/)
  })
})

describe('the end', () => {
  test.each([undefined, {}, { id: '' }, { id: 7 }])('%j is no placement', async (value) =>
    expect(await bug(async () => value as never)).toMatch(/without the id/),
  )

  test('a method that throws in the turn it is called ends like any other', async () => {
    expect(
      await perform(() => {
        throw new TypeError('sync')
      }),
    ).toMatchObject({ kind: 'bug', message: 'TypeError: sync' })
    expect(await perform(() => Promise.reject('a text'))).toMatchObject({ kind: 'bug', message: 'Something other than an error was thrown.' })
  })

  test('what an adapter left running can do nothing more', async () => {
    let late: Promise<unknown> = Promise.resolve()
    let sent = false
    await perform(async (steps) => {
      late = clock.sleep(1_000).then(() =>
        commit(steps, 'late', async () => {
          sent = true
          return there
        }),
      )
      late.catch(() => undefined)
      return { id: 'x' }
    })
    await clock.pass(5_000)
    await expect(late).rejects.toThrow('The run has ended')
    expect(sent).toBe(false)
    expect(running.mode('POST')).toBe('silent')
  })

  test('on the way to an open commit nothing is asked; in its look everything is a read; in its send everything is the commit', async () => {
    const modes: string[] = []
    begin({
      recovery: { class: 'look-up', settleMs: 60_000 },
      open: { name: 'c', request: 1, firstSentAt: 0, lastSentAt: 0, sends: 1, provedAbsent: false, uncertain: false, looks: 0 },
    })
    await perform(async (steps) => {
      modes.push(running.mode('GET'), running.mode('POST'))
      return steps.commit('c', {
        request: 1,
        send: async () => {
          modes.push(running.mode('POST'))
          return there
        },
        find: async () => {
          modes.push(running.mode('POST'))
          return 'absent'
        },
      })
    })
    expect(modes).toEqual(['silent', 'silent', 'read', 'commit'])
    begin()
    expect([running.mode('GET'), running.mode('POST')]).toEqual(['read', 'prepare'])
  })
})

describe('in the turn in which bytes leave', () => {
  const leaving = async (before: () => void | Promise<void>) => {
    let error: unknown
    await perform((steps) =>
      commit(steps, 'c', async () => {
        await before()
        running.mode('POST')
        try {
          running.leave()
        } catch (thrown) {
          error = thrown
          throw thrown
        }
        return there
      }),
    )
    return error
  }
  test('they may, right after the write ahead', async () => expect(await leaving(() => undefined)).toBeUndefined())
  test('not when getting the credentials took long: nothing was sent, and it comes back at once', async () => {
    const error = await leaving(() => clock.sleep(6_000))
    expect(error).toMatchObject({ code: 'transient', outcome: 'not-published', retryAfterMs: 0 })
    expect(ports.open).toBeNull()
  })
  test('not when the lease was lost meanwhile', async () => expect(await leaving(() => ports.lease.lose())).toMatchObject({ outcome: 'not-published' }))
  test('not when the machine slept', async () => expect(await leaving(() => clock.suspend(120_000))).toMatchObject({ outcome: 'not-published' }))
  test('in the middle of a commit of several calls a lost lease leaves its outcome unknown', async () => {
    const error = await leaving(() => {
      running.mode('POST')
      running.leave()
      ports.lease.lose()
    })
    expect(error).toMatchObject({ outcome: 'unknown' })
    expect(ports.open).not.toBeNull()
  })
})
