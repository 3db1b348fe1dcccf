// What the emulated Bluesky knows: accounts, sessions, repositories, blobs, video jobs. Plain JSON.

import type { Stage } from '@syndikit/sandbox'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Fields = { [key: string]: Json }

export interface Account {
  did: string
  handle: string
  displayName: string
  email: string
  /** How many of its app passwords were revoked: the valid one is the next. */
  revoked: number
}
export interface Refresh {
  did: string
  expiresAt: number
  /** What every further use of this token yields. */
  nextId?: string
}
export interface Entry {
  did: string
  collection: string
  rkey: string
  cid: string
  value: Fields
  /** When it came: `indexedAt` of views. */
  at: number
}
export interface Blob {
  did: string
  cid: string
  /** For the stage's blobs. */
  key: string
  mime: string
  size: number
  at: number
}
export interface Job {
  id: string
  did: string
  blob: Blob
  at: number
  readyAt: number
  broken: boolean
  /** Its blob is at the account's server. */
  handed: boolean
}
export interface State {
  accounts: Account[]
  /** Signs session tokens; made when the sandbox first runs. */
  key: string
  /** Access tokens of earlier generations have expired. */
  generation: number
  refresh: Record<string, Refresh>
  entries: Entry[]
  blobs: Blob[]
  jobs: Job[]
  commits: Record<string, { cid: string; rev: string }>
  windows: Record<string, { start: number; used: number }>
  /** Microseconds of the last TID given out. */
  lastTid: number
}
export type BlueskyStage = Stage<State>

export const entryway = 'bsky.social'
export const pdsHost = 'morel.us-east.host.bsky.network'
export const pdsDid = `did:web:${pdsHost}`
export const appView = 'public.api.bsky.app'
export const videoHost = 'video.bsky.app'
export const postType = 'app.bsky.feed.post'

export const accounts: readonly Account[] = [
  { did: 'did:plc:sandboxsara2222222222222', handle: 'sandbox-sara.bsky.social', displayName: 'Sara Haddad', email: 'sara@example.com', revoked: 0 },
  { did: 'did:plc:sandboxomar2222222222222', handle: 'sandbox-omar.bsky.social', displayName: 'عمر الفارسي', email: 'omar@example.com', revoked: 0 },
]

export const initial = (): State => ({
  accounts: accounts.map((account) => ({ ...account })),
  key: '',
  generation: 0,
  refresh: {},
  entries: [],
  blobs: [],
  jobs: [],
  commits: {},
  windows: {},
  lastTid: 0,
})

export const accountOf = (state: State, actor: string): Account | undefined =>
  state.accounts.find(({ did, handle }) => did === actor || handle === actor.toLowerCase())

export const uriOf = ({ did, collection, rkey }: Pick<Entry, 'did' | 'collection' | 'rkey'>): string => `at://${did}/${collection}/${rkey}`
