// What must not compile: `tsc` checks this file with the rest. A line that compiles after all fails there as an unused `@ts-expect-error`.

import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { type Adapter, createSyndikit, defineAdapter, defineKind, generateKey, memoryStorage, post, type Syndikit } from '../src/index.ts'

const shared = {
  contract: 1,
  auth: [{ type: 'keys', fields: z.object({ token: z.string() }) }],
  http: { base: 'https://a.example', hosts: ['a.example'] },
  accounts: async () => [],
  errors: { read: () => ({}), table: [] },
} as const
const push = { recovery: { class: 'blind' as const }, publish: async () => ({ id: '1' }) }
const loud = () =>
  defineAdapter({ ...shared, id: 'loud', name: 'Loud', content: [post({ ...push, options: z.strictObject({ volume: z.number().optional() }) })] })
const plain = () => defineAdapter({ ...shared, id: 'plain', name: 'Plain', content: [post(push)] })

const make = () => createSyndikit({ adapters: [loud(), plain()], storage: memoryStorage(), keys: generateKey() })
const to = ['c']
const tenant = 't'
const content = { text: 'hello' }
/** Compiled, never run. */
const compiled = (_: (syndikit: ReturnType<typeof make>) => unknown): void => undefined

test('platforms and their options are known to the compiler', () => {
  compiled(({ publisher }) =>
    publisher.publish({ tenant, content, to, variants: { loud: { text: 'HELLO', options: { volume: 11 } }, plain: { text: 'hello' } } }),
  )
  // @ts-expect-error: no such platform
  compiled(({ publisher }) => publisher.publish({ tenant, content, to, variants: { lound: { text: 'x' } } }))
  // @ts-expect-error: no such option
  compiled(({ publisher }) => publisher.publish({ tenant, content, to, variants: { loud: { options: { volumes: 11 } } } }))
  // @ts-expect-error: the option is a number
  compiled(({ publisher }) => publisher.publish({ tenant, content, to, variants: { loud: { options: { volume: 'high' } } } }))
  // @ts-expect-error: this platform has no options
  compiled(({ publisher }) => publisher.publish({ tenant, content, to, variants: { plain: { options: { volume: 11 } } } }))
  // @ts-expect-error: no such member of a post
  compiled(({ publisher }) => publisher.publish({ tenant, content: { txt: 'x' }, to }))
  // @ts-expect-error: nobody takes this kind
  compiled(({ publisher }) => publisher.publish({ tenant, content: { kind: 'listing', title: 'x' }, to }))
  // @ts-expect-error: whose it is must be said
  compiled(({ publisher }) => publisher.publish({ content, to }))
  expect(true).toBe(true)
})

test('times belong to a schedule, and a schedule has one', () => {
  compiled(({ scheduler }) => scheduler.schedule({ tenant, content, to, at: '2026-12-01T09:00', timeZone: 'Asia/Dubai', times: { plain: new Date() } }))
  // @ts-expect-error: when?
  compiled(({ scheduler }) => scheduler.schedule({ tenant, content, to }))
  // @ts-expect-error: now has no time
  compiled(({ publisher }) => publisher.publish({ tenant, content, to, at: new Date() }))
  // @ts-expect-error: no such platform
  compiled(({ scheduler }) => scheduler.schedule({ tenant, content, to, at: new Date(), times: { plane: new Date() } }))
  // @ts-expect-error: no such verdict
  compiled(({ scheduler }) => scheduler.resolve({ tenant, deliveryId: 'd', as: 'lost' }))
  expect(true).toBe(true)
})

test('events carry what their type says', () => {
  compiled(({ on }) => on('delivery:published', ({ placement, lagMs }) => [placement.id, lagMs.toFixed()]))
  compiled(({ on }) => on('*', (event) => event.type === 'delivery:failed' && event.reason.message))
  // @ts-expect-error: no such event
  compiled(({ on }) => on('delivery:publish', () => undefined))
  // @ts-expect-error: a failure has no placement
  compiled(({ on }) => on('delivery:failed', ({ placement }) => placement))
  expect(true).toBe(true)
})

test('what a call answers must be looked at before its deliveries are', () => {
  compiled(async ({ publisher }) => {
    const result = await publisher.publish({ tenant, content, to })
    expectTypeOf(result.status).toEqualTypeOf<'scheduled' | 'replayed' | 'key-reused' | 'active'>()
    // @ts-expect-error: a refusal has none
    const all = result.deliveries
    return 'deliveries' in result ? result.deliveries[0]?.dueAt.getTime() : all
  })
  expect(true).toBe(true)
})

test('a kind of one’s own is known like any other', () => {
  const note = defineKind<'note', { readonly body: string }, { kind: 'note'; body: string }>({
    kind: 'note',
    schema: z.strictObject({ kind: z.literal('note'), body: z.string() }),
    media: () => [],
    build: ({ body }) => ({ body }),
    sections: ({ body }) => [{ pointer: '', texts: { body }, media: [] }],
  })
  const notes = () =>
    defineAdapter({
      ...shared,
      id: 'notes',
      name: 'Notes',
      content: [
        note({ recovery: { class: 'blind' }, publish: async ({ body }) => ({ id: expectTypeOf(body).toEqualTypeOf<string>() === undefined ? 'a' : 'b' }) }),
      ],
    })
  const syndikit = createSyndikit({ adapters: [notes(), plain()], storage: memoryStorage(), keys: generateKey() })
  const compiledHere = (_: (one: typeof syndikit) => unknown): void => undefined
  compiledHere(({ publisher }) => publisher.publish({ tenant, content: { kind: 'note', body: 'x' }, to }))
  compiledHere(({ publisher }) => publisher.publish({ tenant, content: { text: 'a post' }, to }))
  // @ts-expect-error: a note has a body
  compiledHere(({ publisher }) => publisher.publish({ tenant, content: { kind: 'note', text: 'x' }, to }))
  expect(typeof syndikit.publisher.publish).toBe('function')
})

test('one that is known by its adapters is also one that is not', () => {
  expectTypeOf<ReturnType<typeof loud>['id']>().toEqualTypeOf<'loud'>()
  const any: Adapter = loud() as Adapter
  const general = make() as unknown as Syndikit
  expect([any.id, typeof general.tick]).toEqual(['loud', 'function'])
})
