import { createHash } from 'node:crypto'
import { emulatorStage } from '@syndikit/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { sandbox } from '../src/sandbox.ts'

const first = 'mastodon.example'
const second = 'social.example'
const callback = 'https://host.example/back?kept=1'
const verifier = 'a-verifier-that-is-long-enough-for-the-rule-of-43-characters'
const challenge = createHash('sha256').update(verifier).digest('base64url')
const allScopes = 'profile read write:statuses write:media'
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const mp4 = Buffer.concat([Buffer.from('00000018667479706d703432', 'hex'), Buffer.alloc(500, 7)])

// biome-ignore lint/suspicious/noExplicitAny: answers are asserted member by member
type Body = any

let stage = emulatorStage(sandbox.initial())
let mastodon = sandbox.create(stage)
beforeEach(() => {
  stage = emulatorStage(sandbox.initial())
  mastodon = sandbox.create(stage)
})

const send = async (method: string, url: string, init: RequestInit = {}): Promise<{ status: number; body: Body; headers: Headers }> => {
  const reply = await mastodon.fetch(new Request(url, { method, ...init }))
  const text = await reply.text()
  return { status: reply.status, body: reply.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text, headers: reply.headers }
}
const form = (method: string, url: string, fields: Record<string, string>) => send(method, url, { body: new URLSearchParams(fields) })

interface Client {
  client_id: string
  client_secret: string
}
const register = async (host = first, scopes = allScopes): Promise<Client> =>
  (
    await send('POST', `https://${host}/api/v1/apps`, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'Our app', redirect_uris: [callback], scopes, website: 'https://host.example' }),
    })
  ).body
const asked = (client: Client, over: Record<string, string> = {}) => ({
  response_type: 'code',
  client_id: client.client_id,
  redirect_uri: callback,
  scope: allScopes,
  state: 'st<a>te',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  ...over,
})
const consent = async (client: Client, over: Record<string, string> = {}, host = first) => {
  const reply = await form('POST', `https://${host}/oauth/authorize`, {
    ...asked(client),
    account: host === first ? 'sara' : 'tom',
    decision: 'approve',
    ...over,
  })
  const location = reply.headers.get('location')
  return { ...reply, back: location === null ? undefined : new URL(location) }
}
const exchange = (client: Client, code: string, over: Record<string, string> = {}, host = first) =>
  form('POST', `https://${host}/oauth/token`, {
    grant_type: 'authorization_code',
    code,
    client_id: client.client_id,
    client_secret: client.client_secret,
    redirect_uri: callback,
    code_verifier: verifier,
    ...over,
  })
const login = async (host = first, over: Record<string, string> = {}, client?: Client): Promise<string> => {
  const app = client ?? (await register(host))
  const { back } = await consent(app, over, host)
  return (await exchange(app, back?.searchParams.get('code') ?? '', {}, host)).body.access_token
}

