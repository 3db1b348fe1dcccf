// The tables, as forward migrations by number. A released migration is never changed: a later one is added.

import type { Dialect } from './dialect/dialect.ts'

/** What of a dialect decides how tables look. */
export type Shape = Pick<Dialect, 'types' | 'table' | 'busyTable' | 'partial'>

export interface Migration {
  readonly version: number
  readonly statements: (shape: Shape) => readonly string[]
}

/** Rows that a retry or a limit has put off; the same words stand in the query, or SQLite would not use the index. */
export const postponed = `state = 'scheduled' and next_at > due_at`
/** Rows that somebody may have to look at: few, so finding them must not mean walking through all others. */
export const inbox = `state in ('uncertain', 'needs_action', 'failed')`

const consents = ({ types: { key, text, int, url }, table }: Shape): readonly string[] => [
  `create table syndikit_grants (
    id ${key} not null primary key, tenant ${key} not null, platform ${key} not null, state ${key} not null, version ${int} not null, rev ${int} not null,
    data_key ${text} not null, key_id ${key} not null, sealed ${text} not null, data ${text} not null, expires_at ${int},
    refresh_started_at ${int}, lease_owner ${key}, lease_until ${int} not null default 0)${table}`,
  'create index syndikit_grants_tenant on syndikit_grants (tenant)',
  'create index syndikit_grants_key on syndikit_grants (key_id)',
  `create table syndikit_connections (
    id ${key} not null primary key, tenant ${key} not null, platform ${key} not null, account_id ${key} not null, grant_id ${key} not null, state ${key} not null,
    name ${text} not null, data ${text} not null, sealed ${text}, created_at ${int} not null)${table}`,
  'create unique index syndikit_connections_account on syndikit_connections (tenant, platform, account_id)',
  'create index syndikit_connections_grant on syndikit_connections (grant_id)',
  'create index syndikit_connections_list on syndikit_connections (tenant, created_at, id)',
  `create table syndikit_oauth_states (
    id ${key} not null primary key, tenant ${key} not null, key_id ${key} not null, sealed ${text} not null, expires_at ${int} not null)${table}`,
  'create index syndikit_oauth_states_end on syndikit_oauth_states (expires_at)',
  `create table syndikit_oauth_clients (
    tenant ${key} not null, platform ${key} not null, server ${url} not null, redirect_uri ${url} not null, key_id ${key} not null, sealed ${text} not null,
    primary key (tenant, platform, server, redirect_uri))${table}`,
]

const deliveries = ({ types: { key, text, int }, busyTable, partial }: Shape): readonly string[] => [
  `create table syndikit_publications (
    id ${key} not null primary key, tenant ${key} not null, idempotency_key ${key}, request_hash ${text} not null, body ${text} not null,
    pending ${int} not null, created_at ${int} not null, finished_at ${int})${busyTable}`,
  'create unique index syndikit_publications_key on syndikit_publications (tenant, idempotency_key)',
  `create index syndikit_publications_finished on syndikit_publications (finished_at)${partial('finished_at is not null')}`,
  `create table syndikit_deliveries (
    id ${key} not null primary key, tenant ${key} not null, publication_id ${key} not null, connection_id ${key} not null, platform ${key} not null,
    action ${key} not null, state ${key} not null, priority ${int} not null, due_at ${int} not null, next_at ${int}, parked ${int}, active_key ${key}, released_key ${key}, lane ${key},
    fence ${int} not null, rev ${int} not null, starts ${int} not null, tries ${int} not null, created_at ${int} not null,
    marker ${text}, result ${text}, steps ${text} not null)${busyTable}`,
  `create index syndikit_deliveries_next on syndikit_deliveries (priority, next_at)${partial('next_at is not null')}`,
  `create unique index syndikit_deliveries_active on syndikit_deliveries (tenant, active_key)${partial('active_key is not null')}`,
  'create index syndikit_deliveries_publication on syndikit_deliveries (tenant, publication_id, due_at, id)',
  'create index syndikit_deliveries_list on syndikit_deliveries (tenant, due_at, id)',
  `create index syndikit_deliveries_inbox on syndikit_deliveries (tenant, due_at, id)${partial(inbox)}`,
  `create index syndikit_deliveries_parked on syndikit_deliveries (parked, platform)${partial('parked = 1')}`,
  `create index syndikit_deliveries_postponed on syndikit_deliveries (tenant, connection_id, due_at)${partial(postponed)}`,
]

const traces = ({ types: { key, text, int, identity }, table }: Shape): readonly string[] => [
  `create table syndikit_attempts (
    id ${key} not null primary key, delivery_id ${key} not null, fence ${int} not null, at ${int} not null, settled_to ${key}, data ${text} not null)${table}`,
  'create index syndikit_attempts_delivery on syndikit_attempts (delivery_id, at)',
  // The platform's id first: most platforms' ids grow, so that what is stored together lies together.
  `create table syndikit_placements (
    tenant ${key} not null, connection_id ${key} not null, placement_id ${key} not null, delivery_id ${key} not null,
    primary key (placement_id, connection_id, tenant))${table}`,
  'create index syndikit_placements_delivery on syndikit_placements (delivery_id)',
  `create table syndikit_events (
    seq ${identity}, tenant ${key} not null, subject_id ${key} not null, rev ${int} not null, type ${key} not null, data ${text} not null, at ${int} not null)${table}`,
  'create unique index syndikit_events_subject on syndikit_events (subject_id, rev)',
]

/** Which delivery runs in a lane; its primary key lets no second one in. */
const lanes = ({ types: { key }, table }: Shape): readonly string[] => [
  `create table syndikit_lanes (
    tenant ${key} not null, lane ${key} not null, delivery_id ${key} not null, primary key (tenant, lane))${table}`,
  'create index syndikit_lanes_delivery on syndikit_lanes (delivery_id)',
]

const limits = ({ types: { key, int }, table }: Shape): readonly string[] => [
  `create table syndikit_quotas (
    tenant ${key} not null, bucket ${key} not null, window_ms ${int} not null, used ${int} not null, ends_at ${int} not null,
    primary key (tenant, bucket, window_ms))${table}`,
  'create index syndikit_quotas_end on syndikit_quotas (ends_at)',
  `create table syndikit_slots (
    tenant ${key} not null, connection_id ${key} not null, free_at ${int} not null, hold_until ${int} not null, primary key (tenant, connection_id))${table}`,
  `create table syndikit_pauses (platform ${key} not null primary key, since ${int} not null, resuming ${int} not null)${table}`,
  `create table syndikit_leases (name ${key} not null primary key, owner ${key} not null, ends_at ${int} not null)${table}`,
]

/** Holds the schema's version and the deployment; the one table that every version must be able to read. */
export const metaTable = ({ types: { key, text }, table }: Shape): string =>
  `create table if not exists syndikit_meta (name ${key} not null primary key, value ${text} not null)${table}`

export const migrations: readonly Migration[] = [
  { version: 1, statements: (dialect) => [...consents(dialect), ...deliveries(dialect), ...lanes(dialect), ...traces(dialect), ...limits(dialect)] },
]

/** The version that this release brings a database to. */
export const newest = Math.max(...migrations.map(({ version }) => version))
