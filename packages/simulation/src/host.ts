// The host: what it asked for, what it was told, and what that allows. It knows nothing of the engine.

import type { Accepted, Refused, SyndikitEvent } from '@syndikit/core'
import type { Invariant } from './invariants.ts'

export interface HostDraft {
  readonly tenant: string
  readonly content: { readonly text: string; readonly thread?: readonly { readonly text: string }[] }
  readonly to: readonly string[]
  readonly idempotencyKey?: string
  readonly contentKey?: string
  readonly onUncertain?: 'hold' | 'retry' | 'drop'
  readonly maxLatenessMs?: number
  readonly at?: Date
}

interface Key {
  /** Every request that came with it. */
  readonly requests: Set<string>
  publicationId: string | undefined
}

export interface Host {
  readonly drafts: HostDraft[]
  /** Ids of deliveries that it was promised. */
  readonly promised: Set<string>
  /** What a human said of a delivery. */
  readonly said: Map<string, string>
  /** Cancels that were answered `done`. */
  readonly canceled: Set<string>
  readonly heard: SyndikitEvent[]
  /** Texts that were handed over without their key, too, or sent once more. */
  readonly reused: Set<string>
  /** Before a draft is handed over: from here on its key may be stored. */
  asks(draft: HostDraft): void
  told(draft: HostDraft, answer: Accepted | Refused): void
  /** Of a retry, an update or an unpublish. */
  toldMore(what: string, answer: Accepted | Refused): void
}

const requestOf = ({ tenant: _tenant, idempotencyKey: _key, ...asked }: HostDraft): string => JSON.stringify(asked)

export const newHost = (violated: (which: Invariant, what: string) => void): Host => {
  const keys = new Map<string, Key>()
  const scheduled = new Set<string>()
  const promised = new Set<string>()
  const reused = new Set<string>()
  /** Where the answer must be the same every time. */
  const same = new Map<string, string>()

  const keyed = ({ tenant, idempotencyKey }: HostDraft, more: string): Key | undefined => {
    if (idempotencyKey === undefined) return undefined
    const key = keys.get(`${tenant}|${idempotencyKey}`) ?? { requests: new Set(), publicationId: undefined }
    keys.set(`${tenant}|${idempotencyKey}`, key)
    key.requests.add(more)
    return key
  }
  const accepted = (answer: Accepted) => {
    if (answer.status === 'scheduled' && scheduled.has(answer.publicationId)) violated('K1', `the publication ${answer.publicationId} was scheduled twice`)
    if (answer.status === 'scheduled') scheduled.add(answer.publicationId)
    for (const { id } of answer.deliveries) promised.add(id)
  }
  const told = (draft: HostDraft, answer: Accepted | Refused) => {
    const key = keyed(draft, requestOf(draft))
    if (answer.status === 'active') return
    if (answer.status === 'key-reused') {
      if (!key || key.requests.size < 2) violated('K1', `the key ${draft.idempotencyKey} was refused as reused, and came with one request only`)
      return
    }
    accepted(answer)
    if (answer.status === 'replayed' && !key) violated('K1', `${answer.publicationId} was replayed without a key`)
    if (key?.publicationId !== undefined && key.publicationId !== answer.publicationId)
      violated('K1', `the key ${draft.idempotencyKey} brought ${key.publicationId} and then ${answer.publicationId}`)
    if (key) key.publicationId = answer.publicationId
  }
  return {
    drafts: [],
    promised,
    said: new Map(),
    canceled: new Set(),
    heard: [],
    reused,
    asks: (draft) => {
      if (!keyed(draft, requestOf(draft))) reused.add(draft.content.text)
    },
    told,
    toldMore: (what, answer) => {
      if (!('deliveries' in answer)) return
      accepted(answer)
      const before = same.get(what)
      if (what.startsWith('retry') && before !== undefined && before !== answer.publicationId)
        violated('K1', `${what} brought ${before} and then ${answer.publicationId}`)
      same.set(what, answer.publicationId)
    },
  }
}
