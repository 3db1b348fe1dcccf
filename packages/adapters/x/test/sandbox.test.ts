import { createHash } from 'node:crypto'
import { emulatorStage } from '@syndikit/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { sandbox } from '../src/sandbox.ts'

const sara = '1700000000000000001'
const omar = '1700000000000000002'
const verifier = 'a-verifier-that-is-long-enough-for-the-rule-of-43-characters'
const allScopes = 'tweet.read tweet.write users.read media.write offline.access'
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const mp4 = Buffer.concat([Buffer.from('00000018667479706d703432', 'hex'), Buffer.alloc(500, 7)])
const gif = Buffer.from('GIF89a-rest-of-it')

// biome-ignore lint/suspicious/noExplicitAny: answers are asserted member by member
type Body = any
interface Answer {
  status: number
  body: Body
  headers: Headers
}

let stage = emulatorStage(sandbox.initial())
let x = sandbox.create(stage)
beforeEach(() => {
  stage = emulatorStage(sandbox.initial())
  x = sandbox.create(stage)
})

const read = async (reply: Response): Promise<Answer> => {
  const text = await reply.text()
  const body: Body = reply.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
  return { status: reply.status, body, headers: reply.headers }
}
const send = async (method: string, url: string, init: RequestInit = {}) => read(await x.fetch(new Request(url, { method, ...init })))

const consentParams = (over: Record<string, string> = {}) =>
  new URLSearchParams({
    response_type: 'code',
    client_id: 'sandbox-client',
    redirect_uri: 'https://host.example/back?kept=1',
    scope: allScopes,
    state: 'st<a>te',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...over,
  })
const authorize = 'https://x.com/i/oauth2/authorize'
const consent = async (account = sara, over: Record<string, string> = {}, decision = 'approve') => {
  const form = consentParams(over)
  form.set('account', account)
  form.set('decision', decision)
  const reply = await send('POST', authorize, { body: form })
  return { ...reply, back: reply.headers.get('location') ? new URL(reply.headers.get('location') ?? '') : undefined }
}
const basic = `Basic ${Buffer.from('sandbox-client:sandbox-secret').toString('base64')}`
const token = (fields: Record<string, string>, authorization: string | undefined = basic) =>
  send('POST', 'https://api.x.com/2/oauth2/token', { body: new URLSearchParams(fields), ...(authorization && { headers: { authorization } }) })
const exchange = (code: string, over: Record<string, string> = {}) =>
  token({ grant_type: 'authorization_code', code, redirect_uri: 'https://host.example/back?kept=1', code_verifier: verifier, ...over })
const login = async (account = sara, over: Record<string, string> = {}): Promise<{ access_token: string; refresh_token: string }> => {
  const { back } = await consent(account, over)
  return (await exchange(back?.searchParams.get('code') ?? '')).body
}
const refresh = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token })

const api = (method: string, path: string, access: string, json?: unknown) =>
  send(method, `https://api.x.com${path}`, {
    headers: { authorization: `Bearer ${access}`, ...(json !== undefined && { 'content-type': 'application/json' }) },
    ...(json !== undefined && { body: typeof json === 'string' ? json : JSON.stringify(json) }),
  })
const post = (access: string, json: unknown) => api('POST', '/2/tweets', access, json)
const upload = (access: string, path: string, fields: Record<string, string | Blob>) => {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  return send('POST', `https://api.x.com${path}`, { headers: { authorization: `Bearer ${access}` }, body })
}
const photo = async (access: string): Promise<string> =>
  (await upload(access, '/2/media/upload', { media: new Blob([png]), media_category: 'tweet_image' })).body.data.id
const forbidden = (detail: string) => ({ detail, type: 'about:blank', title: 'Forbidden', status: 403 })

