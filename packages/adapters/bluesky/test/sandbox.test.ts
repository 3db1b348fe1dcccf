import { emulatorStage } from '@syndikit/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { sandbox } from '../src/sandbox.ts'

const sara = 'did:plc:sandboxsara2222222222222'
const omar = 'did:plc:sandboxomar2222222222222'
const pds = 'https://morel.us-east.host.bsky.network'
const collection = 'app.bsky.feed.post'
const rkey = '3lqkzu2aaaa22'
const hour = 3_600_000
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const mp4 = Buffer.concat([Buffer.from('00000018667479706d703432', 'hex'), Buffer.alloc(500, 7)])

// biome-ignore lint/suspicious/noExplicitAny: answers are asserted member by member
type Body = any

let stage = emulatorStage(sandbox.initial())
let bluesky = sandbox.create(stage)
beforeEach(() => {
  stage = emulatorStage(sandbox.initial())
  bluesky = sandbox.create(stage)
})

const send = async (method: string, url: string, init: RequestInit = {}): Promise<{ status: number; body: Body; headers: Headers }> => {
  const reply = await bluesky.fetch(new Request(url, { method, ...init }))
  const text = await reply.text()
  return { status: reply.status, body: text === '' ? undefined : JSON.parse(text), headers: reply.headers }
}
const call = (nsid: string, token: string | undefined, json?: unknown, host = pds) =>
  send('POST', `${host}/xrpc/${nsid}`, {
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(json !== undefined && { 'content-type': 'application/json' }) },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
const query = (nsid: string, params: Record<string, string> | [string, string][], token?: string, host = pds) =>
  send('GET', `${host}/xrpc/${nsid}?${new URLSearchParams(params)}`, token ? { headers: { authorization: `Bearer ${token}` } } : {})
const login = async (identifier = 'sandbox-sara.bsky.social', password = 'sand-boxx-pass-0001') =>
  call('com.atproto.server.createSession', undefined, { identifier, password }, 'https://bsky.social')
const access = async (identifier?: string): Promise<string> => (await login(identifier)).body.accessJwt
const refresh = (token: string) => call('com.atproto.server.refreshSession', token)
const upload = (token: string, bytes: Buffer, type = 'image/png') =>
  send('POST', `${pds}/xrpc/com.atproto.repo.uploadBlob`, { headers: { authorization: `Bearer ${token}`, 'content-type': type }, body: bytes })

const record = (over: object = {}) => ({ $type: collection, text: 'مرحبا', createdAt: '2026-06-01T09:00:00.000Z', ...over })
const put = (token: string, over: object = {}, rest: object = {}) =>
  call('com.atproto.repo.putRecord', token, { repo: sara, collection, rkey, record: record(over), ...rest })
const create = (token: string, over: object = {}, rest: object = {}) =>
  call('com.atproto.repo.createRecord', token, { repo: sara, collection, record: record(over), ...rest })

describe('sessions', () => {
  it('opens by handle, DID or e-mail, and names the server where the account lives', async () => {
    for (const identifier of ['sandbox-omar.bsky.social', omar, 'omar@example.com', 'Sandbox-Omar.bsky.social']) {
      const { status, body } = await login(identifier)
      expect(status).toBe(200)
      expect(body).toMatchObject({ did: omar, handle: 'sandbox-omar.bsky.social', active: true })
      expect(body.accessJwt.split('.')).toHaveLength(3)
      expect(body.didDoc.service).toEqual([{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds }])
    }
  })

  it('refuses a wrong password and an unknown account alike, with 401', async () => {
    const refusal = { status: 401, body: { error: 'AuthenticationRequired', message: 'Invalid identifier or password' } }
    expect(await login('sandbox-sara.bsky.social', 'wrong')).toMatchObject(refusal)
    expect(await login('nobody.bsky.social')).toMatchObject(refusal)
    expect((await call('com.atproto.server.createSession', undefined, { identifier: 'a' })).body.error).toBe('InvalidRequest')
  })

  it('answers 400 ExpiredToken two hours later, not 401', async () => {
    const token = await access()
    stage.pass(2 * hour - 1_000)
    expect((await query('com.atproto.server.getSession', {}, token)).body).toMatchObject({ did: sara, emailConfirmed: true })
    stage.pass(1_000)
    expect(await query('com.atproto.server.getSession', {}, token)).toMatchObject({
      status: 400,
      body: { error: 'ExpiredToken', message: 'Token has expired' },
    })
  })

  it('tells a missing, a foreign and a misplaced token apart', async () => {
    const { accessJwt, refreshJwt } = (await login()).body
    expect(await query('com.atproto.server.getSession', {})).toMatchObject({ status: 401, body: { error: 'AuthMissing' } })
    expect(await query('com.atproto.server.getSession', {}, `${accessJwt}x`)).toMatchObject({ status: 400, body: { error: 'InvalidToken' } })
    expect(await query('com.atproto.server.getSession', {}, 'rubbish')).toMatchObject({ status: 400, body: { error: 'InvalidToken' } })
    expect(await query('com.atproto.server.getSession', {}, refreshJwt)).toMatchObject({ status: 400, body: { message: 'Bad token scope' } })
    expect(await refresh(accessJwt)).toMatchObject({ status: 400, body: { message: 'Bad token scope' } })
  })

  it('gives the same next token for a refresh token used again, for two hours, and then none', async () => {
    const first = (await login()).body.refreshJwt
    const one = (await refresh(first)).body
    const again = (await refresh(first)).body
    expect(again.refreshJwt).toBe(one.refreshJwt)
    stage.pass(hour)
    expect((await refresh(first)).status).toBe(200)
    stage.pass(hour)
    expect(await refresh(first)).toMatchObject({ status: 400, body: { error: 'ExpiredToken', message: 'Token has been revoked' } })
    expect((await refresh(one.refreshJwt)).status, 'the next one lives on').toBe(200)
  })

  it('refreshes for 90 days, and takes no body', async () => {
    const { refreshJwt } = (await login()).body
    expect(await call('com.atproto.server.refreshSession', refreshJwt, {})).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
    stage.pass(90 * 24 * hour)
    expect((await refresh(refreshJwt)).body.error).toBe('ExpiredToken')
  })

  it('ends a session', async () => {
    const { refreshJwt } = (await login()).body
    expect(await call('com.atproto.server.deleteSession', refreshJwt)).toMatchObject({ status: 200, body: undefined })
    expect((await refresh(refreshJwt)).body.error).toBe('ExpiredToken')
  })

  it('expire ends access tokens only; revoke ends sessions and the app password', async () => {
    const { accessJwt, refreshJwt } = (await login()).body
    bluesky.act('expire')
    expect((await query('com.atproto.server.getSession', {}, accessJwt)).body.error).toBe('ExpiredToken')
    const fresh = (await refresh(refreshJwt)).body
    expect((await query('com.atproto.server.getSession', {}, fresh.accessJwt)).status).toBe(200)
    bluesky.act('revoke')
    expect((await refresh(fresh.refreshJwt)).status).toBe(400)
    expect((await query('com.atproto.server.getSession', {}, fresh.accessJwt)).status).toBe(400)
    expect((await login()).status).toBe(401)
    expect((await login(sara, 'sand-boxx-pass-0002')).status).toBe(200)
  })

  it('resolves handles', async () => {
    expect((await query('com.atproto.identity.resolveHandle', { handle: 'sandbox-omar.bsky.social' })).body).toEqual({ did: omar })
    expect(await query('com.atproto.identity.resolveHandle', { handle: 'nobody.test' })).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
  })
})

describe('records', () => {
  let token = ''
  beforeEach(async () => {
    token = await access()
  })
  const get = (key = rkey) => query('com.atproto.repo.getRecord', { repo: sara, collection, rkey: key })

  it('creates under a TID of its own and shows the post', async () => {
    const { status, body } = await create(token, { langs: ['ar', 'en'] })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      validationStatus: 'valid',
      cid: expect.stringMatching(/^bafyrei[a-z2-7]{52}$/),
      commit: { cid: expect.any(String), rev: expect.any(String) },
    })
    expect(body.uri).toMatch(/^at:\/\/did:plc:sandboxsara2222222222222\/app\.bsky\.feed\.post\/[2-7a-j][2-7a-z]{12}$/)
    expect(bluesky.shown()).toMatchObject([{ platform: 'bluesky', account: 'sandbox-sara.bsky.social', id: body.uri, text: 'مرحبا', language: 'ar', media: 0 }])
  })

  it('answers the same record again with the same cid, no commit and nothing new, even with swapRecord null', async () => {
    const first = await put(token, {}, { swapRecord: null })
    expect(first.body).toHaveProperty('commit')
    for (const rest of [{}, { swapRecord: null }]) {
      const again = await put(token, {}, rest)
      expect(again.status).toBe(200)
      expect(again.body).toEqual({ uri: first.body.uri, cid: first.body.cid, validationStatus: 'valid' })
    }
    expect(bluesky.shown()).toHaveLength(1)
  })

  it('refuses other content under swapRecord null with InvalidSwap, and overwrites without it', async () => {
    const first = await put(token)
    const swap = { status: 400, body: { error: 'InvalidSwap', message: `Record was at ${first.body.cid}` } }
    expect(await put(token, { text: 'Other' }, { swapRecord: null })).toMatchObject(swap)
    expect(await put(token, { text: 'Other' }, { swapRecord: 'bafyreisomethingelse' })).toMatchObject(swap)
    expect((await get()).body.value.text).toBe('مرحبا')
    const second = await put(token, { text: 'Other' }, { swapRecord: first.body.cid })
    expect(second.body.cid).not.toBe(first.body.cid)
    expect(bluesky.shown().map(({ text }) => text)).toEqual(['Other'])
  })

  it('lets two racing puts with swapRecord null win once', async () => {
    const replies = await Promise.all([put(token, { text: 'A' }, { swapRecord: null }), put(token, { text: 'B' }, { swapRecord: null })])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 400])
    expect(bluesky.shown()).toHaveLength(1)
  })

  it('breaks with 500 where createRecord meets a used key, without a second post', async () => {
    expect((await create(token, {}, { rkey })).status).toBe(200)
    expect(await create(token, {}, { rkey })).toMatchObject({ status: 500, body: { error: 'InternalServerError' } })
    expect(bluesky.shown()).toHaveLength(1)
  })

  it('reads one, and answers RecordNotFound for none', async () => {
    await put(token)
    expect((await get()).body).toMatchObject({ uri: `at://${sara}/${collection}/${rkey}`, value: { text: 'مرحبا' } })
    expect(await get('3lqkzu2aaab22')).toMatchObject({ status: 400, body: { error: 'RecordNotFound' } })
  })

  it('deletes, and again without a word', async () => {
    await put(token)
    const input = { repo: sara, collection, rkey }
    expect((await call('com.atproto.repo.deleteRecord', token, input)).body).toHaveProperty('commit')
    expect(await call('com.atproto.repo.deleteRecord', token, input)).toMatchObject({ status: 200, body: {} })
    expect(bluesky.shown()).toEqual([])
  })

  it('lists newest first, in pages and in reverse', async () => {
    const keys = []
    for (let i = 0; i < 5; i++) keys.push((await create(token, { text: `${i}` })).body.uri.split('/').at(-1))
    const list = async (params: object) => (await query('com.atproto.repo.listRecords', { repo: 'sandbox-sara.bsky.social', collection, ...params })).body
    const first = await list({ limit: '3' })
    expect(first.records.map((found: Body) => found.value.text)).toEqual(['4', '3', '2'])
    expect(first.cursor).toBe(keys[2])
    expect((await list({ limit: '3', cursor: first.cursor })).records.map((found: Body) => found.value.text)).toEqual(['1', '0'])
    expect((await list({ reverse: 'true' })).records[0].value.text).toBe('0')
    expect((await query('com.atproto.repo.listRecords', { repo: sara, collection, limit: '101' })).status).toBe(400)
  })

  it('applies all writes or none', async () => {
    const write = (kind: string, rest: object) => ({ $type: `com.atproto.repo.applyWrites#${kind}`, collection, ...rest })
    const apply = (...writes: object[]) => call('com.atproto.repo.applyWrites', token, { repo: sara, writes })
    const thread = await apply(write('create', { rkey, value: record() }), write('create', { rkey: '3lqkzu2aaab22', value: record({ text: 'Two' }) }))
    expect(thread.body.results).toHaveLength(2)
    expect((await apply(write('delete', { rkey }), write('create', { rkey: '3lqkzu2aaab22', value: record() }))).status).toBe(500)
    expect(bluesky.shown().map(({ text }) => text)).toEqual(['مرحبا', 'Two'])
    expect((await apply(write('update', { rkey, value: record({ text: 'One' }) }), write('delete', { rkey: '3lqkzu2aaab22' }))).status).toBe(200)
    expect(bluesky.shown().map(({ text }) => text)).toEqual(['One'])
  })

  it('keeps to one’s own repository', async () => {
    expect((await call('com.atproto.repo.putRecord', token, { repo: omar, collection, rkey, record: record() })).status).toBe(401)
    expect(await call('com.atproto.repo.putRecord', token, { repo: 'did:plc:nobody', collection, rkey, record: record() })).toMatchObject({
      status: 403,
      body: { error: 'AccountNotFound' },
    })
    expect(bluesky.shown()).toEqual([])
  })

  it('honours swapCommit', async () => {
    const { commit } = (await create(token)).body
    expect((await create(token, { text: 'b' }, { swapCommit: 'bafyreiold' })).body).toEqual({ error: 'InvalidSwap', message: `Commit was at ${commit.cid}` })
    expect((await create(token, { text: 'b' }, { swapCommit: commit.cid })).status).toBe(200)
  })

  const link = { index: { byteStart: 0, byteEnd: 5 }, features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'https://example.com' }] }
  const family = '👨‍👩‍👧‍👦'
  const blobRef = (over: object = {}) => ({ $type: 'blob', ref: { $link: 'bafkreiabc' }, mimeType: 'image/png', size: 10, ...over })
  const images = (...list: object[]) => ({ embed: { $type: 'app.bsky.embed.images', images: list } })
  it.each([
    [{ text: 'a'.repeat(301) }, 'grapheme too big (maximum 300, got 301) at $.record.text'],
    [{ text: family.repeat(121) }, 'string too big (maximum 3000, got 3025) at $.record.text'],
    [{ text: undefined }, 'Missing required key "text" at $.record'],
    [{ text: 5 }, 'Expected string value type (got 5) at $.record.text'],
    [{ createdAt: '1 June 2026' }, 'Invalid datetime'],
    [{ langs: ['en', 'ar', 'fr', 'de'] }, 'array too big (maximum 3, got 4) at $.record.langs'],
    [{ langs: ['not a language'] }, 'Invalid language'],
    [{ tags: ['a'.repeat(65)] }, 'grapheme too big (maximum 64, got 65) at $.record.tags[0]'],
    [{ facets: [{ ...link, index: { byteStart: -1, byteEnd: 5 } }] }, 'integer too small'],
    [{ facets: [{ ...link, index: { byteStart: 0.5, byteEnd: 5 } }] }, 'Expected integer value type'],
    [{ facets: [{ ...link, features: [{ uri: 'https://example.com' }] }] }, '"$type" property'],
    [{ facets: [{ ...link, features: [{ $type: 'app.bsky.richtext.facet#mention', did: '@sara' }] }] }, 'Invalid DID'],
    [{ facets: [{ ...link, features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'example.com' }] }] }, 'Invalid uri'],
    [{ reply: { parent: { uri: `at://${sara}/${collection}/${rkey}`, cid: 'bafyreiabc' } } }, 'Missing required key "root" at $.record.reply'],
    [images({ image: blobRef() }), 'Missing required key "alt" at $.record.embed.images[0]'],
    [images(...Array.from({ length: 5 }, () => ({ image: blobRef(), alt: '' }))), 'array too big (maximum 4, got 5)'],
    [images({ image: blobRef({ size: 2_000_001 }), alt: '' }), 'blob too big (maximum 2000000, got 2000001)'],
    [images({ image: blobRef({ mimeType: 'video/mp4' }), alt: '' }), 'Expected "image/*"'],
    [images({ image: 'bafkreiabc', alt: '' }), 'Expected blob value type'],
    [{ embed: { $type: 'app.bsky.embed.external', external: { uri: 'https://example.com', title: 'T' } } }, 'Missing required key "description"'],
    [{ embed: { images: [] } }, '"$type" property'],
  ])('holds %o against the lexicon', async (over, message) => {
    const reply = await create(token, over)
    expect(reply).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
    expect(reply.body.message).toContain('Invalid app.bsky.feed.post record: ')
    expect(reply.body.message).toContain(message)
    expect(bluesky.shown()).toEqual([])
  })

  it.each([
    [{ text: 'a'.repeat(300) }],
    [{ text: family.repeat(119) }],
    [{ text: '', facets: [link] }],
    [{ embed: { $type: 'com.example.embed', anything: 1 } }],
  ])('takes %o', async (over) => {
    expect((await create(token, over)).status).toBe(200)
  })

  it('wants a TID as key of a post, and any record key elsewhere', async () => {
    const wrong = await create(token, {}, { rkey: 'my-post' })
    expect(wrong).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
    expect(wrong.body.message).toContain('Invalid record key for app.bsky.feed.post: Invalid TID string')
    const other = { repo: sara, collection: 'com.example.thing', rkey: 'my-post', record: { a: 1 } }
    expect((await call('com.atproto.repo.putRecord', token, other)).body.validationStatus).toBe('unknown')
    expect((await call('com.atproto.repo.putRecord', token, { ...other, record: { $type: collection } })).body.message).toContain('Invalid $type')
    expect(bluesky.shown()).toEqual([])
  })
})

