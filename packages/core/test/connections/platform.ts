// A platform for these tests: OAuth 2 with rotating tokens that die as a family, a log-in, keys, several accounts; and everything it may do wrong.

import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type Adapter, defineAdapter } from '../../src/contract/adapter.ts'
import type { Account, Auth, OAuth2, Session } from '../../src/contract/auth.ts'
import type { Clock } from '../../src/contract/ports.ts'

export const callback = 'https://host.test/callback'

interface Family {
  readonly user: string
  readonly server: string
  dead: boolean
  current: string
}
export type Fault = (request: Request, answer: () => Promise<Response>) => Promise<Response>

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

export const platformOf = (clock: Clock) => {
  const codes = new Map<string, { user: string; challenge: string | null; redirect: string; client: string }>()
  const access = new Map<string, { family: Family; endsAt: number }>()
  const refresh = new Map<string, Family>()
  const accounts = new Map<string, Account[]>([
    ['ann', [{ id: '1', name: '@ann', url: 'https://acme.test/ann', facts: { plan: 'free' } }]],
    ['bob', [{ id: '2', name: '@bob' }]],
    ['pages', ['p1', 'p2', 'p3'].map((id) => ({ id, name: id, token: `canary-page-${id}-${randomUUID()}` }))],
    ['nobody', []],
  ])
  const keys = new Map<string, string>([['canary-key-of-ann-0123456789', 'ann']])
  const passwords = new Map<string, string>([['ann', 'canary-password-of-ann']])
  const seen: { path: string; at: number; authorization: string | null; body: Record<string, string> }[] = []
  const faults: { path: string; fault: Fault }[] = []
  const lifeMs = 7_200_000
  let graceMs = 0
  let rotates = true

  const issue = (family: Family) => {
    const [a, r] = [`canary-access-${randomUUID()}`, `canary-refresh-${randomUUID()}`]
    access.set(a, { family, endsAt: clock.now() + lifeMs })
    if (rotates) {
      refresh.set(r, family)
      family.current = r
    }
    return { access_token: a, refresh_token: rotates ? r : family.current, token_type: 'bearer', expires_in: lifeMs / 1000, scope: 'write' }
  }
  const replacedAt = new Map<string, number>()

  const exchange = (body: Record<string, string>) => {
    const code = codes.get(body.code ?? '')
    codes.delete(body.code ?? '')
    if (!code || code.redirect !== body.redirect_uri) return json({ error: 'invalid_grant', error_description: `no such code ${body.code}` }, 400)
    const challenge = createHash('sha256')
      .update(body.code_verifier ?? '')
      .digest('base64url')
    if (code.challenge !== null && code.challenge !== challenge) return json({ error: 'invalid_grant', error_description: 'wrong verifier' }, 400)
    const family: Family = { user: code.user, server: '', dead: false, current: `canary-refresh-${randomUUID()}` }
    refresh.set(family.current, family)
    return json(issue(family))
  }
  const renew = (token: string | undefined) => {
    const family = refresh.get(token ?? '')
    const usable = family && (family.current === token || clock.now() - (replacedAt.get(token ?? '') ?? Number.NEGATIVE_INFINITY) <= graceMs)
    if (!family || family.dead || !usable) {
      if (family) family.dead = true
      return json({ error: 'invalid_grant', error_description: `Value passed for the token was invalid: ${token}` }, 400)
    }
    replacedAt.set(token ?? '', clock.now())
    return json(issue(family))
  }
  const userOf = (request: Request): string | undefined => {
    const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
    const held = access.get(token)
    if (held && !held.family.dead && held.endsAt > clock.now()) return held.family.user
    for (const [user, owned] of accounts) if (owned.some((account) => account.token === token)) return user
    return keys.get(token)
  }
  const logIn = (user: string | undefined, password: string | undefined) => {
    if (user === undefined || passwords.get(user) !== password) return json({ error: 'AuthenticationRequired', message: `Invalid password ${password}` }, 401)
    const family: Family = { user, server: '', dead: false, current: '' }
    return json(issue(family))
  }
  const revoke = (token: string) => {
    const family = refresh.get(token) ?? access.get(token)?.family
    if (family) family.dead = true
    return json({})
  }

  const answer = async (request: Request, body: Record<string, string>): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === '/oauth/token') return body.grant_type === 'authorization_code' ? exchange(body) : renew(body.refresh_token)
    if (pathname === '/oauth/revoke') return revoke(body.token ?? '')
    if (pathname === '/apps') return json({ client_id: `client-${randomUUID()}`, client_secret: `canary-client-secret-${randomUUID()}` })
    if (pathname === '/api/login') return logIn(body.user, body.password)
    if (pathname === '/api/renew') return renew(/^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1])
    if (pathname === '/api/close') return revoke(/^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? '')
    const user = userOf(request)
    if (user === undefined) return json({ error: 'unauthorized', message: `bad token ${request.headers.get('authorization')}` }, 401)
    return pathname === '/api/accounts' ? json(accounts.get(user)) : json({ id: 'made' })
  }
  const bodyOf = async (request: Request): Promise<Record<string, string>> => {
    if (request.method === 'GET') return Object.fromEntries(new URL(request.url).searchParams)
    const text = await request.text()
    return text.startsWith('{') ? (JSON.parse(text) as Record<string, string>) : Object.fromEntries(new URLSearchParams(text))
  }
  const fetch = async (request: Request): Promise<Response> => {
    const body = await bodyOf(request)
    const path = new URL(request.url).pathname
    seen.push({ path, at: clock.now(), authorization: request.headers.get('authorization'), body })
    const at = faults.findIndex((one) => one.path === path)
    const [hit] = at < 0 ? [] : faults.splice(at, 1)
    return hit ? hit.fault(request, () => answer(request, body)) : answer(request, body)
  }

  return {
    fetch,
    seen,
    accounts,
    keys,
    passwords,
    /** The next request to `path` meets this. */
    fault: (path: string, fault: Fault) => void faults.push({ path, fault }),
    calls: (path: string) => seen.filter((one) => one.path === path).length,
    refreshes: () => seen.filter(({ path, body }) => (path === '/oauth/token' && body.grant_type === 'refresh_token') || path === '/api/renew').length,
    grace: (ms: number) => {
      graceMs = ms
    },
    keepRefreshTokens: () => {
      rotates = false
    },
    /** The platform forgets access tokens, or the whole consent. */
    expire: () => access.clear(),
    endConsent: () => {
      for (const family of refresh.values()) family.dead = true
    },
    /** The user agrees on the consent page: where the browser is sent. */
    agree: (url: string, user = 'ann', more: Record<string, string> = {}): string => {
      const asked = new URL(url).searchParams
      const code = `canary-code-${randomUUID()}`
      codes.set(code, { user, challenge: asked.get('code_challenge'), redirect: asked.get('redirect_uri') ?? '', client: asked.get('client_id') ?? '' })
      return `${asked.get('redirect_uri')}?${new URLSearchParams({ code, state: asked.get('state') ?? '', ...more })}`
    },
  }
}

