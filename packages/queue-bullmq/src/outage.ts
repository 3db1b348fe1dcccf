// Whether the server is away, told once per outage to those who work, without an address or a message of the driver's in it.

import type { Logger } from '@syndikit/core'

/** A connection, or a way to use one. */
type Link = string

export interface Outage {
  /** Something that was tried last did not work. */
  readonly away: boolean
  failed(link: Link, error: unknown): void
  mended(link: Link): void
  /** Told from now on; `woken` when an outage begins. Returns the way to stop. */
  tell(logger: Logger, woken: () => void): () => void
}

/** A connection that comes and goes is one outage. */
const quietMs = 10_000

/** The name, the code, or the first word of a refusal of Redis (`OOM`, `WRONGPASS`): never a message, which may hold an address. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'error'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  return /^[A-Z]{2,}(?= )/.exec(error.message)?.[0] ?? error.name
}

export const createOutage = (): Outage => {
  const down = new Set<Link>()
  const told = new Map<Logger, () => void>()
  let mendedAt = Number.NEGATIVE_INFINITY
  let isTold = false
  return {
    get away() {
      return down.size > 0
    },
    failed: (link, error) => {
      const begins = down.size === 0
      down.add(link)
      if (!begins) return
      for (const woken of told.values()) woken()
      if (isTold && performance.now() - mendedAt < quietMs) return
      isTold = told.size > 0
      for (const logger of told.keys())
        logger.warn({ reason: reasonOf(error) }, 'The queue cannot be used; until it is back the database is asked once a second.')
    },
    mended: (link) => {
      if (!down.delete(link) || down.size > 0) return
      if (performance.now() - mendedAt >= quietMs && isTold) for (const logger of told.keys()) logger.info({}, 'The queue is back.')
      mendedAt = performance.now()
    },
    tell: (logger, woken) => {
      told.set(logger, woken)
      return () => void told.delete(logger)
    },
  }
}
