// The conformance suite of adapters, on Bluesky's emulator.

import { sampleFiles, testAdapter } from '@syndikit/testing'
import { test } from 'vitest'
import { bluesky } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'
import { connect, omar } from './scene.ts'

const { picture, otherPicture, film } = sampleFiles()

testAdapter({
  test: (name, run) => test(name, { timeout: 300_000 }, run),
  adapter: () => bluesky(),
  sandbox,
  connect,
  samples: {
    'a text': { content: { text: 'Fish & chips <3, مرحبا 👨‍👩‍👧‍👦 #tag https://example.com/a' } },
    'a thread with pictures': {
      content: {
        text: 'First',
        media: [{ file: picture, alt: 'A grey rectangle' }],
        thread: [{ text: 'Second', media: [{ file: otherPicture }] }, { text: 'Third' }],
      },
    },
    'a mention and a card': {
      content: {
        text: `With @${omar.handle}`,
        link: { url: 'https://example.com/house', title: 'House', description: 'Big', thumbnail: { file: picture } },
      },
    },
    'a film': { content: { text: 'Moving', media: [{ file: film, alt: 'Nothing moves' }] } },
  },
})
