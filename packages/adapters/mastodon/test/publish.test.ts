import type { Fault } from '@syndikit/sandbox'
import { describe, expect, it } from 'vitest'
import { type Crash, deliver, start } from './delivery.ts'
import { adapter, broken, clientAt, mp4, png, postOf, type Scene, sceneOf, server, spec, tokenAt, withFiles } from './scene.ts'

const hour = 3_600_000
const files = [png('one', { alt: 'A door' }), png('two'), png('three')]
const thread = () =>
  postOf(
    { text: 'First #house', media: withFiles(...files.slice(0, 2)), thread: [{ text: 'Second & more', media: [{ file: '3' }] }, { text: 'Third' }] },
    files,
  )

const expectWhole = (scene: Scene) => {
  const shown = scene.sandbox.shown()
  expect(shown.map(({ text, media }) => [text, media])).toEqual([
    ['First #house', 2],
    ['Second & more', 1],
    ['Third', 0],
  ])
  expect(shown.map(({ replyTo }) => replyTo)).toEqual([undefined, shown[0]?.id, shown[1]?.id])
}
const posts = ({ sent }: Scene) => sent.filter(({ method, url }) => method === 'POST' && url.endsWith('/v1/statuses'))

describe('connecting to Mastodon', () => {
  it('registers the app on the server that the user names, and reads the account there', async () => {
    const scene = await sceneOf('https://social.example')
    const client = await clientAt(scene, 'https://social.example')
    expect(client).toMatchObject({
      auth: 'body',
      authorizeUrl: 'https://social.example/oauth/authorize',
      tokenUrl: 'https://social.example/oauth/token',
      revokeUrl: 'https://social.example/oauth/revoke',
    })
    expect(scene.login.account).toMatchObject({ id: '111000000000000001@social.example', name: 'layla@social.example', server: 'https://social.example' })
    const { limits } = spec
    expect(typeof limits === 'function' && limits(scene.login.account).text?.text?.[0]?.max).toBe(5_000)
  })

  it('gives its token to that server and no other', async () => {
    const scene = await sceneOf()
    const bearer = await tokenAt(scene)
    await expect(
      deliver(scene, adapter, { ...scene.login, applied: () => ({ bearer }) }, async ({ http }) => {
        await http.get('https://social.example/api/v1/accounts/verify_credentials')
        return undefined
      }),
    ).resolves.toMatchObject({ ending: { kind: 'bug', message: expect.stringContaining('not one of its `http.hosts`') } })
  })
})

