// An emulator of two Mastodon servers, mastodon.example (4.6, usual limits) and social.example (4.3, limits of its own). Written from
// Mastodon's documentation and source, not from the adapter beside it.
//
// A machine drives the consent page so: GET https://<server>/oauth/authorize?… shows a form; POST to the same address, as
// application/x-www-form-urlencoded, the OAuth parameters of the query (the form has them hidden) with `account` (an id or a username)
// and `decision=approve` or `decision=deny`; the answer is a 302 to the redirect URI. Apps register themselves with POST /api/v1/apps.
//
// Left out: server-side scheduling, quotes, boosts, favourites, votes, federation between the two, streaming.

import type { Emulator, Sandbox, Shown } from '@syndikit/sandbox'
import { showMedia, updateMedia, uploadMedia } from './sandbox/media.ts'
import { answerRevoke, answerToken, decideConsent, discover, registerApp, showConsent } from './sandbox/oauth.ts'
import { counted, statusHeaders, throttled, tooMany } from './sandbox/rates.ts'
import { accountStatuses, showInstance, showSource, showStatus, showStatuses, userInfo, verifyCredentials } from './sandbox/read.ts'
import { mediaOf } from './sandbox/render.ts'
import { type Call, type OwnCall, Refused } from './sandbox/reply.ts'
import { accounts, initial, type MastodonStage, profiles, type Server, type State, type Status, type Token } from './sandbox/state.ts'
import { createStatus, deleteStatus, updateStatus } from './sandbox/statuses.ts'

interface Open {
  readonly at: RegExp
  /** Asked only of those who send a token. */
  readonly scopes?: readonly string[]
  readonly open: (call: Call) => Response | Promise<Response>
}
interface Own {
  readonly at: RegExp
  /** One of them is enough. */
  readonly scopes: readonly string[]
  readonly own: (call: OwnCall) => Response | Promise<Response>
  /** Counts as posting in its headers. */
  readonly posts?: true
}

const routes: readonly (Open | Own)[] = [
  { at: /^GET \/\.well-known\/oauth-authorization-server$/, open: discover },
  { at: /^GET \/oauth\/authorize$/, open: showConsent },
  { at: /^POST \/oauth\/authorize$/, open: decideConsent },
  { at: /^POST \/oauth\/token$/, open: answerToken },
  { at: /^POST \/oauth\/revoke$/, open: answerRevoke },
  { at: /^(?:GET|POST) \/oauth\/userinfo$/, scopes: ['profile'], own: userInfo },
  { at: /^POST \/api\/v1\/apps$/, open: registerApp },
  { at: /^GET \/api\/v2\/instance$/, open: showInstance },
  { at: /^GET \/api\/v1\/accounts\/verify_credentials$/, scopes: ['profile', 'read', 'read:accounts'], own: verifyCredentials },
  { at: /^GET \/api\/v1\/accounts\/(\d+)\/statuses$/, scopes: ['read', 'read:statuses'], open: accountStatuses },
  { at: /^POST \/api\/v1\/statuses$/, scopes: ['write', 'write:statuses'], own: createStatus, posts: true },
  { at: /^GET \/api\/v1\/statuses$/, scopes: ['read', 'read:statuses'], open: showStatuses },
  { at: /^GET \/api\/v1\/statuses\/(\d+)$/, scopes: ['read', 'read:statuses'], open: showStatus },
  { at: /^GET \/api\/v1\/statuses\/(\d+)\/source$/, scopes: ['read', 'read:statuses'], own: showSource },
  { at: /^PUT \/api\/v1\/statuses\/(\d+)$/, scopes: ['write', 'write:statuses'], own: updateStatus, posts: true },
  { at: /^DELETE \/api\/v1\/statuses\/(\d+)$/, scopes: ['write', 'write:statuses'], own: deleteStatus },
  { at: /^POST \/api\/v2\/media$/, scopes: ['write', 'write:media'], own: uploadMedia },
  { at: /^GET \/api\/v1\/media\/(\d+)$/, scopes: ['write', 'write:media'], own: showMedia },
  { at: /^PUT \/api\/v1\/media\/(\d+)$/, scopes: ['write', 'write:media'], own: updateMedia },
]

const bearerOf = (request: Request): string => /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''

const tokenOf = (server: Server, bearer: string): Token | undefined => (Object.hasOwn(server.tokens, bearer) ? server.tokens[bearer] : undefined)

const callerOf = (server: Server, token: Token | undefined): Call['as'] => {
  const account = server.accounts.find(({ id }) => id === token?.account)
  const app = server.apps.find(({ id }) => id === token?.app)
  return token && token.ended === undefined && account && app ? { token, account, app } : undefined
}

