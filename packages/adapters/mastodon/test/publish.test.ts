import { httpFor, sampleFile, sampleMp4, samplePng, spoilt, tenant } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { adapter, sceneOf, server } from './scene.ts'

const hour = 3_600_000
const pictures = [100, 150, 200].map((grey) => sampleFile(samplePng(64, 48, grey), `grey-${grey}.png`))
const [one, two, three] = pictures as [string, string, string]
const film = sampleFile(sampleMp4(), 'film.mp4')

describe('a post on Mastodon', () => {
  it('carries warning, visibility, language and link, under the delivery’s own key', async () => {
    const scene = await sceneOf()
    const { id, placement } = await scene.publish(
      { text: 'Look', language: 'ar-AE', link: { url: 'https://example.com/house' } },
      { spoilerText: 'Property', visibility: 'unlisted', quotePolicy: 'followers' },
    )
    const [sent] = scene.posts()
    expect(await sent?.json()).toEqual({
      status: 'Look\n\nhttps://example.com/house',
      media_ids: [],
      spoiler_text: 'Property',
      language: 'ar',
      quote_approval_policy: 'followers',
      visibility: 'unlisted',
    })
    expect(sent?.headers.get('idempotency-key')).toBe(`${id.replaceAll('-', '')}:0`)
    const status = await scene.status(placement?.id)
    expect(placement).toEqual({ id: status.id, url: status.url, data: { media: [] } })
    expect(scene.sandbox.shown()).toMatchObject([{ account: 'sara@mastodon.example', warning: 'Property', visibility: 'unlisted', language: 'ar' }])
  })

  it('has its link in the text once, and not for another that only begins like it', async () => {
    const scene = await sceneOf()
    const link = { url: 'https://example.com/a' }
    for (const text of ['See https://example.com/a.', 'See https://example.com/ab', 'http://localhost/a'])
      await scene.publish({ text, link: text.startsWith('http') ? { url: text } : link })
    expect(scene.texts()).toEqual(['See https://example.com/a.', 'See https://example.com/ab\n\nhttps://example.com/a', 'http://localhost/a'])
  })

  it('asks its question', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'Which?', poll: { options: ['Sea', 'City'], durationMs: 2 * hour, multiple: true, hideTotals: true } })
    expect(await scene.posts()[0]?.json()).toMatchObject({ poll: { options: ['Sea', 'City'], expires_in: 7_200, multiple: true, hide_totals: true } })
    expect(scene.sandbox.shown()[0]?.poll?.options).toEqual(['Sea', 'City'])
  })

  it('waits for its video without holding a worker', async () => {
    const scene = await sceneOf()
    const { id, state } = await scene.publish({ text: 'Film', media: [{ file: film, alt: 'The sea' }] })
    expect(state).toBe('published')
    expect((await scene.attempts(id)).length).toBeGreaterThan(1)
    expect(scene.uploads()).toBe(1)
    expect(scene.sandbox.shown()[0]?.files.map(({ alt }) => alt)).toEqual(['The sea'])
  })

  for (const [when, file, mark] of [
    ['at once', one, 'PNG'],
    ['later', film, 'ftyp'],
  ] as const)
    it(`says that a file is bad when the server cannot read it, ${when}`, async () => {
      const scene = await sceneOf({ between: async (request, platform) => platform(request.url.endsWith('/v2/media') ? await spoilt(request, mark) : request) })
      expect(await scene.publish({ text: 'File', media: [{ file }] })).toMatchObject({ state: 'failed', reason: { code: 'media' } })
      expect(scene.texts()).toEqual([])
    })

  it('shows several GIFs side by side', async () => {
    const scene = await sceneOf()
    const gifs = [1, 2].map((n) => sampleFile(Buffer.from(`GIF89a${String.fromCharCode(n)}\0\x01\0\0\0\0;`, 'latin1'), `${n}.gif`))
    expect((await scene.publish({ text: 'Two', media: gifs.map((file) => ({ file })) })).state).toBe('published')
    expect(scene.sandbox.shown().map(({ media }) => media)).toEqual([2])
  })

  it('uploads again what the server has forgotten while it waited', async () => {
    let forgotten = 0
    const scene = await sceneOf({
      between: async (request, platform) =>
        /v1\/media\/\d+$/.test(request.url) && forgotten++ === 0 ? Response.json({ error: 'Record not found' }, { status: 404 }) : platform(request),
    })
    expect((await scene.publish({ text: 'Film', media: [{ file: film }] })).state).toBe('published')
    expect(scene.uploads()).toBe(2)
    expect(scene.sandbox.shown().map(({ media }) => media)).toEqual([1])
  })

  it('answers an earlier one, and does not go out alone when that one is gone', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'First' })
    await scene.publish({ text: 'Answer', replyTo: { id: placement?.id } })
    expect(scene.sandbox.shown()[1]?.replyTo).toBe(placement?.id)
    expect(await scene.publish({ text: 'Lost', replyTo: { id: '42' } })).toMatchObject({ state: 'failed', reason: { code: 'gone' } })
    expect(scene.texts()).toEqual(['First', 'Answer'])
  })

  it('is a chain where it is a thread', async () => {
    const scene = await sceneOf()
    const { parts } = await scene.publish({ text: 'First', thread: [{ text: 'Second' }, { text: 'Third' }] })
    expect(scene.sandbox.shown().map(({ replyTo }) => replyTo)).toEqual([undefined, parts[0]?.id, parts[1]?.id])
  })

  it('has replies, boosts and favourites for numbers', async () => {
    const scene = await sceneOf()
    const { id, placement } = await scene.publish({ text: 'First', thread: [{ text: 'Second' }] })
    await scene.clock.pass(hour)
    const status = await scene.status(placement?.id)
    expect((await scene.metrics(id)).get(id)).toMatchObject({
      comments: 1,
      shares: status.reblogs_count,
      likes: status.favourites_count,
      native: { quotes: 0 },
    })
  })
})

