// One database and one platform, and as many processes on them as a test wants.

import { inspect } from 'node:util'
import { expect } from 'vitest'
import { createAccess } from '../../src/connections/access.ts'
import { type Connections, createConnections } from '../../src/connections/connections.ts'
import type { ConnectionInfo } from '../../src/connections/info.ts'
import type { Adapter } from '../../src/contract/adapter.ts'
import { PublishError } from '../../src/contract/error.ts'
import type { Fetch, Logger } from '../../src/contract/ports.ts'
import type { Storage } from '../../src/contract/storage.ts'
import { memoryStorage } from '../../src/memory/memory-storage.ts'
import { systemRandom } from '../../src/ports/system.ts'
import { generateKey, parseKeys } from '../../src/vault/keys.ts'
import { createVault } from '../../src/vault/vault.ts'
import { testClock } from './clock.ts'
import { adapterWith, callback, oauth2, platformOf } from './platform.ts'

export interface WorldOptions {
  readonly adapters?: readonly Adapter[]
  readonly keys?: readonly string[]
}

export const worldOf = ({ adapters = [adapterWith(oauth2)], keys = [generateKey()] }: WorldOptions = {}) => {
  const clock = testClock()
  const platform = platformOf(clock)
  const storage: Storage = memoryStorage({ clock })
  const said: unknown[] = []
  const log = (fields: object, message: string) => void said.push({ fields, message })
  const logger: Logger = { debug: log, info: log, warn: log, error: log }

  /** A process of its own: nothing in memory is shared with another one. */
  const process = (more: { keys?: readonly string[]; storage?: Storage; deployment?: string; fetch?: Fetch } = {}) => {
    const on = more.storage ?? storage
    const vault = createVault({ ring: parseKeys(more.keys ?? keys), deployment: more.deployment ?? 'test', storage: on, random: systemRandom, clock, logger })
    const deps = {
      adapters: new Map(adapters.map((adapter) => [adapter.id, adapter])),
      storage: on,
      vault,
      clock,
      random: systemRandom,
      fetch: more.fetch ?? platform.fetch,
      logger,
    }
    const access = createAccess(deps)
    return { vault, access, connections: createConnections({ ...deps, access }) }
  }
  const first = process()

  const events = async () => {
    const stored = await storage.events.read('test', 1_000, 1)
    return stored.map(({ type, subjectId, rev, data }) => ({ type, subjectId, rev, ...(JSON.parse(data) as object) }))
  }
  const connect = async (user = 'ann', tenant = 't1', connections: Connections = first.connections): Promise<readonly ConnectionInfo[]> => {
    const { url } = await connections.begin({ tenant, platform: 'acme', redirectUri: callback })
    return connections.complete({ tenant, callbackUrl: platform.agree(url, user) })
  }
  const row = async (id: string, tenant = 't1') => {
    const connection = await storage.connections.get(tenant, id)
    const grant = connection && (await storage.connections.grant(tenant, connection.grantId))
    if (!connection || !grant) throw new Error(`no row ${id}`)
    return { connection, grant }
  }
  /** Everything that leaves the vault: rows, events, logs, and what the test hands in. */
  const expectNoSecret = async (...more: unknown[]) => {
    const rows: unknown[] = []
    for (const tenant of ['t1', 't2']) {
      for (const connection of (await storage.connections.list(tenant, { limit: 200 })).items)
        rows.push(connection, await storage.connections.grant(tenant, connection.grantId))
    }
    const text = inspect([rows, await events(), said, more], { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null })
    expect(text).not.toMatch(/canary-[a-z]/)
  }
  return { ...first, clock, platform, storage, said, process, events, connect, row, expectNoSecret }
}

export const failure = async (call: Promise<unknown>): Promise<PublishError> => {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!PublishError.is(error)) throw new Error(`expected a PublishError, got ${inspect(error)}`)
  return error
}
