// A small platform of our own: enough of one to try every part of the sandbox on.

import { defineSandbox, type Emulator, type Shown, type Stage } from '@syndikit/sandbox'

export interface ToyState {
  posts: Shown[]
  codes: Record<string, string>
  tokens: Record<string, { account: string; expired: boolean }>
}

const accounts = [
  { id: 'u1', name: 'alice', displayName: 'Alice Munro' },
  { id: 'u2', name: 'layla', displayName: 'ليلى حسن' },
] as const

const consent = (query: string, redirect: string): string => `<!doctype html><title>Toy</title><h1>Let the app post for you?</h1>
<a href="https://toy.example/about?a=1&amp;b=2">About</a> <a href="/help">Help</a> <a href="https://example.org/">Elsewhere</a>
<form method="post" action="https://toy.example/oauth/authorize?${query.replaceAll('&', '&amp;')}">
${accounts.map(({ name, displayName }) => `<button name="account" value="${name}">${displayName}</button>`).join('')}
</form><p>${redirect.length} characters</p>`

const formOf = async (request: Request) => new URLSearchParams(await request.text())

async function oauth(request: Request, url: URL, { state, id }: Stage<ToyState>): Promise<Response | undefined> {
  if (url.host === 'toy.example' && url.pathname === '/oauth/authorize') {
    const redirect = url.searchParams.get('redirect_uri') ?? ''
    if (request.method === 'GET')
      return new Response(consent(url.searchParams.toString(), redirect), {
        headers: { 'content-type': 'text/html; charset=utf-8', 'set-cookie': 'toy=1; Domain=toy.example; Path=/; Secure; HttpOnly' },
      })
    if (!request.headers.get('cookie')?.includes('toy=1')) return new Response('no cookie', { status: 403 })
    const code = id('code-')
    state.codes[code] = (await formOf(request)).get('account') ?? ''
    return new Response(null, { status: 302, headers: { location: `https://toy.example/oauth/done?to=${encodeURIComponent(`${redirect}?code=${code}`)}` } })
  }
  if (url.pathname === '/oauth/done') return new Response(null, { status: 302, headers: { location: url.searchParams.get('to') ?? '' } })
  if (url.pathname !== '/oauth/token') return undefined
  const account = state.codes[(await formOf(request)).get('code') ?? '']
  if (account === undefined) return Response.json({ error: 'invalid_grant' }, { status: 400 })
  const token = id('token-')
  state.tokens[token] = { account, expired: false }
  return Response.json({ access_token: token })
}

async function api(request: Request, url: URL, stage: Stage<ToyState>): Promise<Response> {
  const token = stage.state.tokens[request.headers.get('authorization')?.slice('Bearer '.length) ?? '']
  if (!token) return Response.json({ error: 'no_token' }, { status: 401 })
  if (token.expired) return Response.json({ error: 'expired' }, { status: 401 })
  if (url.pathname === '/posts' && request.method === 'POST') {
    const body = (await request.json().catch(() => undefined)) as Partial<Shown> | undefined
    if (typeof body?.text !== 'string') return Response.json({ error: 'text' }, { status: 400 })
    const id = stage.id('')
    const files = body.files ?? []
    stage.state.posts.push({
      ...body,
      platform: 'toy',
      account: token.account,
      id,
      text: body.text,
      media: files.length,
      files,
      at: body.at ?? stage.now(),
      url: `https://toy.example/p/${id}`,
    })
    return Response.json({ id }, { status: 201 })
  }
  if (url.pathname === '/upload') {
    if (!request.body) return Response.json({ error: 'empty' }, { status: 400 })
    return Response.json(await stage.keepStream(request.body))
  }
  if (request.method === 'DELETE') {
    stage.state.posts = stage.state.posts.filter(({ id }) => url.pathname !== `/posts/${id}`)
    return new Response(null, { status: 204 })
  }
  return Response.json({ headers: Object.fromEntries(request.headers), method: request.method, search: url.search, body: await request.text() })
}

const create = (stage: Stage<ToyState>): Emulator => ({
  async fetch(request) {
    const url = new URL(request.url)
    if (url.pathname === '/crash') throw new Error('boom')
    if (url.pathname === '/moved') return new Response(null, { status: 307, headers: { location: 'https://api.toy.example/posts' } })
    return (await oauth(request, url, stage)) ?? api(request, url, stage)
  },
  shown: () => stage.state.posts,
  act(what) {
    if (what === 'expire') for (const token of Object.values(stage.state.tokens)) token.expired = true
    if (what === 'revoke') stage.state.tokens = {}
  },
  isCommit: ({ method, url }) => method === 'DELETE' || (method === 'POST' && new URL(url).pathname === '/posts'),
  isToken: ({ url }) => new URL(url).pathname === '/oauth/token',
  throttled: (withHeader) => Response.json({ error: 'slow_down' }, { status: 429, headers: withHeader ? { 'retry-after': '30' } : {} }),
})

export const sandbox = defineSandbox<ToyState>({
  platform: 'toy',
  name: 'Toy',
  hosts: ['toy.example', 'api.toy.example', '*.pods.toy.example'],
  accounts,
  initial: () => ({
    posts: [],
    codes: {},
    tokens: { 'alices-token': { account: 'alice', expired: false }, 'laylas-token': { account: 'layla', expired: false } },
  }),
  create,
})

/** A request to the toy as alice, unless told otherwise. */
export const ask = (path: string, { token = 'alices-token', ...init }: RequestInit & { token?: string } = {}): Request =>
  new Request(new URL(path, 'https://api.toy.example'), { ...init, headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) } })

export const postOf = (text: string, more: object = {}, token?: string): Request =>
  ask('/posts', {
    method: 'POST',
    body: JSON.stringify({ text, ...more }),
    headers: { 'content-type': 'application/json' },
    ...(token !== undefined && { token }),
  })
