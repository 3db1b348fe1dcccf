// Options that are wrong: each throws at once, names itself and says how to mend it. None is found at the first publish.

import { beforeEach, expect, test } from 'vitest'
import { createSyndikit } from '../src/index.ts'
import { openRig, type Rig } from './engine/rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})

/** What `Number(process.env.NOT_THERE)` gives, and what a comparison never stops. */
const none = Number.NaN

test.each<[string, object, RegExp]>([
  ['no adapter', { adapters: [] }, /`adapters` is a list with at least one/],
  ['something that is no adapter', { adapters: [() => undefined] }, /no adapter of contract 1/],
  ['a misspelt option', { slotz: 5 }, /there is no option `slotz`\. Remove it, or use one of adapters, storage/],
  ['a policy that is none', { onUncertain: 'Hold' }, /`onUncertain` is `hold`, `retry` or `drop`, not Hold/],
  ['a retry plan for nobody', { retryAfterMs: { tyo: [1] } }, /`retryAfterMs` names `tyo`.*Use one of default, toy/],
  ...[[5, -1], [none], [1e300], none, 5, 'soon', null, { toy: 5 }].map((retryAfterMs): [string, object, RegExp] => [
    `a retry plan of ${JSON.stringify(retryAfterMs)}`,
    { retryAfterMs },
    /`retryAfterMs`.* is a list of pauses in ms, such as/,
  ]),
  ['a lease too short for a request', { leaseMs: 1_000 }, /`leaseMs` is a whole number of at least 24000, the slowest adapter's time-out and 4 s, not 1000/],
  ['a lease without end', { leaseMs: 1e15 }, /`leaseMs` is a whole number of at most 86400000/],
  ['a time-out without end', { requestTimeoutMs: 1e15 }, /`requestTimeoutMs` is a whole number of at most 86400000/],
  ...['leaseMs', 'requestTimeoutMs', 'maxLatenessMs', 'retentionMs', 'slots', 'perConnection'].flatMap((name) =>
    [none, Number.POSITIVE_INFINITY, -1, 0.5, '90000000', null].map((value): [string, object, RegExp] => [
      `\`${name}\` ${JSON.stringify(value)} (${String(value)})`,
      { [name]: value },
      new RegExp(`\`${name}\` is a whole number of at (least|most) .*not ${JSON.stringify(value) === 'null' ? String(value) : JSON.stringify(value)}`),
    ]),
  ),
  ['no deployment', { deployment: '' }, /`deployment` is a name/],
  ['no storage', { storage: undefined }, /`storage` is a driver/],
  ['no key', { keys: undefined }, /key/i],
  ['a queue by its name', { queue: 'bullmq' }, /`queue` lacks `hint`, `run`\. Give an object with hint, run/],
  ['a clock that does not sleep', { clock: { now: () => 0, elapsed: () => 0 } }, /`clock` lacks `sleep`/],
  ['chance that is none', { random: {} }, /`random` lacks `bytes`, `fraction`/],
  ['a logger that is none', { logger: 5 }, /`logger` lacks `debug`, `info`, `warn`, `error`/],
  ['a network that is none', { fetch: null }, /`fetch` is a function from a Request to its Response/],
  ['media that are none', { media: '/srv' }, /`media` is an object, such as/],
  ['a misspelt root, which would open the whole disk', { media: { rooot: '/srv' } }, /there is no option `media\.rooot`.*use one of open, root/],
  ...['', 5, null, 'a\0'].map((root): [string, object, RegExp] => [
    `a root of ${JSON.stringify(root)}`,
    { media: { root } },
    /`media\.root` is the path of a folder/,
  ]),
  ['a temporary folder that is none', { media: { tempDir: '' } }, /`media\.tempDir` is the path of a folder/],
  ...[none, 0, -1, '5', Number.POSITIVE_INFINITY].map((maxBytes): [string, object, RegExp] => [
    `at most ${String(maxBytes)} bytes`,
    { media: { maxBytes } },
    /`media\.maxBytes` is a whole number of at least 1, not/,
  ]),
  ['a time-out of media that is none', { media: { timeoutMs: none } }, /`media\.timeoutMs` is a whole number of at least 1, not NaN/],
  ['a hook that is none', { media: { open: 's3' } }, /`media\.open` is a function/],
])('%s throws at once and says how to mend it', (_, more, expected) => {
  const build = () => rig.process(more as never, (storage) => ('storage' in more ? (undefined as never) : storage))
  expect(build).toThrow(TypeError)
  expect(build).toThrow(expected)
})

test.each([undefined, null, 'options'])('%j are no options', (options) =>
  expect(() => createSyndikit(options as never)).toThrow('createSyndikit: give it an object with `adapters`, `storage` and `keys`.'),
)

test('what is undefined is not given', () => {
  expect(() => rig.process({ queue: undefined, media: { root: undefined }, leaseMs: undefined, logger: undefined, retryAfterMs: undefined })).not.toThrow()
})
