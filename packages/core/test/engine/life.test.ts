// A delivery's life on the real engine: commits of unknown outcome, policies, humans, half a thread, lateness, limits.

import { describe, expect, test } from 'vitest'
import { type Placement, PublishError } from '../../src/index.ts'
import { around, hour, inParts, lost, minute, openRig, type Rig, refusal, sendTo, tenant } from './rig.ts'

const texts = ({ platform }: Rig) => platform.posts.map(({ text }) => text)
const blind = { recovery: { class: 'blind' } } as const
const thread = { content: { text: 'one', thread: [{ text: 'two' }, { text: 'three' }] } }
const resolve = ({ clock, syndikit }: Rig, deliveryId: string, as: 'published' | 'failed' | 'scheduled', placement?: Placement) =>
  clock.drive(syndikit.scheduler.resolve({ tenant, deliveryId, as, placement }))

describe('an answer that was lost', () => {
  test('is looked for, and the post is found: one post, one try, its id', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello')
    await rig.work()
    expect(texts(rig)).toEqual(['hello'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', tries: 0, placement: { id: 'id-1' }, proof: 'platform' })
  })

  test('of a post that is not there: sent again only when the first could no longer arrive', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-request')
    const began = rig.clock.now()
    const id = await rig.publish('hello')
    await rig.work()
    expect(texts(rig)).toEqual(['hello'])
    expect((await rig.get(id)).state).toBe('published')
    expect((rig.platform.arrived[0]?.at ?? 0) - began).toBeGreaterThanOrEqual(20_000 + minute)
  })

  test('is not sent again as long as the platform cannot be asked: past its time it is uncertain, looked for three times, and waits', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-request')
    rig.platform.blindfold = new PublishError('transient', 'Toy is down.', { outcome: 'unknown' })
    const id = await rig.publish('hello')
    await rig.work(20 * hour)
    const delivery = await rig.get(id)
    expect([delivery.state, delivery.nextAt, texts(rig)]).toEqual(['uncertain', undefined, []])
    expect(rig.told('delivery:uncertain')).toHaveLength(1)
    const [uncertainAt] = rig.told('delivery:uncertain').map(({ at }) => at.getTime())
    expect(rig.platform.looks.filter((at) => at > (uncertainAt ?? 0)).map((at) => Math.round((at - (uncertainAt ?? 0)) / minute))).toEqual([5, 35, 395])
  })

  test('an uncertain one that shows up later is published by itself', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-reply')
    rig.platform.blindfold = lost()
    const id = await rig.publish('hello')
    await rig.work(62 * minute)
    expect((await rig.get(id)).state).toBe('uncertain')
    rig.platform.blindfold = undefined
    await rig.work(hour)
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'id-1' } })
    expect(texts(rig)).toEqual(['hello'])
  })

  test('a look that finds no account to look with leaves it uncertain, for a human to resolve', async () => {
    let down = false
    const rig = await openRig({ wrap: (storage) => around(storage, async (verb, call) => (down && verb === 'connections.grant' ? undefined : call())) })
    rig.platform.script.push('lost-reply')
    rig.platform.blindfold = lost()
    const id = await rig.publish('hello')
    await rig.work(62 * minute)
    down = true
    await rig.work(5 * hour)
    down = false
    expect((await rig.get(id)).state).toBe('uncertain')
    expect(await resolve(rig, id, 'failed')).toEqual({ status: 'done' })
  })

  test('a refusal of the second send does not make the first one undone', async () => {
    const rig = await openRig({ recovery: { class: 'idempotent' } })
    rig.platform.script.push('lost-reply', refusal('permission'))
    const id = await rig.publish('hello')
    await rig.work(30 * minute)
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'id-1' } })
  })

  test('a look at a platform with two of them guesses nothing', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello')
    const at = rig.clock.now()
    rig.platform.posts.push({ id: 'by-hand', text: 'hello', at, by: 'toy-1' })
    await rig.work(30 * minute)
    expect((await rig.get(id)).state).toBe('uncertain')
    expect(texts(rig)).toEqual(['hello', 'hello'])
  })

  test('a look that cannot tell is repeated before a human is asked: what stood in its way may have found its owner', async () => {
    const answers = ['unknown', 'unknown'] as const
    let looks = 0
    const rig = await openRig({
      publish: ({ parts }, run, { platform, clock }) =>
        run.commit<{ text: string }, Placement>('post', {
          request: { text: parts[0]?.text ?? '' },
          send: async ({ text }) => sendTo(platform, clock, run, text),
          find: async () => answers[looks++] ?? 'absent',
        }),
    })
    rig.platform.script.push('lost-request')
    const id = await rig.publish('hello')
    await rig.work()
    expect([(await rig.get(id)).state, texts(rig)]).toEqual(['published', ['hello']])
    expect(rig.told('delivery:uncertain')).toEqual([])
  })

  test('a post that another delivery has is never taken for this one’s', async () => {
    const rig = await openRig()
    await rig.publish('hello', { contentKey: 'first' })
    await rig.work()
    rig.platform.script.push('lost-request')
    const second = await rig.publish('hello', { contentKey: 'second' })
    await rig.work()
    expect(await rig.get(second)).toMatchObject({ state: 'published', placement: { id: 'id-2' } })
  })
})

