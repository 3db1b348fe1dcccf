// A content kind is a value that carries its methods: `post`, `listing`, or an author's own. A new kind needs no change in core.

import type { z } from 'zod'
import type { Account, Secret } from './auth.ts'
import type { PublishError } from './error.ts'
import type { Http } from './http.ts'
import type { Json } from './json.ts'
import type { Limits, Problem } from './limits.ts'
import type { Media, MediaInput } from './media.ts'

/** What a delivery leaves on a platform. `data` comes back in `update`, `unpublish` and `metrics`. */
export interface Placement {
  readonly id: string
  readonly url?: string
  readonly data?: Json
}
/** A placement with the parts that its commits left, in order, and the content that is there. */
export interface Placed<C> extends Placement {
  readonly parts: readonly Placement[]
  readonly content: C
}

/** What the platform can do about a send of unknown outcome; attacked by the conformance suite. */
export type Recovery =
  | {
      readonly class: 'idempotent' /** How long the platform remembers; then `find` decides. Absent: for ever. */
      readonly forMs?: number
      readonly settleMs?: number
    }
  | { readonly class: 'two-phase' | 'look-up' /** Longest delay until a send shows in a read. */; readonly settleMs: number }
  | { readonly class: 'probe'; readonly settleMs: number }
  | { readonly class: 'blind' }

/** What a look found: the placement; `absent`: surely not there, as far as the read shows; `unknown`: it cannot be told, and nothing is sent for it. */
export type Found<T> = T | 'absent' | 'unknown'

/** What `find` knows of the sends before it. */
export interface Trace {
  /** When the first send left, by the database's clock. */
  readonly sentAt: Date
  /** The platform's "I have that already", when sending again brought it. */
  readonly refusal?: PublishError
  /** One not yet claimed by another delivery and not older than the send: it. None: `absent`. More: `unknown`. */
  pick<T extends Placement>(candidates: readonly (T & { readonly at?: Date })[]): Promise<Found<T>>
}

/**
 * One call that must not happen twice. `request` is JSON: it is stored before `send`, and the stored one is handed to `send` and `find`, also after a deploy
 * that would write another.
 */
export interface Commit<R, T> {
  readonly request: R
  /** Where this call differs from its kind: a paid refresh, a first comment. */
  readonly recovery?: Recovery
  send(request: R): Promise<T>
  /** After an unknown outcome: is it there? Two candidates are `unknown`. `absent` is believed only after `settleMs`. */
  find?(request: R, trace: Trace): Promise<Found<T>>
}

/** What a method that only reads gets: the account, and a client that carries its credentials. */
export interface Reading {
  readonly account: Account
  readonly http: Http
}

/** One run of one delivery. */
export interface Run extends Reading {
  /** Same for every run of this delivery: `key` for the platform's dedupe, `at` for "created at". Never read a clock. */
  readonly delivery: { readonly key: string; readonly at: Date }
  /** What the user typed and, for `session`, `access`; opened on `reveal()`. Never a refresh token. */
  readonly credentials: Readonly<Record<string, Secret>>
  /** Saves the JSON of `work` under `name`; later runs get it back. Names are unique in a run; may run in `Promise.all`. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a step may be done for its effect, and an async function that returns nothing is `void`
  once<T extends Json | void>(name: string, work: () => Promise<T>): Promise<T>
  /** The call that must not happen twice. One at a time. `request` is stored before `send`, and the stored one is what `send` gets, always. */
  commit<R extends Json, T extends Placement>(name: string, step: Commit<R, T>): Promise<T>
  /** Ends the run; the next starts after `ms` or when a webhook names this placement. Throws, cannot be caught away. */
  later(ms: number): never
  /** Ends the run in `needs_action`; once a human has answered, returns the answer. */
  ask(name: string, task: { title: string; steps: readonly string[]; openUrl?: string }): Promise<Placement>
}

/** A platform's figures under common names; what has none is in `native` under the platform's own. A figure that it does not give is missing, never 0. */
export type Metrics = Partial<Record<'views' | 'reach' | 'likes' | 'comments' | 'shares' | 'saves' | 'clicks', number>> & { native?: Record<string, number> }

