// What goes wrong without each safeguard, shown where it stands. `npm run ablate` switches them off in turn and demands that a test turns red.

import { type Connect, openStage, type Stage, tenant } from '@syndikit/testing'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Adapter, createSyndikit, generateKey, type Placement, type Run } from '../../src/index.ts'
import { toy } from './toy-adapter.ts'
import { toySandbox } from './toy-platform.ts'

const connect: Connect = ({ syndikit, tenant }) => syndikit.connections.open({ tenant, platform: 'toy', fields: { name: 'password' } })
const open: Stage[] = []
const stageFor = async (adapter: () => Adapter): Promise<Stage> => {
  const stage = await openStage({ adapter, sandbox: toySandbox as never, connect })
  open.push(stage)
  return stage
}
afterEach(async () => {
  for (const stage of open.splice(0)) await stage.close()
})

const publish = async (stage: Stage, text: string): Promise<string> => {
  const result = await stage.clock.drive(stage.syndikit.publisher.publish({ tenant, content: { text } as never, to: [stage.connectionId] }))
  if (!('deliveries' in result)) throw new Error(result.status)
  return result.deliveries[0]?.id as string
}
const texts = (stage: Stage): string[] => stage.sandbox.visible().map(({ text }) => text)
const placed = z.object({ id: z.string() })
const post = (run: Run, door: string, text: string) =>
  run.http.post(`${door}/posts`, { json: { text }, headers: { 'idempotency-key': run.delivery.key }, accept: placed })

test('what was frozen before the first send is what is sent again, though the adapter would write something else by now', async () => {
  let runs = 0
  const adapter = () =>
    toy('probe', {
      publish: (run): Promise<Placement> => {
        runs += 1
        return run.commit('post', { request: { text: `written in run ${runs}` }, send: ({ text }) => post(run, 'probe', text), find: async () => 'unknown' })
      },
    })
  const stage = await stageFor(adapter)
  stage.sandbox.faults.add({ fault: 'drop-request', on: 'commit', nth: 1 })
  await publish(stage, 'any')
  await stage.work()
  expect(runs).toBeGreaterThan(1)
  expect(texts(stage)).toEqual(['written in run 1'])
})

test('on the way to a commit that may be out nothing is asked, so that what has expired since is not taken for a failure', async () => {
  let asked = 0
  const adapter = () =>
    toy('look-up', {
      publish: async (run): Promise<Placement> => {
        asked += 1
        if (asked > 1) await run.http.get('prepare/that-is-gone', { accept: z.object({ ready: z.literal(true) }) }).catch(() => undefined)
        return run.commit('post', {
          request: { text: 'once' },
          send: ({ text }) => post(run, 'look-up', text),
          find: async (_, { pick }) => pick((await run.http.get('posts', { accept: z.array(placed) })).map(({ id }) => ({ id }))),
        })
      },
    })
  const stage = await stageFor(adapter)
  stage.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
  const id = await publish(stage, 'any')
  await stage.work()
  expect(stage.sandbox.requests.filter(({ path }) => path.startsWith('/prepare/'))).toEqual([])
  expect((await stage.delivery(id)).state).toBe('published')
})

test('a post that is not to be seen yet is not sent again before the platform had its time', async () => {
  const stage = await stageFor(() => toy('look-up'))
  stage.sandbox.faults.add({ fault: 'arrive-late', on: 'commit', nth: 1, delayMs: 100_000 })
  const id = await publish(stage, 'slow')
  await stage.work()
  await stage.clock.pass(600_000)
  expect(texts(stage)).toEqual(['slow'])
  expect((await stage.delivery(id)).state).toBe('published')
})

test('a duplicate on a first send is a refusal: somebody else’s post is never taken for ours', async () => {
  const stage = await stageFor(() => toy('probe'))
  await publish(stage, 'the same words')
  await stage.work()
  const second = await stage.clock.drive(
    stage.syndikit.publisher.publish({ tenant, content: { text: 'the same words' } as never, to: [stage.connectionId], contentKey: 'another article' }),
  )
  const id = 'deliveries' in second ? (second.deliveries[0]?.id as string) : ''
  await stage.work()
  const delivery = await stage.delivery(id)
  expect(delivery.state).toBe('failed')
  expect(delivery.reason?.code).toBe('duplicate')
  expect(delivery.parts).toEqual([])
})

test('a run that takes longer than its lease keeps it, and no second worker begins', async () => {
  const begun: number[] = []
  const adapter = () =>
    toy('blind', {
      publish: async (run): Promise<Placement> => {
        begun.push(1)
        for (const n of [1, 2, 3, 4, 5, 6]) await run.once(`upload-${n}`, () => run.http.get('me', { accept: z.unknown() }) as Promise<never>)
        return run.commit('post', { request: { text: 'long' }, send: ({ text }) => post(run, 'blind', text) })
      },
    })
  const stage = await stageFor(adapter)
  const id = await publish(stage, 'long')
  for (const nth of [1, 2, 3, 4, 5, 6]) stage.sandbox.faults.add({ fault: 'delay-reply', nth, delayMs: 19_000 })
  const other = createSyndikit({ adapters: [adapter()], storage: stage.storage, keys: generateKey(), clock: stage.clock, fetch: stage.sandbox.fetch })
  const running = stage.syndikit.tick({ budgetMs: 300_000 })
  for (let i = 0; i < 12; i++) {
    await stage.clock.pass(10_000)
    await Promise.race([stage.clock.drive(other.tick({ budgetMs: 100 })), stage.clock.pass(1_000)])
  }
  await stage.clock.drive(running)
  expect(begun).toHaveLength(1)
  expect(texts(stage)).toEqual(['long'])
  expect((await stage.delivery(id)).state).toBe('published')
})

test('a worker that was asleep while another took over sends nothing', async () => {
  const stage = await stageFor(() => toy('look-up'))
  const id = await publish(stage, 'mine')
  const { claims } = await stage.storage.deliveries.claim({ limit: 1, leaseMs: 60_000, perTenant: 10, perConnection: 10, skipTenants: [], skipConnections: [] })
  const [stolen] = claims
  expect(stolen?.id).toBe(id)
  await stage.clock.pass(61_000)
  await stage.work()
  expect((await stage.delivery(id)).state).toBe('published')
  const late = await stage.storage.deliveries.save([{ id, fence: stolen?.fence as number, steps: '{}', marker: null }])
  expect(late).toEqual(['stale'])
  expect(texts(stage)).toEqual(['mine'])
})

test('a duplicate after the platform said that nothing is there is not a failure: one of the two is wrong, and nobody can know which', async () => {
  const adapter = () =>
    toy('probe', {
      recovery: { class: 'look-up', settleMs: 60_000 },
      publish: (run): Promise<Placement> =>
        run.commit('post', { request: { text: 'hidden' }, send: ({ text }) => post(run, 'probe', text), find: async () => 'absent' }),
    })
  const stage = await stageFor(adapter)
  stage.sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
  const id = await publish(stage, 'any')
  await stage.work()
  expect(texts(stage)).toEqual(['hidden'])
  expect((await stage.delivery(id)).state).toBe('uncertain')
})
