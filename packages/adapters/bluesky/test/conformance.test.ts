// The conformance suite of adapters, on Bluesky's emulator.

import { type Connect, sampleFiles, testAdapter } from '@syndikit/testing'
import { test } from 'vitest'
import { bluesky } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'

const connect: Connect = ({ syndikit, tenant, reconnect }) =>
  syndikit.connections.open({
    tenant,
    platform: 'bluesky',
    fields: { identifier: sandbox.accounts[0]?.name, appPassword: reconnect === undefined ? 'sand-boxx-pass-0001' : 'sand-boxx-pass-0002' },
    reconnect,
  })
const { picture, otherPicture, film } = sampleFiles()

testAdapter({
  test: (name, run) => test(name, { timeout: 300_000 }, run),
  adapter: () => bluesky(),
  sandbox: sandbox as never,
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
    'a film': { content: { text: 'Moving', media: [{ file: film, alt: 'Nothing moves' }] } },
  },
})
