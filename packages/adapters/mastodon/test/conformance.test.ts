// The conformance suite of adapters, on the emulator of two Mastodon servers.

import { type Connect, sampleFiles, testAdapter } from '@syndikit/testing'
import { describe, test } from 'vitest'
import { mastodon } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'

const redirectUri = 'https://app.example/callback'
const connectAt =
  (server: string): Connect =>
  async ({ syndikit, tenant, consent, reconnect }) => {
    const { url } = await syndikit.connections.begin({ tenant, platform: 'mastodon', server, redirectUri, reconnect })
    return syndikit.connections.complete({ tenant, callbackUrl: await consent(url) })
  }
const { picture, otherPicture, film } = sampleFiles()

for (const host of ['mastodon.example', 'social.example'])
  describe(host, () => {
    testAdapter({
      test: (name, run) => test(name, { timeout: 300_000 }, run),
      adapter: () => mastodon({ appName: 'Syndikit' }),
      sandbox: sandbox as never,
      connect: connectAt(`https://${host}`),
      samples: {
        'a text': { content: { text: 'Fish & chips <3, مرحبا 👨‍👩‍👧‍👦 #tag' } },
        'a thread with pictures': {
          content: {
            text: 'First',
            media: [{ file: picture, alt: 'A grey rectangle' }],
            thread: [{ text: 'Second', media: [{ file: otherPicture }] }, { text: 'Third' }],
          },
        },
        'a poll behind a warning': {
          content: { text: 'Tea or coffee?', poll: { options: ['Tea', 'Coffee'], durationMs: 3_600_000 } },
          options: { spoilerText: 'Hot drinks', visibility: 'unlisted' },
        },
        'a film': { content: { text: 'Moving', media: [{ file: film, alt: 'Nothing moves' }] } },
      },
    })
  })