/**
 * `platform`: the platform named its id. `accepted`: it took it, and shows it when it likes. `in-feed`: it stands in a feed that the platform reads. `human`:
 * somebody said so.
 */
export type Proof = 'platform' | 'accepted' | 'in-feed' | 'human'

/** A content with the adapter's options beside it, as its schema gives them out. */
export type With<C, O extends z.ZodType> = C & { readonly options: z.output<O> }

/** Each method is a capability. `publish` reads top to bottom and is run again from the top after every `later`, crash or retry. */
export interface Push<C extends object, O extends z.ZodType> {
  /** What a user may set for this platform only: `variants.<platform>.options`. */
  readonly options?: O
  /** A function where the account decides (instance, premium); then it reads `account.facts`. Without an account it answers the platform's usual limits. */
  readonly limits?: Limits | ((account: Account | undefined) => Limits)
  /** Pure; only for what `limits` cannot say. Returns every problem, never the first. */
  check?(content: With<C, O>, account: Account | undefined): Problem[]
  /** What `published` rests on. Default `platform`: the platform named its id. */
  readonly proof?: Proof
  readonly recovery: Recovery
  /**
   * Deliveries of this kind to one connection, whatever their action, run one at a time across all processes. One whose worker died keeps the others back until it is taken up
   * again. An `uncertain` one keeps nobody back. Default: side by side, up to `perConnection` in each process.
   */
  readonly serialize?: true
  /** From first run to verdict. Past it: `failed` before a commit, `uncertain` after one. Default 1 h. */
  readonly giveUpAfterMs?: number
  publish(content: With<C, O>, run: Run): Promise<Placement>
  update?(content: With<C, O>, placement: Placed<C>, run: Run): Promise<Placement | undefined>
  /** A platform that answers "no such thing" (`gone`) counts as done. */
  unpublish?(placement: Placed<C>, run: Run): Promise<void>
  refresh?(placement: Placed<C>, run: Run): Promise<void>
  readonly metrics?: { readonly atOnce: number; read(placements: readonly Placed<C>[], run: Reading): Promise<Map<string, Metrics>> }
}

/** A piece of content as `check` sees it: a post's parts; one for most kinds. */
export interface Section {
  /** Below the content, e.g. `/thread/0`; empty for the content itself. */
  readonly pointer: string
  readonly texts: Readonly<Record<string, string>>
  readonly media: readonly Media[]
}

/** What a kind is made of. `In` is what the host writes, `C` what an adapter reads. */
export interface KindSpec<K extends string, C extends object, In extends object> {
  readonly kind: K
  /** Refuses unknown members, so that a spelling mistake is found. */
  readonly schema: z.ZodType<In>
  /** Every file the content names, with its JSON pointer; in the order `build` gets them. */
  media(input: In): readonly { readonly pointer: string; readonly media: MediaInput }[]
  /** The content for the adapter; `files` are the probed ones of `media(input)`, in order. Called again on every run: pure. */
  build(input: In, files: readonly Media[]): C
  sections(content: C): readonly Section[]
  /** What the kind itself demands on every platform, and what `limits` says beyond text, parts and files. */
  check?(content: C, limits: Limits | undefined): Problem[]
}

/** Calling it adds the kind to an adapter. */
export interface Kind<K extends string, C extends object, In extends object> {
  <O extends z.ZodType = z.ZodUndefined>(spec: Push<C, O>): Support<K, C, In, O>
  readonly kind: K
}
/** A kind with the methods that an adapter has for it: what calling the kind answers, and what `content` lists. */
// biome-ignore lint/suspicious/noExplicitAny: an adapter is used by core without knowing its content types; every concrete use infers them
export interface Support<K extends string = string, C extends object = any, In extends object = any, O extends z.ZodType = any> {
  readonly kind: K
  readonly of: KindSpec<K, C, In>
  readonly spec: Push<C, O>
}

/** Makes a content kind of your own. */
export const defineKind = <K extends string, C extends object, In extends object>(of: KindSpec<K, C, In>): Kind<K, C, In> =>
  Object.assign(<O extends z.ZodType = z.ZodUndefined>(spec: Push<C, O>): Support<K, C, In, O> => ({ kind: of.kind, of, spec }), { kind: of.kind })
