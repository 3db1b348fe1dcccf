// Tokens of the emulated X, which rotate: a refresh token is good for one use, and a second use ends the whole consent.

import { describe, expect, it } from 'vitest'
import { sceneOf } from './scene.ts'

const refreshes = async (sent: readonly Request[]) => {
  const bodies = await Promise.all(sent.filter(({ url }) => url.endsWith('/2/oauth2/token')).map((request) => request.clone().text()))
  return bodies.map((body) => new URLSearchParams(body)).filter((body) => body.get('grant_type') === 'refresh_token')
}

describe('tokens', () => {
  it('of one consent are renewed once by deliveries that need them at the same time', async () => {
    const scene = await sceneOf()
    await scene.sandbox.act('x', 'expire')
    const ids = [await scene.schedule({ text: 'One' }), await scene.schedule({ text: 'Two' }), await scene.schedule({ text: 'Three' })]
    await scene.work()
    expect(await Promise.all(ids.map(async (id) => (await scene.delivery(id)).state))).toEqual(['published', 'published', 'published'])
    expect((await refreshes(scene.sent)).length).toBe(1)
  })

  it('are renewed again and again, each time with the newest refresh token', async () => {
    const scene = await sceneOf()
    for (const text of ['One', 'Two', 'Three']) {
      await scene.clock.pass(3 * 3_600_000)
      expect((await scene.publish({ text })).state).toBe('published')
    }
    const used = (await refreshes(scene.sent)).map((body) => body.get('refresh_token'))
    expect([used.length, new Set(used).size]).toEqual([3, 3])
  })

  it('that still live are used on when the answer to their renewal is lost, and the refresh token is not tried again', async () => {
    const scene = await sceneOf()
    await scene.clock.pass(2 * 3_600_000 - 30_000)
    scene.sandbox.faults.add({ fault: 'drop-reply', on: 'token', nth: 1 })
    const id = await scene.schedule({ text: 'Once' })
    await scene.work(0)
    expect([(await scene.delivery(id)).state, scene.texts(), (await refreshes(scene.sent)).length]).toEqual(['published', ['Once'], 1])
  })

  it('whose renewal never reached X are renewed with the same refresh token', async () => {
    const scene = await sceneOf()
    await scene.clock.pass(3 * 3_600_000)
    scene.sandbox.faults.add({ fault: 'drop-request', on: 'token', nth: 1 })
    expect([(await scene.publish({ text: 'Once' })).state, scene.texts()]).toEqual(['published', ['Once']])
  })

  it.each(['drop-reply', 'error-after', 'garbage-after'] as const)(
    'that ended when the answer to their renewal was lost (%s) hold the post for a new consent',
    async (fault) => {
      const scene = await sceneOf()
      await scene.clock.pass(3 * 3_600_000)
      scene.sandbox.faults.add({ fault, on: 'token', nth: 1 })
      const { id, state, reason } = await scene.publish({ text: 'Once' })
      expect([state, reason?.code, scene.texts()]).toEqual(['scheduled', 'reconnect', []])
      await scene.connect(scene.connectionId)
      await scene.work()
      expect([(await scene.delivery(id)).state, scene.texts()]).toEqual(['published', ['Once']])
    },
  )

  it('of a public client are got and renewed with its id alone, and with PKCE', async () => {
    const scene = await sceneOf({ app: { clientId: 'sandbox-public' } })
    await scene.clock.pass(3 * 3_600_000)
    expect((await scene.publish({ text: 'Public' })).state).toBe('published')
    const asked = scene.sent.filter(({ url }) => url.endsWith('/2/oauth2/token'))
    const bodies = await Promise.all(asked.map(async (request) => new URLSearchParams(await request.clone().text())))
    expect(asked.map(({ headers }) => headers.get('authorization'))).toEqual([null, null])
    expect(bodies.map((body) => [body.get('client_id'), body.get('grant_type'), body.has('code_verifier')])).toEqual([
      ['sandbox-public', 'authorization_code', true],
      ['sandbox-public', 'refresh_token', false],
    ])
  })
})
