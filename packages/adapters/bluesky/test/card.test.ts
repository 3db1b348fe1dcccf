import { sampleFile, samplePng } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { pageOf } from '../src/card.ts'
import { type Scene, sceneOf } from './scene.ts'

const picture = sampleFile(samplePng(), 'picture.png')

const url = 'https://news.example/house?id=7'
const html = (head: string) => () => new Response(`<!doctype html><html><head>${head}</head><body></body></html>`, { headers: { 'content-type': 'text/html' } })
const card = async (scene: Scene, id: string | undefined) => ((await scene.record(id)).value.embed as { external: object } | undefined)?.external

describe('a link card on Bluesky', () => {
  it('says what the host says, and then asks nobody', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'See', link: { url, title: 'House', description: 'Big', thumbnail: { file: picture } } })
    expect(await card(scene, placement?.id)).toEqual({
      uri: url,
      title: 'House',
      description: 'Big',
      thumb: expect.objectContaining({ $type: 'blob', size: samplePng().length }),
    })
    expect(scene.sent.some(({ url }) => url.includes('news.example'))).toBe(false)
  })

  it('says what the page says of itself where the host says nothing', async () => {
    const scene = await sceneOf()
    scene.web.set(
      url,
      html(`<title>Other</title><meta content="A &amp; B" property="og:title"><meta name=description content="D"><meta property="og:image" content="/p.png">`),
    )
    scene.web.set(
      'https://news.example/p.png',
      () =>
        new Response(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 255, 254]), {
          headers: { 'content-type': 'image/png' },
        }),
    )
    const { placement } = await scene.publish({ text: 'See', link: { url } })
    expect(await card(scene, placement?.id)).toEqual({
      uri: url,
      title: 'A & B',
      description: 'D',
      thumb: expect.objectContaining({ size: 18, mimeType: 'image/png' }),
    })
    const asked = scene.sent.filter(({ url }) => url.includes('news.example'))
    expect(asked.map(({ headers }) => headers.get('authorization'))).toEqual([null, null])
  })

  for (const [what, reply] of [
    ['does not answer', () => Promise.reject(new TypeError('fetch failed')) as never],
    ['is not there', () => new Response('no', { status: 404 })],
    ['moved', () => new Response(null, { status: 301, headers: { location: 'http://10.0.0.1/' } })],
    ['is no page', () => new Response(new Uint8Array([0, 255, 254]))],
    ['names a picture that is none', html('<meta property="og:image" content="javascript:alert(1)">')],
  ] as const)
    it(`goes out with the link alone when the page ${what}`, async () => {
      const scene = await sceneOf()
      scene.web.set(url, reply)
      const { placement } = await scene.publish({ text: 'See', link: { url } })
      expect(await card(scene, placement?.id)).toEqual({ uri: url, title: 'news.example', description: '' })
    })

  it('leaves out a picture that is too large or none', async () => {
    for (const [bytes, mime] of [
      [1_000_001, 'image/png'],
      [10, 'text/html'],
    ] as const) {
      const scene = await sceneOf()
      scene.web.set(url, html('<title>T</title><meta property="og:image" content="p">'))
      scene.web.set('https://news.example/p', () => new Response(new Uint8Array(bytes), { headers: { 'content-type': mime } }))
      const { placement } = await scene.publish({ text: 'See', link: { url } })
      expect(await card(scene, placement?.id)).toEqual({ uri: url, title: 'T', description: '' })
    }
  })

  it.each([
    ['its header', '', 'text/html; charset=windows-1256'],
    ['the page itself', '<meta charset="windows-1256">', 'text/html'],
    ['an older page itself', '<meta http-equiv="Content-Type" content="text/html; charset=windows-1256">', 'text/html'],
  ])('reads an Arabic page of the old encoding that %s names', async (_, meta, type) => {
    const scene = await sceneOf()
    const page = Buffer.concat([Buffer.from(`<html><head>${meta}<title>`), Buffer.from([0xcf, 0xc8, 0xed]), Buffer.from('</title>')])
    scene.web.set(url, () => new Response(page, { headers: { 'content-type': type } }))
    const { placement } = await scene.publish({ text: 'See', link: { url } })
    expect(await card(scene, placement?.id)).toMatchObject({ title: 'دبي' })
  })

  it('reads a page of an encoding that nobody knows as UTF-8', async () => {
    const scene = await sceneOf()
    scene.web.set(url, () => new Response('<title>دبي</title>', { headers: { 'content-type': 'text/html; charset=nonsense' } }))
    const { placement } = await scene.publish({ text: 'See', link: { url } })
    expect(await card(scene, placement?.id)).toMatchObject({ title: 'دبي' })
  })

  it.each([
    ['too long to read', () => new Response(`<title>T</title>${' '.repeat(9_000_000)}`)],
    ['never at an end', () => new Response(new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from('<title>T</title>')) }))],
  ])('goes out with the link alone when the page is %s', async (_, reply) => {
    const scene = await sceneOf()
    scene.web.set(url, reply)
    const { placement } = await scene.publish({ text: 'See', link: { url } })
    expect(await card(scene, placement?.id)).toEqual({ uri: url, title: 'news.example', description: '' })
  })

  it('reads the first megabyte of a page, because a long one would hold up everything else', async () => {
    const scene = await sceneOf()
    scene.web.set(url, html(`${'x'.repeat(1_000_000)}<title>Late</title>`))
    const { placement } = await scene.publish({ text: 'See', link: { url } })
    expect(await card(scene, placement?.id)).toMatchObject({ title: 'news.example' })
  })

  const pictured = async (upload: (nth: number) => Response | undefined) => {
    let uploads = 0
    const scene = await sceneOf(async (request, platform) => (request.url.endsWith('uploadBlob') && upload(++uploads)) || platform(request))
    scene.web.set(url, html('<title>T</title><meta property="og:image" content="p.png">'))
    scene.web.set('https://news.example/p.png', () => new Response(Buffer.from(samplePng()), { headers: { 'content-type': 'image/png' } }))
    return scene
  }

  it('waits for its picture where the server takes no more uploads for a while', async () => {
    const scene = await pictured((nth) =>
      nth === 1 ? Response.json({ error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' }, { status: 429 }) : undefined,
    )
    const { id, placement } = await scene.publish({ text: 'See', link: { url } })
    expect((await scene.attempts(id)).map(({ reason }) => reason?.code)).toEqual(['rate', undefined])
    expect(await card(scene, placement?.id)).toMatchObject({ thumb: { mimeType: 'image/png' } })
  })

  it('keeps its picture where the account had to be connected again first', async () => {
    const scene = await pictured(() => undefined)
    await scene.sandbox.act('bluesky', 'revoke')
    const id = await scene.schedule({ text: 'See', link: { url } })
    await scene.work(0)
    expect((await scene.delivery(id)).reason?.code).toBe('reconnect')
    await scene.connect(scene.connectionId)
    await scene.work()
    expect(await card(scene, (await scene.delivery(id)).placement?.id)).toMatchObject({ thumb: { mimeType: 'image/png' } })
  })

  it('goes out without a picture that the server cannot read', async () => {
    const scene = await pictured(() => Response.json({ error: 'InternalServerError', message: 'Internal Server Error' }, { status: 500 }))
    const { placement } = await scene.publish({ text: 'See', link: { url } })
    expect(await card(scene, placement?.id)).toEqual({ uri: url, title: 'T', description: '' })
  })

  it('becomes a link at the end of the text next to files', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'See', media: [{ file: picture }], link: { url } })
    const { value } = await scene.record(placement?.id)
    expect(value.text).toBe(`See\n\n${url}`)
    expect(value.facets).toEqual([{ index: { byteStart: 5, byteEnd: 5 + url.length }, features: [{ $type: 'app.bsky.richtext.facet#link', uri: url }] }])
    expect(value.embed).toMatchObject({ $type: 'app.bsky.embed.images' })
  })

  it.each([
    ['See https://example.com/house?id=7, now', true],
    ['See example.com/house?id=7', true],
    ['See https://example.com/house?id=70', false],
    ['See https://other.example/?to=https://example.com/house?id=7', false],
  ])('is added next to files unless the text has it: "%s"', async (text, has) => {
    const scene = await sceneOf()
    const url = 'https://example.com/house?id=7'
    const { placement } = await scene.publish({ text, media: [{ file: picture }], link: { url } })
    expect((await scene.record(placement?.id)).value.text).toBe(has ? text : `${text}\n\n${url}`)
  })
})

describe('reading a page', () => {
  it('takes linear time and little space for hostile pages', () => {
    const began = performance.now()
    const page = pageOf(
      `<title>${'<meta property="og:title" content="'.repeat(50_000)}</title>${'<'.repeat(200_000)}<meta name="description" content="${'x'.repeat(1_000_000)}">`,
    )
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(JSON.stringify(page).length).toBeLessThan(2_000)
  })

  it('cuts what is too long between characters', () => {
    const { title = '' } = pageOf(`<title>${'x'.repeat(298)}😀😀</title>`)
    expect(title).toBe(`${'x'.repeat(298)}…`)
    expect(pageOf(`<title>${'x'.repeat(297)}😀😀😀</title>`).title).toBe(`${'x'.repeat(297)}😀…`)
  })

  it('prefers what is meant for cards', () => {
    expect(
      pageOf('<title> A\n b </title><meta name="twitter:title" content="T"><meta property="og:title" content="O"><meta name="description" content="">'),
    ).toEqual({ title: 'T' })
    expect(pageOf('<title> A\n b </title><svg><title>icon</title></svg>')).toEqual({ title: 'A b' })
  })
})
