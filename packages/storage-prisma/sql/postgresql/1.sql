-- Syndikit, migration 1 for postgresql. Made from @syndikit/storage-sql: do not change it, a later release adds another one.

create table if not exists syndikit_meta (name text collate "C" not null primary key, value text not null);

create table syndikit_grants (
    id text collate "C" not null primary key, tenant text collate "C" not null, platform text collate "C" not null, state text collate "C" not null, version bigint not null, rev bigint not null,
    data_key text not null, key_id text collate "C" not null, sealed text not null, data text not null, expires_at bigint,
    refresh_started_at bigint, lease_owner text collate "C", lease_until bigint not null default 0);

create index syndikit_grants_tenant on syndikit_grants (tenant);

create index syndikit_grants_key on syndikit_grants (key_id);

create table syndikit_connections (
    id text collate "C" not null primary key, tenant text collate "C" not null, platform text collate "C" not null, account_id text collate "C" not null, grant_id text collate "C" not null, state text collate "C" not null,
    name text not null, data text not null, sealed text, created_at bigint not null);

create unique index syndikit_connections_account on syndikit_connections (tenant, platform, account_id);

create index syndikit_connections_grant on syndikit_connections (grant_id);

create index syndikit_connections_list on syndikit_connections (tenant, created_at, id);

create table syndikit_oauth_states (
    id text collate "C" not null primary key, tenant text collate "C" not null, key_id text collate "C" not null, sealed text not null, expires_at bigint not null);

create index syndikit_oauth_states_end on syndikit_oauth_states (expires_at);

create table syndikit_oauth_clients (
    tenant text collate "C" not null, platform text collate "C" not null, server text collate "C" not null, redirect_uri text collate "C" not null, key_id text collate "C" not null, sealed text not null,
    primary key (tenant, platform, server, redirect_uri));

create table syndikit_publications (
    id text collate "C" not null primary key, tenant text collate "C" not null, idempotency_key text collate "C", request_hash text not null, body text not null,
    pending bigint not null, created_at bigint not null, finished_at bigint) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

create unique index syndikit_publications_key on syndikit_publications (tenant, idempotency_key);

create index syndikit_publications_finished on syndikit_publications (finished_at) where finished_at is not null;

create table syndikit_deliveries (
    id text collate "C" not null primary key, tenant text collate "C" not null, publication_id text collate "C" not null, connection_id text collate "C" not null, platform text collate "C" not null,
    action text collate "C" not null, state text collate "C" not null, priority bigint not null, due_at bigint not null, next_at bigint, parked bigint, active_key text collate "C", released_key text collate "C", lane text collate "C",
    fence bigint not null, rev bigint not null, starts bigint not null, tries bigint not null, created_at bigint not null,
    marker text, result text, steps text not null) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

create index syndikit_deliveries_next on syndikit_deliveries (priority, next_at, platform, state) where next_at is not null;

create unique index syndikit_deliveries_active on syndikit_deliveries (tenant, active_key) where active_key is not null;

create index syndikit_deliveries_publication on syndikit_deliveries (tenant, publication_id, due_at, id);

create index syndikit_deliveries_list on syndikit_deliveries (tenant, due_at, id);

create index syndikit_deliveries_inbox on syndikit_deliveries (tenant, due_at, id) where state in ('uncertain', 'needs_action', 'failed');

create index syndikit_deliveries_parked on syndikit_deliveries (parked, platform) where parked = 1;

create index syndikit_deliveries_postponed on syndikit_deliveries (tenant, connection_id, due_at) where state = 'scheduled' and next_at > due_at;

create table syndikit_lanes (
    tenant text collate "C" not null, lane text collate "C" not null, delivery_id text collate "C" not null, primary key (tenant, lane));

create index syndikit_lanes_delivery on syndikit_lanes (delivery_id);

create table syndikit_attempts (
    id text collate "C" not null primary key, delivery_id text collate "C" not null, fence bigint not null, at bigint not null, settled_to text collate "C", data text not null);

create index syndikit_attempts_delivery on syndikit_attempts (delivery_id, at);

create table syndikit_placements (
    tenant text collate "C" not null, connection_id text collate "C" not null, placement_id text collate "C" not null, delivery_id text collate "C" not null,
    primary key (placement_id, connection_id, tenant));

create index syndikit_placements_delivery on syndikit_placements (delivery_id);

create table syndikit_events (
    seq bigint generated always as identity primary key, tenant text collate "C" not null, subject_id text collate "C" not null, rev bigint not null, type text collate "C" not null, data text not null, at bigint not null);

create unique index syndikit_events_subject on syndikit_events (subject_id, rev);

create table syndikit_quotas (
    tenant text collate "C" not null, bucket text collate "C" not null, window_ms bigint not null, used bigint not null, ends_at bigint not null,
    primary key (tenant, bucket, window_ms));

create index syndikit_quotas_end on syndikit_quotas (ends_at);

create table syndikit_slots (
    tenant text collate "C" not null, connection_id text collate "C" not null, free_at bigint not null, hold_until bigint not null, primary key (tenant, connection_id));

create table syndikit_pauses (platform text collate "C" not null primary key, since bigint not null, resuming bigint not null);

create table syndikit_leases (name text collate "C" not null primary key, owner text collate "C" not null, ends_at bigint not null);

insert into syndikit_meta (name, value) values ('schema', '1');