const api = (method: string, path: string, token?: string, json?: unknown, headers: Record<string, string> = {}, host = first) =>
  send(method, `https://${host}${path}`, {
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(json !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
const post = (token: string, json: unknown, key?: string, host = first) =>
  api('POST', '/api/v1/statuses', token, json, key ? { 'idempotency-key': key } : {}, host)
const upload = (token: string, bytes: Buffer, type: string, fields: Record<string, string> = {}, host = first) => {
  const body = new FormData()
  body.append('file', new Blob([bytes], { type }), 'file')
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  return send('POST', `https://${host}/api/v2/media`, { headers: { authorization: `Bearer ${token}` }, body })
}

describe('OAuth', () => {
  it('is discovered, and each server speaks for itself', async () => {
    const one = (await api('GET', '/.well-known/oauth-authorization-server')).body
    expect(one).toMatchObject({
      issuer: 'https://mastodon.example/',
      app_registration_endpoint: 'https://mastodon.example/api/v1/apps',
      code_challenge_methods_supported: ['S256'],
    })
    expect(one).toHaveProperty('userinfo_endpoint')
    const two = (await api('GET', '/.well-known/oauth-authorization-server', undefined, undefined, {}, second)).body
    expect(two).not.toHaveProperty('userinfo_endpoint')
    expect((await api('GET', '/api/v2/instance', undefined, undefined, {}, 'elsewhere.example')).status).toBe(404)
  })

  it('registers apps from JSON and from forms, and refuses what is no address and no scope', async () => {
    const app = await register()
    expect(app).toMatchObject({ client_secret_expires_at: 0, redirect_uris: [callback], scopes: allScopes.split(' ') })
    const lines = await form('POST', `https://${first}/api/v1/apps`, { client_name: 'A', redirect_uris: 'https://a.example/1\nhttps://a.example/2' })
    expect(lines.body).toMatchObject({ redirect_uris: ['https://a.example/1', 'https://a.example/2'], scopes: ['read'], website: null })
    const wrong = await form('POST', `https://${first}/api/v1/apps`, { client_name: '', redirect_uris: 'back', scopes: 'everything' })
    expect(wrong).toMatchObject({
      status: 422,
      body: {
        error: "Validation failed: Application name can't be blank, Redirect URI must be an absolute URI., Scopes doesn't match configured on the server.",
      },
    })
  })

  it('shows the server’s accounts on a page that escapes what came in', async () => {
    const app = await register()
    const { status, body } = await send('GET', `https://${first}/oauth/authorize?${new URLSearchParams(asked(app, { state: '"><script>' }))}`)
    expect(status).toBe(200)
    expect(body).toContain('عمر الفارسي')
    expect(body).not.toContain('ليلى')
    expect(body).not.toContain('<script>')
    for (const name of Object.keys(asked(app))) expect(body).toContain(`name="${name}"`)
  })

  it('sends a code or the refusal back', async () => {
    const app = await register()
    const yes = await consent(app)
    expect(yes.status).toBe(302)
    expect(Object.fromEntries(yes.back?.searchParams ?? [])).toMatchObject({ kept: '1', state: 'st<a>te', code: expect.any(String) })
    const no = await consent(app, { decision: 'deny' })
    expect(no.back?.searchParams.get('error')).toBe('access_denied')
    expect((await consent(app, { account: 'layla' })).status).toBe(400)
    expect((await consent(app, { decision: 'perhaps' })).status).toBe(400)
  })

  it('redirects nobody to an address that is not registered, and says other mistakes to the address that is', async () => {
    const app = await register()
    for (const over of [{ redirect_uri: 'https://evil.example/' }, { client_id: 'nobody' }]) {
      const reply = await consent(app, over as Record<string, string>)
      expect(reply.status).toBeGreaterThanOrEqual(400)
      expect(reply.back).toBeUndefined()
    }
    const errorOf = async (over: Record<string, string>) => (await consent(app, over)).back?.searchParams.get('error')
    expect(await errorOf({ scope: 'admin:read' })).toBe('invalid_scope')
    expect(await errorOf({ scope: 'write' })).toBe('invalid_scope')
    expect(await errorOf({ response_type: 'token' })).toBe('unsupported_response_type')
    expect(await errorOf({ code_challenge_method: 'plain' })).toBe('invalid_code_challenge_method')
  })

  it('gives a token without an end, once per code, in ten minutes, to its own client with the verifier', async () => {
    const app = await register()
    const other = await register()
    const code = async () => (await consent(app)).back?.searchParams.get('code') ?? ''
    const one = await code()
    expect((await exchange(app, one, { code_verifier: 'wrong' })).body.error).toBe('invalid_grant')
    expect((await exchange(other, one)).body.error).toBe('invalid_grant')
    expect((await exchange(app, one, { redirect_uri: 'https://host.example/other' })).body.error).toBe('invalid_grant')
    expect(await exchange(app, one, { client_secret: 'wrong' })).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const { status, body } = await exchange(app, one)
    expect(status).toBe(200)
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', scope: allScopes, created_at: stage.now() / 1000 })
    expect((await exchange(app, one)).body.error).toBe('invalid_grant')
    const late = await code()
    stage.pass(600_000)
    expect((await exchange(app, late)).body.error).toBe('invalid_grant')
    expect((await exchange(app, '__proto__')).body.error).toBe('invalid_grant')
    stage.pass(365 * 86_400_000)
    expect((await api('GET', '/api/v1/accounts/verify_credentials', body.access_token)).body).toMatchObject({ username: 'sara', display_name: 'Sara Haddad' })
  })

  it('gives the same token again to the same app, account and scopes', async () => {
    const app = await register()
    expect(await login(first, {}, app)).toBe(await login(first, {}, app))
    expect(await login(first, {}, app)).not.toBe(await login(first, { account: 'omar' }, app))
  })

  it('refuses other grants, and gives apps their own token that is no user’s', async () => {
    const app = await register()
    const token = (fields: Record<string, string>) => form('POST', `https://${first}/oauth/token`, { ...app, ...fields } as Record<string, string>)
    expect((await token({ grant_type: 'refresh_token' })).body.error).toBe('unsupported_grant_type')
    expect((await token({})).body.error).toBe('invalid_request')
    const own = (await token({ grant_type: 'client_credentials', scope: 'write:statuses' })).body.access_token
    expect(await post(own, { status: 'a' })).toMatchObject({ status: 422, body: { error: 'This method requires an authenticated user' } })
  })

  it('revokes, again and again, but not for strangers', async () => {
    const app = await register()
    const token = await login(first, {}, app)
    const revoke = (client: Client) =>
      form('POST', `https://${first}/oauth/revoke`, { client_id: client.client_id, client_secret: client.client_secret, token })
    expect(await revoke(await register())).toMatchObject({ status: 403, body: { error: 'unauthorized_client' } })
    expect(await revoke(app)).toMatchObject({ status: 200, body: {} })
    expect(await revoke(app)).toMatchObject({ status: 200, body: {} })
    expect(await post(token, { status: 'a' })).toMatchObject({ status: 401, body: { error: 'The access token was revoked' } })
    expect(await login(first, {}, app)).not.toBe(token)
  })

  it('tells missing, foreign and too narrow tokens apart', async () => {
    const invalid = { status: 401, body: { error: 'The access token is invalid' } }
    expect(await api('POST', '/api/v1/statuses', undefined, { status: 'a' })).toMatchObject(invalid)
    const token = await login(second)
    expect(await post(token, { status: 'a' }), 'a token of the other server').toMatchObject(invalid)
    const narrow = await register(first, 'read')
    const read = await login(first, { scope: 'read' }, narrow)
    const outside = { status: 403, body: { error: 'This action is outside the authorized scopes' } }
    expect(await post(read, { status: 'a' })).toMatchObject(outside)
    const write = await login(first, { scope: 'write:statuses' }, await register(first, 'write:statuses'))
    const { id } = (await post(write, { status: 'a' })).body
    for (const path of [`statuses/${id}`, `statuses?id[]=${id}`, 'accounts/110000000000000001/statuses']) {
      expect(await api('GET', `/api/v1/${path}`, write), path).toMatchObject(outside)
      expect((await api('GET', `/api/v1/${path}`)).status, path).toBe(200)
    }
  })

  it('expire and revoke end tokens', async () => {
    const token = await login()
    mastodon.act('expire')
    expect((await post(token, { status: 'a' })).body.error).toBe('The access token expired')
    const fresh = await login()
    mastodon.act('revoke')
    expect((await post(fresh, { status: 'a' })).body.error).toBe('The access token was revoked')
    expect(mastodon.shown()).toEqual([])
  })

  it('says who somebody is, 4.4 and later as claims too', async () => {
    const token = await login()
    expect((await api('GET', '/oauth/userinfo', token)).body).toMatchObject({ sub: 'https://mastodon.example/users/sara', preferred_username: 'sara' })
    expect((await api('GET', '/oauth/userinfo', await login(second), undefined, {}, second)).status).toBe(404)
  })
})

describe('statuses', () => {
  let token = ''
  beforeEach(async () => {
    token = await login()
  })

  it('publishes what was asked for and shows it', async () => {
    const { status, body } = await post(token, { status: 'مرحبا', spoiler_text: 'Greeting', visibility: 'unlisted', language: 'ar-AE' })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      content: '<p>مرحبا</p>',
      spoiler_text: 'Greeting',
      sensitive: true,
      visibility: 'unlisted',
      language: 'ar',
      application: { name: 'Our app', website: 'https://host.example' },
      account: { username: 'sara' },
      url: `https://mastodon.example/@sara/${body.id}`,
    })
    expect(mastodon.shown()).toMatchObject([
      { platform: 'mastodon', account: 'sara@mastodon.example', id: body.id, text: 'مرحبا', warning: 'Greeting', visibility: 'unlisted', language: 'ar' },
    ])
  })

  it('takes the same as a form', async () => {
    const fields = new URLSearchParams([
      ['status', 'Which?'],
      ['poll[options][]', 'A'],
      ['poll[options][]', 'B'],
      ['poll[expires_in]', '300'],
      ['poll[multiple]', 'true'],
    ])
    const { body } = await send('POST', `https://${first}/api/v1/statuses`, { headers: { authorization: `Bearer ${token}` }, body: fields })
    expect(body.poll).toMatchObject({ multiple: true, options: [{ title: 'A' }, { title: 'B' }], expired: false })
    expect(mastodon.shown()[0]?.poll?.options).toEqual(['A', 'B'])
  })

  const link = (prefix: string, text: string, rest = '') =>
    `<a href="${prefix}${text}${rest}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">${prefix}</span><span class="${rest ? 'ellipsis' : ''}">${text}</span><span class="invisible">${rest}</span></a>`
  it.each([
    ['a <b> & "c"', '<p>a &lt;b&gt; &amp; &quot;c&quot;</p>'],
    ['one\ntwo\n\nthree\n\n\nfour', '<p>one<br />two</p><p>three</p><p>four</p>'],
    ['  around  ', '<p>around</p>'],
    ['see https://joinmastodon.org.', `<p>see ${link('https://', 'joinmastodon.org')}.</p>`],
    ['(https://www.joinmastodon.org/a_(b))', `<p>(${link('https://www.', 'joinmastodon.org/a_(b)')})</p>`],
    [
      'https://joinmastodon.org/a/very/long/path?that=goes&on=1',
      `<p>${link('https://', 'joinmastodon.org/a/very/long/p', 'ath?that=goes&on=1').replaceAll('&on', '&amp;on')}</p>`,
    ],
    ['joinmastodon.org and https://host.example/x stay text', '<p>joinmastodon.org and https://host.example/x stay text</p>'],
    ['hi @omar', '<p>hi <span class="h-card" translate="no"><a href="https://mastodon.example/@omar" class="u-url mention">@<span>omar</span></a></span></p>'],
    ['hi @nobody and me@omar.org', '<p>hi @nobody and me@omar.org</p>'],
    [
      '#Tag #سلام #1 a#b',
      '<p><a href="https://mastodon.example/tags/Tag" class="mention hashtag" rel="tag">#<span>Tag</span></a> <a href="https://mastodon.example/tags/%D8%B3%D9%84%D8%A7%D9%85" class="mention hashtag" rel="tag">#<span>سلام</span></a> #1 a#b</p>',
    ],
  ])('renders %j as Mastodon does', async (status, content) => {
    expect((await post(token, { status })).body.content).toBe(content)
  })

  const tooLong = { status: 422, body: { error: 'Validation failed: Text character limit of 500 exceeded' } }
  it.each([
    ['500 letters', { status: 'a'.repeat(500) }, true],
    ['501 letters', { status: 'a'.repeat(501) }, false],
    ['500 emoji families', { status: '👨‍👩‍👧‍👦'.repeat(500) }, true],
    ['a warning counts along', { status: 'a'.repeat(400), spoiler_text: 'w'.repeat(101) }, false],
    ['a URL is 23', { status: `${'a'.repeat(476)} https://joinmastodon.org/${'p'.repeat(300)}` }, true],
    ['a URL is 23, and 477 letters and a space are one too many', { status: `${'a'.repeat(477)} https://joinmastodon.org/p` }, false],
    ['a bare domain counts in full', { status: `${'a'.repeat(480)} joinmastodon.org/path` }, false],
    ['of a mention only the name', { status: `${'a'.repeat(493)} @tom@social.example.org` }, true],
  ])('counts: %s', async (_, json, fits) => {
    const reply = await post(token, json)
    if (fits) expect(reply.status).toBe(200)
    else expect(reply).toMatchObject(tooLong)
  })

  it('counts by its own limits on another server', async () => {
    const other = await login(second)
    expect((await post(other, { status: 'a'.repeat(5_000) }, undefined, second)).status).toBe(200)
    expect((await post(other, { status: 'a'.repeat(5_001) }, undefined, second)).body.error).toContain('limit of 5000')
    const { configuration } = (await api('GET', '/api/v2/instance', undefined, undefined, {}, second)).body
    expect(configuration.statuses).toEqual({ max_characters: 5_000, max_media_attachments: 6, characters_reserved_per_url: 23 })
    expect((await api('GET', '/api/v2/instance')).body.configuration).toMatchObject({
      statuses: { max_characters: 500 },
      media_attachments: { description_limit: 1_500, image_size_limit: 16_777_216, video_size_limit: 103_809_024 },
      polls: { max_options: 4, max_characters_per_option: 50, min_expiration: 300, max_expiration: 2_629_746 },
    })
  })

  it.each([
    [{ status: ' ' }, "Validation failed: Text can't be blank"],
    [{ status: 'a', visibility: 'secret' }, 'Validation failed: Visibility is not included in the list'],
    [{ status: 'a', media_ids: ['1'] }, 'Media 1 not found or already attached to another post'],
    [{ status: 'a', media_ids: ['1', '2', '3', '4', '5'] }, 'Cannot attach more than 4 files'],
    [{ status: 'a', poll: { options: ['A'], expires_in: 300 } }, 'Validation failed: Poll options must have more than one item'],
    [{ status: 'a', poll: { options: ['A', 'A'], expires_in: 300 } }, 'Validation failed: Poll options contain duplicate items'],
    [{ status: 'a', poll: { options: ['A', 'B', 'C', 'D', 'E'], expires_in: 300 } }, "Validation failed: Poll options can't contain more than 4 items"],
    [{ status: 'a', poll: { options: ['A', 'b'.repeat(51)], expires_in: 300 } }, 'Validation failed: Poll options cannot be longer than 50 characters each'],
    [{ status: 'a', poll: { options: ['A', 'B'], expires_in: 299 } }, 'Validation failed: Poll expires at is too soon'],
    [{ status: 'a', poll: { options: ['A', 'B'], expires_in: 2_629_747 } }, 'Validation failed: Poll expires at is too far into the future'],
  ])('answers 422 to %o', async (json, error) => {
    expect(await post(token, json)).toMatchObject({ status: 422, body: { error } })
    expect(mastodon.shown()).toEqual([])
  })

  it('makes a warning without a text the text', async () => {
    const { body } = await post(token, { spoiler_text: 'Only this' })
    expect(body).toMatchObject({ content: '<p>Only this</p>', spoiler_text: '' })
  })

  it('answers posts that are there, and 404 to others', async () => {
    const { id } = (await post(token, { status: 'One' })).body
    const reply = await post(token, { status: 'Two', in_reply_to_id: id })
    expect(reply.body).toMatchObject({ in_reply_to_id: id, in_reply_to_account_id: '110000000000000001' })
    expect(mastodon.shown()[1]?.replyTo).toBe(id)
    expect(await post(token, { status: 'Three', in_reply_to_id: '42' })).toMatchObject({
      status: 404,
      body: { error: 'The post you are trying to reply to does not appear to exist.' },
    })
  })

  it('posts at once what is scheduled less than five minutes ahead', async () => {
    expect((await post(token, { status: 'Soon', scheduled_at: new Date(stage.now() + 299_000).toISOString() })).body.content).toBe('<p>Soon</p>')
    expect((await post(token, { status: 'Later', scheduled_at: new Date(stage.now() + 400_000).toISOString() })).status).toBe(501)
  })

  it('hides private and direct posts from others', async () => {
    const { id } = (await post(token, { status: 'Secret', visibility: 'private' })).body
    const direct = (await post(token, { status: 'For you, @omar', visibility: 'direct' })).body.id
    const omar = await login(first, { account: 'omar' })
    const statusOf = async (path: string, as?: string) => (await api('GET', `/api/v1/statuses/${path}`, as)).status
    expect([await statusOf(id, token), await statusOf(id, omar), await statusOf(id)]).toEqual([200, 404, 404])
    expect([await statusOf(direct, omar), await statusOf(direct)]).toEqual([200, 404])
    expect((await api('GET', '/api/v1/accounts/110000000000000001/statuses')).body).toEqual([])
  })
})

describe('Idempotency-Key', () => {
  it('answers the first status again for an hour, whatever the body says', async () => {
    const token = await login()
    const one = await post(token, { status: 'Once' }, 'key')
    stage.pass(3_599_000)
    const two = await post(token, { status: 'Other words' }, 'key')
    expect(two.body).toMatchObject({ id: one.body.id, content: '<p>Once</p>' })
    expect(mastodon.shown()).toHaveLength(1)
    stage.pass(1_000)
    expect((await post(token, { status: 'Once' }, 'key')).body.id).not.toBe(one.body.id)
    expect(mastodon.shown()).toHaveLength(2)
  })

  it('belongs to one account', async () => {
    const [sara, omar] = [await login(), await login(first, { account: 'omar' })]
    await post(sara, { status: 'A' }, 'key')
    await post(omar, { status: 'B' }, 'key')
    expect(mastodon.shown()).toHaveLength(2)
  })

  it('is not remembered from a refusal', async () => {
    const token = await login()
    expect((await post(token, { status: '' }, 'key')).status).toBe(422)
    expect((await post(token, { status: 'Now' }, 'key')).status).toBe(200)
  })

  it('holds against two at once on the newer server, and not on the older one', async () => {
    const both = async (host: string) => {
      const token = await login(host)
      await Promise.all([post(token, { status: 'Twice' }, 'key', host), post(token, { status: 'Twice' }, 'key', host)])
      return mastodon.shown().filter(({ account }) => account.endsWith(host)).length
    }
    expect(await both(first)).toBe(1)
    expect(await both(second)).toBe(2)
  })

  it('leads to nothing once the status is deleted', async () => {
    const token = await login()
    const { id } = (await post(token, { status: 'Once' }, 'key')).body
    await api('DELETE', `/api/v1/statuses/${id}`, token)
    expect(await post(token, { status: 'Once' }, 'key')).toMatchObject({ status: 404, body: { error: 'Record not found' } })
  })
})

describe('edits and deletion', () => {
  let token = ''
  let id = ''
  beforeEach(async () => {
    token = await login()
    const medium = (await upload(token, png, 'image/png')).body.id
    id = (await post(token, { status: 'Before', spoiler_text: 'W', media_ids: [medium] })).body.id
  })

  it('takes away what an edit leaves out', async () => {
    stage.pass(60_000)
    const { body } = await api('PUT', `/api/v1/statuses/${id}`, token, { status: 'After' })
    expect(body).toMatchObject({
      id,
      content: '<p>After</p>',
      spoiler_text: '',
      sensitive: false,
      media_attachments: [],
      edited_at: new Date(stage.now()).toISOString(),
    })
    expect(mastodon.shown()).toMatchObject([{ text: 'After', media: 0, edited: true }])
  })

  it('changes nothing for the same content, and describes files with media_attributes', async () => {
    const media_ids = [(await api('GET', `/api/v1/statuses/${id}`, token)).body.media_attachments[0].id]
    const same = { status: 'Before', spoiler_text: 'W', media_ids }
    expect((await api('PUT', `/api/v1/statuses/${id}`, token, same)).body.edited_at).toBeNull()
    const described = await api('PUT', `/api/v1/statuses/${id}`, token, { ...same, media_attributes: [{ id: media_ids[0], description: 'نقطة' }] })
    expect(described.body).toMatchObject({ edited_at: expect.any(String), media_attachments: [{ description: 'نقطة' }] })
  })

  it('refuses an empty edit, and others’ posts', async () => {
    expect((await api('PUT', `/api/v1/statuses/${id}`, token, {})).body.error).toBe("Validation failed: Text can't be blank")
    const omar = await login(first, { account: 'omar' })
    expect((await api('PUT', `/api/v1/statuses/${id}`, omar, { status: 'Mine' })).status).toBe(404)
    expect((await api('DELETE', `/api/v1/statuses/${id}`, omar)).status).toBe(404)
    expect(mastodon.shown()[0]?.text).toBe('Before')
  })

  it('answers the plain text of what it deletes, frees the files, and then knows nothing of it', async () => {
    const { status, body } = await api('DELETE', `/api/v1/statuses/${id}`, token)
    expect(status).toBe(200)
    expect(body.text).toBe('Before')
    expect(mastodon.shown()).toEqual([])
    expect(await api('DELETE', `/api/v1/statuses/${id}`, token)).toMatchObject({ status: 404, body: { error: 'Record not found' } })
    expect((await post(token, { status: 'Redraft', media_ids: [body.media_attachments[0].id] })).status).toBe(200)
  })

  it('gives the source to the author', async () => {
    expect((await api('GET', `/api/v1/statuses/${id}/source`, token)).body).toEqual({ id, text: 'Before', spoiler_text: 'W' })
  })
})

describe('media', () => {
  let token = ''
  beforeEach(async () => {
    token = await login()
  })

  it('has a picture ready at once, and hangs it on one post only', async () => {
    const { status, body } = await upload(token, png, 'image/png', { description: 'نقطة' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ type: 'image', url: expect.any(String), description: 'نقطة' })
    expect((await api('PUT', `/api/v1/media/${body.id}`, token, { description: 'A dot' })).body.description).toBe('A dot')
    await post(token, { status: '', media_ids: [body.id] })
    const [shown] = mastodon.shown()
    expect(shown).toMatchObject({ media: 1, files: [{ mime: 'image/png', alt: 'A dot' }] })
    expect(Buffer.from(stage.blob(shown?.files[0]?.blob ?? '') ?? [])).toEqual(png)
    expect((await post(token, { status: 'Again', media_ids: [body.id] })).body.error).toBe(`Media ${body.id} not found or already attached to another post`)
    expect((await api('GET', `/api/v1/media/${body.id}`, token)).status, 'attached files are not served here').toBe(404)
  })

  it('works on a video for a while: 202, 206, 200', async () => {
    const { status, body } = await upload(token, mp4, 'video/mp4')
    expect(status).toBe(202)
    expect(body.url).toBeNull()
    const state = async () => (await api('GET', `/api/v1/media/${body.id}`, token)).status
    expect(await state()).toBe(206)
    expect(await post(token, { status: 'Film', media_ids: [body.id] })).toMatchObject({
      status: 422,
      body: { error: 'Cannot attach files that have not finished processing. Try again in a moment!' },
    })
    stage.pass(5_000)
    expect(await state()).toBe(200)
    const picture = (await upload(token, png, 'image/png')).body.id
    expect((await post(token, { status: 'Both', media_ids: [picture, body.id] })).body.error).toBe(
      'Cannot attach a video to a post that already contains images',
    )
    expect((await post(token, { status: 'Film', media_ids: [body.id] })).status).toBe(200)
  })

  it('process finishes; a broken video has failed then', async () => {
    const good = (await upload(token, mp4, 'video/mp4')).body.id
    const bad = (await upload(token, Buffer.alloc(99, 1), 'video/mp4')).body.id
    mastodon.act('process')
    expect((await api('GET', `/api/v1/media/${good}`, token)).status).toBe(200)
    expect(await api('GET', `/api/v1/media/${bad}`, token)).toMatchObject({ status: 422, body: { error: 'Error processing thumbnail for uploaded media' } })
  })

  it('refuses what is no picture, too large, too long described, foreign or beside a poll', async () => {
    const wrong = { status: 422, body: { error: 'Validation failed: File content type is invalid, File is invalid' } }
    expect(await upload(token, Buffer.from('text'), 'image/png')).toMatchObject(wrong)
    expect(await upload(token, Buffer.from('text'), 'text/plain')).toMatchObject(wrong)
    expect((await upload(token, Buffer.concat([png, Buffer.alloc(16 * 1024 * 1024)]), 'image/png')).body.error).toContain('less than 16 MB')
    expect((await upload(token, png, 'image/png', { description: 'a'.repeat(1_501) })).body.error).toContain('maximum is 1500 characters')
    const { id } = (await upload(token, png, 'image/png')).body
    expect((await post(token, { status: 'a', media_ids: [id], poll: { options: ['A', 'B'], expires_in: 300 } })).status).toBe(422)
    expect((await post(await login(first, { account: 'omar' }), { status: 'a', media_ids: [id] })).status).toBe(422)
    expect((await api('POST', '/api/v2/media', token, {})).status).toBe(422)
    expect(mastodon.shown()).toEqual([])
  })
})

describe('an account’s statuses', () => {
  let token = ''
  let ids: string[] = []
  beforeEach(async () => {
    token = await login()
    ids = []
    for (let i = 0; i < 5; i++) ids.push((await post(token, { status: `Number ${i}`, ...(i === 3 && { in_reply_to_id: ids[0] }) })).body.id)
  })
  const list = async (query: string) => api('GET', `/api/v1/accounts/110000000000000001/statuses?${query}`, token)
  const idsOf = async (query: string) => (await list(query)).body.map(({ id }: { id: string }) => id)

  it('come newest first, with limit, since_id, min_id, max_id and exclude_replies', async () => {
    expect(await idsOf('exclude_reblogs=true')).toEqual(ids.toReversed())
    expect(await idsOf('limit=2')).toEqual([ids[4], ids[3]])
    expect(await idsOf(`limit=2&since_id=${ids[0]}`)).toEqual([ids[4], ids[3]])
    expect(await idsOf(`limit=2&min_id=${ids[0]}`)).toEqual([ids[2], ids[1]])
    expect(await idsOf(`max_id=${ids[1]}`)).toEqual([ids[0]])
    expect(await idsOf('exclude_replies=1')).not.toContain(ids[3])
    expect((await list('limit=2')).headers.get('link')).toContain(`max_id=${ids[3]}>; rel="next"`)
    expect((await api('GET', '/api/v1/accounts/42/statuses')).status).toBe(404)
  })

  it('have numbers that grow', async () => {
    stage.pass(3_600_000)
    const { body } = await api('GET', `/api/v1/statuses?id[]=${ids[0]}&id[]=42`, token)
    expect(body).toMatchObject([{ id: ids[0], replies_count: 1, favourites_count: 8, reblogs_count: 3, quotes_count: 0 }])
  })
})

describe('limits and faults', () => {
  it('lets 300 calls through in five minutes of the clock, and says when it goes on as an ISO date', async () => {
    stage.pass(60_000)
    const token = await login()
    const call = () => api('GET', '/api/v1/accounts/verify_credentials', token)
    const one = await call()
    expect(one.headers.get('x-ratelimit-limit')).toBe('300')
    expect(one.headers.get('x-ratelimit-remaining')).toBe('299')
    expect(one.headers.get('x-ratelimit-reset')).toBe('2026-06-01T09:05:00.000000Z')
    for (let i = 1; i < 300; i++) await call()
    expect(await call()).toMatchObject({ status: 429, body: { error: 'Too many requests' } })
    stage.pass(240_000)
    expect((await call()).status).toBe(200)
  })

  it('takes 30 deletions and 30 files in half an hour', async () => {
    const token = await login()
    for (let i = 0; i < 30; i++) expect((await api('DELETE', '/api/v1/statuses/1', token)).status).toBe(404)
    expect((await api('DELETE', '/api/v1/statuses/1', token)).status).toBe(429)
    for (let i = 0; i < 30; i++) expect((await upload(token, png, 'image/png')).status).toBe(200)
    const over = await upload(token, png, 'image/png')
    expect(over.status).toBe(429)
    expect(over.headers.get('x-ratelimit-reset')).toBe('2026-06-01T09:30:00.000000Z')
  })

  it('takes 300 statuses in three hours', async () => {
    const token = await login()
    for (let i = 0; i < 300; i++) {
      if (i % 100 === 0) stage.pass(300_000)
      expect((await post(token, { status: `${i}` })).status).toBe(200)
    }
    stage.pass(300_000)
    const over = await post(token, { status: 'over' })
    expect(over).toMatchObject({ status: 429, body: { error: 'Too many requests' } })
    expect(over.headers.get('x-ratelimit-reset')).toBe('2026-06-01T12:00:00.000000Z')
    expect(mastodon.shown()).toHaveLength(300)
  })

  it('throttles with and without a header', async () => {
    expect(mastodon.throttled(true).headers.get('x-ratelimit-reset')).toBe('2026-06-01T09:05:00.000000Z')
    expect([...mastodon.throttled(false).headers.keys()]).toEqual(['content-type'])
    expect(await mastodon.throttled(false).json()).toEqual({ error: 'Too many requests' })
  })

  it('knows its commits and its token requests', () => {
    const is = (method: string, path: string) => {
      const request = new Request(`https://${second}${path}`, { method })
      return [mastodon.isCommit(request), mastodon.isToken?.(request)]
    }
    expect(is('POST', '/api/v1/statuses')).toEqual([true, false])
    expect(is('PUT', '/api/v1/statuses/1')).toEqual([true, false])
    expect(is('DELETE', '/api/v1/statuses/1')).toEqual([true, false])
    expect(is('GET', '/api/v1/statuses/1')).toEqual([false, false])
    expect(is('POST', '/api/v2/media')).toEqual([false, false])
    expect(is('POST', '/oauth/token')).toEqual([false, true])
  })

  it('lives on after its state went through JSON', async () => {
    const token = await login()
    await post(token, { status: 'Before' })
    stage = emulatorStage(JSON.parse(JSON.stringify(stage.state)))
    mastodon = sandbox.create(stage)
    expect((await post(token, { status: 'After' })).status).toBe(200)
    expect(mastodon.shown().map(({ text }) => text)).toEqual(['Before', 'After'])
  })

  it('answers any input and never throws', async () => {
    const token = await login()
    const path = fc.constantFrom(
      '/api/v1/statuses',
      '/api/v1/statuses/1',
      '/api/v2/media',
      '/api/v1/media/1',
      '/api/v1/apps',
      '/oauth/token',
      '/oauth/authorize',
      '/oauth/revoke',
      '/api/v1/accounts/110000000000000001/statuses',
      '/__proto__',
      '/%00',
    )
    const type = fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'multipart/form-data; boundary=x',
      'text/plain',
    )
    const near = fc.record({
      status: fc.jsonValue(),
      media_ids: fc.jsonValue(),
      poll: fc.jsonValue(),
      spoiler_text: fc.jsonValue(),
      in_reply_to_id: fc.jsonValue(),
    })
    const names = fc.constantFrom(
      '__proto__[a]=1',
      'poll[options][]=a&poll[x]=1',
      'media_ids[]=1&media_ids[a]=2',
      'a[b][c][d][e][f][g]=1',
      'status[]=x',
      '[]=1',
      'poll=1&poll[a]=2',
    )
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      near.map((value) => JSON.stringify(value)),
      names,
    )
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), type, body, fc.string(), async (path, method, type, body, query) => {
        for (const server of Object.values(stage.state.servers)) server.windows = {}
        const reply = await send(method, `https://${first}${path}?limit=${encodeURIComponent(query)}&min_id=${encodeURIComponent(query)}`, {
          headers: { authorization: `Bearer ${token}`, 'content-type': type },
          ...(method !== 'GET' && { body }),
        })
        expect(reply.status).toBeLessThan(500)
        mastodon.shown()
      }),
      { numRuns: 400 },
    )
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false)
  })
})
