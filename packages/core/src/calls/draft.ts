// What the host writes to publish something. The types follow from the adapters that were given: an unknown platform or option is a compile error.

import { z } from 'zod'
import type { Adapter } from '../contract/adapter.ts'
import type { Support } from '../contract/kind.ts'
import { type Priority, priorities } from '../contract/storage.ts'
import type { When } from './when.ts'

type InputOf<S> = S extends Support<string, object, infer In> ? In : never
type OptionsOf<S> = S extends { readonly spec: { readonly options?: infer O } } ? (O extends z.ZodType ? z.input<O> : never) : never
type SupportOf<A> = A extends Adapter<string, infer S> ? S : never

/** What `content` may be: any kind that one of the adapters takes. */
export type ContentOf<A extends Adapter> = InputOf<SupportOf<A>>
type VariantOf<A> = A extends Adapter<string, infer S> ? Partial<Omit<InputOf<S>, 'kind'>> & { options?: OptionsOf<NonNullable<S>> | undefined } : never
/** Per platform: members that replace those of `content` there, and the platform's own options. */
export type VariantsOf<A extends Adapter> = { [P in A['id']]?: VariantOf<Extract<A, { id: P }>> | undefined }

/** What to publish, and where. Checked whole before anything is stored; unknown members are refused. */
export interface Draft<A extends Adapter = Adapter> {
  tenant: string
  content: ContentOf<A>
  variants?: VariantsOf<A> | undefined
  /** Ids of connections. Each gets a delivery. */
  to: readonly string[]
  /** The same key again gives the same publication back and publishes nothing. Per tenant, as long as the publication is kept. */
  idempotencyKey?: string | undefined
  /** What must not go to one connection twice at the same time. Default: the content itself. */
  contentKey?: string | undefined
  /** A head start among what is due, never a reason to go out early. Default `normal`. */
  priority?: Priority | undefined
  /** Later than this it is `missed` instead. Default 24 h. */
  maxLatenessMs?: number | undefined
  /** When nobody can know whether it was published. `hold` (default): wait for `resolve`. `retry`: send again, which may publish twice. `drop`: leave it. */
  onUncertain?: 'hold' | 'retry' | 'drop' | undefined
}

/** A draft with its moment: `at`, or `times` for each platform. */
export interface ScheduledDraft<A extends Adapter = Adapter> extends Draft<A> {
  at: When
  /** For wall times. */
  timeZone?: string | undefined
  /** Another time for a platform. */
  times?: { [P in A['id']]?: When | undefined } | undefined
}

const when = z.union([z.string(), z.date()])
const name = (what: string) => {
  const words = `Give ${what} as a text of 1 to 255 characters`
  return z.string(words).min(1, words).max(255, words)
}
const milliseconds = 'Give a whole number of milliseconds above 0'
const connections = 'List the ids of the connections that it goes to, at least one'
/** The frame; `content` and `variants` are read by their kind. */
export const draftSchema = z.strictObject({
  tenant: name('whose it is'),
  content: z.looseObject({ kind: z.string().optional() }),
  variants: z.record(z.string(), z.looseObject({ options: z.unknown().optional() }).optional()).optional(),
  to: z.array(z.string(connections).min(1, connections), connections).min(1, connections),
  idempotencyKey: name('a key').optional(),
  contentKey: name('a key').optional(),
  priority: z.enum(Object.keys(priorities) as [Priority, ...Priority[]]).optional(),
  maxLatenessMs: z.int(milliseconds).positive(milliseconds).optional(),
  onUncertain: z.enum(['hold', 'retry', 'drop']).optional(),
  at: when.optional(),
  timeZone: z.string().optional(),
  times: z.record(z.string(), when.optional()).optional(),
})
export type ReadDraft = z.output<typeof draftSchema>
