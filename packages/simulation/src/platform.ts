// The platform, with its own count of what it showed to people: the truth that everything Syndikit says is held against.

import { breach } from './invariants.ts'
import { copyOf, type Given, grantedOnce, newGiven, newPair } from './tokens.ts'

export const doors = ['idempotent', 'two-phase', 'look-up', 'probe', 'blind'] as const
export type Door = (typeof doors)[number]

/** As it left its sender. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly bearer: string
  /** Delivery and part, as its sender names them. Every class sends it; only `idempotent` reads it. */
  readonly key: string
  readonly body: string
}
export interface Answer {
  readonly status: number
  readonly json: unknown
}
export interface ShownPost {
  readonly id: string
  readonly door: string
  readonly account: string
  text: string
  readonly at: number
  /** From here on it shows in a read. */
  readonly shownAt: number
  /** Of the call that made it. */
  readonly key: string
  readonly replyTo: string | undefined
  removed: boolean
}
interface Container {
  readonly text: string
  readonly readyAt: number
  readonly expiresAt: number
  post?: string
}

export interface Platform {
  /** Every post that ever was. */
  readonly posts: readonly ShownPost[]
  /** Every change of a post that happened. */
  readonly edits: readonly { readonly key: string; readonly id: string; readonly text: string }[]
  /** Rules of the platform that a call broke, which no answer shows. */
  readonly broken: readonly string[]
  readonly given: Given
  /** What `call` does, and what its sender would hear. */
  serve(call: Call, shownAt: number): Answer
  expireTokens(): void
  /** What another platform of the same kind gave out becomes this one's, too. */
  adopt(given: Given): void
}

const minute = 60_000
const hour = 60 * minute
const rememberMs = hour
const containerMs = hour
/** Two refusals closer together, with a renewal between them, mean that the account has to be connected again: that is not what these faults are about. */
const restMs = 20 * minute

interface State {
  readonly now: () => number
  readonly posts: ShownPost[]
  readonly edits: { key: string; id: string; text: string }[]
  readonly broken: string[]
  readonly given: Given
  readonly keys: Map<string, { readonly post: ShownPost; readonly at: number }>
  readonly containers: Map<string, Container>
  /** When a token was last found to have ended. */
  refusedAt: number
}
type Body = { text: string; container?: string; replyTo?: string }

const fail = (status: number, code: string): Answer => ({ status, json: { code, message: `the platform says ${code}` } })
const made = ({ id }: { readonly id: string }): Answer => ({ status: 201, json: { id, url: `https://toy.example/${id}` } })

interface Sent {
  readonly door: string
  readonly account: string
  readonly key: string
  readonly shownAt: number
}

const add = ({ posts, broken, now }: State, { door, account, key, shownAt }: Sent, text: string, replyTo: string | undefined): ShownPost => {
  const parent = posts.find(({ id, removed }) => id === replyTo && !removed)
  if (!key.endsWith(':0') && (parent?.door !== door || parent.account !== account))
    broken.push(breach('I20', `${key} was sent before the part it answers was there`))
  const post = { id: `post-${posts.length + 1}`, door, account, text, at: now(), shownAt, key, replyTo, removed: false }
  posts.push(post)
  return post
}

const publishing: Readonly<Record<Door, (state: State, sent: Sent, body: Body) => Answer>> = {
  idempotent: (state, sent, { text, replyTo }) => {
    const known = state.keys.get(sent.key)
    if (known && state.now() - known.at < rememberMs) return made(known.post)
    const post = add(state, sent, text, replyTo)
    state.keys.set(sent.key, { post, at: state.now() })
    return made(post)
  },
  'two-phase': (state, sent, { container = '', replyTo }) => {
    const prepared = state.containers.get(container)
    if (!prepared || prepared.expiresAt < state.now()) return fail(404, 'container-expired')
    if (prepared.readyAt > state.now()) return fail(409, 'not-ready')
    if (prepared.post !== undefined) return fail(409, 'duplicate')
    const post = add(state, sent, prepared.text, replyTo)
    prepared.post = post.id
    return made(post)
  },
  'look-up': (state, sent, { text, replyTo }) => made(add(state, sent, text, replyTo)),
  probe: (state, sent, { text, replyTo }) => {
    const same = state.posts.some(
      (post) => post.door === 'probe' && post.account === sent.account && post.text === text && !post.removed && post.shownAt <= state.now(),
    )
    return same ? fail(422, 'duplicate') : made(add(state, sent, text, replyTo))
  },
  blind: (state, sent, { text, replyTo }) => made(add(state, sent, text, replyTo)),
}