describe('blobs', () => {
  let token = ''
  beforeEach(async () => {
    token = await access()
  })
  const withImage = (image: object, alt = 'نقطة') => ({ embed: { $type: 'app.bsky.embed.images', images: [{ image, alt }] } })

  it('answers a reference with the real CID of the bytes, and hangs it on a post', async () => {
    const { status, body } = await upload(token, png)
    expect(status).toBe(200)
    expect(body.blob).toEqual({ $type: 'blob', ref: { $link: expect.stringMatching(/^bafkrei[a-z2-7]{52}$/) }, mimeType: 'image/png', size: png.length })
    expect((await create(token, withImage(body.blob))).status).toBe(200)
    const [post] = bluesky.shown()
    expect(post).toMatchObject({ media: 1, files: [{ mime: 'image/png', alt: 'نقطة' }] })
    expect(Buffer.from(stage.blob(post?.files[0]?.blob ?? '') ?? [])).toEqual(png)
  })

  it('has the CID that the network computes', async () => {
    const { body } = await upload(token, Buffer.from('hello world'), 'text/plain')
    expect(body.blob.ref.$link).toBe('bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e')
  })

  it('refuses a blob that is unknown, foreign, or not what the record says', async () => {
    const { blob } = (await upload(token, png)).body
    const errorOf = async (image: object, by = token) => (await create(by, withImage(image))).body.error
    expect(await errorOf({ ...blob, ref: { $link: 'bafkreinone' } })).toBe('BlobNotFound')
    expect(await errorOf({ ...blob, mimeType: 'image/jpeg' })).toBe('InvalidMimeType')
    expect(await errorOf({ ...blob, size: 1 })).toBe('InvalidSize')
    const foreign = await call('com.atproto.repo.createRecord', await access(omar), { repo: omar, collection, record: record(withImage(blob)) })
    expect(foreign.body.error).toBe('BlobNotFound')
  })

  it('throws away what nobody refers to: after an hour, and with the last record', async () => {
    const { blob } = (await upload(token, png)).body
    stage.pass(hour)
    expect((await create(token, withImage(blob))).body.error).toBe('BlobNotFound')
    await upload(token, png)
    const first = (await put(token, withImage(blob))).body
    expect(first).toHaveProperty('uri')
    stage.pass(1.5 * hour)
    expect((await create(await access(), { ...withImage(blob), text: 'Again' })).status, 'referenced blobs stay').toBe(200)
    for (const post of bluesky.shown()) await call('com.atproto.repo.deleteRecord', await access(), { repo: sara, collection, rkey: post.id.split('/').at(-1) })
    expect((await create(await access(), withImage(blob))).body.error).toBe('BlobNotFound')
  })

  it('believes the bytes more than the header, breaks on a corrupt picture, and refuses too much or nothing', { timeout: 30_000 }, async () => {
    expect((await upload(token, png, 'application/octet-stream')).body.blob.mimeType).toBe('image/png')
    expect((await upload(token, Buffer.concat([png.subarray(0, 8), Buffer.alloc(50)]))).status).toBe(500)
    expect(await upload(token, Buffer.alloc(50_000_001))).toMatchObject({ status: 413, body: { error: 'PayloadTooLarge' } })
    expect((await upload(token, Buffer.alloc(0))).status).toBe(400)
  })

  it('shows a card, a gallery and a quote with media', async () => {
    const { blob } = (await upload(token, png)).body
    await create(token, { embed: { $type: 'app.bsky.embed.external', external: { uri: 'https://example.com', title: 'T', description: 'D', thumb: blob } } })
    const aspectRatio = { width: 1, height: 1 }
    await create(token, { embed: { $type: 'app.bsky.embed.gallery', items: [{ $type: 'app.bsky.embed.gallery#image', image: blob, alt: 'g', aspectRatio }] } })
    const quote = { $type: 'app.bsky.embed.record', record: { uri: `at://${sara}/${collection}/${rkey}`, cid: 'bafyreiabc' } }
    await create(token, { embed: { $type: 'app.bsky.embed.recordWithMedia', record: quote, media: withImage(blob, 'q').embed } })
    const [card, gallery, quoted] = bluesky.shown()
    expect(card).toMatchObject({ media: 0, card: { url: 'https://example.com', title: 'T', description: 'D', blob: expect.any(String) } })
    expect(gallery?.files).toMatchObject([{ alt: 'g' }])
    expect(quoted?.files).toMatchObject([{ alt: 'q' }])
  })
})

