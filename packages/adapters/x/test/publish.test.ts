// Publishing, changing and taking back on the emulated X: what goes over the wire, and what people see.

import { createHash } from 'node:crypto'
import { sampleFile, sampleMp4, samplePng, spoilt } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { omar, type Scene, sara, sceneOf } from './scene.ts'

const mib = 1024 * 1024
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const greys = [100, 130, 160, 190].map((grey) => samplePng(64, 48, grey))
const [a, b, c, d] = greys.map((bytes, i) => sampleFile(bytes, `picture-${i}.png`)) as [string, string, string, string]
const film = sampleFile(sampleMp4(), 'film.mp4')
const longFilm = sampleMp4(640, 360, 5_000, 9 * mib)
const gif = sampleFile(Buffer.concat([Buffer.from('GIF89a'), Buffer.from([64, 0, 48, 0]), Buffer.alloc(20)]), 'dance.gif')

const appended = /^media\/upload\/\d+\/append$/
const isCommit = ({ method, url }: Request) => method === 'POST' && url.endsWith('/2/tweets')
const forbidden = (detail: string) => Response.json({ detail, type: 'about:blank', title: 'Forbidden', status: 403 }, { status: 403 })

describe('a post', () => {
  it('is on X, with its id and its address', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'Hello' })
    const [shown] = scene.sandbox.shown()
    expect(shown).toMatchObject({ account: sara.name, text: 'Hello' })
    expect(placement).toEqual({ id: shown?.id, url: `https://x.com/sandbox_sara/status/${shown?.id}`, data: { media: [], options: {} } })
  })

  it('sends the text as it was written and only the members that were given', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'Plain' })
    expect(await scene.posted()).toEqual([{ text: 'Plain' }])
  })

  it('sends every option under the name that X knows', async () => {
    const scene = await sceneOf()
    const options = { replySettings: 'verified', communityId: '1', placeId: 'abc', taggedUserIds: ['5'], madeWithAi: true, paidPartnership: false }
    await scene.publish({ text: 'With options', media: [{ file: a }], thread: [{ text: 'two' }] }, options)
    const [first, second] = await scene.posted()
    expect(first).toMatchObject({
      reply_settings: 'verified',
      community_id: '1',
      geo: { place_id: 'abc' },
      media: { tagged_user_ids: ['5'] },
      made_with_ai: true,
      paid_partnership: false,
    })
    expect(second).toEqual({ text: 'two', made_with_ai: true, paid_partnership: false, reply: { in_reply_to_tweet_id: expect.any(String) } })
  })

  it('waits for the end of the day where the app has used its day up, and asks once', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'The last' })
    const before = scene.asked('tweets').length
    for (const [key, window] of Object.entries(scene.state.windows)) if (key.includes(' app ')) window.used = 10_000
    const endsAt = Math.max(...Object.values(scene.state.windows).map(({ start }) => start)) + 86_400_000
    const id = await scene.schedule({ text: 'The next' })
    await scene.work(0)
    const { state, reason, nextAt } = await scene.delivery(id)
    expect([state, reason?.code, scene.asked('tweets').length - before]).toEqual(['scheduled', 'rate', 1])
    expect(nextAt?.getTime()).toBeGreaterThanOrEqual(endsAt - 1_000)
  })

  it('carries a poll', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'Which?', poll: { options: ['نعم', 'No'], durationMs: 90 * 60_000 } })
    expect(await scene.posted()).toEqual([{ text: 'Which?', poll: { options: ['نعم', 'No'], duration_minutes: 90 } }])
    expect(scene.sandbox.shown()[0]?.poll).toEqual({ options: ['نعم', 'No'] })
  })

  it('answers another post', async () => {
    const scene = await sceneOf()
    const id = await scene.tweet({ text: 'A question' })
    const { placement } = await scene.publish({ text: 'An answer', replyTo: { id } })
    expect(scene.sandbox.shown()[1]).toMatchObject({ text: 'An answer', replyTo: id })
    expect(placement?.data).toEqual({ media: [], options: {}, replyTo: id })
  })

  it('gets its link below the text, unless the text has that very link', async () => {
    const scene = await sceneOf()
    const link = { url: 'https://example.com/a' }
    for (const text of ['See', 'Have https://example.com/a.', 'Longer https://example.com/ab', undefined]) await scene.publish({ text, link })
    expect(scene.texts()).toEqual([
      'See\n\nhttps://example.com/a',
      'Have https://example.com/a.',
      'Longer https://example.com/ab\n\nhttps://example.com/a',
      'https://example.com/a',
    ])
  })

  it('gets its link as X takes it whole, whatever letters it has', async () => {
    const scene = await sceneOf()
    const written = ['https://example.com/ar/شقق-للبيع?q=دبي', 'https://пример.рф/Русские_слова', 'https://example.com/x_(y)']
    for (const url of written) await scene.publish({ text: url.slice(-3), link: { url } })
    const taken = written.map((url, i) => (i === 0 ? new URL(url).href : url))
    expect(scene.texts()).toEqual(taken.map((url, i) => `${written[i]?.slice(-3)}\n\n${url}`))
    expect(scene.state.posts.map(({ links }) => links.map(({ expanded }) => expanded))).toEqual(taken.map((url) => [url]))
  })

  it('does not get its link again where the text has it with other letters', async () => {
    const scene = await sceneOf()
    const text = 'See https://example.com/%D8%B4%D9%82%D8%A9'
    await scene.publish({ text, link: { url: 'https://example.com/شقة' } })
    expect(scene.texts()).toEqual([text])
  })
})