describe('an edit on Mastodon', () => {
  it('keeps the files that stay, uploads the new ones, and replaces descriptions', async () => {
    const scene = await sceneOf()
    const old = await scene.publish({ text: 'Old', media: [{ file: one, alt: 'A door' }, { file: two }] })
    const { state, placement } = await scene.update(old.id, {
      text: 'New',
      media: [
        { file: two, alt: 'A garden' },
        { file: three, alt: 'A roof' },
      ],
    })
    expect(state).toBe('published')
    expect(scene.sandbox.shown()).toMatchObject([{ text: 'New', edited: true, files: [{ alt: 'A garden' }, { alt: 'A roof' }] }])
    expect(scene.uploads()).toBe(3)
    expect(placement?.id).toBe(old.placement?.id)
  })

  it('shows a file twice that is there twice', async () => {
    const scene = await sceneOf()
    const old = await scene.publish({ text: 'Old', media: [{ file: one }] })
    await scene.update(old.id, { text: 'New', media: [{ file: one }, { file: one }] })
    expect([scene.uploads(), scene.sandbox.shown().map(({ media }) => media)]).toEqual([2, [2]])
  })

  it('does not bare files that were hidden', async () => {
    const scene = await sceneOf()
    const content = (text: string) => ({ text, media: [{ file: one }] })
    const { id, placement } = await scene.publish(content('Old'), { sensitive: true })
    const second = await scene.update(id, content('New'))
    expect(await scene.status(placement?.id)).toMatchObject({ sensitive: true })
    await scene.update(second.id, content('Newer'), { sensitive: false })
    expect(await scene.status(placement?.id)).toMatchObject({ sensitive: false })
  })

  it('does not claim that other people see it now: Mastodon cannot change that', async () => {
    const scene = await sceneOf()
    const { id } = await scene.publish({ text: 'Old' }, { visibility: 'unlisted' })
    const narrower = await scene.update(id, { text: 'New' }, { visibility: 'private' })
    expect(narrower).toMatchObject({ state: 'failed', reason: { code: 'invalid', message: expect.stringMatching(/^Mastodon cannot .* `unlisted`/) } })
    expect(scene.texts()).toEqual(['Old'])
    expect((await scene.update(id, { text: 'New' }, { visibility: 'unlisted' })).state).toBe('published')
    expect(scene.sandbox.shown()).toMatchObject([{ text: 'New', visibility: 'unlisted' }])
  })

  const shorter = { text: 'one', thread: [{ text: 'two' }] }
  const longer = { text: 'A', thread: [{ text: 'B' }, { text: 'C' }] }

  for (const fault of ['drop-request', 'drop-reply', 'error-after'] as const)
    it(`adds parts at the end and takes surplus ones away, once, whichever write meets ${fault}`, async () => {
      for (const nth of [1, 2, 3]) {
        const scene = await sceneOf()
        const { id } = await scene.publish(shorter)
        scene.sandbox.faults.add({ fault, on: 'commit', nth })
        const more = await scene.update(id, longer)
        expect([nth, scene.texts()]).toEqual([nth, ['A', 'B', 'C']])
        expect(more.parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
        scene.sandbox.faults.add({ fault, on: 'commit', nth })
        const less = await scene.update(more.id, { text: 'a' })
        expect([nth, less.state, less.parts.length, scene.texts()]).toEqual([nth, 'published', 1, ['a']])
      }
    })

  it('adds parts at the end and takes surplus ones away, once, wherever the process dies', async () => {
    for (const [from, to, texts] of [
      [shorter, longer, ['A', 'B', 'C']],
      [longer, { text: 'a' }, ['a']],
    ] as const)
      for (let nth = 1, died = true; died; nth++) {
        const scene = await sceneOf()
        const { id } = await scene.publish(from)
        const change = await scene.scheduleUpdate(id, to)
        const life = scene.dieAt(nth)
        await scene.work()
        died = life.died()
        const next = scene.reborn()
        await next.work()
        const { state, parts } = await next.delivery(change)
        expect([nth, state, scene.texts()]).toEqual([nth, 'published', texts])
        expect(parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
      }
  }, 60_000)

  it('of a post that somebody deleted says that it is gone', async () => {
    const scene = await sceneOf()
    const { id } = await scene.publish({ text: 'Old' })
    await scene.unpublish(id)
    expect(await scene.update(id, { text: 'New' }, { sensitive: false })).toMatchObject({ state: 'failed', reason: { code: 'gone' } })
  })
})

describe('connecting to Mastodon', () => {
  it('registers the app on the server that the user names, reads the account there, and ends the consent there', async () => {
    const scene = await sceneOf({ at: 'https://social.example' })
    expect(new Set(scene.sent.map(({ url }) => new URL(url).origin))).toEqual(new Set(['https://social.example']))
    expect(await scene.sent[0]?.json()).toMatchObject({ client_name: 'Syndikit Test', website: 'https://syndikit.example' })
    const one = { tenant, id: scene.connectionId }
    expect(await scene.clock.drive(scene.syndikit.connections.get(one))).toMatchObject({
      accountId: '111000000000000001@social.example',
      name: 'layla@social.example',
      server: 'https://social.example',
    })
    expect(await scene.check({ text: 'x'.repeat(5_001) })).toMatchObject([{ code: 'text-too-long', limit: 5_000 }])
    await scene.clock.drive(scene.syndikit.connections.remove(one))
    expect(scene.sent.at(-1)?.url).toBe('https://social.example/oauth/revoke')
  })

  for (const [what, reply] of [
    ['has nothing there', () => new Response('<html>', { status: 404 })],
    ['has another API', () => Response.json({ error: 'Not Found' }, { status: 404 })],
    ['answers with a page', () => new Response('<html>')],
    ['lets no stranger in', () => new Response('<html>', { status: 403 })],
  ] as const)
    it(`says which address is no Mastodon server where one ${what}`, async () => {
      const scene = await sceneOf({ between: async (request, platform) => (request.url.startsWith('https://other.example/') ? reply() : platform(request)) })
      const { begin, open } = scene.syndikit.connections
      const at = { tenant, platform: 'mastodon', server: 'other.example' }
      const says = /^Mastodon: other\.example does not answer as a Mastodon server does\. Check the address/
      await expect(scene.clock.drive(begin({ ...at, redirectUri: 'https://app.example/callback' }))).rejects.toThrow(says)
      await expect(scene.clock.drive(open({ ...at, method: 'keys', fields: { token: 'made-up-token' } }))).rejects.toThrow(says)
    })

  it('gives its token to that server and no other', async () => {
    const scene = await sceneOf()
    expect(new Set(scene.sent.map(({ url }) => new URL(url).origin))).toEqual(new Set([server]))
    const http = httpFor(adapter(), (request) => scene.sandbox.fetch(request), { server, bearer: 'a' })
    await expect(http.get('https://social.example/api/v1/accounts/verify_credentials')).rejects.toThrow('not one of its `http.hosts`')
  })
})
