// Limits and problems: data, never code that throws.

import type { Json } from './json.ts'
import type { MediaType } from './media.ts'

/** Both ends included. */
export type Range = readonly [least: number, most: number]

/** How a text is counted. A named count is the platform's own, e.g. X's weights. */
export type Count = 'graphemes' | 'utf16' | 'bytes' | 'code-points' | { readonly name: string; of(text: string): number }

/** In the unit that `count` says. */
export interface TextLimit {
  readonly max: number
  readonly min?: number
  readonly count: Count
}

/** For one type of file. `bytes` and `durationMs` are the most; absent: not checked. */
export interface MediaLimit {
  readonly atMost?: number
  readonly bytes: number
  readonly mimes: readonly string[]
  readonly width?: Range
  readonly height?: Range
  /** Width divided by height. */
  readonly ratio?: Range
  readonly durationMs?: Range
}

/** What a platform accepts. Checked by core before anything leaves. */
export interface Limits {
  /** Per text field of the kind (a post's is `text`), every limit must hold. */
  readonly text?: Readonly<Record<string, readonly TextLimit[]>>
  /** Parts of a thread, the first included. Default 1. */
  readonly parts?: number
  readonly media?: {
    readonly atMost: number
    /** `one-type`: images or a video, not both. Default `any`. */
    readonly mix?: 'any' | 'one-type'
    /** Alternative text of each file. */
    readonly alt?: TextLimit
    readonly types: Partial<Readonly<Record<MediaType, MediaLimit>>>
  }
  /** `false`: the platform has none. */
  readonly poll?: { readonly options: Range; readonly option: TextLimit; readonly durationMs: Range; readonly withMedia: boolean } | false
  /** Whether a post may answer another one. Default true. */
  readonly reply?: boolean
  /** Where the figures come from, and when somebody last looked. */
  readonly source: string
  readonly checkedAt: string
}

/** One thing that is wrong, found before anything was sent. */
export interface Problem {
  /** Stable, for programs: `text-too-long`, `media-type`, … */
  readonly code: string
  /** Absent: it concerns every platform. */
  readonly platform?: string
  /** JSON pointer into the draft, e.g. `/variants/bluesky/text`. */
  readonly pointer: string
  readonly actual?: Json
  readonly limit?: Json
  readonly unit?: string
  /** One sentence: what to do. */
  readonly fix: string
  /** `warning`: it goes out all the same. Default `error`. */
  readonly severity?: 'error' | 'warning'
}