describe('files', () => {
  it('go up described, in order', async () => {
    const scene = await sceneOf()
    await scene.publish({ text: 'Four', media: [{ file: a, alt: 'The first' }, { file: b }, { file: c, alt: 'ثالث' }, { file: d }] })
    expect(scene.sandbox.shown()[0]?.files.map(({ alt, blob }) => [alt, blob])).toEqual(
      ['The first', '', 'ثالث', ''].map((alt, i) => [alt, hashOf(greys[i] as Buffer)]),
    )
  })

  it('that are films are not described, which X refuses, and the check says so', async () => {
    const scene = await sceneOf()
    const content = { text: 'A film', media: [{ file: film, alt: 'Nothing moves' }] }
    expect(await scene.check(content)).toMatchObject([{ code: 'alt-unsupported', pointer: '/content/media/0/alt', severity: 'warning' }])
    const { state } = await scene.publish(content)
    expect([state, scene.asked('media/metadata').length, scene.sandbox.shown()[0]?.files.map(({ alt }) => alt)]).toEqual(['published', 0, ['']])
  })

  it('arrive whole when they take several pieces, and the post waits for the processing without a worker', async () => {
    const scene = await sceneOf()
    const { id } = await scene.publish({ text: 'A film', media: [{ file: sampleFile(longFilm, 'film.mp4') }] })
    expect((await scene.attempts(id)).length).toBeGreaterThan(1)
    expect(scene.asked(appended)).toHaveLength(3)
    const asked = scene.sandbox.requests.filter(({ method, path }) => method === 'GET' && path === '/2/media/upload').map(({ at }) => at)
    expect(asked.length).toBeGreaterThan(1)
    // X says a second while it is pending, then two.
    for (const [i, at] of asked.slice(1).entries()) expect(at - (asked[i] ?? 0)).toBeGreaterThanOrEqual(i === 0 ? 1_000 : 2_000)
    expect(scene.sandbox.shown()[0]?.files).toEqual([{ mime: 'video/mp4', alt: '', blob: hashOf(longFilm) }])
  })

  it('are taken up again at the piece where the process died', async () => {
    const file = sampleFile(longFilm, 'film.mp4')
    for (const piece of [1, 2, 3]) {
      let seen = 0
      const scene: Scene = await sceneOf({
        between: (request, platform) => {
          if (request.url.endsWith('/append') && ++seen === piece) scene.dieAt(1)
          return platform(request)
        },
      })
      const id = await scene.schedule({ text: 'A film', media: [{ file }] })
      await scene.work()
      const next = scene.reborn()
      await next.work()
      expect([piece, (await next.delivery(id)).state, scene.asked(appended).length]).toEqual([piece, 'published', 4])
      expect(scene.sandbox.shown().map(({ text, files }) => [text, files[0]?.blob])).toEqual([['A film', hashOf(longFilm)]])
    }
  }, 60_000)

  const unreadable = () =>
    sceneOf({ between: async (request, platform) => platform(request.url.endsWith('/append') ? await spoilt(request, 'ftyp').catch(() => request) : request) })

  it('that X cannot process end the delivery as a media error, with nothing posted', async () => {
    const scene = await unreadable()
    const { state, reason } = await scene.publish({ text: 'Broken', media: [{ file: film }] })
    expect([state, reason?.code, scene.texts()]).toEqual(['failed', 'media', []])
    expect(reason?.message).toMatch(/^X could not process film\.mp4: it gives no reason\. Convert the file/)
  })

  it('of every part go up before the first part is sent, so that a bad one leaves no half thread', async () => {
    const scene = await unreadable()
    const { state } = await scene.publish({ text: 'One', thread: [{ text: 'Two', media: [{ file: film }] }] })
    expect([state, scene.texts(), scene.asked('tweets')]).toEqual(['failed', [], []])
  })

  it.each(['throttle', 'drop-request', 'drop-reply'] as const)(
    'that expire before, or in the middle of, a thread are uploaded again after %s',
    async (fault) => {
      for (const nth of [1, 2]) {
        const scene = await sceneOf()
        scene.sandbox.faults.add({ fault, on: 'commit', nth })
        const id = await scene.schedule({ text: 'One', media: [{ file: a }], thread: [{ text: 'Two', media: [{ file: b }] }] })
        await scene.work(0)
        const uploaded = scene.asked('media/upload/initialize').length
        for (const medium of Object.values(scene.state.media)) medium.expiresAt = 0
        await scene.work()
        expect([nth, (await scene.delivery(id)).state]).toEqual([nth, 'published'])
        expect(scene.sandbox.shown().map(({ text, media }) => [text, media])).toEqual([
          ['One', 1],
          ['Two', 1],
        ])
        const lastWasThere = fault === 'drop-reply' && nth === 2
        expect(scene.asked('media/upload/initialize').length > uploaded).toBe(!lastWasThere)
      }
    },
  )

  it('whose upload has expired half way are begun again', async () => {
    let forgotten = false
    const scene: Scene = await sceneOf({
      between: (request, platform) => {
        if (request.url.endsWith('/finalize') && !forgotten) {
          forgotten = true
          for (const id of Object.keys(scene.state.media)) delete scene.state.media[id]
        }
        return platform(request)
      },
    })
    const { state } = await scene.publish({ text: 'Lost', media: [{ file: film }] })
    expect([state, forgotten, scene.sandbox.shown().map(({ media }) => media)]).toEqual(['published', true, [1]])
  })

  it('a GIF goes up as one', async () => {
    const scene = await sceneOf()
    const { state } = await scene.publish({ text: '', media: [{ file: gif }] })
    expect([state, scene.sandbox.shown().map(({ media }) => media)]).toEqual(['published', [1]])
    expect(await scene.asked('media/upload/initialize')[0]?.json()).toMatchObject({ media_category: 'tweet_gif', media_type: 'image/gif' })
  })
})

