import type { Account } from '@syndikit/core'
import { httpFor, sampleFile, samplePng } from '@syndikit/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainText, sameText } from '../src/find.ts'
import { mastodon } from '../src/index.ts'
import { limitsOf, localId } from '../src/instance.ts'
import { options } from '../src/status.ts'
import { adapter, sceneOf } from './scene.ts'

const accountFrom = async (instance: unknown, status = 200, v1?: unknown): Promise<Account> => {
  const server = 'https://social.example.com'
  const answers: Record<string, () => Response> = {
    '/api/v1/accounts/verify_credentials': () => Response.json({ id: '109', username: 'sara', acct: 'sara', url: 'https://social.example.com/@sara' }),
    '/api/v2/instance': () => Response.json(instance, { status }),
    ...(v1 !== undefined && { '/api/v1/instance': () => Response.json(v1) }),
  }
  const http = httpFor(adapter(), async ({ url }) => answers[new URL(url).pathname]?.() ?? new Response(null, { status: 404 }), { server })
  const [account] = await adapter().accounts({ http, server })
  if (!account) throw new Error('There is no account.')
  return account
}

describe('an account of a Mastodon server', () => {
  it('has an id that no account of another server has', async () => {
    const account = await accountFrom({ domain: 'example.com', configuration: {} })
    expect(account).toMatchObject({
      id: '109@social.example.com',
      name: 'sara@example.com',
      url: 'https://social.example.com/@sara',
      server: 'https://social.example.com',
    })
    expect(localId(account)).toBe('109')
  })

  it('brings its server’s limits, and the usual ones for what the server leaves out', async () => {
    const limits = limitsOf(
      await accountFrom({
        domain: 'example.com',
        configuration: {
          statuses: { max_characters: 5_000, max_media_attachments: 6, characters_reserved_per_url: 30 },
          media_attachments: { supported_mime_types: ['image/png', 'video/mp4'], image_size_limit: 8_388_608, description_limit: 500 },
          polls: { max_options: 8 },
        },
      }),
    )
    expect(limits.text?.text?.[0]?.max).toBe(5_000)
    expect(limits.media).toMatchObject({
      atMost: 6,
      alt: { max: 500, count: 'code-points' },
      types: { image: { bytes: 8_388_608, mimes: ['image/png'] }, video: { bytes: 103_809_024, mimes: ['video/mp4'] } },
    })
    expect(Object.keys(limits.media?.types ?? {})).toEqual(['image', 'video'])
    expect(limits.poll).toEqual({ options: [2, 8], option: { max: 50, count: 'graphemes' }, durationMs: [300_000, 2_629_746_000], withMedia: false })
    const count = limits.text?.text?.[0]?.count
    expect(typeof count === 'object' && count.of(`https://example.com/${'x'.repeat(100)}`)).toBe(30)
  })

  it('brings the limits of v1 where the server is too old for v2', async () => {
    const v1 = { uri: 'example.com', version: '3.5.19', configuration: { statuses: { max_characters: 800 }, polls: { max_options: 6 } } }
    const limits = limitsOf(await accountFrom({ error: 'Not Found' }, 404, v1))
    expect(limits).toMatchObject({ text: { text: [{ max: 800 }] }, poll: { options: [2, 6] }, media: { atMost: 4 } })
  })

  it('takes the usual types of files where the server names none of them', async () => {
    const account = await accountFrom({ configuration: { media_attachments: { supported_mime_types: ['application/octet-stream'] } } })
    expect(limitsOf(account).media?.types).toEqual(limitsOf(undefined).media?.types)
  })

  for (const [what, body, status] of [
    ['has no v2 of the instance', { error: 'Record not found' }, 404],
    ['answers nonsense in it', { configuration: { statuses: { max_characters: 'many' }, polls: null } }, 200],
    ['answers an empty one', {}, 200],
  ] as const)
    it(`has the usual limits where the server ${what}`, async () => {
      const usual = { ...limitsOf(undefined), source: 'https://social.example.com/api/v2/instance' }
      expect(JSON.stringify(limitsOf(await accountFrom(body, status)))).toBe(JSON.stringify(usual))
      expect(limitsOf(undefined).text?.text?.[0]?.max).toBe(500)
    })

  it('is not read while the server has a fault, so that no wrong limits are kept', async () => {
    await expect(accountFrom({}, 503)).rejects.toMatchObject({ code: 'transient' })
  })
})

/** As wide as it says and 720 high. */
const gifOf = (width: number): Buffer => {
  const head = Buffer.from('GIF89a\0\0\0\0\0\0\0;', 'latin1')
  head.writeUInt16LE(width, 6)
  head.writeUInt16LE(720, 8)
  return head
}

/** A picture that says that it has 40 million pixels. */
const huge = samplePng(1, 1)
huge.writeUInt32BE(10_000, 16)
huge.writeUInt32BE(4_000, 20)

