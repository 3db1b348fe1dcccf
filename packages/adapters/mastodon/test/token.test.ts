// A token made by hand instead of a consent.

import { createSyndikit, generateKey, memoryStorage } from '@syndikit/core'
import { consent, createSandbox, type RunningSandbox } from '@syndikit/sandbox'
import { virtualClock } from '@syndikit/testing'
import { expect, test } from 'vitest'
import { mastodon } from '../src/index.ts'
import { sandbox as platform } from '../src/sandbox.ts'

const server = 'https://mastodon.example'

/** What Mastodon shows under Preferences, Development: an application of the user's own, and its token. */
const tokenOf = async ({ fetch }: RunningSandbox): Promise<string> => {
  const back = 'https://app.example/callback'
  const post = async (path: string, json: object) =>
    (await fetch(new Request(`${server}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }))).json()
  const scopes = 'read:accounts read:statuses write:statuses write:media'
  const app = (await post('/api/v1/apps', { client_name: 'My own', redirect_uris: back, scopes })) as { client_id: string; client_secret: string }
  const query = new URLSearchParams({ response_type: 'code', client_id: app.client_id, redirect_uri: back, scope: scopes, state: 's' })
  const code = new URL(await consent(fetch, `${server}/oauth/authorize?${query}`)).searchParams.get('code')
  const { access_token } = (await post('/oauth/token', { grant_type: 'authorization_code', code, redirect_uri: back, ...app })) as { access_token: string }
  return access_token
}

const begin = () => {
  const clock = virtualClock()
  const sandbox = createSandbox({ platforms: [platform], clock, seed: 0 })
  const syndikit = createSyndikit({
    adapters: [mastodon({ appName: 'Syndikit' })],
    storage: memoryStorage({ clock }),
    keys: generateKey(),
    fetch: sandbox.fetch,
    clock,
  })
  return { clock, sandbox, syndikit }
}

test('opens the account it belongs to, and a status whose answer was lost is found again after the hour, whatever its application is called', async () => {
  const { clock, sandbox, syndikit } = begin()
  const token = await tokenOf(sandbox)
  const [connection] = await syndikit.connections.open({ tenant: 't', platform: 'mastodon', method: 'keys', server, fields: { token } })
  expect(connection).toMatchObject({ name: 'sara@mastodon.example', state: 'active', server })
  expect(JSON.stringify(connection)).not.toContain(token)
  sandbox.faults.add({ fault: 'drop-reply', on: 'commit', nth: 1 })
  await clock.drive(syndikit.publisher.publish({ tenant: 't', content: { text: 'by hand' }, to: [connection?.id as string] }))
  await clock.drive(syndikit.tick({ budgetMs: 100 }))
  expect((await syndikit.scheduler.counts({ tenant: 't' })).scheduled).toBe(1)
  await clock.pass(2 * 3_600_000)
  await clock.drive(syndikit.tick({ budgetMs: 1_000 }))
  expect((await syndikit.scheduler.counts({ tenant: 't' })).published).toBe(1)
  expect(sandbox.visible().map(({ text }) => text)).toEqual(['by hand'])
  await syndikit.close()
})

test('one that the server does not know is refused, and not shown', async () => {
  const { syndikit } = begin()
  const open = (fields: Record<string, string>, at?: string) =>
    syndikit.connections.open({ tenant: 't', platform: 'mastodon', method: 'keys', server: at, fields })
  await expect(open({ token: 'made-up-token' }, server)).rejects.toThrow(/^Mastodon(?!.*made-up-token)/)
  await expect(open({ token: ' ' }, server)).rejects.toThrow('/fields/token (field-invalid)')
  await expect(open({ token: 'made-up-token' })).rejects.toThrow(/^Mastodon: /)
  await syndikit.close()
})
