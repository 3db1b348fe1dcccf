// An emulator of X: OAuth 2 consent and tokens, posts, media, reads, limits. Written from X's own documents, not from the adapter beside it.
//
// A machine drives the consent page so: GET https://x.com/i/oauth2/authorize?… shows a form; POST to the same address, as
// application/x-www-form-urlencoded, the eight OAuth parameters of the query (the form has them hidden) with `account` (an id or a username)
// and `decision=approve` or `decision=deny`; the answer is a 302 to the redirect URI. Apps: `sandbox-client` with the secret `sandbox-secret`
// (confidential: Basic), and `sandbox-public` (public: `client_id` in the body). Any http or https address is a registered callback.
//
// Left out: OAuth 1.0a, app-only tokens, articles, analytics, subtitles, webhooks, and the older `command=INIT` form of uploads.

import type { Emulator, Sandbox, Shown } from '@syndikit/sandbox'
import { appendSegment, describeMedia, finalizeUpload, initializeUpload, uploadAtOnce, uploadStatus } from './sandbox/media.ts'
import { answerRevoke, answerToken, decideConsent, showConsent } from './sandbox/oauth.ts'
import { createPost, deletePost } from './sandbox/posts.ts'
import { counted, every15, type Rate, throttled, tooMany } from './sandbox/rates.ts'
import { readPost, readPosts, readTimeline, whoAmI } from './sandbox/read.ts'
import { blank, type Call, Refused } from './sandbox/reply.ts'
import { type Account, accounts, initial, isCurrent, type Post, type State, type Token, type XStage } from './sandbox/state.ts'

interface Route {
  readonly method: string
  readonly path: RegExp
  readonly scopes: readonly string[]
  readonly rate: Rate
  readonly answer: (call: Call) => Response | Promise<Response>
}

const write = ['tweet.read', 'tweet.write', 'users.read']
const read = ['tweet.read', 'users.read']
const media = ['media.write']
const routes: readonly Route[] = [
  { method: 'POST', path: /^\/2\/tweets$/, scopes: write, rate: every15(100, 10_000), answer: createPost },
  { method: 'DELETE', path: /^\/2\/tweets\/(\d+)$/, scopes: write, rate: every15(50), answer: deletePost },
  { method: 'GET', path: /^\/2\/tweets$/, scopes: read, rate: every15(5_000), answer: readPosts },
  { method: 'GET', path: /^\/2\/tweets\/(\d+)$/, scopes: read, rate: every15(900), answer: readPost },
  { method: 'GET', path: /^\/2\/users\/me$/, scopes: read, rate: every15(75), answer: whoAmI },
  { method: 'GET', path: /^\/2\/users\/(\d+)\/tweets$/, scopes: read, rate: every15(900), answer: readTimeline },
  { method: 'POST', path: /^\/2\/media\/upload$/, scopes: media, rate: every15(500, 50_000), answer: uploadAtOnce },
  { method: 'GET', path: /^\/2\/media\/upload$/, scopes: media, rate: every15(1_000, 100_000), answer: uploadStatus },
  { method: 'POST', path: /^\/2\/media\/upload\/initialize$/, scopes: media, rate: every15(1_875, 180_000), answer: initializeUpload },
  { method: 'POST', path: /^\/2\/media\/upload\/(\d+)\/append$/, scopes: media, rate: every15(1_875, 180_000), answer: appendSegment },
  { method: 'POST', path: /^\/2\/media\/upload\/(\d+)\/finalize$/, scopes: media, rate: every15(1_875, 180_000), answer: finalizeUpload },
  { method: 'POST', path: /^\/2\/media\/metadata$/, scopes: media, rate: every15(500, 50_000), answer: describeMedia },
]

const bearerOf = ({ state, now }: XStage, request: Request): { token: Token; account: Account } => {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
  const token = Object.hasOwn(state.tokens, given) ? state.tokens[given] : undefined
  const account = state.accounts.find(({ id }) => id === token?.account)
  if (token?.kind !== 'access' || token.expiresAt <= now() || !account) throw new Refused(blank(401))
  return { token, account }
}