describe('a post on Mastodon', () => {
  it('carries warning, visibility, language and link, under the delivery’s own key', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish(
      postOf({ text: 'Look', language: 'ar-AE', link: { url: 'https://example.com/house' } }, [], {
        spoilerText: 'Property',
        visibility: 'unlisted',
        quotePolicy: 'followers',
      }),
      { key: 'abc' },
    )
    expect(await posts(scene)[0]?.json()).toEqual({
      status: 'Look\n\nhttps://example.com/house',
      media_ids: [],
      spoiler_text: 'Property',
      language: 'ar',
      quote_approval_policy: 'followers',
      visibility: 'unlisted',
    })
    expect(posts(scene)[0]?.headers.get('idempotency-key')).toBe('abc:0')
    const status = await scene.status(placement?.id ?? '')
    expect(placement).toEqual({ id: status.id, url: status.url, data: { media: [] } })
    expect(scene.sandbox.shown()).toMatchObject([{ account: 'sara@mastodon.example', warning: 'Property', visibility: 'unlisted', language: 'ar' }])
  })

  it('asks its question', async () => {
    const scene = await sceneOf()
    await scene.publish(postOf({ text: 'Which?', poll: { options: ['Sea', 'City'], durationMs: 2 * hour, multiple: true } }))
    expect(await posts(scene)[0]?.json()).toMatchObject({ poll: { options: ['Sea', 'City'], expires_in: 7_200, multiple: true, hide_totals: false } })
    expect(scene.sandbox.shown()[0]?.poll?.options).toEqual(['Sea', 'City'])
  })

  it('waits for its video without holding a worker', async () => {
    const scene = await sceneOf()
    const film = mp4('film', { alt: 'The sea' })
    const { ending, runs } = await scene.publish(postOf({ text: 'Film', media: withFiles(film) }, [film]))
    expect(ending.kind).toBe('placed')
    expect(runs).toBeGreaterThan(1)
    expect(scene.sent.filter(({ url }) => url.endsWith('/v2/media'))).toHaveLength(1)
    expect(scene.sandbox.shown()[0]?.files.map(({ alt }) => alt)).toEqual(['The sea'])
  })

  it('says that a file is bad when the server cannot read it, at once or later', async () => {
    for (const file of [broken({}), broken({ type: 'video', mime: 'video/mp4', name: 'film.mp4' })]) {
      const scene = await sceneOf()
      const { error } = await scene.publish(postOf({ text: 'File', media: withFiles(file) }, [file]))
      expect(error).toMatchObject({ code: 'media', outcome: 'not-published' })
      expect(scene.texts()).toEqual([])
    }
  })

  it('uploads again what the server has forgotten while it waited', async () => {
    const scene = await sceneOf()
    const film = mp4('film')
    const { fetch } = scene
    let forgotten = 0
    const forgetful = {
      ...scene,
      fetch: async (request: Request) =>
        /v1\/media\/\d+$/.test(request.url) && forgotten++ === 0 ? Response.json({ error: 'Record not found' }, { status: 404 }) : fetch(request),
    }
    const post = postOf({ text: 'Film', media: withFiles(film) }, [film])
    expect((await deliver(forgetful, adapter, scene.login, (run) => spec.publish(post, run))).ending.kind).toBe('placed')
    expect(scene.sent.filter(({ url }) => url.endsWith('/v2/media'))).toHaveLength(2)
    expect(scene.sandbox.shown().map(({ media }) => media)).toEqual([1])
  })

  it('answers an earlier one, and does not go out alone when that one is gone', async () => {
    const scene = await sceneOf()
    const first = await scene.publish(postOf({ text: 'First' }))
    await scene.publish(postOf({ text: 'Answer', replyTo: { id: first.placement?.id ?? '' } }), { key: 'answer' })
    expect(scene.sandbox.shown()[1]?.replyTo).toBe(first.placement?.id)
    const { error } = await scene.publish(postOf({ text: 'Lost', replyTo: { id: '42' } }), { key: 'lost' })
    expect(error).toMatchObject({ code: 'gone', outcome: 'not-published' })
    expect(scene.texts()).toEqual(['First', 'Answer'])
  })
})

