// The conformance suite of adapters, on the emulator of two Mastodon servers.

import { sampleFiles, testAdapter } from '@syndikit/testing'
import { describe, test } from 'vitest'
import { sandbox } from '../src/sandbox.ts'
import { adapter, connectAt } from './scene.ts'

const { picture, otherPicture, film } = sampleFiles()

for (const host of ['mastodon.example', 'social.example'])
  describe(host, () => {
    testAdapter({
      test: (name, run) => test(name, { timeout: 300_000 }, run),
      adapter,
      sandbox,
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