/** An unknown token on an open route is as good as none; one that ended is refused everywhere. */
const authorized = (route: Open | Own, call: Call, token: Token | undefined): Response | Promise<Response> => {
  if (token?.ended) throw new Refused(401, `The access token ${token.ended === 'expired' ? 'expired' : 'was revoked'}`)
  if (!token && 'own' in route) throw new Refused(401, 'The access token is invalid')
  if (token && route.scopes && !route.scopes.some((scope) => token.scope.split(' ').includes(scope)))
    throw new Refused(403, 'This action is outside the authorized scopes')
  if ('open' in route) return route.open(call)
  if (!call.as) throw new Refused(422, 'This method requires an authenticated user')
  return route.own({ ...call, as: call.as })
}

const refusalOf = (error: unknown): Response =>
  error instanceof Refused ? error.reply() : Response.json({ status: 500, error: 'Internal Server Error' }, { status: 500 })

const respond = async (stage: MastodonStage, request: Request): Promise<Response> => {
  const url = new URL(request.url)
  const server = Object.hasOwn(stage.state.servers, url.hostname) ? stage.state.servers[url.hostname] : undefined
  const profile = profiles[url.hostname]
  const route = routes.find(({ at }) => at.test(`${request.method} ${url.pathname}`))
  if (!server || !profile || !route) return Response.json({ error: 'Not Found' }, { status: 404 })
  const bearer = bearerOf(request)
  const token = tokenOf(server, bearer)
  const as = callerOf(server, token)
  const { headers, over } = counted(server, profile, stage.now(), { method: request.method, path: url.pathname, account: as?.account.id, token: bearer })
  const path = route.at.exec(`${request.method} ${url.pathname}`)?.slice(1) ?? []
  const call: Call = { stage, host: url.hostname, server, profile, request, url, path, ...(as && { as }) }
  const answer = async () => (over ? tooMany().reply() : authorized(route, call, token))
  const reply = await answer().catch(refusalOf)
  const shown = 'posts' in route && as && !over ? statusHeaders(server, as.account.id, stage.now(), headers) : headers
  for (const [name, value] of Object.entries(shown)) reply.headers.set(name, value)
  return reply
}

const shownStatus = (host: string, server: Server, status: Status): Shown => {
  const username = server.accounts.find(({ id }) => id === status.author)?.username ?? status.author
  const files = mediaOf(server, status).map(({ mime, description, key }) => ({ mime, alt: description ?? '', blob: key }))
  return {
    platform: 'mastodon',
    account: `${username}@${host}`,
    id: status.id,
    text: status.text,
    media: files.length,
    at: status.at,
    url: `https://${host}/@${username}/${status.id}`,
    language: status.language,
    files,
    visibility: status.visibility,
    ...(status.replyTo !== undefined && { replyTo: status.replyTo }),
    ...(status.poll && { poll: { options: status.poll.options } }),
    ...(status.spoiler !== '' && { warning: status.spoiler }),
    ...(status.editedAt !== undefined && { edited: true }),
  }
}

const shown = ({ servers }: State): Shown[] =>
  Object.entries(servers)
    .flatMap(([host, server]) => server.statuses.map((status) => shownStatus(host, server, status)))
    .toSorted((a, b) => a.at - b.at)

const act = ({ state, now }: MastodonStage, what: 'expire' | 'revoke' | 'process'): void => {
  for (const server of Object.values(state.servers)) {
    if (what === 'process') for (const medium of server.media) medium.readyAt = Math.min(medium.readyAt, now())
    // Mastodon's tokens have no end of their own; Doorkeeper has this answer all the same.
    else for (const token of Object.values(server.tokens)) token.ended ??= what === 'expire' ? 'expired' : 'revoked'
  }
}

const create = (stage: MastodonStage): Emulator => ({
  fetch: (request) => respond(stage, request),
  shown: () => shown(stage.state),
  act: (what) => act(stage, what),
  isCommit: ({ method, url }) => /^(POST \/api\/v1\/statuses|(PUT|DELETE) \/api\/v1\/statuses\/\d+)$/.test(`${method} ${new URL(url).pathname}`),
  isToken: ({ method, url }) => method === 'POST' && new URL(url).pathname === '/oauth/token',
  throttled: (withHeader) => throttled(stage.now(), withHeader),
})

/** Mastodon's emulator: several servers, with an app registered on each. */
export const sandbox = {
  platform: 'mastodon',
  name: 'Mastodon',
  hosts: Object.keys(profiles),
  accounts,
  initial,
  create,
} satisfies Sandbox<State>