describe('what Mastodon takes', async () => {
  const scene = await sceneOf()
  const problems = async (content: object, own?: object) => (await scene.check(content, own)).map(({ code, pointer, actual }) => [code, pointer, actual])

  it('counts the warning with each part', async () => {
    const text = 'x'.repeat(490)
    expect(await problems({ text, thread: [{ text }] }, { spoilerText: '👨‍👩‍👧‍👦'.repeat(10) })).toEqual([])
    expect(await problems({ text, thread: [{ text: 'short' }, { text }] }, { spoilerText: 'warning text' })).toEqual([
      ['text-too-long', '/content/text', 502],
      ['text-too-long', '/content/thread/1/text', 502],
    ])
  })

  it('counts the link that goes to the end of the text, as 23', async () => {
    const link = { url: `https://example.com/${'x'.repeat(200)}` }
    expect(await problems({ text: 'x'.repeat(475), link })).toEqual([])
    expect(await problems({ text: 'x'.repeat(476), link })).toEqual([['text-too-long', '/content/text', 501]])
    expect(await problems({ text: 'x'.repeat(501), link })).toEqual([['text-too-long', '/content/text', 501]]) // the text by itself
  })

  it('counts no spaces at the ends, which Mastodon cuts off', async () => {
    expect(await problems({ text: ` \n${'x'.repeat(500)}\r\n\n ` })).toEqual([])
    expect(await problems({ text: `${'x'.repeat(499)}\n\ny` })).toEqual([['text-too-long', '/content/text', 502]])
  })

  it('takes no poll without a text; a warning or a link is one', async () => {
    const poll = { options: ['a', 'b'], durationMs: 600_000 }
    expect(await problems({ poll })).toEqual([['empty', '/content/text', undefined]])
    expect(await problems({ poll, text: ' ' })).toEqual([['empty', '/content/text', undefined]])
    expect(await problems({ poll }, { spoilerText: 'Which?' })).toEqual([])
    expect(await problems({ poll, link: { url: 'https://example.com/' } })).toEqual([])
  })

  it('warns of GIFs of more pixels than Mastodon turns into a video', async () => {
    const gif = (width: number) => ({ text: 'x', media: [{ file: sampleFile(gifOf(width), `${width}.gif`), alt: 'It moves' }] })
    expect(await problems(gif(1_280))).toEqual([])
    expect(await scene.check(gif(1_281))).toMatchObject([{ code: 'media-pixels', pointer: '/content/media/0', limit: 921_600, severity: 'warning' }])
  })

  it('refuses pictures of too many pixels and polls with an option twice', async () => {
    const media = [{ file: sampleFile(huge, 'huge.png'), alt: 'All of it' }]
    expect(await problems({ text: 'x', media })).toEqual([['media-pixels', '/content/media/0', 40_000_000]])
    const poll = { options: ['a', 'a'], durationMs: 600_000 }
    expect(await problems({ text: 'x', poll })).toEqual([['poll-options', '/content/poll/options', undefined]])
  })

  it('refuses options that it does not have, and an app without a name', () => {
    for (const wrong of [{ visibility: 'secret' }, { spoilerText: '' }, { sensitive: 'yes' }, { quotePolicy: 'all' }, { spoiler_text: 'x' }])
      expect(options.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
    expect(() => mastodon({ appName: ' ' })).toThrow(/`appName`/)
  })
})

describe('the text of a status', () => {
  it('is what was written, from the HTML that Mastodon makes of it', () => {
    const html =
      '<p>Hi <span class="h-card" translate="no"><a href="https://b.example/@omar" class="u-url mention">@<span>omar</span></a></span> &amp; all<br />see <a href="https://www.example.com/a/very/long/path/that/is/cut"><span class="invisible">https://www.</span><span class="ellipsis">example.com/a/very/long/path/t</span><span class="invisible">hat/is/cut</span></a></p><p><a href="https://m.example/tags/x" class="mention hashtag" rel="tag">#<span>دبي</span></a> &lt;b&gt;</p>'
    expect(plainText(html)).toBe('Hi @omar & all\nsee https://www.example.com/a/very/long/path/that/is/cut\n\n#دبي <b>\n\n')
    expect(sameText(html, '  Hi @omar@b.example & all\nsee https://www.example.com/a/very/long/path/that/is/cut\n\n\n#دبي <b>  ')).toBe(true)
    expect(sameText(html, 'Hi @omar & all')).toBe(false)
  })

  it('is a sign of Mastodon’s own behind a warning without a text', () => {
    expect(sameText('<p>🖼</p>', '')).toBe(true)
    expect(sameText('<p>Something</p>', '')).toBe(false)
  })

  it('is compared in linear time', () => {
    const began = performance.now()
    sameText(`<p>${'@a'.repeat(100_000)}</p>`, `${'@a-'.repeat(100_000)}`)
    sameText('<'.repeat(200_000), `@${'a.'.repeat(200_000)}`)
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('never takes one text for another', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '&', 'ق') }),
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '&', 'ق') }),
        (one, other) => {
          const html = `<p>${one.replaceAll('&', '&amp;').replaceAll('\n', '<br />')}</p>`
          const words = (text: string) => text.split(/\s+/).filter(Boolean).join(' ')
          fc.pre(words(other) !== '')
          expect(sameText(html, other)).toBe(words(one) === words(other))
        },
      ),
    )
  })
})
