// The adapter of the campaign's platform, in each recovery class.

import { type Commit, defineAdapter, type Found, type Json, type Placement, post, type Run, type Session, type Trace } from '@syndikit/core'
import { z } from 'zod'
import { type Class, recoveryOf, requestTimeoutMs } from './classes.ts'
import { host, platformId } from './platform.ts'

type Sent = { readonly text: string; readonly container?: string; readonly replyTo?: string }

const placed = z.object({ id: z.string(), url: z.string() })
const listed = z.array(z.object({ id: z.string(), text: z.string(), at: z.number() }))
/** A clock of the platform that is behind ours must not hide our own post. */
const sinceBeforeMs = 60_000

const byText = async ({ http }: Run, { text }: Sent, trace: Trace): Promise<Found<Placement>> => {
  const posts = await http.get('posts', { query: { since: trace.sentAt.getTime() - sinceBeforeMs }, accept: listed })
  return trace.pick(posts.filter((one) => one.text === text).map(({ id, at }) => ({ id, at: new Date(at) })))
}

const byContainer = async ({ http }: Run, { container }: Sent): Promise<Found<Placement>> => {
  const { post } = await http.get(`containers/${container}`, { accept: z.object({ post: z.string().nullable() }) })
  return post === null ? 'absent' : { id: post }
}

const finders: Readonly<Partial<Record<Class, typeof byText>>> = { 'two-phase': byContainer, 'look-up': byText, probe: byText }

const prepare = async (name: string, text: string, { once, http, later }: Run): Promise<string> => {
  const { id } = await once(`${name}/container`, () => http.post('containers', { json: { text }, accept: z.object({ id: z.string() }) }))
  await once(`${name}/ready`, async () => {
    const { ready } = await http.get(`containers/${id}`, { accept: z.object({ ready: z.boolean() }) })
    if (!ready) later(300)
  })
  return id
}

const publishPart = async (door: Class, run: Run, n: number, text: string, replyTo: string | undefined): Promise<Placement> => {
  const name = `part-${n}`
  const container = door === 'two-phase' ? await prepare(name, text, run) : undefined
  const find = finders[door]
  const step: Commit<Sent & Json, Placement> = {
    request: { text, ...(container !== undefined && { container }), ...(replyTo !== undefined && { replyTo }) },
    send: (json) => run.http.post('posts', { json, headers: { 'idempotency-key': `${run.delivery.key}:${n}` }, accept: placed }),
    ...(find && { find: (sent: Sent, trace: Trace) => find(run, sent, trace) }),
  }
  return run.commit(name, step)
}

const pair = z.object({ access: z.string(), refresh: z.string(), expires_in: z.number() })
const tokensOf = ({ access, refresh, expires_in }: z.output<typeof pair>) => ({ access, refresh, expiresInMs: expires_in * 1_000 })
const fields = z.strictObject({ name: z.string() })
const login: Session<typeof fields> = {
  type: 'session',
  fields,
  rotation: 'none',
  open: async ({ name }, http) => tokensOf(await http.post('login', { json: { name: name.reveal() }, accept: pair })),
  renew: async (http) => tokensOf(await http.post('refresh', { accept: pair })),
}

export const campaignAdapter = (door: Class) =>
  defineAdapter({
    contract: 1,
    id: platformId,
    name: 'Campaign',
    auth: [login],
    http: { base: `https://${host}`, hosts: [host], timeoutMs: requestTimeoutMs },
    accounts: async ({ http }) => [await http.get('me', { accept: z.object({ id: z.string(), name: z.string() }) })],
    errors: {
      read: ({ json }) => z.object({ code: z.string(), message: z.string() }).safeParse(json).data ?? {},
      table: [
        ['token', 'auth'],
        ['duplicate', 'duplicate'],
        ['not-ready', 'not-ready', { afterMs: 1_000 }],
        ['container-expired', 'stale'],
        ['slow-down', 'rate'],
        ['slow-down-unsaid', 'rate', { afterMs: 2_000 }],
      ],
    },
    content: [
      post({
        limits: { text: { text: [{ max: 200, count: 'graphemes' }] }, parts: 5, source: 'made for the campaign', checkedAt: '2026-11-27' },
        recovery: recoveryOf[door],
        publish: async ({ parts }, run) => {
          const placements: Placement[] = []
          for (const [n, { text }] of parts.entries()) placements.push(await publishPart(door, run, n, text, placements.at(-1)?.id))
          return placements[0] as Placement
        },
      }),
    ],
  })
