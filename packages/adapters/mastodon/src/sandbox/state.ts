// What the two emulated Mastodon servers know. Plain JSON; neither knows anything of the other's.

import type { Stage } from '@syndikit/sandbox'

export interface Account {
  id: string
  username: string
  displayName: string
}
export interface App {
  id: string
  name: string
  website: string | null
  redirectUris: string[]
  scopes: string[]
  clientId: string
  clientSecret: string
}
export interface Code {
  app: string
  account: string
  redirectUri: string
  scope: string
  challenge: string
  expiresAt: number
  used: boolean
}
export interface Token {
  app: string
  /** Absent: the app itself, by `client_credentials`. */
  account?: string
  scope: string
  createdAt: number
  ended?: 'expired' | 'revoked'
}
export interface Medium {
  id: string
  owner: string
  kind: 'image' | 'gifv' | 'video' | 'audio'
  mime: string
  key: string
  description: string | null
  readyAt: number
  broken: boolean
  status?: string
}
export interface Poll {
  id: string
  options: string[]
  expiresAt: number
  multiple: boolean
  hideTotals: boolean
}
export interface Status {
  id: string
  author: string
  app: string
  text: string
  spoiler: string
  sensitive: boolean
  visibility: 'public' | 'unlisted' | 'private' | 'direct'
  language: string
  replyTo?: string
  media: string[]
  poll?: Poll
  at: number
  editedAt?: number
}
interface Limits {
  readonly characters: number
  readonly media: number
  readonly description: number
  readonly imageBytes: number
  readonly videoBytes: number
  readonly pollOptions: number
  readonly pollOptionCharacters: number
}
/** What differs between servers and versions, and never changes. */
export interface Profile {
  readonly title: string
  readonly version: string
  readonly limits: Limits
  /** Since 2026-02 (mastodon#37879); before, two requests at once with one key could both post. */
  readonly locksKeys: boolean
  /** Since 4.4. */
  readonly userinfo: boolean
  /** Newer versions count calls per token. */
  readonly countsPerToken: boolean
  readonly rel: string
}
export interface Server {
  accounts: Account[]
  apps: App[]
  codes: Record<string, Code>
  tokens: Record<string, Token>
  media: Medium[]
  statuses: Status[]
  keys: Record<string, { status: string; at: number }>
  windows: Record<string, { start: number; used: number }>
}
export interface State {
  servers: Record<string, Server>
  lastId: string
}
export type MastodonStage = Stage<State>

const mb = 1024 * 1024
export const profiles: Readonly<Record<string, Profile>> = {
  'mastodon.example': {
    title: 'Mastodon Example',
    version: '4.6.0',
    limits: { characters: 500, media: 4, description: 1_500, imageBytes: 16 * mb, videoBytes: 99 * mb, pollOptions: 4, pollOptionCharacters: 50 },
    locksKeys: true,
    userinfo: true,
    countsPerToken: true,
    rel: 'nofollow noopener',
  },
  'social.example': {
    title: 'Social Example',
    version: '4.3.8',
    limits: { characters: 5_000, media: 6, description: 500, imageBytes: 8 * mb, videoBytes: 40 * mb, pollOptions: 8, pollOptionCharacters: 100 },
    locksKeys: false,
    userinfo: false,
    countsPerToken: false,
    rel: 'nofollow noopener noreferrer',
  },
}

const people: Readonly<Record<string, readonly Account[]>> = {
  'mastodon.example': [
    { id: '110000000000000001', username: 'sara', displayName: 'Sara Haddad' },
    { id: '110000000000000002', username: 'omar', displayName: 'عمر الفارسي' },
  ],
  'social.example': [
    { id: '111000000000000001', username: 'layla', displayName: 'ليلى منصور' },
    { id: '111000000000000002', username: 'tom', displayName: 'Tom Weaver' },
  ],
}

export const accounts = Object.entries(people).flatMap(([host, list]) =>
  list.map(({ id, username, displayName }) => ({ id, name: `${username}@${host}`, displayName })),
)

const serverWith = (list: readonly Account[]): Server => ({
  accounts: list.map((account) => ({ ...account })),
  apps: [],
  codes: {},
  tokens: {},
  media: [],
  statuses: [],
  keys: {},
  windows: {},
})

export const initial = (): State => ({ servers: Object.fromEntries(Object.entries(people).map(([host, list]) => [host, serverWith(list)])), lastId: '0' })

/** A snowflake: milliseconds in its upper bits, always growing. */
export const nextId = ({ state, now }: Pick<MastodonStage, 'state' | 'now'>): string => {
  const byTime = BigInt(Math.max(0, Math.floor(now()))) << 16n
  const id = byTime > BigInt(state.lastId) ? byTime : BigInt(state.lastId) + 1n
  state.lastId = String(id)
  return state.lastId
}
