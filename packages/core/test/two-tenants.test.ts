// Two tenants on one Syndikit: no call of one ever reads or changes a row of the other, whatever ids it names.

import { inspect } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Storage } from '../src/index.ts'
import { around, hour, minute, openRig, type Rig, refusal } from './engine/rig.ts'

const bobs = 'canary-of-bob'
interface Bobs {
  connectionId: string
  publicationId: string
  scheduled: string
  published: string
  uncertain: string
  failed: string
}
let rig: Rig
let his: Bobs
/** Rows of another tenant that a verb brought to a call of Ann's. */
let leaks: string[]
let asking: string | undefined

const tenantsIn = (value: unknown, found = new Set<string>()): Set<string> => {
  if (typeof value !== 'object' || value === null) return found
  if ('tenant' in value && typeof value.tenant === 'string') found.add(value.tenant)
  for (const member of Object.values(value)) tenantsIn(member, found)
  return found
}
const watch = (storage: Storage): Storage =>
  around(storage, async (verb, call, args) => {
    const result = await call()
    for (const whose of [...tenantsIn(result), ...tenantsIn(args)])
      if (asking !== undefined && whose !== asking && whose !== '') leaks.push(`${verb} of ${whose}`)
    if (asking !== undefined && typeof args[0] === 'string' && ['ann', 'bob'].includes(args[0]) && args[0] !== asking) leaks.push(`${verb} for ${args[0]}`)
    return result
  })

const as = async <T>(tenant: string, call: () => Promise<T>): Promise<T> => {
  asking = tenant
  try {
    return await rig.clock.drive(call())
  } finally {
    asking = undefined
  }
}
/** All that is Bob's, as the database has it. */
const dump = async (): Promise<unknown> => {
  const { items } = await rig.storage.deliveries.list('bob', { limit: 100 })
  const connections = await rig.storage.connections.list('bob', { limit: 100 })
  return {
    items,
    attempts: await Promise.all(items.map(({ id }) => rig.storage.deliveries.attempts('bob', id))),
    publications: await Promise.all(items.map(({ publicationId }) => rig.storage.publications.get('bob', publicationId))),
    connections,
    grants: await Promise.all(connections.items.map(({ grantId }) => rig.storage.connections.grant('bob', grantId))),
    counts: await rig.storage.deliveries.counts('bob'),
  }
}

beforeEach(async () => {
  leaks = []
  asking = undefined
  rig = await openRig({
    recovery: { class: 'blind' },
    wrap: watch,
    spec: {
      update: async () => undefined,
      refresh: async () => undefined,
      metrics: { atOnce: 9, read: async (all) => new Map(all.map(({ id }) => [id, { likes: 1 }])) },
    },
  })
  const connectionId = await rig.connect('bob', bobs)
  const put = async (text: string, more: object = {}) => {
    const draft = { tenant: 'bob', content: { text: `${bobs} ${text}` }, to: [connectionId], ...more }
    const result = await rig.clock.drive('at' in more ? rig.syndikit.scheduler.schedule(draft as never) : rig.syndikit.publisher.publish(draft as never))
    if (!('deliveries' in result)) throw new Error(result.status)
    return result
  }
  const published = await put('published', { idempotencyKey: 'key-of-bob' })
  await rig.tick()
  rig.platform.script.push('lost-reply')
  const uncertain = await put('uncertain')
  await rig.tick()
  rig.platform.script.push(refusal('invalid'))
  const failed = await put('failed')
  await rig.tick()
  const scheduled = await put('scheduled', { at: new Date(rig.clock.now() + hour) })
  const idOf = (result: Awaited<ReturnType<typeof put>>) => result.deliveries[0]?.id as string
  his = {
    connectionId,
    publicationId: published.publicationId,
    scheduled: idOf(scheduled),
    published: idOf(published),
    uncertain: idOf(uncertain),
    failed: idOf(failed),
  }
})

const ann = { tenant: 'ann' }
const every = () => [his.scheduled, his.published, his.uncertain, his.failed]
type Calls = Record<string, () => Promise<unknown>[]>
const each = (call: (deliveryId: string) => Promise<unknown>) => () => every().map(call)