describe('video', () => {
  const host = 'https://video.bsky.app'
  let token = ''
  beforeEach(async () => {
    token = await access()
  })
  const service = async (lxm = 'com.atproto.repo.uploadBlob', aud = 'did:web:morel.us-east.host.bsky.network') =>
    (await query('com.atproto.server.getServiceAuth', { aud, lxm, exp: String(Math.floor(stage.now() / 1000) + 1_800) }, token)).body.token
  const send5 = async (bytes: Buffer, bearer?: string) =>
    send('POST', `${host}/xrpc/app.bsky.video.uploadVideo?did=${sara}&name=film.mp4`, {
      headers: { authorization: `Bearer ${bearer ?? (await service())}`, 'content-type': 'video/mp4' },
      body: bytes,
    })
  const job = async (jobId: string) => (await query('app.bsky.video.getJobStatus', { jobId }, undefined, host)).body.jobStatus

  it('encodes for a while, then hands out the blob for a post', async () => {
    const { status, body } = await send5(mp4)
    expect(status).toBe(200)
    expect(body).toMatchObject({ did: sara, state: 'JOB_STATE_CREATED' })
    stage.pass(2_000)
    expect(await job(body.jobId)).toMatchObject({ state: 'JOB_STATE_ENCODING' })
    expect(await job(body.jobId)).not.toHaveProperty('blob')
    stage.pass(4_000)
    const { state, blob } = await job(body.jobId)
    expect(state).toBe('JOB_STATE_COMPLETED')
    expect((await create(token, { embed: { $type: 'app.bsky.embed.video', video: blob, alt: 'Film' } })).status).toBe(200)
    expect(bluesky.shown()[0]?.files).toMatchObject([{ mime: 'video/mp4', alt: 'Film' }])
  })

  it('knows a video that it has, with its blob', async () => {
    const { jobId } = (await send5(mp4)).body
    bluesky.act('process')
    expect(await send5(mp4)).toMatchObject({ status: 409, body: { error: 'already_exists', jobId, blob: { mimeType: 'video/mp4' } } })
  })

  it('fails what is no video', async () => {
    const { jobId } = (await send5(Buffer.alloc(100, 1))).body
    bluesky.act('process')
    expect(await job(jobId)).toMatchObject({ state: 'JOB_STATE_FAILED', failureCode: 'validation_failure' })
    expect((await query('app.bsky.video.getJobStatus', { jobId: 'none' }, undefined, host)).status).toBe(404)
  })

  it('wants a service token for this server and this method, in time', async () => {
    expect((await send5(mp4, token)).body.error, 'an access token is none').toBe('BadJwt')
    expect((await send5(mp4, await service('com.atproto.repo.putRecord'))).body.error).toBe('BadJwtLexiconMethod')
    expect((await send5(mp4, await service('com.atproto.repo.uploadBlob', 'did:web:elsewhere.example'))).body.error).toBe('BadJwtAudience')
    const late = await service()
    stage.pass(1_800_000)
    expect((await send5(mp4, late)).body.error).toBe('JwtExpired')
    const far = { aud: 'did:web:video.bsky.app', lxm: 'a.b.c', exp: String(Math.floor(stage.now() / 1000) + 3_601) }
    expect((await query('com.atproto.server.getServiceAuth', far, token)).body.error).toBe('BadExpiration')
  })

  it('takes 25 videos a day, and then says so in its own words', async () => {
    for (let i = 0; i < 25; i++) expect((await send5(Buffer.concat([mp4, Buffer.from([i])]))).status).toBe(200)
    expect(await send5(mp4)).toMatchObject({ status: 400, body: { error: 'User has exceeded daily upload videos limit' } })
    stage.pass(24 * hour)
    token = await access()
    expect((await send5(mp4)).status).toBe(200)
  })

  it('tells what is left of the day', async () => {
    const limits = async () => query('app.bsky.video.getUploadLimits', {}, await service('app.bsky.video.getUploadLimits', 'did:web:video.bsky.app'), host)
    const before = (await limits()).body
    await send5(mp4)
    const after = (await limits()).body
    expect(after).toEqual({
      canUpload: true,
      remainingDailyVideos: before.remainingDailyVideos - 1,
      remainingDailyBytes: before.remainingDailyBytes - mp4.length,
    })
  })
})