describe('consent', () => {
  it('shows both accounts, hides every OAuth parameter in the form, and escapes what came in the address', async () => {
    const { status, body } = await send('GET', `${authorize}?${consentParams({ state: '"><script>alert(1)</script>' })}`)
    expect(status).toBe(200)
    expect(body).toContain('عمر الفارسي')
    for (const name of consentParams().keys()) expect(body).toContain(`name="${name}"`)
    expect(body).not.toContain('<script>')
  })

  it('sends a code or the refusal back, with the state and what the redirect URI had', async () => {
    const yes = await consent()
    expect(yes.status).toBe(302)
    expect(yes.back?.searchParams.get('state')).toBe('st<a>te')
    expect(yes.back?.searchParams.get('kept')).toBe('1')
    const no = await consent(sara, {}, 'deny')
    expect(no.back?.searchParams.get('error')).toBe('access_denied')
    expect(no.back?.searchParams.has('code')).toBe(false)
  })

  it.each([
    [{ client_id: 'somebody' }, 'client_id'],
    [{ redirect_uri: 'javascript:alert(1)' }, 'redirect_uri'],
    [{ redirect_uri: '/back' }, 'redirect_uri'],
    [{ scope: 'tweet.read everything' }, 'everything'],
    [{ scope: '' }, 'scope'],
    [{ state: '' }, 'state'],
    [{ state: 's'.repeat(501) }, 'state'],
    [{ code_challenge_method: 'plain' }, 'S256'],
    [{ code_challenge: 'short' }, 'code_challenge'],
    [{ response_type: 'token' }, 'response_type'],
  ])('shows an error page, and redirects nobody, for %o', async (over: Record<string, string>, named) => {
    for (const reply of [await send('GET', `${authorize}?${consentParams(over)}`), await consent(sara, over)]) {
      expect(reply.status).toBe(400)
      expect(reply.body).toContain(named)
      expect(reply.headers.has('location')).toBe(false)
    }
  })

  it('refuses an account it does not have and a decision it does not know', async () => {
    expect((await consent('nobody')).status).toBe(400)
    expect((await consent(sara, {}, 'maybe')).status).toBe(400)
  })
})

