// An account of the emulated X, connected, with a hand in what the emulator holds.

import { type Connect, openStage, type Stage, type StageOptions } from '@syndikit/testing'
import { type XOptions, x } from '../src/index.ts'
import type { State, XStage } from '../src/sandbox/state.ts'
import { sandbox } from '../src/sandbox.ts'

/** Has Premium. */
export const sara = { id: '1700000000000000001', name: 'sandbox_sara' }
/** Has not. */
export const omar = { id: '1700000000000000002', name: 'sandbox_omar' }

export const app: XOptions = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' }

export const connectAs =
  ({ id }: { id: string } = sara): Connect =>
  async ({ syndikit, tenant, consent, reconnect }) => {
    const { url } = await syndikit.connections.begin({ tenant, platform: 'x', redirectUri: 'https://app.example/callback', reconnect })
    return syndikit.connections.complete({ tenant, callbackUrl: await consent(url, id) })
  }

export interface Scene extends Stage {
  /** What the emulated X holds. */
  readonly state: State
  /** Posts behind Syndikit's back, and answers the id. */
  tweet(json: object): Promise<string>
  texts(): string[]
  /** The requests to one path of the API, `tweets`, `media/upload/…/append`. */
  asked(path: string | RegExp, method?: string): Request[]
  /** What was sent to `tweets`. */
  posted(): Promise<Record<string, unknown>[]>
}

export interface SceneOptions {
  readonly who?: { id: string; name: string }
  readonly longPosts?: boolean
  /** Default: the confidential one. */
  readonly app?: XOptions
  readonly between?: StageOptions['between']
}

export const sceneOf = async ({ who = sara, longPosts = false, app: as = app, between }: SceneOptions = {}): Promise<Scene> => {
  let state: State | undefined
  const create = (lent: XStage) => {
    state = lent.state
    return sandbox.create(lent)
  }
  const stage = await openStage({
    adapter: () => x({ ...as, longPosts }),
    sandbox: { ...sandbox, create },
    connect: connectAs(who),
    ...(between && { between }),
  })
  const asked: Scene['asked'] = (path, method = 'POST') =>
    stage.sent.filter((request) => {
      const at = new URL(request.url).pathname.replace(/^\/2\//, '')
      return request.method === method && (typeof path === 'string' ? at === path : path.test(at))
    })
  return Object.assign(stage, {
    state: state as unknown as State,
    tweet: async (json: object) => ((await stage.asAccount('https://api.x.com/2/tweets', json)) as { data: { id: string } }).data.id,
    texts: () => stage.sandbox.shown().map(({ text }) => text),
    asked,
    posted: () => Promise.all(asked('tweets').map((request) => request.clone().json() as Promise<Record<string, unknown>>)),
  })
}
