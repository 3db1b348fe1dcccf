import type { Fault } from '@syndikit/sandbox'
import { describe, expect, it } from 'vitest'
import { type Crash, deliver } from './delivery.ts'
import { adapter, omar, png, postOf, type Scene, sara, sceneOf, spec, withFiles } from './scene.ts'

const files = [png('one'), png('two'), png('three')]
const thread = () =>
  postOf(
    { text: `First @${omar.handle}`, media: withFiles(...files.slice(0, 2)), thread: [{ text: 'Second', media: [{ file: '3' }] }, { text: 'Third' }] },
    files,
  )
const texts = [`First @${omar.handle}`, 'Second', 'Third']

const expectWhole = (scene: Scene) => {
  const shown = scene.sandbox.shown()
  expect(shown.map(({ text, media }) => [text, media])).toEqual([
    [texts[0], 2],
    [texts[1], 1],
    [texts[2], 0],
  ])
  expect(shown.map(({ replyTo }) => replyTo)).toEqual([undefined, shown[0]?.id, shown[1]?.id])
}

describe('a thread on Bluesky', () => {
  it('answers part by part, with the first as its root', async () => {
    const scene = await sceneOf()
    const { parts } = await scene.publish(thread())
    expectWhole(scene)
    const [first, second, third] = await Promise.all(parts.map(({ id }) => scene.record(id)))
    const ref = (i: number, cid = '') => ({ uri: parts[i]?.id, cid })
    expect(second?.value.reply).toEqual({ root: ref(0, first?.cid), parent: ref(0, first?.cid) })
    expect(third?.value.reply).toEqual({ root: ref(0, first?.cid), parent: ref(1, second?.cid) })
  })

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
    'expire-token',
  ]
  for (const fault of faults)
    it(`is there once when any of its sends meets ${fault}`, async () => {
      for (const nth of [1, 2, 3]) {
        const scene = await sceneOf()
        scene.sandbox.faults.add({ fault, on: 'commit', nth })
        const { ending, parts } = await scene.publish(thread())
        expect(ending.kind).toBe('placed')
        expect(scene.sandbox.faults.waiting).toEqual([])
        expectWhole(scene)
        expect(parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
      }
    })

  it('is there once when every second request of any kind is lost', async () => {
    const { writes } = await (await sceneOf()).publish(thread())
    for (let nth = 1; nth <= writes + 3; nth++)
      for (const fault of ['drop-request', 'drop-reply'] as const) {
        const scene = await sceneOf()
        scene.sandbox.faults.add([
          { fault, platform: 'bluesky', nth },
          { fault, platform: 'bluesky', nth: nth + 2 },
        ])
        expect((await scene.publish(thread())).ending.kind).toBe('placed')
        expectWhole(scene)
      }
  })

  it('says that it does not know where its record was changed after a lost answer', async () => {
    const scene = await sceneOf()
    const post = postOf({ text: 'mine' })
    let done = false
    const meddled = {
      ...scene,
      fetch: async (request: Request) => {
        const body = request.url.endsWith('putRecord') && !done ? ((await request.clone().json()) as { record: object }) : undefined
        if (!body) return scene.fetch(request)
        done = true
        await scene.fetch(
          new Request(request.url, {
            method: 'POST',
            headers: request.headers,
            body: JSON.stringify({ ...body, record: { ...body.record, text: 'changed' } }),
          }),
        )
        throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } })
      },
    }
    const { ending } = await deliver(meddled, adapter, scene.login, (run) => spec.publish(post, run))
    expect(ending).toMatchObject({ kind: 'uncertain', canLook: true })
    expect(scene.texts()).toEqual(['changed'])
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
        const { placement, parts } = await scene.publish(thread())
        await scene.publish(postOf({ text: 'another' }), { key: 'another' })
        scene.sandbox.faults.add({ fault, on: 'commit', nth: 2 })
        const placed = { ...placement, id: placement?.id ?? '', parts, content: thread() }
        const { ending } = await deliver(
          scene,
          adapter,
          scene.login,
          async (run) => {
            await spec.unpublish?.(placed, run)
            return { id: placed.id }
          },
          crash === undefined ? {} : { crash },
        )
        expect(ending.kind).toBe('placed')
        expect(scene.texts()).toEqual(['another'])
      }
  })
})

describe('a reply on Bluesky', () => {
  it('takes address and hash from what the earlier delivery left, and asks nobody', async () => {
    const scene = await sceneOf()
    const { parts } = await scene.publish(thread())
    const [first, , last] = parts
    const before = scene.sent.length
    const { placement } = await scene.publish(postOf({ text: 'Answer', replyTo: { id: last?.id ?? '', data: last?.data } }), { key: 'answer' })
    expect(scene.sent.length).toBe(before + 1)
    const root = { uri: first?.id, cid: (await scene.record(first?.id ?? '')).cid }
    expect((await scene.record(placement?.id ?? '')).value.reply).toEqual({ root, parent: { uri: last?.id, cid: (await scene.record(last?.id ?? '')).cid } })
    expect(placement?.data).toMatchObject({ root })
  })

  for (const [how, replyTo] of [
    ['its at:// address', (uri: string) => ({ id: uri })],
    ['its page', (uri: string) => ({ id: 'x', url: `https://bsky.app/profile/${sara.handle}/post/${uri.split('/').at(-1)}` })],
  ] as const)
    it(`finds the post, and the first of its thread, by ${how}`, async () => {
      const scene = await sceneOf()
      const { parts } = await scene.publish(thread())
      const { placement } = await scene.publish(postOf({ text: 'Answer', replyTo: replyTo(parts[1]?.id ?? '') }), { key: 'answer' })
      expect((await scene.record(placement?.id ?? '')).value.reply).toMatchObject({ root: { uri: parts[0]?.id }, parent: { uri: parts[1]?.id } })
      const lookUp = scene.sent.find(({ url }) => url.includes('getPosts'))
      expect(lookUp?.headers.has('authorization')).toBe(false)
    })

  it('does not go out as a post of its own when what it answers is gone', async () => {
    const scene = await sceneOf()
    const { error } = await scene.publish(postOf({ text: 'Answer', replyTo: { id: `at://${sara.did}/app.bsky.feed.post/3mzzzzzzzzz2z` } }))
    expect(error).toMatchObject({ code: 'gone', message: 'Bluesky: the post to answer is not there.' })
    expect(scene.texts()).toEqual([])
  })
})

describe('the numbers of a post on Bluesky', () => {
  it('come for up to 25 posts from one request that carries no credential', async () => {
    const scene = await sceneOf()
    const { placement, parts } = await scene.publish(thread())
    scene.time.pass(3_600_000)
    const placed = parts.map((part) => ({ ...part, parts: [part], content: thread() }))
    let numbers: unknown
    await deliver(scene, adapter, scene.login, async ({ account, http }) => {
      numbers = await spec.metrics?.read(placed, { account, http })
      return placement
    })
    expect(spec.metrics?.atOnce).toBe(25)
    expect(numbers).toEqual(new Map(parts.map(({ id }, i) => [id, { likes: 10, shares: 2, saves: 1, comments: i < 2 ? 1 : 0, native: { quotes: 0 } }])))
    expect(scene.sent.at(-1)?.headers.has('authorization')).toBe(false)
  })
})