describe('two deliveries of the same words whose answers were lost', () => {
  test('never take the same post for theirs, also when they look at the same moment', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-reply', 'lost-request')
    const first = await rig.publish('hello', { contentKey: 'first' })
    const second = await rig.publish('hello', { contentKey: 'second' })
    await rig.work()
    const both = [await rig.get(first), await rig.get(second)]
    expect(both.map(({ state }) => state)).toEqual(['published', 'published'])
    expect(new Set(both.map(({ placement }) => placement?.id)).size).toBe(2)
    expect(texts(rig)).toEqual(['hello', 'hello'])
  })

  test('nor one that the other has just sent, when both are long overdue and look before their first send', async () => {
    const send = inParts(true)
    let begun = 0
    const rig = await openRig({
      publish: async (content, run, on) => {
        await on.clock.sleep(1_000 * begun++)
        const placement = await send(content, run, on)
        await on.clock.sleep(5_000)
        return placement
      },
    })
    const both = [await rig.publish('hello', { contentKey: 'first' }), await rig.publish('hello', { contentKey: 'second' })]
    await rig.clock.pass(hour)
    await rig.work()
    const placements = [(await rig.get(both[0] as string)).placement?.id, (await rig.get(both[1] as string)).placement?.id]
    expect(new Set(placements).size).toBe(2)
    expect(texts(rig)).toEqual(['hello', 'hello'])
  })
})

describe('when nobody can know', () => {
  test('hold: it waits, active, and a second one of the same content is refused with its id', async () => {
    const rig = await openRig(blind)
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello')
    await rig.work(30 * hour)
    expect(texts(rig)).toEqual(['hello'])
    expect(await rig.get(id)).toMatchObject({ state: 'uncertain', reason: { code: 'unknown-outcome' } })
    await expect(rig.publish('hello')).rejects.toThrow(`{"status":"active","deliveryIds":["${id}"]}`.replaceAll('"', '"'))
  })

  test('retry: it is sent again, which may publish twice, as was asked for', async () => {
    const rig = await openRig(blind)
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello', { onUncertain: 'retry' })
    await rig.work()
    expect((await rig.get(id)).state).toBe('published')
    expect(texts(rig)).toEqual(['hello', 'hello'])
  })

  test('drop: it is left, nobody looks, and the same content may be scheduled anew', async () => {
    const rig = await openRig(blind)
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello', { onUncertain: 'drop' })
    await rig.work()
    expect(await rig.get(id)).toMatchObject({ state: 'uncertain' })
    expect((await rig.get(id)).nextAt).toBeUndefined()
    await rig.publish('hello')
    expect(await resolve(rig, id, 'scheduled')).toEqual({ status: 'too-late' })
  })
})

