-- Syndikit, migration 1 for sqlite. Made from @syndikit/storage-sql: do not change it, a later release adds another one.

create table if not exists syndikit_meta (name text not null primary key, value text not null);

create table syndikit_grants (
    id text not null primary key, tenant text not null, platform text not null, state text not null, version bigint not null, rev bigint not null,
    data_key text not null, key_id text not null, sealed text not null, data text not null, expires_at bigint,
    refresh_started_at bigint, lease_owner text, lease_until bigint not null default 0);

create index syndikit_grants_tenant on syndikit_grants (tenant);

create index syndikit_grants_key on syndikit_grants (key_id);

create table syndikit_connections (
    id text not null primary key, tenant text not null, platform text not null, account_id text not null, grant_id text not null, state text not null,
    name text not null, data text not null, sealed text, created_at bigint not null);

create unique index syndikit_connections_account on syndikit_connections (tenant, platform, account_id);

create index syndikit_connections_grant on syndikit_connections (grant_id);

create index syndikit_connections_list on syndikit_connections (tenant, created_at, id);

create table syndikit_oauth_states (
    id text not null primary key, tenant text not null, key_id text not null, sealed text not null, expires_at bigint not null);

create index syndikit_oauth_states_end on syndikit_oauth_states (expires_at);

create table syndikit_oauth_clients (
    tenant text not null, platform text not null, server text not null, redirect_uri text not null, key_id text not null, sealed text not null,
    primary key (tenant, platform, server, redirect_uri));

create table syndikit_publications (
    id text not null primary key, tenant text not null, idempotency_key text, request_hash text not null, body text not null,
    pending bigint not null, created_at bigint not null, finished_at bigint);

create unique index syndikit_publications_key on syndikit_publications (tenant, idempotency_key);

create index syndikit_publications_finished on syndikit_publications (finished_at) where finished_at is not null;

create table syndikit_deliveries (
    id text not null primary key, tenant text not null, publication_id text not null, connection_id text not null, platform text not null,
    action text not null, state text not null, priority bigint not null, due_at bigint not null, next_at bigint, parked bigint, active_key text, released_key text, lane text,
    fence bigint not null, rev bigint not null, starts bigint not null, tries bigint not null, created_at bigint not null,
    marker text, result text, steps text not null);

create index syndikit_deliveries_next on syndikit_deliveries (priority, next_at, platform, state) where next_at is not null;

create unique index syndikit_deliveries_active on syndikit_deliveries (tenant, active_key) where active_key is not null;

create index syndikit_deliveries_publication on syndikit_deliveries (tenant, publication_id, due_at, id);

create index syndikit_deliveries_list on syndikit_deliveries (tenant, due_at, id);

create index syndikit_deliveries_inbox on syndikit_deliveries (tenant, due_at, id) where state in ('uncertain', 'needs_action', 'failed');

create index syndikit_deliveries_parked on syndikit_deliveries (parked, platform) where parked = 1;

create index syndikit_deliveries_postponed on syndikit_deliveries (tenant, connection_id, due_at) where state = 'scheduled' and next_at > due_at;

create table syndikit_lanes (
    tenant text not null, lane text not null, delivery_id text not null, primary key (tenant, lane));

create index syndikit_lanes_delivery on syndikit_lanes (delivery_id);

create table syndikit_attempts (
    id text not null primary key, delivery_id text not null, fence bigint not null, at bigint not null, settled_to text, data text not null);

create index syndikit_attempts_delivery on syndikit_attempts (delivery_id, at);

create table syndikit_placements (
    tenant text not null, connection_id text not null, placement_id text not null, delivery_id text not null,
    primary key (placement_id, connection_id, tenant));

create index syndikit_placements_delivery on syndikit_placements (delivery_id);

create table syndikit_events (
    seq integer primary key autoincrement, tenant text not null, subject_id text not null, rev bigint not null, type text not null, data text not null, at bigint not null);

create unique index syndikit_events_subject on syndikit_events (subject_id, rev);

create table syndikit_quotas (
    tenant text not null, bucket text not null, window_ms bigint not null, used bigint not null, ends_at bigint not null,
    primary key (tenant, bucket, window_ms));

create index syndikit_quotas_end on syndikit_quotas (ends_at);

create table syndikit_slots (
    tenant text not null, connection_id text not null, free_at bigint not null, hold_until bigint not null, primary key (tenant, connection_id));

create table syndikit_pauses (platform text not null primary key, since bigint not null, resuming bigint not null);

create table syndikit_leases (name text not null primary key, owner text not null, ends_at bigint not null);

insert into syndikit_meta (name, value) values ('schema', '1');
