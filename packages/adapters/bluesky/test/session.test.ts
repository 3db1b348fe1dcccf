import { Secret } from '@syndikit/core'
import { describe, expect, it } from 'vitest'
import { createHttp } from '../../../core/src/http/client.ts'
import { sandbox } from '../src/sandbox.ts'
import { appPasswordSession } from '../src/session.ts'
import { type Stage, stageOf } from './delivery.ts'
import { adapter, open, sara } from './scene.ts'

const pds = 'https://morel.us-east.host.bsky.network'
const withBearer = (stage: Stage, bearer: string | undefined, server?: string) =>
  createHttp({ adapter, server, fetch: stage.fetch, clock: stage.time, credentials: async () => (bearer === undefined ? {} : { bearer }) })

describe('logging in to Bluesky', () => {
  it('tells the server where the account lives, and all later calls go there', async () => {
    const stage = stageOf(sandbox)
    const tokens = await open(stage)
    expect(tokens).toEqual({ access: expect.any(String), refresh: expect.any(String), server: pds })
    expect(new URL(stage.sent[0]?.url ?? '').host).toBe('bsky.social')
    const accounts = await adapter.accounts({ http: withBearer(stage, tokens.access, pds), server: pds })
    expect(accounts).toEqual([{ id: sara.did, name: sara.handle, url: `https://bsky.app/profile/${sara.did}`, server: pds }])
    expect(new URL(stage.sent[1]?.url ?? '').origin).toBe(pds)
  })

  it('refuses a wrong password', async () => {
    await expect(open(stageOf(sandbox), 'wrong')).rejects.toMatchObject({ code: 'auth', platformCode: 'AuthenticationRequired' })
  })

  it('asks for an app password where the server wants a code from an e-mail', async () => {
    const stage = stageOf(sandbox)
    const body = { error: 'AuthFactorTokenRequired', message: 'A sign in code has been sent to your email address' }
    stage.web.set('https://bsky.social/xrpc/com.atproto.server.createSession', () => Response.json(body, { status: 401 }))
    await expect(open(stage)).rejects.toMatchObject({ code: 'auth', message: expect.stringContaining('app password') })
  })

  it('goes to the server that the user names, and stays there when the answer names none or a bad one', async () => {
    for (const didDoc of [
      undefined,
      {},
      { service: [{ id: '#atproto_pds', serviceEndpoint: 'http://10.0.0.1' }] },
      { service: [{ id: '#other', serviceEndpoint: pds }] },
    ]) {
      const stage = stageOf(sandbox)
      stage.web.set('https://pds.example/xrpc/com.atproto.server.createSession', () => Response.json({ accessJwt: 'a', refreshJwt: 'r', didDoc }))
      expect(await open(stage, 'p', 'https://pds.example')).toEqual({ access: 'a', refresh: 'r', server: 'https://pds.example' })
    }
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
    const stage = stageOf(sandbox)
    const tokens = await open(stage)
    const http = withBearer(stage, tokens.refresh, pds)
    const renewed = await appPasswordSession.renew?.(http)
    expect(renewed?.refresh).not.toBe(tokens.refresh)
    stage.time.pass(7_000_000)
    expect((await appPasswordSession.renew?.(http))?.refresh).toBeDefined()
    expect(appPasswordSession.rotation).toEqual({ graceMs: 7_200_000 })
    await appPasswordSession.close?.(withBearer(stage, renewed?.refresh, pds))
    await expect(appPasswordSession.renew?.(withBearer(stage, renewed?.refresh, pds))).rejects.toMatchObject({ code: 'auth' })
  })

  it('sends credentials to the account’s own server and to no other', async () => {
    const stage = stageOf(sandbox)
    const tokens = await open(stage)
    const http = withBearer(stage, tokens.access, pds)
    await expect(http.get('https://bsky.social/xrpc/com.atproto.server.getSession')).rejects.toThrow(TypeError)
    expect(JSON.stringify({ password: new Secret('x') })).toBe('{"password":"[secret]"}')
  })
})