/** Each public call, named as its member is, tried by Ann with everything that is Bob's. */
const attacks: Record<'publisher' | 'scheduler' | 'connections', Calls> = {
  publisher: {
    check: () => [rig.syndikit.publisher.check({ ...ann, content: { text: 'x' } as never, to: [his.connectionId] })],
    publish: () => [
      rig.syndikit.publisher.publish({ ...ann, content: { text: 'x' } as never, to: [his.connectionId] }),
      rig.syndikit.publisher.publish({ ...ann, content: { text: 'x' } as never, to: [rig.connectionId, his.connectionId] }),
      rig.syndikit.publisher.publish({ ...ann, content: { text: 'x' } as never, to: [his.connectionId], idempotencyKey: 'key-of-bob' }),
    ],
    wait: () => [rig.syndikit.publisher.wait({ ...ann, publicationId: his.publicationId, timeoutMs: 5 })],
    update: each((deliveryId) => rig.syndikit.publisher.update({ ...ann, deliveryId, content: { text: 'x' } as never })),
    unpublish: each((deliveryId) => rig.syndikit.publisher.unpublish({ ...ann, deliveryId })),
    refresh: each((deliveryId) => rig.syndikit.publisher.refresh({ ...ann, deliveryId })),
    metrics: () => [rig.syndikit.publisher.metrics({ ...ann, deliveryIds: every() })],
  },
  scheduler: {
    schedule: () => [
      rig.syndikit.scheduler.schedule({ ...ann, content: { text: 'x' } as never, to: [his.connectionId], at: new Date(rig.clock.now() + hour) }),
    ],
    scheduleAll: () => [
      rig.syndikit.scheduler.scheduleAll([
        { ...ann, content: { text: 'x' } as never, to: [rig.connectionId], at: new Date(rig.clock.now() + hour) },
        { ...ann, content: { text: 'y' } as never, to: [his.connectionId], at: new Date(rig.clock.now() + hour) },
      ]),
    ],
    reschedule: each((deliveryId) => rig.syndikit.scheduler.reschedule({ ...ann, deliveryId, at: new Date(rig.clock.now() + minute) })),
    cancel: each((deliveryId) => rig.syndikit.scheduler.cancel({ ...ann, deliveryId })),
    executeNow: each((deliveryId) => rig.syndikit.scheduler.executeNow({ ...ann, deliveryId })),
    retry: each((deliveryId) => rig.syndikit.scheduler.retry({ ...ann, deliveryId })),
    resolve: () =>
      every().flatMap((deliveryId) =>
        (['published', 'failed', 'scheduled'] as const).map((as) => rig.syndikit.scheduler.resolve({ ...ann, deliveryId, as, placement: { id: 'x' } })),
      ),
    get: each((deliveryId) => rig.syndikit.scheduler.get({ ...ann, deliveryId })),
    list: () => [
      rig.syndikit.scheduler.list(ann),
      rig.syndikit.scheduler.list({ ...ann, connectionId: his.connectionId }),
      rig.syndikit.scheduler.list({ ...ann, publicationId: his.publicationId }),
    ],
    counts: () => [rig.syndikit.scheduler.counts(ann)],
    attempts: each((deliveryId) => rig.syndikit.scheduler.attempts({ ...ann, deliveryId })),
  },
  connections: {
    begin: () => [rig.syndikit.connections.begin({ ...ann, platform: 'toy', redirectUri: 'https://app.example/back', reconnect: his.connectionId } as never)],
    complete: () => [rig.syndikit.connections.complete({ ...ann, callbackUrl: 'https://app.example/back?code=1&state=x' })],
    open: () => [rig.syndikit.connections.open({ ...ann, platform: 'toy', fields: { token: 't', user: bobs }, reconnect: his.connectionId } as never)],
    keep: () => [rig.syndikit.connections.keep({ ...ann, ids: [his.connectionId] })],
    get: () => [rig.syndikit.connections.get({ ...ann, id: his.connectionId })],
    list: () => [rig.syndikit.connections.list(ann)],
    verify: () => [rig.syndikit.connections.verify({ ...ann, id: his.connectionId })],
    remove: () => [rig.syndikit.connections.remove({ ...ann, id: his.connectionId })],
  },
}

describe.each(Object.keys(attacks) as (keyof typeof attacks)[])('%s', (group) => {
  test('every call is tried', async () => expect(Object.keys(attacks[group]).sort()).toEqual(Object.keys(rig.syndikit[group]).sort()))

  test.each(Object.keys(attacks[group]))('%s reads and changes nothing of Bob’s, and tells nothing of it', async (name) => {
    const before = await dump()
    const answers = await as('ann', () => Promise.allSettled((attacks[group][name] as () => Promise<unknown>[])()))
    expect(leaks).toEqual([])
    expect(await dump()).toEqual(before)
    expect(inspect(answers, { depth: 20, maxStringLength: null, maxArrayLength: null })).not.toContain(bobs)
    for (const answer of answers)
      if (answer.status === 'fulfilled') expect(JSON.stringify(answer.value) ?? '', name).not.toMatch(/"status":"(done|scheduled|replayed|key-reused|active)"/)
    const posts = rig.platform.posts.length
    await rig.tick()
    expect(rig.platform.posts).toHaveLength(posts)
  })
})

test('explain tells nothing of Bob’s', async () => {
  for (const deliveryId of every()) expect(await as('ann', () => rig.syndikit.explain({ ...ann, deliveryId }))).toBeUndefined()
  expect(leaks).toEqual([])
})

test('the same ids of content, key and account are each tenant’s own', async () => {
  const mine = await rig.connect('ann', bobs)
  const draft = { content: { text: `${bobs} scheduled` } as never, to: [mine], idempotencyKey: 'key-of-bob' }
  const result = await as('ann', () => rig.syndikit.publisher.publish({ ...ann, ...draft }))
  expect(result.status).toBe('scheduled')
  expect(leaks).toEqual([])
})

test('Bob himself gets all of it', async () => {
  expect((await as('bob', () => rig.syndikit.scheduler.list({ tenant: 'bob' }))).items).toHaveLength(4)
  expect(await as('bob', () => rig.syndikit.scheduler.cancel({ tenant: 'bob', deliveryId: his.scheduled }))).toEqual({ status: 'done' })
  expect(await as('bob', () => rig.syndikit.scheduler.resolve({ tenant: 'bob', deliveryId: his.uncertain, as: 'failed' }))).toEqual({ status: 'done' })
  expect((await as('bob', () => rig.syndikit.publisher.metrics({ tenant: 'bob', deliveryIds: [his.published] }))).size).toBe(1)
  expect(leaks).toEqual([])
})
