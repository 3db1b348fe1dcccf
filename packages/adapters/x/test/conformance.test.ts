// The conformance suite of adapters, on X's emulator.

import { sampleFiles, testAdapter } from '@syndikit/testing'
import { test } from 'vitest'
import { x } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'
import { app, connectAs } from './scene.ts'

const { picture, otherPicture, film } = sampleFiles()

testAdapter({
  test: (name, run) => test(name, { timeout: 300_000 }, run),
  adapter: () => x(app),
  sandbox,
  connect: connectAs(),
  samples: {
    'a text': { content: { text: 'Fish & chips <3, مرحبا 👨‍👩‍👧‍👦' } },
    'a thread with pictures': {
      content: {
        text: 'First',
        media: [{ file: picture, alt: 'A grey rectangle' }],
        thread: [{ text: 'Second', media: [{ file: otherPicture }] }, { text: 'Third' }],
      },
    },
    'a poll': { content: { text: 'Tea or coffee?', poll: { options: ['Tea', 'Coffee'], durationMs: 3_600_000 } } },
    'a film': { content: { text: 'Moving', media: [{ file: film, alt: 'Nothing moves' }] } },
  },
})
