// An account of an emulated Mastodon server, connected by its consent page.

import { type Connect, openStage, type Stage, type StageOptions } from '@syndikit/testing'
import { mastodon } from '../src/index.ts'
import { sandbox } from '../src/sandbox.ts'

export const server = 'https://mastodon.example'
export const adapter = () => mastodon({ appName: 'Syndikit Test', website: 'https://syndikit.example' })

export const connectAt =
  (at: string): Connect =>
  async ({ syndikit, tenant, consent, reconnect }) => {
    const { url } = await syndikit.connections.begin({ tenant, platform: 'mastodon', server: at, redirectUri: 'https://app.example/callback', reconnect })
    return syndikit.connections.complete({ tenant, callbackUrl: await consent(url) })
  }

export interface Scene extends Stage {
  /** A status as its author sees it. */
  status(id: string | undefined): Promise<Record<string, unknown>>
  /** Writes on the server behind Syndikit's back. */
  write(text: string): Promise<unknown>
  /** Deletes one there, as somebody does in the browser. */
  remove(id: string | undefined): Promise<unknown>
  texts(): string[]
  /** The requests that wrote a status. */
  posts(): Request[]
  uploads(): number
}

export const sceneOf = async ({ at = server, between }: { at?: string; between?: StageOptions['between'] } = {}): Promise<Scene> => {
  const stage = await openStage({ adapter, sandbox, connect: connectAt(at), ...(between && { between }) })
  const posted = (path: string) => stage.sent.filter(({ method, url }) => method === 'POST' && url.endsWith(path))
  return Object.assign(stage, {
    status: async (id: string | undefined) => (await stage.asAccount(`${at}/api/v1/statuses/${id}`)) as Record<string, unknown>,
    write: (text: string) => stage.asAccount(`${at}/api/v1/statuses`, { status: text }),
    remove: (id: string | undefined) => {
      const authorization = stage.sent.findLast(({ headers }) => headers.has('authorization'))?.headers.get('authorization') ?? ''
      return stage.sandbox.fetch(new Request(`${at}/api/v1/statuses/${id}`, { method: 'DELETE', headers: { authorization } }))
    },
    texts: () => stage.sandbox.shown().map(({ text }) => text),
    posts: () => posted('/v1/statuses'),
    uploads: () => posted('/v2/media').length,
  })
}
