// An account of the emulated Bluesky, logged in, and files to post.

import { createHash } from 'node:crypto'
import { type Media, type MediaFacts, type Post, type PostInput, type Push, post as postKind, Secret, type Tokens, type With } from '@syndikit/core'
import { createHttp } from '../../../core/src/http/client.ts'
import { bluesky } from '../src/index.ts'
import type { options } from '../src/options.ts'
import { sandbox } from '../src/sandbox.ts'
import { appPasswordSession } from '../src/session.ts'
import { deliver, type Login, type Outcome, type Plan, type Stage, stageOf } from './delivery.ts'

export const adapter = bluesky()
export const spec = adapter.content[0]?.spec as Push<Post, typeof options>
export const sara = { did: 'did:plc:sandboxsara2222222222222', handle: 'sandbox-sara.bsky.social' }
export const omar = { did: 'did:plc:sandboxomar2222222222222', handle: 'sandbox-omar.bsky.social' }

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
/** A PNG header and something of its own. */
export const png = (mark: string, facts: Partial<MediaFacts> = {}): Media =>
  fileOf(Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.from(mark)]), facts)
export const mp4 = (mark: string, facts: Partial<MediaFacts> = {}): Media =>
  fileOf(Buffer.concat([Buffer.from('00000018', 'hex'), Buffer.from('ftypisom'), Buffer.from(mark)]), {
    type: 'video',
    mime: 'video/mp4',
    name: 'film.mp4',
    ...facts,
  })

/** A post as the engine builds it; files in the order of its media. */
export const postOf = (input: PostInput, files: readonly Media[] = [], own?: With<Post, typeof options>['options']): With<Post, typeof options> => ({
  ...postKind({ recovery: { class: 'blind' }, publish: async () => ({ id: '' }) }).of.build(input, files),
  options: own,
})
export const withFiles = (...files: readonly Media[]) => files.map((_, i) => ({ file: `${i}` }))

export interface Scene extends Stage {
  readonly login: Login
  publish(post: With<Post, typeof options>, plan?: Plan): Promise<Outcome>
  /** The record under an `at://` address, as the network sees it. */
  record(uri: string): Promise<{ cid: string; value: Record<string, unknown> }>
  texts(): string[]
}

export const open = async (stage: Stage, password = 'sand-boxx-pass-0001', service?: string): Promise<Tokens> => {
  const http = createHttp({ adapter, fetch: stage.fetch, clock: stage.time })
  const fields = { identifier: new Secret(sara.handle), appPassword: new Secret(password), ...(service !== undefined && { service: new Secret(service) }) }
  return appPasswordSession.open(fields as Parameters<typeof appPasswordSession.open>[0], http)
}

export const sceneOf = async (): Promise<Scene> => {
  const stage = stageOf(sandbox)
  let tokens = await open(stage)
  const httpWith = (bearer: string | undefined) =>
    createHttp({ adapter, server: tokens.server, fetch: stage.fetch, clock: stage.time, credentials: async () => (bearer === undefined ? {} : { bearer }) })
  const [account] = await adapter.accounts({ http: httpWith(tokens.access), ...(tokens.server !== undefined && { server: tokens.server }) })
  if (!account) throw new Error('There is no account.')
  const login: Login = {
    account,
    applied: () => ({ bearer: tokens.access }),
    renew: async () => {
      tokens = { ...tokens, ...(await appPasswordSession.renew?.(httpWith(tokens.refresh))) }
      return true
    },
  }
  return {
    ...stage,
    login,
    publish: (post, plan) => deliver(stage, adapter, login, (run) => spec.publish(post, run), plan),
    record: async (uri) => {
      const [, , repo, collection, rkey] = uri.split('/')
      const query = new URLSearchParams({ repo: repo ?? '', collection: collection ?? '', rkey: rkey ?? '' })
      const reply = await stage.sandbox.fetch(new Request(`https://bsky.social/xrpc/com.atproto.repo.getRecord?${query}`))
      return (await reply.json()) as { cid: string; value: Record<string, unknown> }
    },
    texts: () => stage.sandbox.shown().map(({ text }) => text),
  }
}