const refusalOf = (error: unknown): Response => {
  if (error instanceof Refused) return error.reply
  throw error
}

const answerApi = async (stage: XStage, request: Request, url: URL): Promise<Response> => {
  const route = routes.find(({ method, path }) => method === request.method && path.test(url.pathname))
  if (!route) throw new Refused(blank(404))
  const { token, account } = bearerOf(stage, request)
  const key = `${route.method} ${route.path.source}`
  const { headers, over } = counted(stage.state, stage.now(), key, route.rate, account.id, token.app)
  const scopes = token.scope.split(' ')
  const path = route.path.exec(url.pathname)?.slice(1) ?? []
  const allowed = async () => {
    if (over) return tooMany()
    if (!route.scopes.every((scope) => scopes.includes(scope))) return blank(403)
    return route.answer({ stage, request, url, account, token, path })
  }
  const reply = await allowed().catch(refusalOf)
  for (const [name, value] of Object.entries(headers)) reply.headers.set(name, value)
  return reply
}

const answer = async (stage: XStage, request: Request): Promise<Response> => {
  const url = new URL(request.url)
  const at = `${request.method} ${url.hostname}${url.pathname}`
  // The specification also names the first address on the API's host.
  if (at === 'GET x.com/i/oauth2/authorize') return showConsent(stage, url)
  if (at === 'POST x.com/i/oauth2/authorize') return decideConsent(stage, request)
  if (at === 'POST api.x.com/2/oauth2/token') return answerToken(stage, request)
  if (at === 'POST api.x.com/2/oauth2/revoke') return answerRevoke(stage, request)
  if (url.hostname === 'api.x.com') return answerApi(stage, request, url)
  return new Response('Not found', { status: 404, headers: { 'content-type': 'text/plain' } })
}

const shownPost = (state: State, post: Post): Shown => {
  const username = state.accounts.find(({ id }) => id === post.author)?.username ?? post.author
  const files = post.media.flatMap((id) => {
    const medium = state.media[id]
    return medium?.file ? [{ mime: medium.mime, alt: medium.alt ?? '', blob: medium.file.key }] : []
  })
  return {
    platform: 'x',
    account: username,
    id: post.id,
    text: post.typed,
    media: files.length,
    at: post.at,
    url: `https://x.com/${username}/status/${post.id}`,
    files,
    ...(post.replyTo !== undefined && { replyTo: post.replyTo }),
    ...(post.poll && { poll: { options: post.poll.options } }),
    ...(post.history.length > 1 && { edited: true }),
  }
}

const act = ({ state, now }: XStage, what: 'expire' | 'revoke' | 'process'): void => {
  if (what === 'revoke') state.tokens = {}
  if (what === 'expire') for (const token of Object.values(state.tokens)) if (token.kind === 'access') token.expiresAt = Math.min(token.expiresAt, now())
  if (what === 'process') for (const { file } of Object.values(state.media)) if (file) file.readyAt = Math.min(file.readyAt, now())
}

const create = (stage: XStage): Emulator => ({
  fetch: async (request) => {
    try {
      return await answer(stage, request)
    } catch (error) {
      return error instanceof Refused ? error.reply : blank(500)
    }
  },
  shown: () => stage.state.posts.filter((post) => isCurrent(stage.state, post)).map((post) => shownPost(stage.state, post)),
  act: (what) => act(stage, what),
  isCommit: ({ method, url }) => /^(POST \/2\/tweets|DELETE \/2\/tweets\/\d+)$/.test(`${method} ${new URL(url).pathname}`),
  isToken: ({ method, url }) => method === 'POST' && new URL(url).pathname === '/2/oauth2/token',
  throttled: (withHeader) => throttled(stage.now(), withHeader),
})

/** X's emulator: consent page and API v2, with two accounts. */
export const sandbox = {
  platform: 'x',
  name: 'X',
  hosts: ['x.com', 'api.x.com'],
  accounts: accounts.map(({ id, username, name }) => ({ id, name: username, displayName: name })),
  initial,
  create,
} satisfies Sandbox<State>
