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

  it('becomes a link at the end of the text next to files', async () => {
    const scene = await sceneOf()
    const { placement } = await scene.publish({ text: 'See', media: [{ file: picture }], link: { url } })
    const { value } = await scene.record(placement?.id)
    expect(value.text).toBe(`See\n\n${url}`)
    expect(value.facets).toEqual([{ index: { byteStart: 5, byteEnd: 5 + url.length }, features: [{ $type: 'app.bsky.richtext.facet#link', uri: url }] }])
    expect(value.embed).toMatchObject({ $type: 'app.bsky.embed.images' })
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

  it('prefers what is meant for cards', () => {
    expect(
      pageOf('<title> A\n b </title><meta name="twitter:title" content="T"><meta property="og:title" content="O"><meta name="description" content="">'),
    ).toEqual({ title: 'T' })
    expect(pageOf('<title> A\n b </title><svg><title>icon</title></svg>')).toEqual({ title: 'A b' })
  })
})
