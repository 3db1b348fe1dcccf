// A platform that exists only here, with one door per recovery class, for trying the engine with the fault script of the sandbox.

import type { Emulator, Sandbox, Stage } from '@syndikit/sandbox'

interface ToyPost {
  id: string
  text: string
  author: string
  at: number
  replyTo?: string
}
interface State {
  posts: ToyPost[]
  tokens: Record<string, { use: 'access' | 'refresh'; expiresAt: number }>
  keys: Record<string, { id: string; at: number }>
  containers: Record<string, { text: string; readyAt: number; expiresAt: number; post?: string }>
  /** Passwords in use, and those that were withdrawn. */
  passwords: string[]
  withdrawn: string[]
  revoked: boolean
}

const hourMs = 3_600_000

const fail = (status: number, code: string): Response => Response.json({ code, message: `toy says ${code}` }, { status })
const bearer = (request: Request): string => request.headers.get('authorization')?.replace('Bearer ', '') ?? ''

const pair = ({ state, id, now }: Stage<State>): Response => {
  const [access, refresh] = [id('access'), id('refresh')]
  state.tokens[access] = { use: 'access', expiresAt: now() + 2 * hourMs }
  state.tokens[refresh] = { use: 'refresh', expiresAt: now() + 999 * hourMs }
  return Response.json({ access, refresh, expires_in: 7_200 })
}

const add = ({ state, id, now }: Stage<State>, text: string, replyTo: string | undefined): ToyPost => {
  const post = { id: id('post'), text, author: 'toy-user', at: now(), ...(replyTo && { replyTo }) }
  state.posts.push(post)
  return post
}

const posted = (post: ToyPost): Response => Response.json({ id: post.id, url: `https://toy.example/${post.id}` }, { status: 201 })

const doors: Record<string, (stage: Stage<State>, body: { text: string; replyTo?: string; container?: string }, request: Request) => Response> = {
  idempotent: (stage, { text, replyTo }, request) => {
    const key = request.headers.get('idempotency-key') ?? ''
    const known = stage.state.keys[key]
    const before = known && stage.now() - known.at < hourMs ? stage.state.posts.find(({ id }) => id === known.id) : undefined
    if (before) return posted(before)
    const post = add(stage, text, replyTo)
    stage.state.keys[key] = { id: post.id, at: stage.now() }
    return posted(post)
  },
  'two-phase': (stage, { container = '', replyTo }) => {
    const prepared = stage.state.containers[container]
    if (!prepared || prepared.expiresAt < stage.now()) return fail(404, 'container-expired')
    if (prepared.readyAt > stage.now()) return fail(409, 'not-ready')
    if (prepared.post) return fail(409, 'duplicate')
    const post = add(stage, prepared.text, replyTo)
    prepared.post = post.id
    return posted(post)
  },
  'look-up': (stage, { text, replyTo }) => posted(add(stage, text, replyTo)),
  probe: (stage, { text, replyTo }) => (stage.state.posts.some((post) => post.text === text) ? fail(422, 'duplicate') : posted(add(stage, text, replyTo))),
  blind: (stage, { text, replyTo }) => posted(add(stage, text, replyTo)),
}

const answer = async (stage: Stage<State>, request: Request): Promise<Response> => {
  const { state, now } = stage
  const { pathname } = new URL(request.url)
  const [, door = '', id = ''] = pathname.split('/')
  if (pathname === '/login') {
    const { name } = (await request.json()) as { name: string }
    if (state.withdrawn.includes(name)) return fail(401, 'token')
    state.passwords.push(name)
    state.revoked = false
    return pair(stage)
  }
  const token = state.tokens[bearer(request)]
  if (state.revoked || !token || token.expiresAt <= now()) return fail(401, 'token')
  if (pathname === '/refresh') return token.use === 'refresh' ? pair(stage) : fail(401, 'token')
  if (token.use !== 'access') return fail(401, 'token')
  if (pathname === '/me') return Response.json({ id: 'toy-1', name: 'toy-user' })
  if (pathname === '/prepare') {
    const container = stage.id('container')
    state.containers[container] = { text: ((await request.json()) as { text: string }).text, readyAt: now() + 20_000, expiresAt: now() + 24 * hourMs }
    return Response.json({ id: container })
  }
  if (door === 'prepare')
    return Response.json({ ready: (state.containers[id]?.readyAt ?? Number.POSITIVE_INFINITY) <= now(), post: state.containers[id]?.post ?? null })
  if (pathname === '/posts') return Response.json(state.posts)
  if (door === 'posts' && request.method === 'DELETE') {
    if (!state.posts.some((post) => post.id === id)) return fail(404, 'gone')
    state.posts = state.posts.filter((post) => post.id !== id)
    return new Response(null, { status: 204 })
  }
  return doors[door]?.(stage, (await request.json()) as { text: string }, request) ?? fail(404, 'no-such-door')
}

export const toySandbox: Sandbox<State> = {
  platform: 'toy',
  name: 'Toy',
  hosts: ['toy.example'],
  accounts: [{ id: 'toy-1', name: 'toy-user', displayName: 'Toy' }],
  initial: () => ({ posts: [], tokens: {}, keys: {}, containers: {}, passwords: [], withdrawn: [], revoked: false }),
  create: (stage): Emulator => ({
    fetch: (request) => answer(stage, request),
    shown: () =>
      stage.state.posts.map(({ id, text, author, at, replyTo }) => ({
        platform: 'toy',
        account: author,
        id,
        text,
        at,
        media: 0,
        files: [],
        ...(replyTo && { replyTo }),
      })),
    act: (what) => {
      for (const token of Object.values(stage.state.tokens)) if (what === 'expire' && token.use === 'access') token.expiresAt = stage.now()
      if (what === 'revoke') Object.assign(stage.state, { revoked: true, withdrawn: stage.state.passwords })
    },
    isCommit: (request) => request.method === 'DELETE' || (request.method === 'POST' && (new URL(request.url).pathname.split('/')[1] ?? '') in doors),
    isToken: (request) => /^\/(login|refresh)$/.test(new URL(request.url).pathname),
    throttled: (withHeader) => Response.json({ code: 'slow-down', message: 'too many' }, { status: 429, headers: withHeader ? { 'retry-after': '40' } : {} }),
  }),
}