describe('a thread', () => {
  it('is a chain of posts, each answering the one before', async () => {
    const scene = await sceneOf()
    const { placement, parts } = await scene.publish({ text: 'First', thread: [{ text: 'Second 👨‍👩‍👧‍👦\n\nline' }, { text: 'الثالث', media: [{ file: b }] }] })
    expect(scene.sandbox.shown().map(({ text, replyTo }) => [text, replyTo])).toEqual([
      ['First', undefined],
      ['Second 👨‍👩‍👧‍👦\n\nline', parts[0]?.id],
      ['الثالث', parts[1]?.id],
    ])
    expect(placement?.id).toBe(parts[0]?.id)
  })

  it('keeps what is there and says so when X refuses a later part', async () => {
    let commits = 0
    const scene = await sceneOf({
      between: async (request, platform) =>
        isCommit(request) && ++commits === 2 ? forbidden('You are not permitted to perform this action.') : platform(request),
    })
    const { state, reason, parts } = await scene.publish({ text: 'Fine', thread: [{ text: 'Refused' }] })
    expect([state, reason?.code, parts.length, scene.texts()]).toEqual(['needs_action', 'partial', 1, ['Fine']])
  })
})

describe('taking back', () => {
  it('deletes a thread from its end, and what is gone counts as done', async () => {
    const scene = await sceneOf()
    const { id, parts } = await scene.publish({ text: 'One', thread: [{ text: 'Two' }, { text: 'Three' }] })
    for (const post of scene.state.posts) if (post.id === parts[1]?.id) post.deleted = true
    const { state } = await scene.unpublish(id)
    expect([state, scene.texts()]).toEqual(['published', []])
    expect(scene.asked(/^tweets\//, 'DELETE').map(({ url }) => url.split('/').at(-1))).toEqual(parts.map((part) => part.id).reverse())
  })

  it('is not done when a gateway says 404 in X’s place', async () => {
    let asked = 0
    const scene = await sceneOf({
      between: async (request, platform) =>
        request.method === 'DELETE' && ++asked === 1 ? new Response('<html>Not Found</html>', { status: 404 }) : platform(request),
    })
    const { id } = await scene.publish({ text: 'Stays until it is gone' })
    const { state } = await scene.unpublish(id)
    expect([state, scene.texts(), asked]).toEqual(['published', [], 2])
  })

  it('is not done when X refuses', async () => {
    const detail = 'You are not permitted to perform this action.'
    const scene = await sceneOf({ between: async (request, platform) => (request.method === 'DELETE' ? forbidden(detail) : platform(request)) })
    const { id } = await scene.publish({ text: 'Stays' })
    const { state, reason } = await scene.unpublish(id)
    expect([state, reason?.code, scene.texts()]).toEqual(['failed', 'permission', ['Stays']])
  })
})

describe('an edit', () => {
  it('replaces the post and leaves the new id, and can be edited again', async () => {
    const scene = await sceneOf()
    const first = await scene.publish({ text: 'a' })
    const second = await scene.update(first.id, { text: 'b' })
    const [shown, ...more] = scene.sandbox.shown()
    expect([second.state, shown?.text, shown?.edited, more]).toEqual(['published', 'b', true, []])
    expect(second.placement).toMatchObject({ id: shown?.id, url: `https://x.com/sandbox_sara/status/${shown?.id}` })
    expect(second.placement?.id).not.toBe(first.placement?.id)
    expect([(await scene.update(second.id, { text: 'c' })).state, scene.texts()]).toEqual(['published', ['c']])
  })

  it('touches only the parts of a thread that changed, and the thread stays a thread', async () => {
    const scene = await sceneOf()
    const content = (second: string, alt: string) => ({
      text: 'One',
      media: [{ file: a }],
      thread: [{ text: second }, { text: 'Three', media: [{ file: b, alt }] }],
    })
    const old = await scene.publish(content('Tow', 'old'))
    const { state, parts } = await scene.update(old.id, content('Two', 'new'))
    const shown = scene.sandbox.shown()
    expect(state).toBe('published')
    expect(shown.map(({ text, replyTo, files }) => [text, replyTo, files.map(({ alt }) => alt)])).toEqual([
      ['One', undefined, ['']],
      ['Two', old.parts[0]?.id, []],
      ['Three', old.parts[1]?.id, ['new']],
    ])
    expect(parts.map(({ id }) => id)).toEqual(shown.map(({ id }) => id))
    expect(parts[0]).toEqual(old.parts[0])
    expect((await scene.posted()).slice(3)).toMatchObject([
      { text: 'Two', edit_options: { previous_post_id: old.parts[1]?.id }, reply: { in_reply_to_tweet_id: old.parts[0]?.id } },
      { text: 'Three', edit_options: { previous_post_id: old.parts[2]?.id }, reply: { in_reply_to_tweet_id: old.parts[1]?.id } },
    ])
  })

  it.each(['drop-reply', 'drop-request', 'error-after', 'garbage-after'] as const)('uses up one version, also after %s', async (fault) => {
    const scene = await sceneOf()
    const { id } = await scene.publish({ text: 'Old https://example.com' })
    scene.sandbox.faults.add({ fault, on: 'commit', nth: 1 })
    const { state, placement } = await scene.update(id, { text: 'New https://example.com' })
    expect([state, scene.texts(), scene.state.posts.length]).toEqual(['published', ['New https://example.com'], 2])
    expect(placement?.id).toBe(scene.sandbox.shown()[0]?.id)
  })

  it('uses up one version, wherever the process dies', async () => {
    for (let nth = 1, died = true; died; nth++) {
      const scene = await sceneOf()
      const change = await scene.scheduleUpdate((await scene.publish({ text: 'Old' })).id, { text: 'New' })
      const life = scene.dieAt(nth)
      await scene.work()
      died = life.died()
      const next = scene.reborn()
      await next.work()
      expect([nth, (await next.delivery(change)).state, scene.texts(), scene.state.posts.length]).toEqual([nth, 'published', ['New'], 2])
    }
  }, 60_000)

  it('without Premium is a permission error of the platform, and the post stays', async () => {
    const scene = await sceneOf({ who: omar })
    const { id } = await scene.publish({ text: 'Old' })
    const { state, reason } = await scene.update(id, { text: 'New' })
    expect([state, reason?.code, scene.texts()]).toEqual(['failed', 'permission', ['Old']])
  })

  it('that would change the number of posts, or touch a poll, is refused with nothing sent', async () => {
    const scene = await sceneOf()
    const { id } = await scene.publish({ text: 'One' })
    const sent = scene.sent.length
    const longer = await scene.update(id, { text: 'One', thread: [{ text: 'Two' }] })
    const poll = await scene.update(id, { text: 'One', poll: { options: ['a', 'b'], durationMs: 600_000 } })
    expect([longer.reason?.code, poll.reason?.code, scene.sent.length - sent]).toEqual(['invalid', 'invalid', 0])
  })

  it('that would make a poll a post without one is refused with nothing sent', async () => {
    const scene = await sceneOf()
    const { id } = await scene.publish({ text: 'Which?', poll: { options: ['a', 'b'], durationMs: 600_000 } })
    const sent = scene.sent.length
    const { state, reason } = await scene.update(id, { text: 'None' })
    expect([state, reason?.code, scene.sent.length - sent, scene.texts()]).toEqual(['failed', 'invalid', 0, ['Which?']])
  })

  it('of nothing but the options is sent too, and only where they changed', async () => {
    const scene = await sceneOf()
    const content = { text: 'One', thread: [{ text: 'Two' }] }
    const { id } = await scene.publish(content, { madeWithAi: true, replySettings: 'following' })
    const second = await scene.update(id, content, { madeWithAi: true, replySettings: 'verified' })
    const third = await scene.update(second.id, content, { replySettings: 'verified', madeWithAi: false })
    const fourth = await scene.update(third.id, content, { madeWithAi: false, replySettings: 'verified' })
    expect([second.state, third.state, fourth.state, scene.texts()]).toEqual(['published', 'published', 'published', ['One', 'Two']])
    expect((await scene.posted()).slice(2)).toMatchObject([
      { text: 'One', reply_settings: 'verified', made_with_ai: true, edit_options: {} },
      { text: 'One', reply_settings: 'verified', made_with_ai: false, edit_options: {} },
      { text: 'Two', made_with_ai: false, edit_options: {} },
    ])
  })
})