describe('tokens', () => {
  it('gives two hours of access, the granted scope, and a refresh token only with offline.access', async () => {
    const { back } = await consent()
    const { status, body } = await exchange(back?.searchParams.get('code') ?? '')
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 7200, scope: allScopes })
    expect(await login(sara, { scope: 'tweet.read users.read' })).not.toHaveProperty('refresh_token')
    stage.pass(7_200_000 - 1)
    expect((await api('GET', '/2/users/me', body.access_token)).status).toBe(200)
    stage.pass(1)
    expect(await api('GET', '/2/users/me', body.access_token)).toMatchObject({ status: 401, body: { title: 'Unauthorized', status: 401 } })
  })

  const badCode = { error: 'invalid_request', error_description: 'Value passed for the authorization code was invalid.' }
  it('takes a code once', async () => {
    const code = (await consent()).back?.searchParams.get('code') ?? ''
    expect((await exchange(code)).status).toBe(200)
    expect(await exchange(code)).toMatchObject({ status: 400, body: badCode })
  })

  it('takes a code for 30 seconds', async () => {
    const code = (await consent()).back?.searchParams.get('code') ?? ''
    stage.pass(30_000)
    expect(await exchange(code)).toMatchObject({ status: 400, body: badCode })
    expect(await exchange('__proto__')).toMatchObject({ status: 400, body: badCode })
  })

  it('wants the verifier and the redirect URI of the consent, and a mistake does not use the code up', async () => {
    const code = (await consent()).back?.searchParams.get('code') ?? ''
    expect((await exchange(code, { code_verifier: 'wrong' })).body.error_description).toBe(
      'Value passed for the code verifier did not match the code challenge.',
    )
    expect((await exchange(code, { redirect_uri: 'https://host.example/other' })).body.error).toBe('invalid_request')
    expect((await exchange(code, { code_verifier: '' })).body.error_description).toBe('Missing required parameter [code_verifier].')
    expect((await exchange(code)).status).toBe(200)
  })

  it('wants Basic of a confidential client and only the id of a public one', async () => {
    const noHeader = { error: 'unauthorized_client', error_description: 'Missing valid authorization header' }
    expect(await token({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'sandbox-client' }, '')).toMatchObject({ status: 401, body: noHeader })
    const wrong = `Basic ${Buffer.from('sandbox-client:guess').toString('base64')}`
    expect(await token({ grant_type: 'refresh_token', refresh_token: 'x' }, wrong)).toMatchObject({ status: 401, body: noHeader })
    const code = (await consent(sara, { client_id: 'sandbox-public' })).back?.searchParams.get('code') ?? ''
    const fields = { grant_type: 'authorization_code', code, redirect_uri: 'https://host.example/back?kept=1', code_verifier: verifier }
    expect((await exchange(code)).status, 'another client must not redeem it').toBe(400)
    expect((await token({ ...fields, client_id: 'sandbox-public' }, '')).status).toBe(200)
  })

  it('rotates refresh tokens, and a second use of one ends the whole family', async () => {
    const first = await login()
    const other = await login(omar)
    const second = (await refresh(first.refresh_token)).body
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect((await api('GET', '/2/users/me', second.access_token)).status).toBe(200)
    const reused = await refresh(first.refresh_token)
    expect(reused).toMatchObject({ status: 400, body: { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' } })
    expect((await refresh(second.refresh_token)).status).toBe(400)
    expect((await api('GET', '/2/users/me', second.access_token)).status).toBe(401)
    expect((await api('GET', '/2/users/me', other.access_token)).status, 'another consent lives on').toBe(200)
  })

  it('revokes', async () => {
    const { access_token, refresh_token } = await login()
    const reply = await send('POST', 'https://api.x.com/2/oauth2/revoke', {
      body: new URLSearchParams({ token: access_token }),
      headers: { authorization: basic },
    })
    expect(reply).toMatchObject({ status: 200, body: { revoked: true } })
    expect((await api('GET', '/2/users/me', access_token)).status).toBe(401)
    expect((await refresh(refresh_token)).status).toBe(400)
  })

  it('expire ends access but not the consent; revoke ends both', async () => {
    const { access_token, refresh_token } = await login()
    x.act('expire')
    expect((await api('GET', '/2/users/me', access_token)).status).toBe(401)
    const fresh = (await refresh(refresh_token)).body
    expect((await api('GET', '/2/users/me', fresh.access_token)).status).toBe(200)
    x.act('revoke')
    expect((await refresh(fresh.refresh_token)).status).toBe(400)
    expect((await api('GET', '/2/users/me', fresh.access_token)).status).toBe(401)
  })

  it('says who somebody is, with the fields asked for', async () => {
    const { access_token } = await login(omar)
    expect((await api('GET', '/2/users/me', access_token)).body).toEqual({ data: { id: omar, name: 'عمر الفارسي', username: 'sandbox_omar' } })
    expect((await api('GET', '/2/users/me?user.fields=subscription_type', access_token)).body.data.subscription_type).toBe('None')
  })

  it('refuses what the scope does not cover', async () => {
    const { access_token } = await login(sara, { scope: 'tweet.read users.read' })
    expect(await post(access_token, { text: 'no' })).toMatchObject({ status: 403, body: { title: 'Forbidden' } })
    expect(x.shown()).toEqual([])
  })
})

describe('posts', () => {
  let access = ''
  beforeEach(async () => {
    access = (await login(omar)).access_token
  })

  it('publishes, returns t.co links, and shows people what was typed', async () => {
    const { status, body } = await post(access, { text: 'Read https://example.com/a?b=1&c=2 & example.org now' })
    expect(status).toBe(201)
    expect(body.data.text).toMatch(/^Read https:\/\/t\.co\/\w{10} &amp; https:\/\/t\.co\/\w{10} now$/)
    expect(body.data.edit_history_post_ids).toEqual([body.data.id])
    expect(x.shown()).toMatchObject([
      { platform: 'x', account: 'sandbox_omar', id: body.data.id, text: 'Read https://example.com/a?b=1&c=2 & example.org now', media: 0 },
    ])
    const found = await api('GET', `/2/tweets?ids=${body.data.id}&tweet.fields=entities`, access)
    const [first, second] = found.body.data[0].entities.urls
    expect([first.expanded_url, second.expanded_url]).toEqual(['https://example.com/a?b=1&c=2', 'http://example.org'])
    expect([...found.body.data[0].text].slice(first.start, first.end).join('')).toBe(first.url)
    expect([...found.body.data[0].text].slice(second.start, second.end).join('')).toBe(second.url)
  })

  it.each([
    ['280 Latin letters', 'a'.repeat(280), 201],
    ['281 Latin letters', 'a'.repeat(281), 403],
    ['280 Arabic letters', 'ب'.repeat(280), 201],
    ['140 CJK characters', '字'.repeat(140), 201],
    ['141 CJK characters', '字'.repeat(141), 403],
    ['140 family emoji', '👨‍👩‍👧‍👦'.repeat(140), 201],
    ['141 emoji', '😀'.repeat(141), 403],
    ['256 letters, a space and a URL of 500', `${'a'.repeat(256)} https://example.com/${'p'.repeat(480)}`, 201],
    ['257 letters, a space and a URL', `${'a'.repeat(257)} https://example.com/p`, 403],
    ['letters and a combining mark that compose', 'e\u0301'.repeat(280), 201],
  ])('counts by weight: %s', async (_, text, status) => {
    const reply = await post(access, { text })
    expect(reply.status).toBe(status)
    if (status === 403) expect(reply.body).toEqual(forbidden('You are not permitted to perform this action.'))
  })

  it('refuses the same text again with the exact body, until it is deleted, and never somebody else’s', async () => {
    const first = await post(access, { text: 'Twice' })
    expect(await post(access, { text: 'Twice ' })).toMatchObject({
      status: 403,
      body: forbidden('You are not allowed to create a Tweet with duplicate content.'),
    })
    expect(x.shown()).toHaveLength(1)
    const other = (await login(sara)).access_token
    expect((await post(other, { text: 'Twice' })).status).toBe(201)
    expect(await api('DELETE', `/2/tweets/${first.body.data.id}`, access)).toMatchObject({ status: 200, body: { data: { deleted: true } } })
    expect((await post(access, { text: 'Twice' })).status).toBe(201)
  })

  it('takes a thread on oneself, a reply to a mention, and no other reply', async () => {
    const other = (await login(sara)).access_token
    const own = (await post(access, { text: 'One' })).body.data.id
    expect((await post(access, { text: 'Two', reply: { in_reply_to_tweet_id: own } })).status).toBe(201)
    expect((await post(other, { text: 'Me too', reply: { in_reply_to_tweet_id: own } })).body).toEqual(
      forbidden('You can only reply to or quote posts where you are mentioned or are the author.'),
    )
    const call = (await post(access, { text: 'What do you think, @Sandbox_Sara?' })).body.data.id
    expect((await post(other, { text: 'Fine', reply: { in_reply_to_tweet_id: call } })).status).toBe(201)
    expect((await post(other, { text: 'Late', reply: { in_reply_to_tweet_id: '42' } })).status).toBe(403)
    expect(x.shown().map(({ replyTo }) => replyTo)).toEqual([undefined, own, undefined, call])
  })

  it.each([
    [{}, '$.text: is missing'],
    [{ text: 5 }, '$.text: integer found, string expected'],
    [{ text: 'a', shout: true }, '$.shout: is not defined in the schema'],
    [{ text: 'a', media: { media_ids: [] } }, 'a minimum of 1 items'],
    [{ text: 'a', media: { media_ids: ['1', '2', '3', '4', '5'] } }, '$.media.media_ids: there must be a maximum of 4 items in the array'],
    [{ text: 'a', media: { media_ids: '1' } }, '$.media.media_ids: string found, array expected'],
    [{ text: 'a', media: { media_ids: ['abc'] } }, 'does not match the regex pattern'],
    [{ text: 'a', reply: {} }, '$.reply.in_reply_to_tweet_id: is missing but it is required'],
    [{ text: 'a', reply_settings: 'nobody' }, 'enumeration'],
    [{ text: 'a', poll: { options: ['a'], duration_minutes: 60 } }, 'a minimum of 2 items'],
    [{ text: 'a', poll: { options: ['a', 'b'.repeat(26)], duration_minutes: 60 } }, 'may only be 25 characters long'],
    [{ text: 'a', poll: { options: ['a', ''], duration_minutes: 60 } }, 'at least 1'],
    [{ text: 'a', poll: { options: ['a', 'b'], duration_minutes: 4 } }, 'minimum value of 5'],
    [{ text: 'a', poll: { options: ['a', 'b'], duration_minutes: 10_081 } }, 'maximum value of 10080'],
    [{ text: 'a', poll: { options: ['a', 'b'], duration_minutes: 5 }, media: { media_ids: ['1'] } }, 'Only one of'],
  ])('answers invalid-request to %o', async (body, message) => {
    const reply = await post(access, body)
    expect(reply).toMatchObject({ status: 400, body: { title: 'Invalid Request', type: 'https://api.x.com/2/problems/invalid-request' } })
    expect(JSON.stringify(reply.body.errors)).toContain(message)
    expect(reply.headers.get('content-type')).toBe('application/problem+json')
    expect(x.shown()).toEqual([])
  })

  it('takes a poll', async () => {
    expect((await post(access, { text: 'Which?', poll: { options: ['نعم', 'لا'], duration_minutes: 60 } })).status).toBe(201)
    expect(x.shown()[0]?.poll?.options).toEqual(['نعم', 'لا'])
  })

  it('takes one cashtag and no quote from a self-serve app', async () => {
    expect((await post(access, { text: '$AAPL up' })).status).toBe(201)
    const two = await post(access, { text: '$AAPL and $MSFT' })
    expect(two.status).toBe(403)
    expect(two.body.detail).toContain('maximum of one cashtag')
    expect((await post(access, { text: 'Look', quote_tweet_id: '1' })).body.type).toBe('https://api.x.com/2/problems/client-forbidden')
  })

  it('lets Premium write long and edit; a long text is cut outside its note', async () => {
    const premium = (await login(sara)).access_token
    const long = 'word '.repeat(100).trim()
    const { data } = (await post(premium, { text: long })).body
    const found = (await api('GET', `/2/tweets?ids=${data.id}&tweet.fields=note_tweet`, premium)).body.data[0]
    expect(found.note_tweet.text).toBe(long)
    expect(found.text.length).toBeLessThan(281)
    const edited = await post(premium, { text: 'Shorter', edit_options: { previous_post_id: data.id } })
    expect(edited.body.data.edit_history_post_ids).toEqual([data.id, edited.body.data.id])
    expect(x.shown()).toMatchObject([{ id: edited.body.data.id, text: 'Shorter', edited: true }])
    stage.pass(3_600_001)
    expect((await post(premium, { text: 'Too late', edit_options: { previous_post_id: edited.body.data.id } })).status).toBe(403)
    const later = (await login(sara)).access_token
    const plain = (await post((await login(omar)).access_token, { text: 'Mine' })).body.data.id
    expect((await post(later, { text: 'Yours', edit_options: { previous_post_id: plain } })).status).toBe(403)
  })

  it('lets nobody edit a poll, or an answer to somebody else', async () => {
    const premium = (await login(sara)).access_token
    const edit = async (id: string) => (await post(premium, { text: 'Edited', edit_options: { previous_post_id: id } })).status
    const poll = (await post(premium, { text: 'Which?', poll: { options: ['a', 'b'], duration_minutes: 60 } })).body.data.id
    const call = (await post(access, { text: 'Well, @sandbox_sara?' })).body.data.id
    const answer = (await post(premium, { text: 'Well', reply: { in_reply_to_tweet_id: call } })).body.data.id
    const own = (await post(premium, { text: 'More', reply: { in_reply_to_tweet_id: answer } })).body.data.id
    expect([await edit(poll), await edit(answer), await edit(own)]).toEqual([403, 403, 201])
  })

  it('deletes only one’s own, once', async () => {
    const { id } = (await post(access, { text: 'Gone soon' })).body.data
    expect((await api('DELETE', `/2/tweets/${id}`, (await login(sara)).access_token)).status).toBe(403)
    expect((await api('DELETE', `/2/tweets/${id}`, access)).status).toBe(200)
    expect(x.shown()).toEqual([])
    expect(await api('DELETE', `/2/tweets/${id}`, access)).toMatchObject({ status: 404, body: { type: 'https://api.x.com/2/problems/resource-not-found' } })
  })
})

describe('media', () => {
  let access = ''
  beforeEach(async () => {
    access = (await login()).access_token
  })
  const invalidIds = { errors: [{ message: 'Your media IDs are invalid.' }], type: 'https://api.x.com/2/problems/invalid-request' }
  const video = async (bytes: Buffer = mp4, total = bytes.length): Promise<Answer & { id: string }> => {
    const begun = await api('POST', '/2/media/upload/initialize', access, { media_type: 'video/mp4', media_category: 'tweet_video', total_bytes: total })
    const { id } = begun.body.data
    const half = Math.ceil(bytes.length / 2)
    for (const [index, piece] of [bytes.subarray(0, half), bytes.subarray(half)].entries())
      expect((await upload(access, `/2/media/upload/${id}/append`, { media: new Blob([piece]), segment_index: String(index) })).status).toBe(200)
    return { ...(await api('POST', `/2/media/upload/${id}/finalize`, access)), id }
  }

  it('takes a photo at once, as multipart or base64, with alt text, and hangs it on a post', async () => {
    const first = await photo(access)
    const second = (await api('POST', '/2/media/upload', access, { media: png.toString('base64'), media_category: 'tweet_image' })).body.data
    expect(second).toMatchObject({ size: png.length, expires_after_secs: 86_400 })
    expect(second.media_key).toBe(`3_${second.id}`)
    expect(second).not.toHaveProperty('processing_info')
    const alt = await api('POST', '/2/media/metadata', access, { id: first, metadata: { alt_text: { text: 'نقطة' } } })
    expect(alt.body.data.associated_metadata).toEqual({ alt_text: { text: 'نقطة' } })
    const reply = await post(access, { text: 'Two dots', media: { media_ids: [first, second.id] } })
    expect(reply.body.data.text).toMatch(/^Two dots https:\/\/t\.co\/\w{10}$/)
    const [shown] = x.shown()
    expect(shown).toMatchObject({ media: 2, files: [{ mime: 'image/png', alt: 'نقطة' }, { alt: '' }] })
    expect(Buffer.from(stage.blob(shown?.files[0]?.blob ?? '') ?? [])).toEqual(png)
    const found = (
      await api('GET', `/2/tweets?ids=${reply.body.data.id}&post.fields=attachments&expansions=attachments.media_keys&media.fields=alt_text`, access)
    ).body
    expect(found.data[0].attachments.media_keys).toHaveLength(2)
    expect(found.includes.media[0]).toEqual({ media_key: `3_${first}`, type: 'photo', alt_text: 'نقطة' })
  })

  it('refuses unknown, foreign, repeated and expired media with one body', async () => {
    const id = await photo(access)
    const other = (await login(omar)).access_token
    expect(await post(other, { text: 'a', media: { media_ids: [id] } })).toMatchObject({ status: 400, body: invalidIds })
    expect((await post(access, { text: 'a', media: { media_ids: ['999'] } })).body).toMatchObject(invalidIds)
    expect((await post(access, { text: 'a', media: { media_ids: [id, id] } })).body).toMatchObject(invalidIds)
    stage.pass(86_400_000)
    const later = (await login()).access_token
    expect((await post(later, { text: 'a', media: { media_ids: [id] } })).body).toMatchObject(invalidIds)
    expect(x.shown()).toEqual([])
  })

  it('puts a video together from its pieces and works on it for a while', async () => {
    const { id, body } = await video()
    expect(body.data.processing_info).toEqual({ state: 'pending', check_after_secs: 1 })
    expect((await post(access, { text: 'Early', media: { media_ids: [id] } })).status).toBe(400)
    stage.pass(2_000)
    const status = () => api('GET', `/2/media/upload?command=STATUS&media_id=${id}`, access)
    expect((await status()).body.data.processing_info).toMatchObject({ state: 'in_progress', check_after_secs: 2 })
    stage.pass(3_000)
    expect((await status()).body.data.processing_info.state).toBe('succeeded')
    expect((await post(access, { text: 'Film', media: { media_ids: [id] } })).status).toBe(201)
    expect(Buffer.from(stage.blob(x.shown()[0]?.files[0]?.blob ?? '') ?? [])).toEqual(mp4)
    expect((await post(access, { text: 'Film and photo', media: { media_ids: [id, await photo(access)] } })).body).toMatchObject(invalidIds)
  })

  it('describes no video', async () => {
    const { id } = await video()
    expect((await api('POST', '/2/media/metadata', access, { id, metadata: { alt_text: { text: 'Nothing moves' } } })).status).toBe(400)
  })

  it('takes a video whose pieces are too large to keep', async () => {
    stage.blob = () => undefined
    const { id } = await video()
    x.act('process')
    expect((await post(access, { text: 'Huge', media: { media_ids: [id] } })).status).toBe(201)
    expect(x.shown()).toMatchObject([{ media: 1, files: [{ mime: 'video/mp4' }] }])
  })

  it('process finishes what is being worked on; a broken video fails then', async () => {
    const good = await video()
    const bad = await video(Buffer.alloc(100, 1))
    x.act('process')
    const stateOf = async (id: string) => (await api('GET', `/2/media/upload?media_id=${id}`, access)).body.data.processing_info.state
    expect(await stateOf(good.id)).toBe('succeeded')
    expect(await stateOf(bad.id)).toBe('failed')
    expect((await post(access, { text: 'a', media: { media_ids: [bad.id] } })).body).toMatchObject(invalidIds)
  })

  it('takes one GIF, and not beside a photo', async () => {
    const { id } = (await upload(access, '/2/media/upload', { media: new Blob([gif]), media_category: 'tweet_gif' })).body.data
    x.act('process')
    expect((await post(access, { text: 'a', media: { media_ids: [id, await photo(access)] } })).status).toBe(400)
    expect((await post(access, { text: 'a', media: { media_ids: [id] } })).status).toBe(201)
  })

  it('refuses pieces that do not add up, a file that is no picture, one that is too large, and a long alt text', async () => {
    expect((await video(mp4, mp4.length + 1)).body.detail).toBe('Segments do not add up to provided total file size.')
    expect((await upload(access, '/2/media/upload', { media: new Blob(['not a picture']), media_category: 'tweet_image' })).status).toBe(400)
    const huge = new Blob([png, Buffer.alloc(5 * 1024 * 1024)])
    expect((await upload(access, '/2/media/upload', { media: huge, media_category: 'tweet_image' })).body.detail).toContain('exceeds')
    expect((await upload(access, '/2/media/upload', { media: new Blob([png]) })).status).toBe(400)
    expect((await upload(access, '/2/media/upload/1/append', { media: new Blob([png]), segment_index: '1000' })).status).toBe(400)
    expect((await upload(access, '/2/media/upload/1/append', { media: new Blob([png]), segment_index: '0' })).status).toBe(404)
    expect((await api('POST', '/2/media/metadata', access, { id: await photo(access), metadata: { alt_text: { text: 'a'.repeat(1001) } } })).status).toBe(400)
  })

  it('treats the same words with newly uploaded media as a new post, and with the same media as a duplicate', async () => {
    const id = await photo(access)
    expect((await post(access, { text: 'Dot', media: { media_ids: [id] } })).status).toBe(201)
    expect((await post(access, { text: 'Dot', media: { media_ids: [id] } })).status).toBe(403)
    expect((await post(access, { text: 'Dot', media: { media_ids: [await photo(access)] } })).status).toBe(201)
  })
})

describe('reads', () => {
  let access = ''
  let ids: string[] = []
  beforeEach(async () => {
    access = (await login(omar)).access_token
    ids = []
    for (let i = 0; i < 7; i++) {
      const reply = ids.length === 3 ? { reply: { in_reply_to_tweet_id: ids[2] } } : {}
      ids.push((await post(access, { text: `Number ${i}`, ...reply })).body.data.id)
      stage.pass(1_000)
    }
  })
  const timeline = async (query: string) => (await api('GET', `/2/users/${omar}/tweets?${query}`, access)).body
  const idsOf = (body: Body) => (body.data ?? []).map(({ id }: { id: string }) => id)

  it('lists newest first, in pages', async () => {
    const first = await timeline('max_results=5')
    expect(idsOf(first)).toEqual(ids.slice(2).toReversed())
    expect(first.meta).toEqual({ result_count: 5, newest_id: ids[6], oldest_id: ids[2], next_token: expect.any(String) })
    const second = await timeline(`max_results=5&pagination_token=${first.meta.next_token}`)
    expect(idsOf(second)).toEqual([ids[1], ids[0]])
    expect(second.meta).not.toHaveProperty('next_token')
  })

  it('knows since_id, until_id, start_time, end_time and exclude', async () => {
    expect(idsOf(await timeline(`since_id=${ids[4]}`))).toEqual([ids[6], ids[5]])
    expect(idsOf(await timeline(`until_id=${ids[1]}`))).toEqual([ids[0]])
    expect(idsOf(await timeline('start_time=2026-06-01T09:00:06Z'))).toEqual([ids[6]])
    expect(idsOf(await timeline('end_time=2026-06-01T09:00:01Z'))).toEqual([ids[0]])
    expect(idsOf(await timeline('exclude=retweets,replies'))).not.toContain(ids[3])
    expect(await timeline(`since_id=${ids[6]}`)).toEqual({ meta: { result_count: 0 } })
  })

  it.each(['max_results=4', 'max_results=101', 'max_results=many', 'since_id=x', 'start_time=yesterday', 'exclude=bots', 'tweet.fields=mood'])(
    'refuses %s',
    async (query) => {
      expect((await api('GET', `/2/users/${omar}/tweets?${query}`, access)).status).toBe(400)
    },
  )

  it('answers found and missing posts together', async () => {
    const { status, body } = await api('GET', `/2/tweets?ids=${ids[0]},42`, access)
    expect(status).toBe(200)
    expect(idsOf(body)).toEqual([ids[0]])
    expect(body.errors).toMatchObject([{ resource_id: '42', title: 'Not Found Error', type: 'https://api.x.com/2/problems/resource-not-found' }])
    expect((await api('GET', '/2/tweets?ids=', access)).status).toBe(400)
  })

  it('names things as the parameter does, and its numbers grow', async () => {
    stage.pass(3_600_000)
    const old = (await api('GET', `/2/tweets?ids=${ids[2]}&tweet.fields=public_metrics,conversation_id,created_at`, access)).body.data[0]
    expect(old.public_metrics).toMatchObject({ reply_count: 1, retweet_count: expect.any(Number) })
    expect(old.public_metrics.impression_count).toBeGreaterThan(100)
    expect(old.created_at).toBe('2026-06-01T09:00:02.000Z')
    expect(old.edit_history_tweet_ids).toEqual([ids[2]])
    const fresh = (await api('GET', `/2/tweets/${ids[3]}?post.fields=public_metrics,referenced_posts,conversation_id`, access)).body.data
    expect(fresh.public_metrics).toHaveProperty('repost_count')
    expect(fresh.referenced_posts).toEqual([{ type: 'replied_to', id: ids[2] }])
    expect(fresh.conversation_id).toBe(ids[2])
  })
})

describe('limits and faults', () => {
  it('counts down in headers, refuses the 101st post of a quarter hour, and starts again', async () => {
    const { access_token } = await login()
    for (let i = 0; i < 100; i++) await post(access_token, { text: `Post ${i}` })
    const over = await post(access_token, { text: 'One more' })
    expect(over).toMatchObject({ status: 429, body: { title: 'Too Many Requests', status: 429 } })
    expect(over.headers.get('x-rate-limit-limit')).toBe('100')
    expect(over.headers.get('x-rate-limit-remaining')).toBe('0')
    expect(over.headers.get('x-rate-limit-reset')).toBe(String((stage.now() + 900_000) / 1000))
    expect(over.headers.get('x-app-limit-24hour-limit')).toBe('10000')
    expect(x.shown()).toHaveLength(100)
    stage.pass(900_000)
    const again = await post(access_token, { text: 'One more' })
    expect(again.status).toBe(201)
    expect(again.headers.get('x-rate-limit-remaining')).toBe('99')
  })

  it('throttles with and without a header', async () => {
    expect(await read(x.throttled(true))).toMatchObject({ status: 429, body: { type: 'about:blank' } })
    expect(x.throttled(true).headers.get('x-rate-limit-reset')).toBe(String((stage.now() + 900_000) / 1000))
    const bare = x.throttled(false)
    expect([...bare.headers.keys()]).toEqual(['content-type'])
    expect(await bare.json()).toEqual({ errors: [{ code: 88, message: 'Rate limit exceeded' }] })
  })

  it('knows its commits and its token requests', () => {
    const is = (method: string, url: string) => {
      const request = new Request(url, { method })
      return [x.isCommit(request), x.isToken?.(request)]
    }
    expect(is('POST', 'https://api.x.com/2/tweets')).toEqual([true, false])
    expect(is('DELETE', 'https://api.x.com/2/tweets/12')).toEqual([true, false])
    expect(is('GET', 'https://api.x.com/2/tweets?ids=1')).toEqual([false, false])
    expect(is('POST', 'https://api.x.com/2/media/upload')).toEqual([false, false])
    expect(is('POST', 'https://api.x.com/2/oauth2/token')).toEqual([false, true])
  })

  it('lives on after its state went through JSON', async () => {
    const { access_token } = await login()
    await post(access_token, { text: 'Before' })
    const saved = emulatorStage(JSON.parse(JSON.stringify(stage.state)))
    x = sandbox.create(saved)
    expect((await post(access_token, { text: 'After' })).status).toBe(201)
    expect(x.shown().map(({ text }) => text)).toEqual(['Before', 'After'])
  })

  it('answers anything with a status below 500 and never throws', async () => {
    const { access_token } = await login()
    const path = fc.constantFrom(
      '/2/tweets',
      '/2/tweets/1',
      '/2/users/me',
      `/2/users/${sara}/tweets`,
      '/2/media/upload',
      '/2/media/upload/initialize',
      '/2/media/metadata',
      '/2/oauth2/token',
      '/2/oauth2/revoke',
      '/2/media/upload/1/append',
      '/%00',
      '/__proto__',
    )
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constantFrom('', '{', '{"text":{"toString":1}}', '{"media":{"media_ids":["__proto__"]}}', '{"__proto__":{"text":"a"}}'),
    )
    const type = fc.constantFrom(
      'application/json',
      'multipart/form-data; boundary=x',
      'multipart/form-data',
      'application/x-www-form-urlencoded',
      'text/plain',
    )
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'), body, type, fc.string(), async (path, method, body, type, query) => {
        stage.state.windows = {}
        const reply = await send(method, `https://api.x.com${path}?ids=${encodeURIComponent(query)}&media_id=${encodeURIComponent(query)}`, {
          headers: { authorization: `Bearer ${access_token}`, 'content-type': type },
          ...(method !== 'GET' && { body }),
        })
        expect(reply.status).toBeLessThan(500)
      }),
      { numRuns: 300 },
    )
  })
})
