// A process that can die: counted at the calls of its ports, and once it is dead nothing of it gets through.

import type { Storage } from '@syndikit/core'

const never = new Promise<never>(() => undefined)

export interface Life {
  /** Calls until it dies; 0: it lives on. */
  left: number
  calls: number
  dead: boolean
}

export const newLife = (): Life => ({ left: 0, calls: 0, dead: false })

/** Counts a call; a dead process never gets an answer. */
export const living = async <T>(life: Life, work: () => Promise<T>): Promise<T> => {
  if (life.dead) return never
  life.calls += 1
  if (life.left > 0 && --life.left === 0) {
    life.dead = true
    return never
  }
  const result = await work()
  return life.dead ? never : result
}

/** The storage as one process sees it. */
export const mortal = (storage: Storage, life: Life): Storage => {
  const guard = <T extends object>(verbs: T): T =>
    Object.fromEntries(
      Object.entries(verbs).map(([name, verb]) => [
        name,
        typeof verb === 'function' ? (...args: unknown[]) => living(life, async () => (verb as (...args: unknown[]) => unknown).apply(verbs, args)) : verb,
      ]),
    ) as T
  const { connections, oauth, publications, deliveries, events, quotas } = storage
  return {
    ...guard(storage),
    connections: guard(connections),
    oauth: guard(oauth),
    publications: guard(publications),
    deliveries: guard(deliveries),
    events: guard(events),
    quotas: guard(quotas),
  }
}
