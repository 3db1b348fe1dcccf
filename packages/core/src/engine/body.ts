// What a publication stores: for every platform the content that was frozen when it was accepted, and the host's wishes. Pure.

import type { Reason } from '../contract/events.ts'
import type { Json } from '../contract/json.ts'
import type { Placement, Proof } from '../contract/kind.ts'
import type { MediaFacts } from '../contract/media.ts'
import { versioned } from './versioned.ts'

/** One platform's content as the host wrote it, variant applied, with what its files turned out to be. */
export interface StoredContent {
  readonly kind: string
  readonly input: Json
  readonly options: Json
  readonly files: readonly MediaFacts[]
}

export interface Body {
  readonly v: 1
  readonly contents: Readonly<Record<string, StoredContent>>
  /** The host's name for the content, where it gave one. */
  readonly contentKey: string | null
  readonly maxLatenessMs: number | null
  readonly onUncertain: 'hold' | 'retry' | 'drop' | null
  /** The wall times that the host gave, for showing and for a change of zone rules. By platform; `''` for all. */
  readonly wall: Readonly<Record<string, { readonly at: string; readonly timeZone: string }>>
  /** For `update`, `unpublish`, `refresh`: what is there, by connection. */
  readonly placed?: Readonly<Record<string, StoredPlacement>>
}
export interface StoredPlacement {
  readonly deliveryId: string
  readonly placement: Placement
  readonly parts: readonly Placement[]
  readonly content: StoredContent
}

/** The column `result` of a delivery. */
export interface Result {
  readonly v: 1
  readonly placement?: Placement
  readonly parts: readonly Placement[]
  readonly proof?: Proof
  /** When it was found to be there, by the database's clock. */
  readonly at?: number
  readonly reason?: Reason
}

export const readBody = (body: string): Body => versioned<Body>(body, 'publication')
export const readResult = (result: string | null): Result | undefined => (result === null ? undefined : versioned<Result>(result, 'result'))
