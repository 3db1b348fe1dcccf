// An account of the emulated X, files to post, and the engine's own run over them, in a process that may die at every request and every write. Time is the test's own.

import { createHash } from 'node:crypto'
import {
  type Account,
  type Clock,
  type Fetch,
  type Media,
  type MediaFacts,
  type Placed,
  type Placement,
  type Post,
  type PostInput,
  type Push,
  post as postKind,
  type Run,
} from '@syndikit/core'
import { createSandbox, type Stage } from '@syndikit/sandbox'
import { dropStale, readJournal, readMarker, writeJournal, writeMarker } from '../../../core/src/engine/journal.ts'
import { createLease, moment } from '../../../core/src/engine/lease.ts'
import { defaultGiveUpAfterMs, defaultMaxLatenessMs, defaultRetryAfterMs, type Ending, nextStep } from '../../../core/src/engine/next-step.ts'
import { createRun } from '../../../core/src/engine/run.ts'
import { createHttp } from '../../../core/src/http/client.ts'
import { x } from '../src/index.ts'
import type { options, XPost } from '../src/request.ts'
import type { State } from '../src/sandbox/state.ts'
import { sandbox as emulator } from '../src/sandbox.ts'

const start = Date.parse('2026-11-20T09:00:00.000Z')
export const sara = { id: '1700000000000000001', name: 'sandbox_sara' }
export const omar = { id: '1700000000000000002', name: 'sandbox_omar' }

/** A file that counts how often it is opened. */
export type TestMedia = Media & { readonly opened: () => number }

const fileOf = (bytes: Uint8Array, facts: Partial<MediaFacts>): TestMedia => {
  let opened = 0
  return {
    type: 'image',
    mime: 'image/png',
    name: 'picture.png',
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...facts,
    chunks: async function* (size) {
      opened += 1
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    },
    stream: (from = 0) => ReadableStream.from([bytes.subarray(from)]),
    opened: () => opened,
  }
}
export const png = (mark: string, facts: Partial<MediaFacts> = {}): TestMedia =>
  fileOf(Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.from(mark)]), facts)
export const gif = (facts: Partial<MediaFacts> = {}): TestMedia =>
  fileOf(Buffer.from('GIF89a and what comes after'), { mime: 'image/gif', name: 'dance.gif', ...facts })
/** `size` bytes, so that it takes several pieces. */
export const mp4 = (size: number, facts: Partial<MediaFacts> = {}): TestMedia => {
  const bytes = Buffer.alloc(size, 7)
  Buffer.from('00000018667479706d703432', 'hex').copy(bytes)
  return fileOf(bytes, { type: 'video', mime: 'video/mp4', name: 'film.mp4', ...facts })
}
export const brokenVideo = (): TestMedia => fileOf(Buffer.from('this is not a film'), { type: 'video', mime: 'video/mp4', name: 'film.mp4' })

const kind = postKind({ recovery: { class: 'blind' }, publish: async () => ({ id: '' }) })
const files = (media: readonly Media[] | undefined) => media?.map((_, i) => ({ file: `${i}` }))

export interface Draft extends Omit<PostInput, 'media' | 'thread'> {
  media?: readonly Media[]
  thread?: readonly { text?: string; media?: readonly Media[] }[]
  options?: XPost['options']
}
/** A post as the engine builds it. */
export const postOf = ({ media, thread, options = {}, ...input }: Draft): XPost => ({
  ...kind.of.build({ ...input, media: files(media), thread: thread?.map((part) => ({ text: part.text, media: files(part.media) })) }, [
    ...(media ?? []),
    ...(thread ?? []).flatMap((part) => part.media ?? []),
  ]),
  options,
})

export interface Outcome {
  readonly to: string
  readonly reason: string
  readonly placement: Placement | undefined
  readonly parts: readonly Placement[]
  readonly runs: number
  /** Every place where the process could have died. */
  readonly boundaries: number
  readonly error: Extract<Ending, { kind: 'refused' }>['error'] | undefined
}
export interface Plan {
  /** The process dies at this boundary, once. */
  readonly dieAt?: number
  /** Ids that belong to other deliveries. */
  readonly claimed?: readonly string[]
  /** Before each run, from 1. */
  before?(run: number): void | Promise<void>
}

const leaseMs = 60_000
const mostRuns = 60