const account = z.object({ id: z.string(), name: z.string(), url: z.string().optional(), token: z.string().optional(), facts: z.json().optional() })

export const oauth2: OAuth2 = {
  type: 'oauth2',
  client: {
    id: 'client-1',
    secret: 'canary-client-secret',
    authorizeUrl: 'https://acme.test/oauth/authorize',
    tokenUrl: 'https://acme.test/oauth/token',
    revokeUrl: 'https://acme.test/oauth/revoke',
  },
  scopes: ['read', 'write'],
  rotation: 'family',
}

const session: Session<z.ZodObject<{ user: z.ZodString; password: z.ZodString }>> = {
  type: 'session',
  fields: z.object({ user: z.string().min(1), password: z.string().min(8) }),
  open: async ({ user, password }, http) =>
    tokens(await http.post('login', { json: { user: user.reveal(), password: password.reveal() }, accept: tokenAnswer })),
  renew: async (http) => tokens(await http.post('renew', { accept: tokenAnswer })),
  close: async (http) => http.post('close'),
}
const tokenAnswer = z.object({ access_token: z.string(), refresh_token: z.string().optional(), expires_in: z.number() })
const tokens = ({ access_token, refresh_token, expires_in }: z.output<typeof tokenAnswer>) => ({
  access: access_token,
  ...(refresh_token !== undefined && { refresh: refresh_token }),
  expiresInMs: expires_in * 1000,
})

export const sessionAuth = session as unknown as Session
export const keysAuth: Auth = { type: 'keys', fields: z.object({ token: z.string().min(1), note: z.string().optional() }) }

export const adapterWith = (auth: Auth | readonly Auth[], change: Partial<Adapter> = {}): Adapter =>
  defineAdapter({
    contract: 1,
    id: 'acme',
    name: 'Acme',
    auth: [auth].flat() as readonly Auth[],
    http: { base: 'https://acme.test/api/', hosts: ['acme.test'] },
    accounts: async ({ http }) =>
      (await http.get('accounts', { accept: z.array(account) })).map(({ url, token, facts, ...rest }) => ({
        ...rest,
        ...(url !== undefined && { url }),
        ...(token !== undefined && { token }),
        ...(facts !== undefined && { facts: facts as never }),
      })),
    content: [],
    errors: {
      read: ({ json }) => {
        const { error, message } = (json ?? {}) as { error?: string; message?: string }
        return { ...(error !== undefined && { code: error }), ...(message !== undefined && { message }) }
      },
      table: [
        ['AuthenticationRequired', 'auth'],
        ['invalid_grant', 'auth'],
      ],
    },
    ...change,
  }) as Adapter

export const lost: Fault = async () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }) })
}
export const lostReply: Fault = async (request, answer) => {
  await answer()
  return lost(request, answer)
}
export const notReached: Fault = async () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })
}
export const status =
  (code: number, body = '<html>Bad gateway</html>'): Fault =>
  async () =>
    new Response(body, { status: code, headers: { 'content-type': 'text/html' } })
export const statusAfter =
  (code: number): Fault =>
  async (_, answer) => {
    await answer()
    return new Response('<html>Bad gateway</html>', { status: code })
  }
