import { type Fetch, Secret, type Tokens } from '@syndikit/core'
import { createSandbox } from '@syndikit/sandbox'
import { httpFor, virtualClock } from '@syndikit/testing'
import { describe, expect, it } from 'vitest'
import { bluesky } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'
import { appPasswordSession } from '../src/session.ts'
import { pds, sara, sceneOf } from './scene.ts'

/** Bluesky before anybody has logged in. */
const arrive = () => {
  const clock = virtualClock()
  const platform = createSandbox({ platforms: [sandbox], clock, seed: 1 })
  const hosts: string[] = []
  const fetch: Fetch = (request) => {
    hosts.push(new URL(request.url).host)
    return platform.fetch(request)
  }
  return { clock, fetch, hosts, http: (bearer: string | undefined) => httpFor(bluesky(), fetch, { bearer, server: pds, clock }) }
}

const open = (fetch: Fetch, password = 'sand-boxx-pass-0001', service?: string): Promise<Tokens> => {
  const fields = { identifier: new Secret(sara.handle), appPassword: new Secret(password), ...(service !== undefined && { service: new Secret(service) }) }
  return appPasswordSession.open(fields as Parameters<typeof appPasswordSession.open>[0], httpFor(bluesky(), fetch))
}

const idOf = (token = ''): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti

describe('logging in to Bluesky', () => {
  it('tells the server where the account lives, and all later calls go there', async () => {
    const { fetch, hosts, http } = arrive()
    const tokens = await open(fetch)
    expect(tokens).toEqual({ access: expect.any(String), refresh: expect.any(String), server: pds })
    const accounts = await bluesky().accounts({ http: http(tokens.access), server: pds })
    expect(accounts).toEqual([{ id: sara.did, name: sara.handle, url: `https://bsky.app/profile/${sara.did}` }])
    expect(hosts).toEqual(['bsky.social', new URL(pds).host])
  })

  it('refuses a wrong password, and says what else may be wrong', async () => {
    await expect(open(arrive().fetch, 'wrong')).rejects.toMatchObject({
      code: 'auth',
      platformCode: 'AuthenticationRequired',
      message: expect.stringContaining('give its address as `service`'),
    })
  })

  it.each([200, 301, 404])('says that the address is wrong where a web page answers with %i, and nothing of what was typed', async (status) => {
    const scene = await sceneOf()
    scene.web.set('https://www.example/xrpc/com.atproto.server.createSession', () => new Response('<html>', { status, headers: { location: '/' } }))
    const fields = { identifier: sara.handle, appPassword: 'sand-boxx-pass-0001', service: 'https://www.example' }
    const opening = scene.clock.drive(scene.syndikit.connections.open({ tenant: 'other', platform: 'bluesky', fields }))
    const message = `Bluesky was not there: what answered ${status} is no server of the AT Protocol. Look at \`service\`, the address of the account's server.`
    await expect(opening).rejects.toMatchObject({ message })
  })

  it('asks for an app password where the server wants a code from an e-mail', async () => {
    const body = { error: 'AuthFactorTokenRequired', message: 'A sign in code has been sent to your email address' }
    const login = open(async () => Response.json(body, { status: 401 }))
    await expect(login).rejects.toMatchObject({ code: 'auth', message: expect.stringContaining('app password') })
  })

  it('goes to the server that the user names, and stays there when the answer names none or a bad one', async () => {
    for (const didDoc of [
      undefined,
      {},
      { service: [{ id: '#atproto_pds', serviceEndpoint: 'http://10.0.0.1' }] },
      { service: [{ id: '#other', serviceEndpoint: pds }] },
    ]) {
      const asked: string[] = []
      const answer: Fetch = async ({ url }) => {
        asked.push(url)
        return Response.json({ accessJwt: 'a', refreshJwt: 'r', didDoc })
      }
      expect(await open(answer, 'p', 'https://pds.example')).toEqual({ access: 'a', refresh: 'r', server: 'https://pds.example' })
      expect(asked).toEqual(['https://pds.example/xrpc/com.atproto.server.createSession'])
    }
  })

  it('goes to the server that the host names for the connection, and nowhere else', async () => {
    const scene = await sceneOf()
    const before = scene.sent.length
    const fields = { identifier: sara.handle, appPassword: 'sand-boxx-pass-0001' }
    await scene.clock.drive(scene.syndikit.connections.open({ tenant: 'other', platform: 'bluesky', server: pds, fields }))
    const { connections } = await scene.clock.drive(scene.syndikit.connections.list({ tenant: 'other' }))
    expect(connections.map(({ server }) => server)).toEqual([pds])
    expect(scene.sent.slice(before).map(({ url }) => url)).toEqual([
      `${pds}/xrpc/com.atproto.server.createSession`,
      `${pds}/xrpc/com.atproto.server.getSession`,
    ])
  })

  it('takes a handle with or without @, and only https servers', () => {
    const { fields } = appPasswordSession
    expect(fields.parse({ identifier: ' @sara.example ', appPassword: 'p', service: 'https://PDS.example/path' })).toEqual({
      identifier: 'sara.example',
      appPassword: 'p',
      service: 'https://pds.example',
    })
    expect(fields.safeParse({ identifier: 'a', appPassword: 'p', service: 'http://pds.example' }).success).toBe(false)
    expect(fields.safeParse({ identifier: 'a', appPassword: 'p', service: 'file:///etc' }).success).toBe(false)
    expect(fields.safeParse({ identifier: 'a', appPassword: 'p', password: 'x' }).success).toBe(false)
  })

  it('renews with the refresh token, answers the same again within its grace, and ends for good', async () => {
    const { clock, fetch, http } = arrive()
    const tokens = await open(fetch)
    const renewed = await appPasswordSession.renew?.(http(tokens.refresh))
    expect(renewed?.refresh).not.toBe(tokens.refresh)
    expect(renewed?.server).toBe(pds)
    await clock.pass(7_000_000)
    expect(idOf((await appPasswordSession.renew?.(http(tokens.refresh)))?.refresh)).toBe(idOf(renewed?.refresh))
    expect(appPasswordSession.rotation).toEqual({ graceMs: 7_200_000 })
    await appPasswordSession.close?.(http(renewed?.refresh))
    await expect(appPasswordSession.renew?.(http(renewed?.refresh))).rejects.toMatchObject({ code: 'auth' })
  })

  it('follows the account to the server that a renewal names', async () => {
    const scene = await sceneOf(async (request, platform) => {
      const reply = await platform(request)
      return request.url.endsWith('refreshSession') ? new Response((await reply.text()).replaceAll(pds, 'https://bsky.social')) : reply
    })
    await scene.sandbox.act('bluesky', 'expire')
    await scene.publish({ text: 'The renewal comes with this' })
    await scene.publish({ text: 'Moved' })
    expect(new URL(scene.sent.at(-1)?.url ?? '').host).toBe('bsky.social')
  })

  it('sends credentials to the account’s own server and to no other', async () => {
    const { fetch, http } = arrive()
    const { access } = await open(fetch)
    await expect(http(access).get('https://bsky.social/xrpc/com.atproto.server.getSession')).rejects.toThrow(TypeError)
  })
})
