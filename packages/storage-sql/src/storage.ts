// The Storage contract over a connector: which verb is which work, and which of them is a transaction.

import type { Storage } from '@syndikit/core'
import { claim } from './claim.ts'
import { clean } from './clean.ts'
import * as accounts from './connections.ts'
import { drive, type SqlConnector, type Work } from './connector.ts'
import { dialects } from './dialect/dialects.ts'
import { ackEvents, readEvents, releaseReader } from './events.ts'
import * as grants from './grants.ts'
import { cancel, reschedule, resolve } from './hands.ts'
import { extend, save } from './held.ts'
import { named, releaseLease, takeLease } from './leases.ts'
import * as lists from './lists.ts'
import { type Migrating, migrate } from './migrate.ts'
import * as oauth from './oauth.ts'
import * as platforms from './platforms.ts'
import { add, publication, publicationByKey } from './publications.ts'
import * as quotas from './quotas.ts'
import { apart } from './savepoint.ts'
import { settle } from './settle.ts'
import { readable, type Sql, sqlFor } from './sql.ts'
import { stats } from './stats.ts'

/** What `sqlStorage` takes beside its connector. */
export interface SqlStorageOptions extends Migrating {
  /** Replaces the database's clock, for all that is compared and stored: tests and simulations turn time with it. Default: the database's own. */
  readonly clock?: { now(): number } | undefined
}

type Verb = <T>(work: (sql: Sql) => Work<T>) => Promise<T>

const connectionVerbs = (write: Verb, read: Verb): Storage['connections'] => ({
  put: (grant, connections, restored) => write((sql) => accounts.put(sql, grant, connections, restored)),
  get: (tenant, id) => read((sql) => accounts.connection(sql, tenant, id)),
  inUse: (keys) => read((sql) => accounts.inUse(sql, keys)),
  byAccount: (tenant, platform, accountId) => read((sql) => accounts.byAccount(sql, tenant, platform, accountId)),
  grant: (tenant, id) => read((sql) => grants.grant(sql, tenant, id)),
  ofGrant: (tenant, grantId) => read((sql) => accounts.ofGrant(sql, tenant, grantId)),
  list: (tenant, page) => read((sql) => accounts.listConnections(sql, tenant, page)),
  update: (tenant, id, change) => write((sql) => accounts.updateConnection(sql, tenant, id, change)),
  replaceGrant: (tenant, id, version, change, more) => write((sql) => grants.replaceGrant(sql, tenant, id, version, change, more)),
  lease: (tenant, id, version, owner, leaseMs) => write((sql) => grants.lease(sql, tenant, id, version, owner, leaseMs)),
  unlease: (tenant, id, owner) => write((sql) => grants.unlease(sql, tenant, id, owner)),
  remove: (tenant, id) => write((sql) => accounts.removeConnection(sql, tenant, id)),
  grantsNotUnder: (keyId, limit) => read((sql) => grants.grantsNotUnder(sql, keyId, limit)),
  countsByKey: () => read(grants.countsByKey),
})

const oauthVerbs = (write: Verb, read: Verb): Storage['oauth'] => ({
  putState: (state) => write((sql) => oauth.putState(sql, state)),
  takeState: (tenant, id) => write((sql) => oauth.takeState(sql, tenant, id)),
  client: (tenant, platform, server, redirectUri) => read((sql) => oauth.storedClient(sql, tenant, platform, server, redirectUri)),
  putClient: (client, replacing) => write((sql) => oauth.putClient(sql, client, replacing)),
  clientsNotUnder: (keyId, limit) => read((sql) => oauth.clientsNotUnder(sql, keyId, limit)),
})

const publicationVerbs = (write: Verb, read: Verb): Storage['publications'] => ({
  add: (publications) => write((sql) => add(sql, publications)),
  get: (tenant, id) => read((sql) => publication(sql, tenant, id)),
  byKey: (tenant, idempotencyKey) => read((sql) => publicationByKey(sql, tenant, idempotencyKey)),
})

const deliveryVerbs = (write: Verb, read: Verb): Storage['deliveries'] => ({
  claim: (query) => write((sql) => claim(sql, query)),
  extend: (held, leaseMs) => write((sql) => extend(sql, held, leaseMs)),
  save: (rows) => write((sql) => save(sql, rows)),
  settle: (rows) => write((sql) => settle(sql, rows)),
  cancel: (tenant, id) => write((sql) => cancel(sql, tenant, id)),
  reschedule: (tenant, id, dueAt) => write((sql) => reschedule(sql, tenant, id, dueAt)),
  resolve: (tenant, id, rev, row) => write((sql) => resolve(sql, tenant, id, rev, row)),
  get: (tenant, id) => read((sql) => lists.delivery(sql, tenant, id)),
  attempts: (tenant, id) => read((sql) => lists.attempts(sql, tenant, id)),
  list: (tenant, page) => read((sql) => lists.list(sql, tenant, page)),
  stats: () => read(stats),
  counts: (tenant) => read((sql) => lists.counts(sql, tenant)),
  claimed: (tenant, connectionId, deliveryId, placementIds) => read((sql) => lists.claimed(sql, tenant, connectionId, deliveryId, placementIds)),
  upcoming: (until, after, limit) => read((sql) => lists.upcoming(sql, until, after, limit)),
})

