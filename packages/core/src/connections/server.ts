// The server that a user names, as an https origin.

import type { Adapter } from '../contract/adapter.ts'
import { PublishError } from '../contract/error.ts'
import { plain } from './words.ts'

const refuse = (adapter: Pick<Adapter, 'id' | 'name'>, why: string): never => {
  throw new PublishError('invalid', `${adapter.name}: ${why}`, { platform: adapter.id })
}

const parse = (text: string): URL | undefined => {
  try {
    return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`)
  } catch {
    return undefined
  }
}

/** `Mastodon.Social`, `https://mastodon.social/` → `https://mastodon.social`. Which addresses may be reached at all is the transport's to say. */
const originOf = (adapter: Pick<Adapter, 'id' | 'name'>, server: string): string => {
  const url = parse(server.trim())
  if (!url || url.hostname === '') return refuse(adapter, `the server "${plain(server)}" is no address. Write it like "https://example.social".`)
  if (url.protocol !== 'https:') return refuse(adapter, `the server "${plain(server)}" must be reached over https.`)
  if (url.username || url.password || url.search || url.hash || !/^\/?$/.test(url.pathname)) {
    return refuse(adapter, `the server "${plain(url.host)}" must be a bare address, without user name, path or query.`)
  }
  return url.origin
}

const hasServers = (adapter: Adapter): boolean =>
  typeof adapter.http.base === 'function' || adapter.auth.some((auth) => auth.type === 'oauth2' && typeof auth.client === 'function')

/** The server of a call, checked against what the platform has. */
export const serverOf = (adapter: Adapter, server: string | undefined, needed: boolean): string | undefined => {
  if (server === undefined) return needed ? refuse(adapter, 'it has many servers. Say which one in `server`.') : undefined
  if (typeof server !== 'string') throw new TypeError('connections: `server` must be a string.')
  if (!hasServers(adapter)) return refuse(adapter, 'it has no servers to choose from. Leave `server` out.')
  return originOf(adapter, server)
}
