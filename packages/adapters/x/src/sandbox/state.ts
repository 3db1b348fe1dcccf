// What the emulated X knows. Plain JSON, so that a sandbox can be saved and opened again.

import type { Stage } from '@syndikit/sandbox'

export interface Account {
  id: string
  username: string
  name: string
  /** What `subscription_type` answers; Premium may write long posts and edit. */
  subscription: 'None' | 'Premium'
}
/** As registered in the developer portal. With a secret it is a confidential client. */
export interface App {
  id: string
  secret?: string
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
  kind: 'access' | 'refresh'
  app: string
  account: string
  scope: string
  /** All tokens that descend from one consent. */
  family: string
  expiresAt: number
  /** A refresh token that was exchanged. */
  spent: boolean
}
export interface Medium {
  id: string
  owner: string
  category: string
  mime: string
  /** Announced size until it is finalized, then the real one. */
  size: number
  segments: Record<string, { key: string; bytes: number }>
  /** How the first segment begins, in hex. */
  head?: string
  expiresAt: number
  /** Absent while the upload is open. */
  file?: { key: string; finalizedAt: number; readyAt: number; broken: boolean }
  alt?: string
}
export interface Link {
  /** Code points of the text that X returns. */
  start: number
  end: number
  short: string
  expanded: string
  display: string
  mediaKey?: string
}
export interface Post {
  id: string
  author: string
  /** As it was sent. */
  typed: string
  /** As X returns it: t.co links, `&`, `<` and `>` escaped. */
  text: string
  links: Link[]
  media: string[]
  poll?: { options: string[]; minutes: number }
  replyTo?: string
  at: number
  /** Every version, oldest first; the last one is shown. */
  history: string[]
  deleted: boolean
}
export interface State {
  accounts: Account[]
  apps: App[]
  codes: Record<string, Code>
  tokens: Record<string, Token>
  media: Record<string, Medium>
  posts: Post[]
  windows: Record<string, { start: number; used: number }>
  lastId: string
}
export type XStage = Stage<State>

export const accounts: readonly Account[] = [
  { id: '1700000000000000001', username: 'sandbox_sara', name: 'Sara Haddad', subscription: 'Premium' },
  { id: '1700000000000000002', username: 'sandbox_omar', name: 'عمر الفارسي', subscription: 'None' },
]

export const initial = (): State => ({
  accounts: accounts.map((account) => ({ ...account })),
  apps: [{ id: 'sandbox-client', secret: 'sandbox-secret' }, { id: 'sandbox-public' }],
  codes: {},
  tokens: {},
  media: {},
  posts: [],
  windows: {},
  lastId: '0',
})

const epochMs = 1_288_834_974_657n

/** A snowflake: time in its upper bits, always growing. */
export const nextId = ({ state, now }: Pick<XStage, 'state' | 'now'>): string => {
  const age = BigInt(Math.floor(now())) - epochMs
  const byTime = (age > 0n ? age : 0n) << 22n
  const id = byTime > BigInt(state.lastId) ? byTime : BigInt(state.lastId) + 1n
  state.lastId = String(id)
  return state.lastId
}

export const livePost = (state: State, id: string): Post | undefined => state.posts.find((post) => post.id === id && !post.deleted)

/** Not an older version of a post that was edited. */
export const isCurrent = (state: State, post: Post): boolean =>
  !post.deleted && !state.posts.some(({ history }) => history.includes(post.id) && history.at(-1) !== post.id)