describe('a human’s word', () => {
  const uncertain = async () => {
    const rig = await openRig(blind)
    rig.platform.script.push('lost-request')
    const id = await rig.publish('hello')
    await rig.work()
    expect((await rig.get(id)).state).toBe('uncertain')
    return { rig, id }
  }

  test('it is there: published, with proof of a human, final', async () => {
    const { rig, id } = await uncertain()
    expect(await resolve(rig, id, 'published', { id: 'seen', url: 'https://toy.example/seen' })).toEqual({ status: 'done' })
    expect(await rig.get(id)).toMatchObject({ state: 'published', proof: 'human', placement: { id: 'seen', url: 'https://toy.example/seen' } })
    expect(await resolve(rig, id, 'failed')).toEqual({ status: 'too-late' })
    await rig.work()
    expect(rig.told('delivery:published')).toMatchObject([{ proof: 'human', placement: { id: 'seen' } }])
  })

  test('it is not there: failed, and the content is free again', async () => {
    const { rig, id } = await uncertain()
    expect(await resolve(rig, id, 'failed')).toEqual({ status: 'done' })
    expect((await rig.get(id)).state).toBe('failed')
    await rig.publish('hello')
  })

  test('send it: it goes out, also days after it was due', async () => {
    const { rig, id } = await uncertain()
    await rig.clock.pass(5 * 24 * hour)
    expect(await resolve(rig, id, 'scheduled')).toEqual({ status: 'done' })
    await rig.work()
    expect((await rig.get(id)).state).toBe('published')
    expect(texts(rig)).toEqual(['hello'])
  })

  test('a word on what was looked at earlier is not taken for what it has become since', async () => {
    const { rig, id } = await uncertain()
    const { rev } = await rig.get(id)
    rig.platform.script.push('lost-reply')
    expect(await resolve(rig, id, 'scheduled')).toEqual({ status: 'done' })
    await rig.work()
    expect((await rig.get(id)).state).toBe('uncertain')
    const word = { tenant, deliveryId: id, as: 'failed' } as const
    expect(await rig.clock.drive(rig.syndikit.scheduler.resolve({ ...word, rev }))).toEqual({ status: 'too-late' })
    expect(await rig.clock.drive(rig.syndikit.scheduler.resolve({ ...word, rev: (await rig.get(id)).rev }))).toEqual({ status: 'done' })
    await expect(rig.clock.drive(rig.syndikit.scheduler.resolve({ ...word, rev: Number.NaN }))).rejects.toThrow('`rev` is that of the delivery')
  })

  test('of two humans who speak at once one is too late', async () => {
    const { rig, id } = await uncertain()
    const both = await Promise.all([resolve(rig, id, 'failed'), resolve(rig, id, 'published', { id: 'x' })])
    expect(both.map(({ status }) => status).sort()).toEqual(['done', 'too-late'])
  })

  test('a word on nothing, or one that is none, changes nothing', async () => {
    const { rig, id } = await uncertain()
    expect(await resolve(rig, 'nobody', 'failed')).toEqual({ status: 'not-found' })
    await expect(resolve(rig, id, 'lost' as never)).rejects.toThrow('`as` is `published`, `failed` or `scheduled`')
    await expect(resolve(rig, id, 'published', { url: 'https://x.example' } as never)).rejects.toThrow('`placement` needs the `id`')
    expect((await rig.get(id)).state).toBe('uncertain')
  })

  test('what is done by hand is asked for, and its answer is the placement, also days later', async () => {
    const rig = await openRig({ publish: async (_, { ask }) => ask('by-hand', { title: 'Type it into the form.', steps: ['Open it.'] }) })
    const id = await rig.publish('hello')
    await rig.work()
    expect(await rig.get(id)).toMatchObject({ state: 'needs_action', reason: { code: 'ask', message: 'Type it into the form.' } })
    await rig.clock.pass(3 * 24 * hour)
    await expect(resolve(rig, id, 'published')).rejects.toThrow('give its `placement`')
    expect(await resolve(rig, id, 'published', { id: 'typed' })).toEqual({ status: 'done' })
    await rig.work()
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'typed' } })
  })
})

