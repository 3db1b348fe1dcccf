// Our registrations on a server: one per tenant, and a server that has forgotten them.

import { createSyndikit, generateKey, memoryStorage } from '@syndikit/core'
import { consent, createSandbox } from '@syndikit/sandbox'
import { virtualClock } from '@syndikit/testing'
import { expect, test } from 'vitest'
import { sandbox as platform } from '../src/sandbox.ts'
import { adapter, server } from './scene.ts'

const redirectUri = 'https://app.example/callback'

const begin = () => {
  const clock = virtualClock()
  const sandbox = createSandbox({ platforms: [platform], clock, seed: 0 })
  const sent: string[] = []
  const fetch = async (request: Request) => {
    sent.push(`${request.method} ${new URL(request.url).pathname}`)
    return sandbox.fetch(request)
  }
  const syndikit = createSyndikit({ adapters: [adapter()], storage: memoryStorage({ clock }), keys: generateKey(), fetch, clock })
  const connect = async (tenant: string, reconnect?: string): Promise<string> => {
    const { url } = await syndikit.connections.begin({ tenant, platform: 'mastodon', server, redirectUri, reconnect })
    const [connection] = await syndikit.connections.complete({ tenant, callbackUrl: await consent(sandbox.fetch, url) })
    return connection?.id ?? ''
  }
  return { clock, sandbox, sent, syndikit, connect }
}

test('a tenant that removes its connection leaves the same account of another tenant alone, although Mastodon gives one app and account one token', async () => {
  const { clock, sandbox, syndikit, connect } = begin()
  const [mine, theirs] = [await connect('ann'), await connect('bob')]
  expect(await syndikit.connections.remove({ tenant: 'ann', id: mine })).toEqual({ revocation: 'confirmed' })
  expect(await syndikit.connections.verify({ tenant: 'bob', id: theirs })).toMatchObject({ state: 'active' })
  await syndikit.publisher.publish({ tenant: 'bob', content: { text: 'still here' }, to: [theirs] })
  await clock.drive(syndikit.tick({ budgetMs: 1_000 }))
  expect(sandbox.visible().map(({ text }) => text)).toEqual(['still here'])
  await syndikit.close()
})

test('a server that has forgotten our app gets a new registration at the next consent, and one that knows it none', async () => {
  const { clock, sandbox, sent, syndikit, connect } = begin()
  const registrations = () => sent.filter((one) => one === 'POST /api/v1/apps').length
  const id = await connect('ann')
  await connect('ann', id)
  expect(registrations()).toBe(1)
  await sandbox.reset()
  expect(await connect('ann', id)).toBe(id)
  await connect('ann', id)
  expect(registrations()).toBe(2)
  await syndikit.publisher.publish({ tenant: 'ann', content: { text: 'back again' }, to: [id] })
  await clock.drive(syndikit.tick({ budgetMs: 1_000 }))
  expect(sandbox.visible().map(({ text }) => text)).toEqual(['back again'])
  await syndikit.close()
})

test('a consent whose server forgot our app in the middle says to start again, and starting again works', async () => {
  const { sandbox, syndikit, connect } = begin()
  const { url } = await syndikit.connections.begin({ tenant: 'ann', platform: 'mastodon', server, redirectUri })
  const callbackUrl = await consent(sandbox.fetch, url)
  await sandbox.reset()
  await expect(syndikit.connections.complete({ tenant: 'ann', callbackUrl })).rejects.toThrow(/does not know our registration any more.*`connections.begin`/)
  expect(await connect('ann')).toBeTruthy()
  await syndikit.close()
})
