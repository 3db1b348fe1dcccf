// An account of the emulated Bluesky, connected, and pages of the web that a post may link to.

import { type Connect, openStage, type Stage, type StageOptions } from '@syndikit/testing'
import { bluesky } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'

export const sara = { did: 'did:plc:sandboxsara2222222222222', handle: 'sandbox-sara.bsky.social' }
export const omar = { did: 'did:plc:sandboxomar2222222222222', handle: 'sandbox-omar.bsky.social' }
export const pds = 'https://morel.us-east.host.bsky.network'

export const connect: Connect = ({ syndikit, tenant, reconnect }) =>
  syndikit.connections.open({
    tenant,
    platform: 'bluesky',
    fields: { identifier: sara.handle, appPassword: reconnect === undefined ? 'sand-boxx-pass-0001' : 'sand-boxx-pass-0002' },
    reconnect,
  })

export interface Scene extends Stage {
  /** Pages of others, by address. */
  readonly web: Map<string, () => Response>
  /** The record under an `at://` address, as the network sees it. */
  record(uri: string | undefined): Promise<{ cid: string; value: Record<string, unknown> }>
  texts(): string[]
  /** The paths of the requests that left after the account was connected, without their queries. */
  asked(): string[]
}

export const sceneOf = async (between: StageOptions['between'] = (request, platform) => platform(request)): Promise<Scene> => {
  const web = new Map<string, () => Response>()
  const stage = await openStage({
    adapter: bluesky,
    sandbox,
    connect,
    between: async (request, platform) => web.get(request.url)?.() ?? between(request, platform),
  })
  const connecting = stage.sent.length
  return Object.assign(stage, {
    web,
    record: async (uri = '') => {
      const [, , repo, collection, rkey] = uri.split('/')
      const query = new URLSearchParams({ repo: repo ?? '', collection: collection ?? '', rkey: rkey ?? '' })
      return (await stage.asAccount(`${pds}/xrpc/com.atproto.repo.getRecord?${query}`)) as { cid: string; value: Record<string, unknown> }
    },
    texts: () => stage.sandbox.shown().map(({ text }) => text),
    asked: () => stage.sent.slice(connecting).map(({ url }) => new URL(url).pathname.replace('/xrpc/', '')),
  })
}