export const sceneOf = (who: { id: string; name: string } = sara, app: { longPosts?: boolean } = {}) => {
  let now = start
  const pass = (ms: number) => {
    now += ms
  }
  /** Pauses pass at once; time-outs, which have a signal, never come. */
  const clock: Clock = {
    now: () => now,
    elapsed: () => now - start,
    sleep: (ms, signal) => (signal ? new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })) : Promise.resolve(pass(ms))),
  }
  let held: Stage<State> | undefined
  const create = (stage: Stage<State>) => {
    held = stage
    return emulator.create(stage)
  }
  // Emulators differ in their state, which the sandbox does not read.
  const platform = createSandbox({ platforms: [{ ...emulator, create } as never], clock, seed: 1 })
  const stage = held as unknown as Stage<State>
  let tokens = 0
  const login = () => {
    const scope = 'tweet.read tweet.write users.read media.write offline.access'
    stage.state.tokens[`token-${++tokens}-of-the-account`] = {
      kind: 'access',
      app: 'sandbox-client',
      account: who.id,
      scope,
      family: 'f',
      expiresAt: now + 1e12,
      spent: false,
    }
  }
  login()
  const adapter = x({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret', ...app })
  const spec = adapter.content[0]?.spec as Push<Post, typeof options>
  const sent: { method: string; path: string; query: URLSearchParams; json: () => Promise<Record<string, unknown>> }[] = []
  const fetch: Fetch = async (request) => {
    const url = new URL(request.url)
    const copy = request.clone()
    sent.push({ method: request.method, path: url.pathname, query: url.searchParams, json: async () => (await copy.json()) as Record<string, unknown> })
    return platform.fetch(request)
  }
  const httpOver = (through: Fetch, mode?: (method: string) => 'read' | 'prepare' | 'commit' | 'silent') =>
    createHttp({
      adapter,
      fetch: through,
      clock,
      credentials: async () => ({ bearer: `token-${tokens}-of-the-account` }),
      renew: async () => {
        login()
        return true
      },
      ...(mode && { mode }),
    })
  const account: Account = { id: who.id, name: who.name, url: `https://x.com/${who.name}`, facts: { subscription: who === sara ? 'Premium' : 'None' } }

  const deliver = async (
    method: (run: Run) => Promise<Placement | undefined>,
    action: 'publish' | 'update' | 'unpublish' = 'publish',
    plan: Plan = {},
  ): Promise<Outcome> => {
    const disk = { steps: '{}', marker: null as string | null }
    let boundaries = 0
    let tries = 0
    let dead = false
    const boundary = () => {
      if (!dead && boundaries++ === plan.dieAt) dead = true
      if (dead) throw new Error('The process is dead.')
    }
    const mortal: Fetch = async (request) => {
      boundary()
      const reply = await fetch(request)
      boundary()
      return reply
    }
    for (let runs = 1; runs <= mostRuns; runs++) {
      await plan.before?.(runs)
      dead = false
      const write = (journal = ports.journal) => {
        disk.steps = writeJournal(journal)
        disk.marker = writeMarker(ports.journal, ports.open)
      }
      const journal = readJournal(disk.steps)
      const ports: Parameters<typeof createRun>[0] = {
        journal: { ...journal, startedAt: journal.startedAt ?? now },
        open: readMarker(disk.marker),
        lease: createLease(clock, moment(clock), 30 * leaseMs),
        now: clock.now,
        latest: clock.now,
        save: async () => {
          boundary()
          write()
          boundary()
        },
        quota: async () => undefined,
        claimed: async (ids) => ids.filter((id) => plan.claimed?.includes(id)),
        recovery: spec.recovery,
        onUncertain: 'hold',
        timeoutMs: 30_000,
        overdueSince: undefined,
      }
      const running = createRun(ports)
      const delivery = { key: '0190aa00bb11cc22dd33ee44ff550001', at: new Date(start) }
      const run: Run = { account, http: httpOver(mortal, running.mode), credentials: {}, delivery, ...running.steps }
      const ending = await running.perform(() => method(run))
      if (dead) {
        pass(leaseMs)
        continue
      }
      const next = nextStep(ending, {
        action,
        now,
        dueAt: start,
        startedAt: ports.journal.startedAt ?? now,
        tries,
        done: ports.journal.done.length,
        open: ports.open !== null,
        uncertain: false,
        stale: ports.journal.stale,
        reconciles: ports.journal.reconciles,
        looks: 0,
        chance: 0,
        policy: {
          retryAfterMs: defaultRetryAfterMs,
          maxLatenessMs: defaultMaxLatenessMs,
          giveUpAfterMs: spec.giveUpAfterMs ?? defaultGiveUpAfterMs,
          onUncertain: 'hold',
        },
      })
      write(next.prepareAgain ? dropStale(ports.journal) : ports.journal)
      tries = next.tries
      if (next.to === 'scheduled') {
        pass(Math.max(0, (next.nextAt ?? now) - now))
        continue
      }
      return {
        to: next.to,
        reason: next.reason ? `${next.reason.code}: ${next.reason.message}` : ending.kind === 'bug' ? ending.message : '',
        placement: ending.kind === 'placed' ? ending.placement : undefined,
        parts: ports.journal.done.map(({ placement }) => placement),
        runs,
        boundaries,
        error: ending.kind === 'refused' ? ending.error : undefined,
      }
    }
    throw new Error(`It did not end within ${mostRuns} runs.`)
  }

  return {
    adapter,
    spec,
    account,
    platform,
    state: stage.state,
    sent,
    pass,
    now: clock.now,
    http: httpOver(fetch),
    publish: (draft: Draft, plan?: Plan) => deliver((run) => spec.publish(postOf(draft), run), 'publish', plan),
    update: (draft: Draft, placed: Placed<Post>, plan?: Plan) => deliver(async (run) => spec.update?.(postOf(draft), placed, run), 'update', plan),
    unpublish: (placed: Placed<Post>, plan?: Plan) =>
      deliver(
        async (run) => {
          await spec.unpublish?.(placed, run)
          return { id: placed.id }
        },
        'unpublish',
        plan,
      ),
    /** Writes on X behind the adapter's back. */
    tweet: async (json: object) => {
      const headers = { authorization: `Bearer token-${tokens}-of-the-account`, 'content-type': 'application/json' }
      const reply = await platform.fetch(new Request('https://api.x.com/2/tweets', { method: 'POST', headers, body: JSON.stringify(json) }))
      return ((await reply.json()) as { data: { id: string } }).data.id
    },
    texts: () => platform.shown().map(({ text }) => text),
    commits: () => sent.filter(({ method, path }) => method === 'POST' && path === '/2/tweets').length,
  }
}

/** What a finished publish left, as `update` and `unpublish` get it: without files, as the engine gives it. */
export const placedOf = ({ placement, parts }: Outcome, draft: Draft): Placed<Post> => {
  if (!placement) throw new Error('Nothing was placed.')
  const { options: _, ...content } = postOf(draft)
  return { ...placement, parts, content: { ...content, parts: content.parts.map(({ text }) => ({ text, media: [] })) } }
}
