// An account of an emulated Mastodon server, connected by its consent page, and files to post.

import { createHash, randomBytes } from 'node:crypto'
import { type Media, type MediaFacts, type OAuthClient, type Post, type PostInput, type Push, post as postKind } from '@syndikit/core'
import { consent } from '@syndikit/sandbox'
import { createHttp } from '../../../core/src/http/client.ts'
import { mastodon } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'
import type { MastodonPost, options } from '../src/status.ts'
import { deliver, type Login, type Outcome, type Plan, type Stage, stageOf } from './delivery.ts'

export const adapter = mastodon({ appName: 'Syndikit Test', website: 'https://syndikit.example' })
export const spec = adapter.content[0]?.spec as Push<Post, typeof options>
export const server = 'https://mastodon.example'
const redirectUri = 'https://app.example/callback'

const fileOf = (bytes: Uint8Array, facts: Partial<MediaFacts> = {}): Media => ({
  type: 'image',
  mime: 'image/png',
  name: 'picture.png',
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  ...facts,
  chunks: async function* () {
    yield bytes
  },
  stream: () => ReadableStream.from([bytes]),
})
export const png = (mark: string, facts: Partial<MediaFacts> = {}): Media =>
  fileOf(Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.from(mark)]), facts)
export const mp4 = (mark: string, facts: Partial<MediaFacts> = {}): Media =>
  fileOf(Buffer.concat([Buffer.from('00000018', 'hex'), Buffer.from('ftypisom'), Buffer.from(mark)]), {
    type: 'video',
    mime: 'video/mp4',
    name: 'film.mp4',
    ...facts,
  })

/** Says what it is, and is not. */
export const broken = (facts: Partial<MediaFacts>): Media => fileOf(Buffer.from('neither a picture nor a film'), facts)

export const postOf = (input: PostInput, files: readonly Media[] = [], own?: MastodonPost['options']): MastodonPost => ({
  ...postKind({ recovery: { class: 'blind' }, publish: async () => ({ id: '' }) }).of.build(input, files),
  options: own,
})
export const withFiles = (...files: readonly Media[]) => files.map((_, i) => ({ file: `${i}` }))

export const clientAt = async (stage: Stage, at = server): Promise<OAuthClient> => {
  const [auth] = adapter.auth
  if (auth?.type !== 'oauth2' || typeof auth.client !== 'function') throw new Error('There is no client to register.')
  return auth.client({ server: at, redirectUri, http: createHttp({ adapter, server: at, fetch: stage.fetch, clock: stage.time }) })
}

/** As core does it: PKCE, consent, exchange with the client in the body. */
export const tokenAt = async (stage: Stage, at = server, account?: string): Promise<string> => {
  const [auth] = adapter.auth
  const client = await clientAt(stage, at)
  const verifier = randomBytes(32).toString('base64url')
  const asked = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirectUri,
    scope: auth?.type === 'oauth2' ? auth.scopes.join(' ') : '',
    state: 'state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  const callback = new URL(await consent(stage.fetch, `${client.authorizeUrl}?${new URLSearchParams(asked)}`, account === undefined ? {} : { account }))
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    client_id: client.id,
    client_secret: client.secret ?? '',
    code_verifier: verifier,
  })
  const reply = await stage.fetch(new Request(client.tokenUrl, { method: 'POST', body }))
  return ((await reply.json()) as { access_token: string }).access_token
}

export interface Scene extends Stage {
  readonly login: Login
  publish(post: MastodonPost, plan?: Plan): Promise<Outcome>
  update(post: MastodonPost, placed: Outcome, plan?: Plan): Promise<Outcome>
  unpublish(post: MastodonPost, placed: Outcome, plan?: Plan): Promise<Outcome>
  /** A status as its author sees it. */
  status(id: string): Promise<Record<string, unknown>>
  texts(): string[]
}

export const sceneOf = async (at = server): Promise<Scene> => {
  const stage = stageOf(sandbox)
  const bearer = await tokenAt(stage, at)
  const http = createHttp({ adapter, server: at, fetch: stage.fetch, clock: stage.time, credentials: async () => ({ bearer }) })
  const [account] = await adapter.accounts({ http, server: at })
  if (!account) throw new Error('There is no account.')
  const login: Login = { account, applied: () => ({ bearer }), renew: async () => false }
  stage.sent.length = 0
  const placedOf = (post: MastodonPost, { placement, parts }: Outcome) => ({ ...placement, id: placement?.id ?? '', parts, content: post })
  return {
    ...stage,
    login,
    publish: (post, plan) => deliver(stage, adapter, login, (run) => spec.publish(post, run), plan),
    update: (post, placed, plan) => deliver(stage, adapter, login, async (run) => spec.update?.(post, placedOf(post, placed), run), { key: 'update', ...plan }),
    unpublish: (post, placed, plan) =>
      deliver(
        stage,
        adapter,
        login,
        async (run) => {
          await spec.unpublish?.(placedOf(post, placed), run)
          return placed.placement
        },
        { key: 'unpublish', ...plan },
      ),
    status: async (id) => {
      const reply = await stage.sandbox.fetch(new Request(`${at}/api/v1/statuses/${id}`, { headers: { authorization: `Bearer ${bearer}` } }))
      return (await reply.json()) as Record<string, unknown>
    },
    texts: () => stage.sandbox.shown().map(({ text }) => text),
  }
}