const eventVerbs = (write: Verb): Storage['events'] => ({
  read: (owner, limit, leaseMs) => write((sql) => readEvents(sql, owner, limit, leaseMs)),
  ack: (seqs) => write((sql) => ackEvents(sql, seqs)),
  release: (owner) => write((sql) => releaseReader(sql, owner)),
})

const quotaVerbs = (write: Verb): Storage['quotas'] => ({
  take: (buckets) => write((sql) => quotas.take(sql, buckets)),
  slot: (tenant, connectionId, intervalMs) => write((sql) => quotas.slot(sql, tenant, connectionId, intervalMs)),
  hold: (tenant, connectionId, until) => write((sql) => quotas.hold(sql, tenant, connectionId, until)),
  correct: (bucket, used, endsAt) => write((sql) => quotas.correct(sql, bucket, used, endsAt)),
})

const leaseVerbs = (write: Verb): Storage['leases'] => ({
  take: (name, owner, leaseMs) => write((sql) => takeLease(sql, named(name), owner, leaseMs)),
  release: (name, owner) => write((sql) => releaseLease(sql, named(name), owner)),
})

const platformVerbs = (write: Verb, read: Verb): Storage['platforms'] => ({
  pause: (platform) => write((sql) => platforms.pause(sql, platform)),
  resume: async (platform) => {
    await write((sql) => platforms.beginResume(sql, platform))
    while (await write((sql) => platforms.resumeSome(sql, platform)));
  },
  paused: () => read(platforms.paused),
})

interface Runner<Tx> {
  open(deployment: string): Promise<void>
  /** One transaction. */
  readonly write: Verb
  readonly read: Verb
  within<T>(tx: Tx, work: (sql: Sql) => Work<T>): Promise<T>
  close(): Promise<void>
}

/** Turns works into calls of the connector, while the storage is open. */
const runnerOf = <Tx>(connector: SqlConnector<Tx>, begin: () => Sql, migrating: Migrating): Runner<Tx> => {
  let isOpen = false
  const opened = () => {
    if (!isOpen) throw new Error('syndikit: the storage is not open. Await `storage.open(deployment)` before its other verbs, and call none after `close()`.')
  }
  const fresh =
    <T>(work: (sql: Sql) => Work<T>) =>
    () =>
      readable(work(begin()))
  return {
    open: async (deployment) => {
      if (typeof deployment !== 'string' || deployment === '') throw new TypeError('syndikit: `deployment` must be a text that is not empty.')
      await connector.transaction(fresh((sql) => migrate(sql, deployment, migrating)))
      isOpen = true
    },
    write: async (work) => {
      opened()
      return await connector.transaction(fresh(work))
    },
    read: async (work) => {
      opened()
      return await drive(fresh(work)(), connector.query)
    },
    within: async (tx, work) => {
      opened()
      return await connector.within(tx, fresh(work))
    },
    close: async () => {
      isOpen = false
      await connector.close()
    },
  }
}

function* databaseNow(sql: Sql): Work<number> {
  const [row] = yield sql('select :now as now')
  return Number(row?.now)
}

/**
 * Carries Syndikit's storage on a SQL database. Every verb is one transaction of short statements; a verb over many rows has a fixed number of statements.
 * `connector` is all it knows of a driver, so a new driver is one file.
 */
export const sqlStorage = <Tx = unknown>(connector: SqlConnector<Tx>, { clock, ...migrating }: SqlStorageOptions = {}): Storage<Tx> => {
  const { open, write, read, within, close } = runnerOf(connector, sqlFor(dialects[connector.dialect], clock), migrating)
  const hostVerbs = (writes: Verb, reads: Verb) => ({
    now: async () => (clock ? Math.floor(clock.now()) : await reads(databaseNow)),
    connections: connectionVerbs(writes, reads),
    publications: publicationVerbs(writes, reads),
    deliveries: deliveryVerbs(writes, reads),
  })
  return {
    open,
    ...hostVerbs(write, read),
    within: (tx) => {
      const read: Verb = (work) => within(tx, work)
      // An error in the middle leaves the host's transaction as it was before the call.
      const write: Verb = (work) => within(tx, (sql) => apart(sql, 'syndikit_verb', () => work(sql)))
      return { ...hostVerbs(write, read), publications: publicationVerbs(read, read) }
    },
    oauth: oauthVerbs(write, read),
    events: eventVerbs(write),
    quotas: quotaVerbs(write),
    leases: leaseVerbs(write),
    platforms: platformVerbs(write, read),
    clean: (before, limit) => write((sql) => clean(sql, before, limit)),
    isDataError: (error) => connector.isDataError?.(error) ?? false,
    close,
  }
}
