// Servers that speak Mastodon's API and are none, or an old one.

import type { Fetch } from '@syndikit/core'
import { sampleFiles } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { sceneOf } from './scene.ts'

const { picture } = sampleFiles()

/** A server of another make: it says so, and knows no idempotency keys. */
const relative =
  (version: string) =>
  async (request: Request, platform: Fetch): Promise<Response> => {
    const passed = new Request(request)
    passed.headers.delete('idempotency-key')
    const reply = await platform(passed)
    return request.url.endsWith('/instance') ? Response.json({ ...((await reply.json()) as object), version }) : reply
  }

describe('a server that is not Mastodon', () => {
  for (const version of ['0.17.3+git-1a2b3c4', '3.5.3 (compatible; Pixelfed 0.12.5)'])
    for (const fault of ['drop-request', 'drop-reply', 'error-after'] as const)
      it(`(${version}) gets a thread once, because it is looked for and not sent again under a key that it ignores, after ${fault}`, async () => {
        for (const nth of [1, 2, 3]) {
          const scene = await sceneOf({ between: relative(version) })
          scene.sandbox.faults.add({ fault, on: 'commit', nth })
          const { state, parts } = await scene.publish({ text: 'First', thread: [{ text: 'Second', media: [{ file: picture }] }, { text: 'Third' }] })
          expect([nth, state, scene.texts()]).toEqual([nth, 'published', ['First', 'Second', 'Third']])
          expect(parts.map(({ id }) => id)).toEqual(scene.sandbox.shown().map(({ id }) => id))
        }
      })

  it('is relied on for its keys where it is built from Mastodon: nothing is looked for', async () => {
    for (const version of ['4.5.0', '4.4.2+glitch', '4.3.0-nightly.2024-04-18', '4.0.2+hometown-1.1.1']) {
      const scene = await sceneOf({
        between: async (request, platform) => {
          const reply = await platform(request)
          return request.url.endsWith('/instance') ? Response.json({ ...((await reply.json()) as object), version }) : reply
        },
      })
      scene.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
      expect((await scene.publish({ text: 'Once' })).state).toBe('published')
      expect([scene.texts(), scene.posts().length, scene.sent.some(({ url }) => /accounts\/\d+\/statuses/.test(url))]).toEqual([['Once'], 2, false])
    }
  })
})

describe('a server that answers 500 to every key that it knows (mastodon#40399)', () => {
  it('has published once, and is believed when its keys no longer count', async () => {
    const known = new Set<string>()
    const scene = await sceneOf({
      between: async (request, platform) => {
        const key = request.headers.get('idempotency-key')
        if (key && known.has(key)) return Response.json({ error: 'Internal Server Error', status: 500 }, { status: 500 })
        if (key) known.add(key)
        return platform(request)
      },
    })
    scene.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
    const { state, placement } = await scene.publish({ text: 'Once' })
    expect([state, placement?.id, scene.texts()]).toEqual(['published', scene.sandbox.shown()[0]?.id, ['Once']])
  })
})