describe('half a thread', () => {
  const half = async () => {
    const rig = await openRig()
    rig.platform.script.push(undefined, refusal('invalid'))
    const id = await rig.publish('', thread)
    await rig.work()
    return { rig, id }
  }

  test('needs a human, with the parts that are out; nothing of them is sent again', async () => {
    const { rig, id } = await half()
    expect(await rig.get(id)).toMatchObject({ state: 'needs_action', parts: [{ id: 'id-1' }], reason: { code: 'partial' } })
    expect(rig.told('delivery:needs-action')).toMatchObject([{ parts: [{ id: 'id-1' }] }])
    expect(texts(rig)).toEqual(['one'])
  })

  test('can be sent on: the rest, in order, each part once', async () => {
    const { rig, id } = await half()
    await rig.clock.pass(3 * 24 * hour)
    expect(await resolve(rig, id, 'scheduled')).toEqual({ status: 'done' })
    await rig.work()
    expect(texts(rig)).toEqual(['one', 'two', 'three'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', parts: [{ id: 'id-1' }, { id: 'id-2' }, { id: 'id-3' }] })
  })

  test('can be removed: what is out goes', async () => {
    const { rig, id } = await half()
    const result = await rig.clock.drive(rig.syndikit.publisher.unpublish({ tenant, deliveryId: id }))
    expect(result.status).toBe('scheduled')
    await rig.work()
    expect(texts(rig)).toEqual([])
  })

  test('cannot be canceled or moved', async () => {
    const { rig, id } = await half()
    expect(await rig.clock.drive(rig.syndikit.scheduler.cancel({ tenant, deliveryId: id }))).toEqual({ status: 'too-late' })
    expect(await rig.clock.drive(rig.syndikit.scheduler.executeNow({ tenant, deliveryId: id }))).toEqual({ status: 'too-late' })
  })

  test('that waits for the rest by itself cannot be canceled either', async () => {
    const rig = await openRig()
    rig.platform.script.push(undefined, refusal('rate', { retryAfterMs: hour }))
    const id = await rig.publish('', thread)
    await rig.tick()
    expect((await rig.get(id)).state).toBe('scheduled')
    expect(await rig.clock.drive(rig.syndikit.scheduler.cancel({ tenant, deliveryId: id }))).toEqual({ status: 'too-late' })
    await rig.work()
    expect(texts(rig)).toEqual(['one', 'two', 'three'])
  })

  test('whose middle part’s answer was lost goes on behind it, once it is found', async () => {
    const rig = await openRig()
    rig.platform.script.push(undefined, 'lost-reply')
    const id = await rig.publish('', thread)
    await rig.work()
    expect(texts(rig)).toEqual(['one', 'two', 'three'])
    expect((await rig.get(id)).state).toBe('published')
  })

  test('an update that made only the first part anew keeps the others’ ids, so that all of it can be removed', async () => {
    const rig = await openRig({
      spec: {
        update: async (content, _, run) =>
          run.commit('edit', { request: {}, recovery: { class: 'idempotent' }, send: async () => ({ id: `new-of-${content.parts.length}` }) }),
      },
    })
    const id = await rig.publish('', thread)
    await rig.work()
    const updated = await rig.clock.drive(
      rig.syndikit.publisher.update({ tenant, deliveryId: id, content: { text: 'one, edited', thread: [{ text: 'two' }, { text: 'three' }] } as never }),
    )
    await rig.work()
    const [next] = 'deliveries' in updated ? updated.deliveries : []
    expect((await rig.get(next?.id ?? '')).parts.map((part) => part.id)).toEqual(['new-of-3', 'id-2', 'id-3'])
    await rig.clock.drive(rig.syndikit.publisher.unpublish({ tenant, deliveryId: next?.id ?? '' }))
    await rig.work()
    expect(texts(rig)).toEqual(['one'])
  })
})

describe('what was prepared and has gone stale', () => {
  const stale = async (times: number) => {
    let prepared = 0
    let refused = 0
    const rig = await openRig({
      publish: async ({ parts }, run, on) => {
        const container = await run.once('container', async () => {
          prepared += 1
          return prepared
        })
        return run.commit<{ container: number }, Placement>('post', {
          request: { container },
          send: async () => {
            if (refused < times) {
              refused += 1
              throw refusal('stale')
            }
            return sendTo(on.platform, on.clock, run, `${parts[0]?.text} from container ${container}`)
          },
        })
      },
    })
    const id = await rig.publish('hello')
    await rig.work()
    return { rig, id, prepared: () => prepared }
  }

  test('is prepared again, at once and without using up a try', async () => {
    const { rig, id } = await stale(2)
    expect(texts(rig)).toEqual(['hello from container 3'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', tries: 0 })
  })

  test('three times at most', async () => {
    const { rig, id, prepared } = await stale(99)
    expect(await rig.get(id)).toMatchObject({ state: 'failed', reason: { code: 'stale' } })
    expect(prepared()).toBe(4)
  })

  test('a part that is out stays out, and its own preparation is not done again', async () => {
    const done: string[] = []
    let refused = false
    const rig = await openRig({
      publish: async ({ parts }, run, on) => {
        const placements: Placement[] = []
        for (const [i, { text }] of parts.entries()) {
          await run.once(`prepare-${i}`, async () => void done.push(`prepare-${i}`))
          placements.push(
            await run.commit(`part-${i}`, {
              request: {},
              send: async () => {
                if (i === 1 && !refused) {
                  refused = true
                  throw refusal('stale')
                }
                return sendTo(on.platform, on.clock, run, text)
              },
            }),
          )
        }
        return placements[0] as Placement
      },
    })
    await rig.publish('', { content: { text: 'one', thread: [{ text: 'two' }] } })
    await rig.work()
    expect(texts(rig)).toEqual(['one', 'two'])
    expect(done).toEqual(['prepare-0', 'prepare-1', 'prepare-1'])
  })
})

describe('lateness', () => {
  test('what nobody worked on in time is missed, told, and not sent', async () => {
    const rig = await openRig()
    const id = await rig.schedule('hello', hour)
    await rig.clock.pass(26 * hour)
    await rig.work()
    expect(await rig.get(id)).toMatchObject({ state: 'missed', reason: { code: 'late' } })
    expect(texts(rig)).toEqual([])
    expect(rig.told('delivery:missed')).toMatchObject([{ lateMs: 25 * hour }])
  })

  test('each publication has its own measure', async () => {
    const rig = await openRig()
    const strict = await rig.schedule('strict', hour, { maxLatenessMs: minute })
    const patient = await rig.schedule('patient', hour, { maxLatenessMs: 99 * hour })
    await rig.clock.pass(40 * hour)
    await rig.work()
    expect([(await rig.get(strict)).state, (await rig.get(patient)).state]).toEqual(['missed', 'published'])
  })

  test('what waits for its account is missed when it is too late, not hours after', async () => {
    const rig = await openRig()
    rig.platform.script.push(...Array.from({ length: 9 }, () => refusal('auth')))
    const id = await rig.publish('hello')
    const dueAt = rig.clock.now()
    await rig.work(48 * hour)
    expect(await rig.get(id)).toMatchObject({ state: 'missed' })
    expect((rig.told('delivery:missed')[0]?.at.getTime() ?? 0) - dueAt).toBeLessThanOrEqual(24 * hour + 1_000)
  })

  test('what may be out is never missed', async () => {
    const rig = await openRig()
    rig.platform.script.push('lost-reply')
    const id = await rig.publish('hello')
    await rig.tick()
    await rig.clock.pass(30 * hour)
    await rig.work()
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'id-1' } })
  })

  test('a long wait for the platform’s limit leaves the time for its verdict whole', async () => {
    let polls = 0
    const rig = await openRig({
      publish: async (content, run, on) => {
        await run.once('limit', async () => {
          polls += 1
          if (polls === 1) throw refusal('rate', { retryAfterMs: 10 * hour })
        })
        await run.once('ready', async () => {
          polls += 1
          if (polls < 20) run.later(minute)
        })
        return inParts(true)(content, run, on)
      },
    })
    const id = await rig.publish('hello')
    await rig.work(24 * hour)
    expect((await rig.get(id)).state).toBe('published')
  })

  test('so does being moved to another day in the middle of preparing', async () => {
    let polls = 0
    const rig = await openRig({
      publish: async (content, run, on) => {
        await run.once('ready', async () => {
          polls += 1
          if (polls < 5) run.later(minute)
        })
        return inParts(true)(content, run, on)
      },
    })
    const id = await rig.publish('hello')
    await rig.tick()
    const at = new Date(rig.clock.now() + 48 * hour)
    expect(await rig.clock.drive(rig.syndikit.scheduler.reschedule({ tenant, deliveryId: id, at }))).toEqual({ status: 'done' })
    await rig.work(72 * hour)
    expect((await rig.get(id)).state).toBe('published')
  })
})

describe('a database that is older than the platform', () => {
  test('what is long overdue is looked for before it is sent: a restored backup publishes nothing twice', async () => {
    const rig = await openRig()
    const id = await rig.schedule('hello', hour)
    const at = rig.clock.now() + hour
    // It went out before the backup was restored.
    rig.platform.posts.push({ id: 'before', text: 'hello', at: at + 1_000, by: 'toy-1' })
    await rig.clock.pass(3 * hour)
    await rig.work()
    expect(texts(rig)).toEqual(['hello'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'before' } })
  })

  test('so is what waited for a retry when the backup was made', async () => {
    const rig = await openRig()
    rig.platform.script.push(refusal('transient'))
    const id = await rig.publish('hello')
    await rig.tick()
    expect(await rig.get(id)).toMatchObject({ state: 'scheduled', tries: 1 })
    rig.platform.posts.push({ id: 'before', text: 'hello', at: rig.clock.now() + 5 * minute, by: 'toy-1' })
    await rig.clock.pass(2 * hour)
    await rig.work()
    expect(texts(rig)).toEqual(['hello'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'before' } })
  })

  test('what is not there goes out, after the look', async () => {
    const rig = await openRig()
    await rig.schedule('hello', hour)
    await rig.clock.pass(3 * hour)
    await rig.work()
    expect([texts(rig), rig.platform.looks.length]).toEqual([['hello'], 1])
  })

  test('a platform that cannot be asked now delays it', async () => {
    const rig = await openRig()
    rig.platform.blindfold = lost()
    const id = await rig.schedule('hello', hour)
    await rig.clock.pass(3 * hour)
    await rig.tick()
    expect([texts(rig), (await rig.get(id)).state]).toEqual([[], 'scheduled'])
    rig.platform.blindfold = undefined
    await rig.work()
    expect(texts(rig)).toEqual(['hello'])
  })

  test('what could not be looked for at first is looked for until it could: nothing goes out twice for it', async () => {
    const rig = await openRig()
    const id = await rig.schedule('hello', hour)
    rig.platform.posts.push({ id: 'before', text: 'hello', at: rig.clock.now() + hour, by: 'toy-1' })
    rig.platform.blindfold = lost()
    await rig.clock.pass(3 * hour)
    await rig.work(20 * minute)
    rig.platform.blindfold = undefined
    await rig.work()
    expect(texts(rig)).toEqual(['hello'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'before' } })
  })

  test('what can never be looked for is uncertain, not failed: it may be there', async () => {
    const rig = await openRig()
    rig.platform.blindfold = lost()
    const id = await rig.schedule('hello', hour)
    await rig.clock.pass(3 * hour)
    await rig.work(20 * hour)
    expect([(await rig.get(id)).state, texts(rig)]).toEqual(['uncertain', []])
  })

  test('is never told as sent: no run that is known of has sent it', async () => {
    const rig = await openRig()
    rig.platform.blindfold = lost()
    const id = await rig.schedule('hello', hour)
    await rig.clock.pass(3 * hour)
    await rig.tick()
    const explained = await rig.clock.drive(rig.syndikit.explain({ tenant, deliveryId: id }))
    expect(explained?.sent).toEqual([{ name: 'part-0', request: { text: 'hello' }, outcome: 'unknown' }])
    expect(explained?.attempts.map(({ open }) => open)).toEqual([{ name: 'part-0', sends: 0 }])
    rig.platform.blindfold = undefined
    rig.platform.script.push('lost-request')
    await rig.work(minute)
    expect((await rig.clock.drive(rig.syndikit.scheduler.attempts({ tenant, deliveryId: id }))).at(-1)?.open).toMatchObject({
      sends: 1,
      sentAt: expect.any(Date),
    })
  })

  test('a run that ends before its commit does not make the next one forget to look', async () => {
    let polls = 0
    const rig = await openRig({
      publish: async (content, run, on) => {
        await run.once('ready', async () => {
          polls += 1
          if (polls < 3) run.later(minute)
        })
        return inParts(true)(content, run, on)
      },
    })
    const id = await rig.schedule('', hour, thread)
    const at = rig.clock.now() + hour
    rig.platform.posts.push(...['one', 'two'].map((text) => ({ id: `before-${text}`, text, at, by: 'toy-1' })))
    await rig.clock.pass(3 * hour)
    await rig.work()
    expect(texts(rig)).toEqual(['one', 'two', 'three'])
    expect(await rig.get(id)).toMatchObject({ state: 'published', parts: [{ id: 'before-one' }, { id: 'before-two' }, { id: 'id-1' }] })
  })

  describe('where only a second send tells', () => {
    const probing = () =>
      openRig({
        recovery: { class: 'probe', settleMs: minute },
        publish: ({ parts }, run, { platform, clock }) =>
          run.commit<{ text: string }, Placement>('post', {
            request: { text: parts[0]?.text ?? '' },
            send: async ({ text }) => {
              if (platform.posts.some((one) => one.text === text)) throw refusal('duplicate')
              return sendTo(platform, clock, run, text)
            },
            find: async ({ text }, trace) => (trace.refusal ? (platform.posts.find((one) => one.text === text) ?? 'absent') : 'unknown'),
          }),
      })

    test('it is sent, and a refusal names the one that was there', async () => {
      const rig = await probing()
      const id = await rig.schedule('hello', hour)
      rig.platform.posts.push({ id: 'before', text: 'hello', at: rig.clock.now() + hour, by: 'toy-1' })
      await rig.clock.pass(3 * hour)
      await rig.work()
      expect(await rig.get(id)).toMatchObject({ state: 'published', placement: { id: 'before' } })
      expect(texts(rig)).toEqual(['hello'])
    })

    test('a long outage by itself leaves nothing to a human', async () => {
      const rig = await probing()
      const id = await rig.schedule('hello', hour)
      await rig.clock.pass(3 * hour)
      await rig.work()
      expect([(await rig.get(id)).state, texts(rig)]).toEqual(['published', ['hello']])
    })
  })

  test('what comes on time, or waited for its own retry, is not looked for', async () => {
    const rig = await openRig()
    rig.platform.script.push(refusal('transient'), refusal('transient'))
    await rig.publish('hello')
    await rig.work()
    expect([texts(rig), rig.platform.looks]).toEqual([['hello'], []])
  })
})