const onePost = ({ posts, edits, now }: State, method: string, { door, account, key }: Sent, id: string | undefined, { text }: Body): Answer => {
  const own = posts.filter((post) => post.door === door && post.account === account && !post.removed)
  if (id === undefined) return { status: 200, json: own.filter(({ shownAt }) => shownAt <= now()).map(({ id, text, at }) => ({ id, text, at })) }
  const post = own.find((one) => one.id === id)
  if (!post) return fail(404, 'gone')
  if (method === 'DELETE') post.removed = true
  if (method === 'PUT') {
    post.text = text
    edits.push({ key, id, text })
  }
  return { status: 200, json: { id: post.id, text: post.text } }
}

const container = ({ containers, now }: State, text: string): Answer => {
  const id = `container-${containers.size + 1}`
  containers.set(id, { text, readyAt: now() + 20_000, expiresAt: now() + containerMs })
  return { status: 200, json: { id } }
}

/** Log-in by name, renewal, and the token endpoint of those that rotate. */
const tokens = (state: State, door: string, what: string, { path: _, ...call }: Call): Answer | undefined => {
  const { given, now } = state
  if (what === 'login') {
    const { name } = JSON.parse(call.body) as { name: string }
    given.secrets.add(name)
    return { status: 200, json: newPair(given, `${door}/${name.replace('secret-', '')}`, now()) }
  }
  if (what !== 'token') return undefined
  const form = new URLSearchParams(call.body)
  const refresh = form.get('refresh_token') ?? undefined
  const account = refresh === undefined ? `${door}/${form.get('code')}` : (given.tokens.get(refresh)?.account ?? '')
  const pair = grantedOnce(given, account, refresh, now())
  if (!pair) return { status: 400, json: { error: 'invalid_grant' } }
  return { status: 200, json: { access_token: pair.access, refresh_token: pair.refresh, expires_in: pair.expires_in, token_type: 'bearer' } }
}

/** Paths begin with the door, so that one host carries them all. */
const serve = (state: State, call: Call, shownAt: number): Answer => {
  const [, door = '', what = '', id] = call.path.split('/')
  const given = tokens(state, door, what, call)
  if (given) return given
  const token = state.given.tokens.get(call.bearer)
  if (!token || token.expiresAt <= state.now()) {
    state.refusedAt = state.now()
    return fail(401, 'token')
  }
  const { account } = token
  if (what === 'refresh') return token.use === 'refresh' ? { status: 200, json: newPair(state.given, account, state.now()) } : fail(401, 'token')
  if (token.use !== 'access') return fail(401, 'token')
  if (what === 'me') return { status: 200, json: { id: account, name: account } }
  if (what === 'upload') return { status: 200, json: { id: `upload-${call.key}` } }
  const body = (call.body === '' ? {} : JSON.parse(call.body)) as Body
  if (what === 'prepare' && id === undefined) return container(state, body.text)
  const prepared = state.containers.get(id ?? '')
  if (what === 'prepare') return { status: 200, json: { ready: prepared !== undefined && prepared.readyAt <= state.now(), post: prepared?.post ?? null } }
  const sent = { door, account, key: call.key, shownAt }
  return call.method === 'POST' ? publishing[door as Door](state, sent, body) : onePost(state, call.method, sent, id, body)
}

const expireTokens = (state: State): void => {
  const { given, now } = state
  if (now() < state.refusedAt + restMs) return
  state.refusedAt = now()
  for (const token of given.tokens.values()) if (token.use === 'access') token.expiresAt = Math.min(token.expiresAt, now())
}

const adopt = ({ given }: State, other: Given): void => {
  const { tokens, families, secrets } = copyOf(other)
  for (const [name, token] of tokens) given.tokens.set(name, token)
  for (const [account, family] of families) given.families.set(account, family)
  for (const secret of secrets) given.secrets.add(secret)
}

export const newPlatform = (now: () => number): Platform => {
  const state: State = { now, posts: [], edits: [], broken: [], given: newGiven(), keys: new Map(), containers: new Map(), refusedAt: 0 }
  return {
    posts: state.posts,
    edits: state.edits,
    broken: state.broken,
    given: state.given,
    serve: (call, shownAt) => serve(state, call, shownAt),
    expireTokens: () => expireTokens(state),
    adopt: (given) => adopt(state, given),
  }
}
