// Recognisable secrets through a whole life: they appear in the sealed columns and on the wire, and nowhere else.

import { inspect } from 'node:util'
import { createSandbox, type Fault } from '@syndikit/sandbox'
import { virtualClock } from '@syndikit/testing'
import { expect, test } from 'vitest'
import { createSyndikit, generateKey, memoryStorage, PublishError, type Syndikit } from '../src/index.ts'
import { around, tenant } from './engine/rig.ts'
import { toy } from './engine/toy-adapter.ts'
import { toySandbox } from './engine/toy-platform.ts'

const password = 'canary-password-of-ann'
const keys = generateKey()

/** What may hold a ciphertext. */
const withoutSealed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutSealed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([name, member]) => (name === 'sealed' || name === 'dataKey' ? [] : [[name, withoutSealed(member)]])))
}

const stageOf = () => {
  const clock = virtualClock()
  const sandbox = createSandbox({ platforms: [toySandbox as never], clock })
  const secrets = new Set([password, keys])
  /** All that was handed to the database, and all that was told. */
  const [written, sealed, told]: [unknown[], unknown[], unknown[]] = [[], [], []]
  const storage = around(memoryStorage({ clock }), async (verb, call, args) => {
    written.push([verb, withoutSealed(args)])
    sealed.push(args)
    return call()
  })
  const fetch = async (request: Request): Promise<Response> => {
    for (const [, token] of (request.headers.get('authorization') ?? '').matchAll(/^Bearer (.+)$/g)) secrets.add(token as string)
    const reply = await sandbox.fetch(request)
    const read = (await reply
      .clone()
      .json()
      .catch(() => ({}))) as { access?: string; refresh?: string }
    for (const token of [read.access, read.refresh]) if (token) secrets.add(token)
    return reply
  }
  const log = (fields: object, message: string) => void told.push([fields, message])
  const adapter = toy('look-up')
  const syndikit = createSyndikit({ adapters: [adapter], storage, keys, clock, fetch, logger: { debug: log, info: log, warn: log, error: log } }) as Syndikit
  syndikit.on('*', (event) => void told.push(event))
  /** What a call answers or throws is told as well. */
  const drive = async <T>(call: Promise<T>): Promise<T | undefined> => {
    try {
      const result = await clock.drive(call)
      told.push(result)
      return result
    } catch (error) {
      told.push(error, inspect(error, { depth: 9, showHidden: true }))
      if (!PublishError.is(error)) throw error
      return undefined
    }
  }
  return { clock, sandbox, syndikit, secrets, written, sealed, told, drive }
}

type Stage = ReturnType<typeof stageOf>

const publish = async ({ drive, syndikit }: Stage, connectionId: string, text: string): Promise<string> => {
  const result = await drive(syndikit.publisher.publish({ tenant, content: { text } as never, to: [connectionId] }))
  return (result && 'deliveries' in result && result.deliveries[0]?.id) || ''
}
const work = async ({ clock, drive, syndikit }: Stage, forMs: number): Promise<void> => {
  for (let passed = 0; passed <= forMs; passed += 120_000) {
    await drive(syndikit.tick({ budgetMs: 1_000 }))
    await clock.pass(120_000)
  }
}

test('a life with every fault, a refresh, a failure, a revocation and a removal tells no secret and stores none in the open', { timeout: 60_000 }, async () => {
  const stage = stageOf()
  const { clock, sandbox, syndikit, secrets, drive } = stage
  await drive(syndikit.connections.open({ tenant, platform: 'toy', fields: { name: 7 } } as never))
  const [connection] = (await drive(syndikit.connections.open({ tenant, platform: 'toy', fields: { name: password } }))) ?? []
  const connectionId = connection?.id as string
  const faults: Fault[] = ['drop-request', 'drop-reply', 'error-after', 'error-before', 'garbage-after', 'throttle', 'expire-token', 'arrive-late']
  const ids: string[] = []
  for (const fault of faults) {
    sandbox.faults.add({ fault, nth: 1 })
    ids.push(await publish(stage, connectionId, `with ${fault}`))
    await work(stage, 600_000)
  }
  // Past the token's life: it is renewed.
  await clock.pass(3 * 3_600_000)
  ids.push(await publish(stage, connectionId, 'after a refresh'))
  await work(stage, 600_000)
  await drive(syndikit.publisher.unpublish({ tenant, deliveryId: ids.at(-1) as string }))
  await work(stage, 240_000)
  await sandbox.act('toy', 'revoke')
  ids.push(await publish(stage, connectionId, 'after a revocation'))
  await work(stage, 600_000)
  for (const deliveryId of ids) {
    await drive(syndikit.explain({ tenant, deliveryId }))
    await drive(syndikit.scheduler.attempts({ tenant, deliveryId }))
  }
  await drive(syndikit.scheduler.list({ tenant }))
  await drive(syndikit.connections.list({ tenant }))
  await drive(syndikit.connections.verify({ tenant, id: connectionId }))
  await drive(syndikit.vault.report())
  await drive(syndikit.connections.remove({ tenant, id: connectionId }))

  // It was a life: several tokens, posts, refusals.
  expect(secrets.size).toBeGreaterThan(5)
  expect(sandbox.visible().length).toBeGreaterThanOrEqual(faults.length)
  const events = new Set(stage.told.map((one) => (one as { type?: string } | undefined)?.type))
  for (const type of ['delivery:published', 'delivery:postponed', 'grant:needs-reauth']) expect(events).toContain(type)
  const everything = inspect([stage.told, stage.written], { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null })
  expect(everything.length).toBeGreaterThan(10_000)
  for (const secret of secrets) expect(everything.includes(secret), `${secret.slice(0, 24)}… is told or stored in the open`).toBe(false)
  // And what is sealed is sealed.
  const ciphertexts = inspect(stage.sealed, { depth: 30, maxStringLength: null, maxArrayLength: null })
  for (const secret of secrets) expect(ciphertexts.includes(secret)).toBe(false)
  await clock.drive(sandbox.close())
})