describe('a thread on Mastodon', () => {
  it('is there once, wherever the process dies', async () => {
    const { writes } = await (await sceneOf()).publish(thread())
    const crashes: Crash[] = [
      'end',
      ...Array.from({ length: writes }, (_, i) => [
        { nth: i + 1, when: 'before' as const },
        { nth: i + 1, when: 'after' as const },
      ]).flat(),
    ]
    expect(crashes.length).toBeGreaterThan(12)
    for (const crash of crashes) {
      const scene = await sceneOf()
      const { ending, placement, parts } = await scene.publish(thread(), { crash })
      expect(ending.kind, JSON.stringify(crash)).toBe('placed')
      expectWhole(scene)
      expect(parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
      expect(placement).toEqual(parts[0])
    }
  })

  const faults: Fault[] = [
    'drop-request',
    'drop-reply',
    'error-before',
    'error-after',
    'garbage-before',
    'garbage-after',
    'throttle',
    'throttle-without-header',
  ]
  for (const fault of faults)
    it(`is there once when any of its sends meets ${fault}`, async () => {
      for (const nth of [1, 2, 3]) {
        const scene = await sceneOf()
        scene.sandbox.faults.add({ fault, on: 'commit', nth })
        const { ending } = await scene.publish(thread())
        expect(ending.kind).toBe('placed')
        expect(scene.sandbox.faults.waiting).toEqual([])
        expectWhole(scene)
      }
    })

  for (const fault of ['drop-request', 'drop-reply', 'error-after'] as const)
    it(`is looked for, and there once, when the worker comes back two hours after ${fault}`, async () => {
      for (const nth of [1, 2, 3]) {
        const scene = await sceneOf()
        scene.sandbox.faults.add({ fault, on: 'commit', nth })
        const { ending, parts } = await scene.publish(thread(), { before: (run) => run === 2 && scene.time.pass(2 * hour) })
        expect(ending.kind).toBe('placed')
        expectWhole(scene)
        expect(parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
        expect(posts(scene)).toHaveLength(fault === 'drop-request' ? 4 : 3)
      }
    })

  it('goes, last part first, wherever the process dies or an answer is lost', async () => {
    const crashes: (Crash | undefined)[] = [
      undefined,
      'end',
      ...[1, 2, 3].flatMap((nth) => [
        { nth, when: 'before' as const },
        { nth, when: 'after' as const },
      ]),
    ]
    for (const crash of crashes)
      for (const fault of ['drop-request', 'drop-reply', 'error-after'] as const) {
        const scene = await sceneOf()
        const placed = await scene.publish(thread())
        await scene.publish(postOf({ text: 'another' }), { key: 'another' })
        scene.sandbox.faults.add({ fault, on: 'commit', nth: 2 })
        const { ending } = await scene.unpublish(thread(), placed, crash === undefined ? {} : { crash })
        expect(ending.kind).toBe('placed')
        expect(scene.texts()).toEqual(['another'])
      }
  })
})

describe('looking for a post after its hour on Mastodon', () => {
  const lost = async (scene: Scene, text: string, meanwhile: () => Promise<unknown> = async () => undefined, claimed: readonly string[] = []) => {
    scene.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
    let waiting: Promise<unknown> | undefined
    const { fetch } = scene
    const patient = {
      ...scene,
      fetch: async (request: Request) => {
        await waiting
        return fetch(request)
      },
    }
    return deliver(patient, adapter, scene.login, (run) => spec.publish(postOf({ text }), run), {
      claimed,
      before: (run) => {
        if (run !== 2) return
        scene.time.pass(2 * hour)
        waiting = meanwhile()
      },
    })
  }
  const direct = async (scene: Scene, text: string): Promise<string> => {
    const headers = { authorization: `Bearer ${scene.login.applied().bearer}`, 'content-type': 'application/json' }
    const reply = await scene.sandbox.fetch(new Request(`${server}/api/v1/statuses`, { method: 'POST', headers, body: JSON.stringify({ status: text }) }))
    return ((await reply.json()) as { id: string }).id
  }

  it('finds it behind more than a page of newer ones', async () => {
    const scene = await sceneOf()
    const { ending } = await lost(scene, 'Mine', async () => {
      for (let i = 0; i < 90; i++) await direct(scene, `noise ${i}`)
    })
    expect(ending.kind).toBe('placed')
    expect(scene.texts().filter((text) => text === 'Mine')).toHaveLength(1)
  })

  it('does not guess between two that are alike', async () => {
    const scene = await sceneOf()
    const { ending } = await lost(scene, 'Twin', () => direct(scene, 'Twin'))
    expect(ending).toMatchObject({ kind: 'uncertain', canLook: true })
    expect(scene.texts()).toEqual(['Twin', 'Twin'])
  })

  it('takes the one that no other delivery has', async () => {
    const scene = await sceneOf()
    const claimed: string[] = []
    const { placement } = await lost(scene, 'Twin', async () => claimed.push(await direct(scene, 'Twin')), claimed)
    expect(placement?.id).toBe(scene.sandbox.shown()[0]?.id)
    expect(scene.texts()).toHaveLength(2)
  })

  it('does not send again while one of the same shape has another text: the server may have changed ours', async () => {
    const scene = await sceneOf()
    await direct(scene, 'Nearly mine')
    scene.sandbox.faults.add({ fault: 'drop-request', on: 'commit', nth: 1 })
    const { ending } = await scene.publish(postOf({ text: 'Mine' }), { before: (run) => run === 2 && scene.time.pass(2 * hour) })
    expect(ending.kind).toBe('uncertain')
    expect(scene.texts()).toEqual(['Nearly mine'])
  })
})

describe('an edit on Mastodon', () => {
  it('keeps the files that stay, uploads the new ones, and replaces descriptions', async () => {
    const scene = await sceneOf()
    const placed = await scene.publish(postOf({ text: 'Old', media: withFiles(...files.slice(0, 2)) }, files.slice(0, 2)))
    const next = [{ ...(files[1] as (typeof files)[number]), alt: 'A garden' }, png('new', { alt: 'A roof' })]
    const post = postOf({ text: 'New', media: withFiles(...next) }, next)
    const updated = await scene.update(post, placed)
    expect(updated.ending.kind).toBe('placed')
    expect(scene.sandbox.shown()).toMatchObject([{ text: 'New', edited: true, files: [{ alt: 'A garden' }, { alt: 'A roof' }] }])
    expect(scene.sent.filter(({ url }) => url.endsWith('/v2/media'))).toHaveLength(3)
    expect(updated.placement?.id).toBe(placed.placement?.id)
  })

  it('does not bare files that were hidden', async () => {
    const scene = await sceneOf()
    const post = (text: string, sensitive?: boolean) =>
      postOf({ text, media: withFiles(...files.slice(0, 1)) }, files.slice(0, 1), sensitive === undefined ? undefined : { sensitive })
    const placed = await scene.publish(post('Old', true))
    await scene.update(post('New'), placed)
    expect(await scene.status(placed.placement?.id ?? '')).toMatchObject({ sensitive: true })
    await scene.update(post('Newer', false), placed, { key: 'second' })
    expect(await scene.status(placed.placement?.id ?? '')).toMatchObject({ sensitive: false })
  })

  it('adds parts at the end and takes surplus ones away, once, whatever dies or is lost', async () => {
    const longer = () => postOf({ text: 'A', thread: [{ text: 'B' }, { text: 'C' }] })
    const shorter = () => postOf({ text: 'a' })
    for (const crash of [
      undefined,
      'end',
      ...[1, 2, 3, 4].flatMap((nth) => [
        { nth, when: 'before' as const },
        { nth, when: 'after' as const },
      ]),
    ] as (Crash | undefined)[])
      for (const fault of ['drop-request', 'drop-reply', 'error-after'] as const) {
        const scene = await sceneOf()
        const plan = crash === undefined ? {} : { crash }
        const placed = await scene.publish(postOf({ text: 'one', thread: [{ text: 'two' }] }))
        scene.sandbox.faults.add({ fault, on: 'commit', nth: 2 })
        const more = await scene.update(longer(), placed, { ...plan, key: 'longer' })
        expect(scene.texts()).toEqual(['A', 'B', 'C'])
        expect(more.parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
        scene.sandbox.faults.add({ fault, on: 'commit', nth: 1 })
        const less = await scene.update(shorter(), more, { ...plan, key: 'shorter' })
        expect(less.ending.kind).toBe('placed')
        expect(scene.texts()).toEqual(['a'])
        expect(less.parts).toHaveLength(1)
      }
  })

  it('of a post that somebody deleted says that it is gone', async () => {
    const scene = await sceneOf()
    const placed = await scene.publish(postOf({ text: 'Old' }))
    await scene.unpublish(postOf({ text: 'Old' }), placed)
    expect((await scene.update(postOf({ text: 'New' }, [], { sensitive: false }), placed)).error).toMatchObject({ code: 'gone' })
  })
})

describe('the numbers of a post on Mastodon', () => {
  it('are replies, boosts and favourites', async () => {
    const scene = await sceneOf()
    const { placement, parts } = await scene.publish(thread())
    let numbers: Map<string, unknown> | undefined
    await deliver(scene, adapter, scene.login, async ({ account, http }) => {
      numbers = await spec.metrics?.read([{ id: placement?.id ?? '', parts, content: thread() }], { account, http })
      return placement
    })
    const status = await scene.status(placement?.id ?? '')
    expect(numbers?.get(placement?.id ?? '')).toMatchObject({ comments: 1, shares: status.reblogs_count, likes: status.favourites_count })
  })

  it('and nothing was dated before it was due', async () => {
    const scene = await sceneOf()
    await scene.publish(postOf({ text: 'x' }))
    expect(scene.sandbox.shown()[0]?.at).toBeGreaterThanOrEqual(start)
  })
})
