// What a delivery remembers between runs: the column `steps` (saved work, finished commits) and the column `marker` (the commit that may be out). Pure.

import type { Json } from '../contract/json.ts'
import type { Placement } from '../contract/kind.ts'
import { versioned } from './versioned.ts'

interface Finished {
  readonly name: string
  /** What was sent, for `explain`. */
  readonly request: Json
  readonly placement: Placement
}

export interface Journal {
  readonly v: 1
  /** When the present try began, by the database's clock: what waits for a limit, a retry or a human does not use up its time. */
  startedAt: number | null
  /** When a worker was to look at it next, as the last run left it: much later than this, the database may be older than the platform. */
  plannedAt: number | null
  /**
   * It was overdue by much when a run came to it (a restored backup, a long outage): a run that the database has forgotten may have sent of it what no commit
   * is stored of, between these instants. Kept, because a run may end before it comes to a commit.
   */
  overdue: { readonly since: number; readonly until: number } | null
  /** When a human last said that it shall go on: lateness counts from here. */
  resolvedAt: number | null
  /** Results of `once`, in the order they were saved. */
  once: Record<string, Json>
  /** Finished commits, in order: the parts. */
  done: Finished[]
  /** Names in `once` that stood when the last commit finished: `stale` keeps these and drops the rest. */
  kept: string[]
  /** How often what was prepared had gone stale since the last finished commit. */
  stale: number
  /** How often the outcome of an open commit was looked for. */
  reconciles: number
  /** Runs whose worker died, as far as a later run could write it down. */
  deaths: number
  /** It runs as the only one of its worker and has not got further yet: should that worker die now, it was this delivery. */
  alone: boolean
  /** A pacing slot was taken for this delivery. */
  paced: boolean
  /** The `ask` that waits for a human. */
  asked: string | null
  /** Answers of humans to `ask`. */
  answers: Record<string, Placement>
}

/** A commit whose request is stored. While it stands its outcome counts as unknown. */
export interface OpenCommit {
  readonly name: string
  /** What was frozen is what is sent again. */
  readonly request: Json
  /** By the database's clock. */
  firstSentAt: number
  lastSentAt: number
  /** By runs that are known of. */
  sends: number
  /** Set while no run that is known of has sent it: a forgotten one may have, before this instant. */
  readonly forgottenUntil?: number
  /** The platform said that the earlier sends are not there, before the last one. */
  provedAbsent: boolean
  /** Nobody may send it again: only look. */
  uncertain: boolean
  /** How often it was looked for since it became uncertain. */
  looks: number
}
export interface Marker {
  readonly v: 1
  readonly open: OpenCommit | null
}

/** Of a commit before its next send: whether an earlier one may have arrived. */
export const mayBeOut = ({ sends, forgottenUntil }: OpenCommit): boolean => sends > 0 || forgottenUntil !== undefined

/** Saved steps larger than this belong into a file: they are rewritten at every step. */
export const longestJournal = 64 * 1024

export const emptyJournal = (): Journal => ({
  v: 1,
  startedAt: null,
  plannedAt: null,
  overdue: null,
  resolvedAt: null,
  once: {},
  done: [],
  kept: [],
  stale: 0,
  reconciles: 0,
  deaths: 0,
  alone: false,
  paced: false,
  asked: null,
  answers: {},
})

export const readJournal = (steps: string): Journal =>
  steps === '{}' ? emptyJournal() : { ...emptyJournal(), ...versioned<Journal>(steps, "delivery's steps") }
export const readMarker = (marker: string | null): OpenCommit | null => (marker === null ? null : versioned<Marker>(marker, "delivery's marker").open)

export const writeJournal = (journal: Journal): string => JSON.stringify(journal)

/** Null as long as nothing can be on the platform. */
export const writeMarker = (journal: Journal, open: OpenCommit | null): string | null =>
  open || journal.done.length > 0 ? JSON.stringify({ v: 1, open } satisfies Marker) : null

/**
 * Forgets what was prepared since the last finished commit, so that the next run prepares it again. Where that did not help, everything that was prepared:
 * an adapter may get later parts ready before it commits the first.
 */
export const dropStale = (journal: Journal): Journal => ({
  ...journal,
  once: journal.stale === 0 ? Object.fromEntries(Object.entries(journal.once).filter(([name]) => journal.kept.includes(name))) : {},
  stale: journal.stale + 1,
})

/** A value as it comes back from storage: `undefined` members and class instances are gone, which a later run would notice anyway. */
export const asStored = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T))