describe('reads, limits and faults', () => {
  it('gives numbers of posts without a login, at most 25, leaving out what is gone', async () => {
    const token = await access()
    const { uri, cid } = (await create(token)).body
    await create(token, { text: 'Answer', reply: { root: { uri, cid }, parent: { uri, cid } } })
    stage.pass(hour)
    const { body } = await query(
      'app.bsky.feed.getPosts',
      [
        ['uris', uri],
        ['uris', `${uri}x`],
      ],
      undefined,
      'https://public.api.bsky.app',
    )
    expect(body.posts).toMatchObject([{ uri, cid, replyCount: 1, likeCount: 10, author: { did: sara }, record: { text: 'مرحبا' } }])
    const many = Array.from({ length: 26 }, (): [string, string] => ['uris', uri])
    expect((await query('app.bsky.feed.getPosts', many)).status).toBe(400)
    expect(bluesky.shown()[1]?.replyTo).toBe(uri)
  })

  it('counts three points per post against 5000 an hour, and shows it', async () => {
    const token = await access()
    const first = await create(token, { text: '0' })
    expect(first.headers.get('ratelimit-policy')).toBe('3000;w=300')
    for (let i = 1; i <= 1_666; i++) await create(token, { text: `${i}` })
    const over = await create(token, { text: 'over' })
    expect(over).toMatchObject({ status: 429, body: { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' } })
    expect(over.headers.get('ratelimit-policy')).toBe('5000;w=3600')
    expect(over.headers.get('ratelimit-remaining')).toBe('0')
    expect(Number(over.headers.get('ratelimit-reset'))).toBe((stage.now() + hour) / 1000)
    expect(over.headers.has('retry-after')).toBe(false)
    expect(bluesky.shown()).toHaveLength(1_666)
  })

  it('refuses the 31st login within five minutes', async () => {
    for (let i = 0; i < 30; i++) expect((await login()).status).toBe(200)
    expect((await login()).status).toBe(429)
    expect((await login(omar)).status).toBe(200)
    stage.pass(300_000)
    expect((await login()).status).toBe(200)
  })

  it('throttles with and without a header', async () => {
    expect(bluesky.throttled(true).headers.get('ratelimit-reset')).toBe(String((stage.now() + 300_000) / 1000))
    expect([...bluesky.throttled(false).headers.keys()]).toEqual(['content-type'])
    expect(await bluesky.throttled(false).json()).toEqual({ error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' })
  })

  it('knows its commits and its token requests', () => {
    const is = (method: string, nsid: string) => {
      const request = new Request(`${pds}/xrpc/${nsid}`, { method })
      return [bluesky.isCommit(request), bluesky.isToken?.(request)]
    }
    for (const name of ['putRecord', 'createRecord', 'applyWrites', 'deleteRecord']) expect(is('POST', `com.atproto.repo.${name}`)).toEqual([true, false])
    expect(is('POST', 'com.atproto.repo.uploadBlob')).toEqual([false, false])
    expect(is('GET', 'com.atproto.repo.getRecord')).toEqual([false, false])
    expect(is('POST', 'com.atproto.server.createSession')).toEqual([false, true])
    expect(is('POST', 'com.atproto.server.refreshSession')).toEqual([false, true])
  })

  it('says what it does not have', async () => {
    expect(await query('app.bsky.feed.getTimeline', {})).toMatchObject({ status: 501, body: { error: 'MethodNotImplemented' } })
    expect((await query('com.atproto.repo.putRecord', {})).status).toBe(405)
    expect((await query('com.atproto.server.getSession', {}, undefined, 'https://public.api.bsky.app')).status).toBe(501)
  })

  it('lives on after its state went through JSON', async () => {
    const token = await access()
    await create(token)
    stage = emulatorStage(JSON.parse(JSON.stringify(stage.state)))
    bluesky = sandbox.create(stage)
    expect((await create(token, { text: 'After' })).status).toBe(200)
    expect(bluesky.shown().map(({ text }) => text)).toEqual(['مرحبا', 'After'])
  })

  it('answers any input and never throws', async () => {
    const token = await access()
    const nsid = fc.constantFrom(
      'com.atproto.repo.putRecord',
      'com.atproto.repo.createRecord',
      'com.atproto.repo.applyWrites',
      'com.atproto.repo.deleteRecord',
      'com.atproto.server.createSession',
      'com.atproto.repo.getRecord',
      'com.atproto.repo.listRecords',
      'app.bsky.feed.getPosts',
      'com.atproto.server.getServiceAuth',
      '__proto__',
      '%00',
    )
    const wild = fc
      .json()
      .map((text) => `{"repo":"${sara}","collection":"${collection}","rkey":"${rkey}","identifier":"a","password":"b","writes":[${text}],"record":${text}}`)
    const fields = fc.record({
      text: fc.jsonValue(),
      createdAt: fc.constant('2026-06-01T09:00:00Z'),
      facets: fc.jsonValue(),
      embed: fc.jsonValue(),
      langs: fc.jsonValue(),
    })
    const near = fields.map((value) => JSON.stringify({ repo: sara, collection, record: value }))
    await fc.assert(
      fc.asyncProperty(nsid, fc.constantFrom('GET', 'POST'), fc.oneof(fc.string(), wild, near), fc.string(), async (nsid, method, body, param) => {
        stage.state.windows = {}
        stage.state.entries = []
        const params = new URLSearchParams({ repo: param, collection: param, rkey: param, uris: param, limit: param, aud: param, exp: param })
        const reply = await send(method, `${pds}/xrpc/${nsid}?${params}`, {
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(method === 'POST' && { body }),
        })
        expect(reply.status === 501 || reply.status < 500).toBe(true)
        bluesky.shown()
      }),
      { numRuns: 400 },
    )
  })
})
