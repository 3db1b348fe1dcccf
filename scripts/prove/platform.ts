// The platform of the campaign, as an emulator of the sandbox: it does exactly what a platform of its recovery class promises, and counts by itself what is visible.

import { defineSandbox, type Emulator, type Sandbox, type Stage } from '@syndikit/sandbox'
import { type Class, listLagMs } from './classes.ts'

export const platformId = 'campaign'
export const host = 'campaign.example'

/** Whose the accounts are: deliveries of two tenants share the workers. */
export const tenants = ['north', 'south'] as const
export const accounts: readonly { readonly name: string; readonly tenant: string }[] = tenants.flatMap((tenant) =>
  [1, 2, 3, 4].map((n) => ({ name: `${tenant}-${n}`, tenant })),
)

interface Post {
  readonly id: string
  readonly account: string
  readonly text: string
  readonly at: number
  readonly replyTo?: string
}
interface State {
  posts: Post[]
  tokens: Record<string, { readonly account: string; readonly use: 'access' | 'refresh'; ended?: true }>
  /** Post ids by the keys that came with them. */
  keys: Record<string, string>
  containers: Record<string, { readonly account: string; readonly text: string; readonly readyAt: number; post?: string }>
}
interface Sent {
  readonly text?: string
  readonly replyTo?: string
  readonly container?: string
}
interface Asked {
  readonly account: string
  readonly key: string
  readonly sent: Sent
}

const preparingMs = 400

const fail = (status: number, code: string): Response => Response.json({ code, message: `the platform says ${code}` }, { status })
const made = (id: string): Response => Response.json({ id, url: `https://${host}/posts/${id}` }, { status: 201 })

const add = ({ state, id, now }: Stage<State>, account: string, text: string, replyTo: string | undefined): string => {
  const post = { id: id('post'), account, text, at: now(), ...(replyTo !== undefined && { replyTo }) }
  state.posts.push(post)
  return post.id
}

/** What a read shows at this moment. */
const listed = ({ state, now }: Stage<State>, account: string, since: number): Post[] => {
  const until = now() - listLagMs
  return state.posts.filter((post) => post.account === account && post.at >= since && post.at <= until)
}

const publishing: Readonly<Record<Class, (stage: Stage<State>, asked: Asked) => Response>> = {
  idempotent: (stage, { account, key, sent }) => {
    if (key === '') return fail(400, 'key-missing')
    stage.state.keys[key] ??= add(stage, account, sent.text ?? '', sent.replyTo)
    return made(stage.state.keys[key])
  },
  'two-phase': (stage, { account, sent }) => {
    const prepared = stage.state.containers[sent.container ?? '']
    if (prepared?.account !== account) return fail(404, 'container-expired')
    if (prepared.readyAt > stage.now()) return fail(409, 'not-ready')
    if (prepared.post !== undefined) return fail(409, 'duplicate')
    prepared.post = add(stage, account, prepared.text, sent.replyTo)
    return made(prepared.post)
  },
  'look-up': (stage, { account, sent }) => made(add(stage, account, sent.text ?? '', sent.replyTo)),
  probe: (stage, { account, sent }) =>
    listed(stage, account, 0).some(({ text }) => text === sent.text) ? fail(422, 'duplicate') : made(add(stage, account, sent.text ?? '', sent.replyTo)),
  blind: (stage, { account, sent }) => made(add(stage, account, sent.text ?? '', sent.replyTo)),
}

const tokensFor = ({ state, id }: Stage<State>, account: string): Response => {
  const [access, refresh] = [id('access'), id('refresh')]
  state.tokens[access] = { account, use: 'access' }
  state.tokens[refresh] = { account, use: 'refresh' }
  return Response.json({ access, refresh, expires_in: 86_400 })
}

const logIn = async (stage: Stage<State>, request: Request): Promise<Response> => {
  const { name } = (await request.json()) as { name: string }
  return accounts.some((account) => account.name === name) ? tokensFor(stage, name) : fail(401, 'token')
}

const prepare = ({ state, id, now }: Stage<State>, account: string, { text = '' }: Sent): Response => {
  const container = id('container')
  state.containers[container] = { account, text, readyAt: now() + preparingMs }
  return Response.json({ id: container })
}

const prepared = ({ state, now }: Stage<State>, id: string): Response => {
  const container = state.containers[id]
  return container ? Response.json({ ready: container.readyAt <= now(), post: container.post ?? null }) : fail(404, 'container-expired')
}

const answer = async (door: Class, stage: Stage<State>, request: Request): Promise<Response> => {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/login') return logIn(stage, request)
  const token = stage.state.tokens[request.headers.get('authorization')?.replace('Bearer ', '') ?? '']
  if (!token || token.ended || token.use !== (pathname === '/refresh' ? 'refresh' : 'access')) return fail(401, 'token')
  const { account } = token
  const [, what, id = ''] = pathname.split('/')
  const json = async () => (await request.json()) as Sent
  switch (`${request.method} ${what}`) {
    case 'POST refresh':
      return tokensFor(stage, account)
    case 'GET me':
      return Response.json({ id: account, name: account })
    case 'POST containers':
      return prepare(stage, account, await json())
    case 'GET containers':
      return prepared(stage, id)
    case 'GET posts':
      return Response.json(listed(stage, account, Number(searchParams.get('since'))))
    case 'POST posts':
      return publishing[door](stage, { account, key: request.headers.get('idempotency-key') ?? '', sent: await json() })
    default:
      return fail(404, 'no-such-path')
  }
}

const throttled = (withHeader: boolean): Response =>
  Response.json(
    { code: withHeader ? 'slow-down' : 'slow-down-unsaid', message: 'too many requests' },
    { status: 429, headers: withHeader ? { 'retry-after': '1' } : {} },
  )

const emulator = (door: Class, stage: Stage<State>): Emulator => ({
  fetch: (request) => answer(door, stage, request),
  shown: () => stage.state.posts.map((post) => ({ ...post, platform: platformId, media: 0, files: [] })),
  act: (what) => {
    if (what !== 'expire') return
    for (const token of Object.values(stage.state.tokens)) if (token.use === 'access') token.ended = true
  },
  isCommit: ({ method, url }) => method === 'POST' && new URL(url).pathname === '/posts',
  isToken: ({ url }) => /^\/(login|refresh)$/.test(new URL(url).pathname),
  throttled,
})

export const campaignSandbox = (door: Class): Sandbox<State> =>
  defineSandbox<State>({
    platform: platformId,
    name: 'Campaign',
    hosts: [host],
    accounts: accounts.map(({ name }) => ({ id: name, name, displayName: name })),
    initial: () => ({ posts: [], tokens: {}, keys: {}, containers: {} }),
    create: (stage) => emulator(door, stage),
  })