describe('what is not the adapter’s fault', () => {
  test('a database of which a newer version has the row: left as it is, for that version', async () => {
    const rig = await openRig()
    const id = await rig.publish('hello')
    const { claims } = await rig.storage.deliveries.claim({ limit: 1, leaseMs: 60_000, perTenant: 9, perConnection: 9, skipTenants: [], skipConnections: [] })
    const fence = claims[0]?.fence as number
    const [steps, marker] = ['{"v":2,"done":[{"x":1}]}', '{"v":2,"open":"yes"}']
    await rig.storage.deliveries.save([{ id, fence, steps, marker }])
    await rig.clock.pass(minute + 1)
    await rig.work(20 * hour)
    const row = await rig.storage.deliveries.get(tenant, id)
    expect([row?.steps, row?.marker, row?.tries, row?.state]).toEqual([steps, marker, 0, 'scheduled'])
    await rig.work(10 * hour)
    expect(await rig.storage.deliveries.get(tenant, id)).toMatchObject({ steps, marker, state: 'uncertain' })
    expect(texts(rig)).toEqual([])
  })

  test('a process without the adapter leaves it to one that has it, however often it gets it', async () => {
    const rig = await openRig()
    const other = { ...(rig as object) } as Rig
    const foreign = rig.process({ adapters: [{ ...(await import('./rig.ts')).adapterOf({}, rig), id: 'other', name: 'Other' }] as never })
    const id = await rig.publish('hello')
    for (let n = 0; n < 8; n++) {
      await rig.tick(foreign)
      await rig.clock.pass(16 * minute)
    }
    expect(await rig.get(id)).toMatchObject({ state: 'scheduled', tries: 0, reason: { code: 'setup' } })
    await other.work()
    expect((await rig.get(id)).state).toBe('published')
  })

  const claimAll = async ({ storage }: Rig) => {
    const claimed = []
    for (let n = 0; n < 3; n++)
      claimed.push(
        ...(await storage.deliveries.claim({ limit: 3, leaseMs: 1_000, perTenant: 9, perConnection: 9, skipTenants: [], skipConnections: [] })).claims,
      )
    return claimed
  }

  test('two workers that died at it and a third that ran it alone make it poison; one that had saved a step goes on', async () => {
    const rig = await openRig()
    const ids = [await rig.publish('one'), await rig.publish('two')]
    for (let n = 0; n < 3; n++) {
      for (const { id, fence, steps, starts } of await claimAll(rig)) {
        const open = { name: 'part-0', request: { text: 'two' }, firstSentAt: 0, lastSentAt: 0, sends: 1, provedAbsent: false, uncertain: false, looks: 0 }
        if (id === ids[1] && n === 0) await rig.storage.deliveries.save([{ id, fence, steps, marker: JSON.stringify({ v: 1, open }) }])
        if (starts === 3) await rig.storage.deliveries.save([{ id, fence, steps: JSON.stringify({ v: 1, alone: true }), marker: null }])
      }
      await rig.clock.pass(1_001)
    }
    for (let n = 0; n < 4; n++) await rig.tick()
    expect(await rig.get(ids[0] as string)).toMatchObject({ state: 'failed', reason: { code: 'poison' } })
    expect(await rig.get(ids[1] as string)).toMatchObject({ state: 'published' })
    expect(texts(rig)).toEqual(['two'])
  })

  test('deaths of workers in which it never ran alone are not held against it, until they are ten', async () => {
    const rig = await openRig()
    const id = await rig.publish('one')
    for (let n = 0; n < 9; n++) {
      await claimAll(rig)
      await rig.clock.pass(1_001)
    }
    await rig.work()
    expect((await rig.get(id)).state).toBe('published')
    const other = await rig.publish('two')
    for (let n = 0; n < 10; n++) {
      await claimAll(rig)
      await rig.clock.pass(1_001)
    }
    await rig.work()
    expect(await rig.get(other)).toMatchObject({ state: 'failed', reason: { code: 'poison' } })
  })

  test('that it ran alone is written down before its adapter is asked, and taken back by its next step', async () => {
    const seen: unknown[] = []
    const rig: Rig = await openRig({
      spec: {
        publish: async (_, { once }) => {
          const [row] = (await rig.storage.deliveries.list(tenant, { limit: 1 })).items
          seen.push(JSON.parse(row?.steps ?? '').alone)
          await once('step', async () => 1)
          const [after] = (await rig.storage.deliveries.list(tenant, { limit: 1 })).items
          seen.push(JSON.parse(after?.steps ?? '').alone)
          return { id: 'post-1' }
        },
      },
    })
    const id = await rig.publish('one')
    for (let n = 0; n < 2; n++) {
      await claimAll(rig)
      await rig.clock.pass(1_001)
    }
    await rig.work()
    expect(seen).toEqual([true, false])
    expect((await rig.get(id)).state).toBe('published')
  })

  test('unpublishing what is gone counts, and tells what was there', async () => {
    const rig = await openRig({
      spec: {
        unpublish: async () => {
          throw refusal('gone')
        },
      },
    })
    const id = await rig.publish('hello')
    await rig.work()
    const result = await rig.clock.drive(rig.syndikit.publisher.unpublish({ tenant, deliveryId: id }))
    await rig.work()
    const [next] = 'deliveries' in result ? result.deliveries : []
    expect(await rig.get(next?.id ?? '')).toMatchObject({ state: 'published', placement: { id: 'id-1' } })
    expect(rig.told('delivery:published').at(-1)).toMatchObject({ action: 'unpublish', placement: { id: 'id-1' } })
  })
})

