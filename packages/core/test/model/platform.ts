// The platform, with its own count of what it showed to people: the truth that everything Syndikit says is held against.

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
  /** What `call` does, and what its sender would hear. */
  serve(call: Call, shownAt: number): Answer
  expireTokens(): void
  /** Every credential it gave out or was given. */
  readonly secrets: ReadonlySet<string>
}

const minute = 60_000
const hour = 60 * minute
const rememberMs = hour
const containerMs = hour
const tokenMs = 2 * hour
/** Two refusals closer together, with a renewal between them, mean that the account has to be connected again: that is not what these faults are about. */
const restMs = 20 * minute

interface State {
  readonly now: () => number
  readonly posts: ShownPost[]
  readonly edits: { key: string; id: string; text: string }[]
  readonly broken: string[]
  readonly tokens: Map<string, { readonly use: 'access' | 'refresh'; readonly account: string; expiresAt: number }>
  readonly keys: Map<string, { readonly post: ShownPost; readonly at: number }>
  readonly containers: Map<string, Container>
  readonly secrets: Set<string>
  /** When a token was last found to have ended. */
  refusedAt: number
}
type Body = { text: string; name: string; container?: string; replyTo?: string }

const fail = (status: number, code: string): Answer => ({ status, json: { code, message: `the platform says ${code}` } })
const made = ({ id }: { readonly id: string }): Answer => ({ status: 201, json: { id, url: `https://toy.example/${id}` } })

const pair = ({ tokens, secrets, now }: State, account: string): Answer => {
  const [access, refresh] = [`secret-access-${tokens.size}-${account}`, `secret-refresh-${tokens.size}-${account}`]
  tokens.set(access, { use: 'access', account, expiresAt: now() + tokenMs })
  tokens.set(refresh, { use: 'refresh', account, expiresAt: Number.POSITIVE_INFINITY })
  secrets.add(access).add(refresh)
  return { status: 200, json: { access, refresh, expires_in: tokenMs / 1_000 } }
}

interface Sent {
  readonly door: string
  readonly account: string
  readonly key: string
  readonly shownAt: number
}

const add = ({ posts, broken, now }: State, { door, account, key, shownAt }: Sent, text: string, replyTo: string | undefined): ShownPost => {
  const parent = posts.find(({ id, removed }) => id === replyTo && !removed)
  if (!key.endsWith(':0') && (parent?.door !== door || parent.account !== account)) broken.push(`I20: ${key} was sent before the part it answers was there`)
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

/** Paths begin with the door, so that one host carries them all. */
const serve = (state: State, call: Call, shownAt: number): Answer => {
  const [, door = '', what = '', id] = call.path.split('/')
  const body = (call.body === '' ? {} : JSON.parse(call.body)) as Body
  if (what === 'login') {
    state.secrets.add(body.name)
    return pair(state, body.name.replace('secret-', ''))
  }
  const token = state.tokens.get(call.bearer)
  if (!token || token.expiresAt <= state.now()) {
    state.refusedAt = state.now()
    return fail(401, 'token')
  }
  if (what === 'refresh') return token.use === 'refresh' ? pair(state, token.account) : fail(401, 'token')
  if (token.use !== 'access') return fail(401, 'token')
  if (what === 'me') return { status: 200, json: { id: token.account, name: token.account } }
  if (what === 'prepare' && id === undefined) return container(state, body.text)
  const prepared = state.containers.get(id ?? '')
  if (what === 'prepare') return { status: 200, json: { ready: prepared !== undefined && prepared.readyAt <= state.now(), post: prepared?.post ?? null } }
  const sent = { door, account: token.account, key: call.key, shownAt }
  return call.method === 'POST' ? publishing[door as Door](state, sent, body) : onePost(state, call.method, sent, id, body)
}

export const newPlatform = (now: () => number): Platform => {
  const state: State = { now, posts: [], edits: [], broken: [], tokens: new Map(), keys: new Map(), containers: new Map(), secrets: new Set(), refusedAt: 0 }
  return {
    ...state,
    serve: (call, shownAt) => serve(state, call, shownAt),
    expireTokens: () => {
      if (state.now() < state.refusedAt + restMs) return
      state.refusedAt = state.now()
      for (const token of state.tokens.values()) if (token.use === 'access') token.expiresAt = state.now()
    },
  }
}
