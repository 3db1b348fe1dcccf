// The adapter of the simulated platform, one per recovery class: the toy adapter, and an adapter's worst habit: what it writes differs from run to run.

import {
  type Adapter,
  type Commit,
  defineAdapter,
  type Found,
  type Http,
  type Json,
  type OAuth2,
  type Placement,
  PublishError,
  post,
  type Recovery,
  type Run,
} from '@syndikit/core'
import { z } from 'zod'
import { finders, placed, prepare, type Sent, toy } from '../../core/test/engine/toy-adapter.ts'
import { type Door, doors } from './platform.ts'

/** What a text begins with says how it is prepared, whatever the class. */
export const shapes = { plain: 'text', waits: 'slow', uploads: 'film', asks: 'nosy' } as const
/** Least and most that an upload takes: longer than a lease, now and then. */
export const uploadMs = [5_000, 110_000] as const

/** A frozen request is not affected: what the first send of a commit carried is what every later one carries. */
let stamps = 0
const stamp = () => ++stamps
/** Before a world begins: the same seed stamps the same. */
export const restartStamps = (): void => {
  stamps = 0
}

type Stamped = Sent & { stamp: number }
type Edit = { id: string; text: string; stamp: number }

const headers = (run: Run, part: number | string) => ({ 'idempotency-key': `${run.delivery.key}:${part}` })

const upload = ({ once, http, delivery }: Run, i: number): Promise<string> =>
  once(`part-${i}/upload`, async () => {
    const headers = { 'idempotency-key': `${delivery.key}:${i}` }
    return (await http.post('upload', { headers, timeoutMs: uploadMs[1] + 10_000, accept: placed })).id
  })

const publishPart = async (door: Door, run: Run, text: string, i: number, replyTo: string | undefined): Promise<Placement> => {
  if (text.startsWith(shapes.uploads)) await upload(run, i)
  // A bad habit: not inside `once`.
  if (text.startsWith(shapes.asks)) await run.http.get('me', { headers: headers(run, i), accept: placed }).catch(() => undefined)
  const prepared = await prepare(text.startsWith(shapes.waits) ? 'two-phase' : door, `part-${i}`, text, run)
  const container = door === 'two-phase' ? prepared : undefined
  const find = finders[door]
  const step: Commit<Stamped & Json, Placement> = {
    request: { text, ...(container && { container }), ...(replyTo && { replyTo }), stamp: stamp() } as Stamped & Json,
    send: (json) => run.http.post('posts', { json, headers: headers(run, i), accept: placed }) as Promise<Placement>,
    ...(find && { find: (sent: Sent, trace) => find(run, sent, trace) }),
  }
  return run.commit(`part-${i}`, step)
}

const shown = z.object({ id: z.string(), text: z.string() })

const lookAt = async (http: Http, { id, text }: Edit): Promise<Found<Placement>> => {
  const there = await http.get(`posts/${id}`, { accept: shown })
  return there.text === text ? { id } : 'absent'
}

const update = async (door: Door, run: Run, id: string, text: string): Promise<Placement> =>
  run.commit<Edit & Json, Placement>('edit', {
    request: { id, text, stamp: stamp() },
    send: async (json) => ({ id: (await run.http.put(`posts/${id}`, { json, headers: headers(run, 'edit'), accept: shown })).id }),
    ...(door !== 'blind' && { find: (sent: Edit) => lookAt(run.http, sent) }),
  })

const remove = (run: Run, id: string): Promise<void> =>
  run.http.delete(`posts/${id}`, { headers: headers(run, 'remove') }).catch((error: unknown) => {
    if (!PublishError.is(error) || error.code !== 'gone') throw error
  })

/** Without windows and pacing, or with both: as tight as they make a delivery wait now and then. */
const limitsOf = (door: Door): Pick<Adapter, 'rates' | 'paceMs'> => ({
  ...(door === 'look-up' && { rates: [{ on: 'publish', limit: 4, windowMs: 600_000, per: 'account' }] }),
  ...(door === 'idempotent' && { paceMs: 20_000 }),
})

export const timeoutMs = 20_000
const recoveries = new Map(doors.map((door) => [door, toy(door).content[0]?.spec.recovery as Recovery]))
export const recoveryOf = (door: Door): Recovery => recoveries.get(door) as Recovery
/** How long after it left a call may take to have its effect and to be seen: what the class promises to wait for. */
export const boundMs = (door: Door): number => {
  const recovery = recoveryOf(door)
  return timeoutMs + ('settleMs' in recovery ? (recovery.settleMs ?? 0) : 0)
}

/** A consent whose refresh tokens work once: whoever shows an old one loses the grant. */
const rotates = (door: Door): OAuth2 => ({
  type: 'oauth2',
  client: { id: 'app', auth: 'none', authorizeUrl: `https://toy.example/${door}/authorize`, tokenUrl: `https://toy.example/${door}/token` },
  scopes: ['post'],
  pkce: false,
  rotation: 'family',
})

const adapterOf = (door: Door, rotating: boolean): Adapter =>
  defineAdapter({
    ...toy(door),
    ...limitsOf(door),
    ...(rotating && { auth: [rotates(door)] }),
    id: door,
    name: door,
    http: { base: `https://toy.example/${door}`, hosts: ['toy.example'], timeoutMs },
    content: [
      post({
        limits: { text: { text: [{ max: 100, count: 'graphemes' }] }, parts: 3, source: 'made up', checkedAt: '2026-11-20' },
        recovery: recoveryOf(door),
        publish: async ({ parts }, run) => {
          const placements: Placement[] = []
          for (const [i, { text }] of parts.entries()) placements.push(await publishPart(door, run, text, i, placements.at(-1)?.id))
          return placements[0] as Placement
        },
        update: ({ parts }, { id }, run) => update(door, run, id, parts[0]?.text ?? ''),
        unpublish: async ({ parts }, run) => {
          for (const { id } of parts.toReversed()) await remove(run, id)
        },
      }),
    ],
  })

const made = new Map<string, Adapter>()
export const simulated = (door: Door, rotating: boolean): Adapter => {
  const name = `${door} ${rotating}`
  const adapter = made.get(name) ?? adapterOf(door, rotating)
  made.set(name, adapter)
  return adapter
}