describe('update and refresh', () => {
  const sent: string[] = []
  const spec = {
    update: async (content: { parts: readonly { text: string }[] }, placed: { id: string; content: { parts: readonly { text: string }[] } }, run: never) => {
      sent.push(`update ${placed.id} from ${placed.content.parts[0]?.text} to ${content.parts[0]?.text}`)
      return undefined as unknown as Placement & typeof run
    },
    refresh: async (placed: { id: string }) => void sent.push(`refresh ${placed.id}`),
  }

  test('get what is there and what shall be; the placement stays, without the content', async () => {
    sent.length = 0
    const rig = await openRig({ spec: spec as never })
    const id = await rig.publish('hello')
    await rig.work()
    const updated = await rig.clock.drive(rig.syndikit.publisher.update({ tenant, deliveryId: id, content: { text: 'edited' } as never }))
    await rig.work()
    const [next] = 'deliveries' in updated ? updated.deliveries : []
    const refreshed = await rig.clock.drive(rig.syndikit.publisher.refresh({ tenant, deliveryId: next?.id ?? '' }))
    await rig.work()
    expect(sent).toEqual(['update id-1 from hello to edited', 'refresh id-1'])
    const [last] = 'deliveries' in refreshed ? refreshed.deliveries : []
    for (const one of [next, last]) expect(await rig.get(one?.id ?? '')).toMatchObject({ state: 'published', placement: { id: 'id-1' } })
    expect(JSON.stringify(await rig.get(next?.id ?? ''))).not.toContain('edited')
  })

  test('are refused where the adapter cannot, where nothing is there, and for another kind', async () => {
    const rig = await openRig()
    const id = await rig.publish('hello')
    const update = (deliveryId: string) => rig.clock.drive(rig.syndikit.publisher.update({ tenant, deliveryId, content: { text: 'x' } as never }))
    await expect(update(id)).rejects.toThrow('Toy cannot update a post')
    await expect(update('nobody')).rejects.toThrow('There is no delivery `nobody`')
    await expect(rig.clock.drive(rig.syndikit.publisher.unpublish({ tenant, deliveryId: id }))).rejects.toThrow('left nothing on the platform')
  })

  test('the same key again is the same update, though the content is written otherwise now, or its file is gone', async () => {
    const rig = await openRig({ spec: spec as never })
    const id = await rig.publish('hello')
    await rig.work()
    const update = (text: string) => rig.clock.drive(rig.syndikit.publisher.update({ tenant, deliveryId: id, idempotencyKey: 'k', content: { text } as never }))
    const first = await update('edited')
    await rig.work()
    expect(await update('edited')).toEqual({ ...first, status: 'replayed' })
    expect(await update('other')).toMatchObject({ status: 'key-reused' })
  })
})
