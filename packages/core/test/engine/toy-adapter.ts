// Adapters of the toy platform, one per recovery class: the shapes that real adapters have, in a few lines.

import { z } from 'zod'
import {
  type Adapter,
  type Commit,
  defineAdapter,
  type Found,
  type Json,
  type Placement,
  PublishError,
  post,
  type Recovery,
  type Run,
  type Session,
  type Trace,
} from '../../src/index.ts'

export const placed = z.object({ id: z.string(), url: z.string().optional() })
const container = z.object({ id: z.string() })
const state = z.object({ ready: z.boolean() })
const made = z.object({ post: z.string().nullable() })
const fault = z.object({ code: z.string(), message: z.string() })
const me = z.object({ id: z.string(), name: z.string() })
const listed = z.array(z.object({ id: z.string(), text: z.string(), at: z.number() }))

type Door = 'idempotent' | 'two-phase' | 'look-up' | 'probe' | 'blind'
export type Sent = { text: string; replyTo?: string; container?: string }

const recoveries: Readonly<Record<Door, Recovery>> = {
  idempotent: { class: 'idempotent', forMs: 3_600_000 },
  'two-phase': { class: 'two-phase', settleMs: 60_000 },
  'look-up': { class: 'look-up', settleMs: 120_000 },
  probe: { class: 'probe', settleMs: 60_000 },
  blind: { class: 'blind' },
}

const among = async ({ http }: Run, { text }: Sent, trace: Trace): Promise<Found<Placement>> => {
  const posts = await http.get('posts', { accept: listed })
  return trace.pick(posts.filter((one) => one.text === text).map(({ id, at }) => ({ id, at: new Date(at) })))
}

const byContainer = async ({ http }: Run, { container }: Sent): Promise<Found<Placement>> => {
  const { post } = await http.get(`prepare/${container}`, { accept: made })
  return post === null ? 'absent' : { id: post }
}

export const finders: Partial<Record<Door, (run: Run, sent: Sent, trace: Trace) => Promise<Found<Placement>>>> = {
  idempotent: among,
  'look-up': among,
  probe: among,
  'two-phase': byContainer,
}

export const prepare = async (door: Door, name: string, text: string, { once, http, later }: Run): Promise<string | undefined> => {
  if (door !== 'two-phase') return undefined
  const { id } = await once(`${name}/container`, () => http.post('prepare', { json: { text }, accept: container }))
  await once(`${name}/ready`, async () => {
    const { ready } = await http.get(`prepare/${id}`, { accept: state })
    if (!ready) later(10_000)
  })
  return id
}

export const toy = (door: Door, change: { recovery?: Recovery; publish?: (run: Run) => Promise<Placement> } = {}): Adapter =>
  defineAdapter({
    contract: 1,
    id: 'toy',
    name: 'Toy',
    auth: [login],
    http: { base: 'https://toy.example', hosts: ['toy.example'], timeoutMs: 20_000 },
    accounts: async ({ http }) => [await http.get('me', { accept: me })],
    errors: {
      read: ({ json }) => fault.safeParse(json).data ?? {},
      table: [
        ['token', 'auth'],
        ['duplicate', 'duplicate'],
        ['not-ready', 'not-ready'],
        ['container-expired', 'stale'],
        ['slow-down', 'rate'],
        ['gone', 'gone'],
      ],
    },
    content: [
      post({
        limits: { text: { text: [{ max: 100, count: 'graphemes' }] }, parts: 3, source: 'made up', checkedAt: '2026-11-20' },
        recovery: change.recovery ?? recoveries[door],
        publish: async ({ parts, replyTo: answered }, run) => {
          if (change.publish) return change.publish(run)
          const placements: Placement[] = []
          for (const [i, { text }] of parts.entries()) {
            const container = await prepare(door, `part-${i}`, text, run)
            const replyTo = placements.at(-1)?.id ?? answered?.id
            const find = finders[door]
            const step: Commit<Sent & Json, Placement> = {
              request: { text, ...(container && { container }), ...(replyTo && { replyTo }) } as Sent & Json,
              send: (json) =>
                run.http.post(`${door}/posts`, { json, headers: { 'idempotency-key': `${run.delivery.key}:${i}` }, accept: placed }) as Promise<Placement>,
              ...(find && { find: (sent: Sent, trace: Trace) => find(run, sent, trace) }),
            }
            placements.push(await run.commit(`part-${i}`, step))
          }
          return placements[0] as Placement
        },
        unpublish: async ({ parts }, { http }) => {
          for (const { id } of parts.toReversed()) {
            await http.delete(`posts/${id}`).catch((error: unknown) => {
              if (!PublishError.is(error) || error.code !== 'gone') throw error
            })
          }
        },
      }),
    ],
  })

const pair = z.object({ access: z.string(), refresh: z.string(), expires_in: z.number() })
const tokens = ({ access, refresh, expires_in }: z.output<typeof pair>) => ({ access, refresh, expiresInMs: expires_in * 1_000 })

const fields = z.strictObject({ name: z.string() })
const login: Session<typeof fields> = {
  type: 'session',
  fields,
  rotation: 'none',
  open: async ({ name }, http) => tokens(await http.post('login', { json: { name: name.reveal() }, accept: pair })),
  renew: async (http) => tokens(await http.post('refresh', { accept: pair })),
}
