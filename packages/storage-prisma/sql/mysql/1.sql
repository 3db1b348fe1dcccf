-- Syndikit, migration 1 for mysql. Made from @syndikit/storage-sql: do not change it, a later release adds another one.

create table if not exists syndikit_meta (name varchar(255) not null primary key, value longtext not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create table syndikit_grants (
    id varchar(255) not null primary key, tenant varchar(255) not null, platform varchar(255) not null, state varchar(255) not null, version bigint not null, rev bigint not null,
    data_key longtext not null, key_id varchar(255) not null, sealed longtext not null, data longtext not null, expires_at bigint,
    refresh_started_at bigint, lease_owner varchar(255), lease_until bigint not null default 0) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_grants_tenant on syndikit_grants (tenant);

create index syndikit_grants_key on syndikit_grants (key_id);

create table syndikit_connections (
    id varchar(255) not null primary key, tenant varchar(255) not null, platform varchar(255) not null, account_id varchar(255) not null, grant_id varchar(255) not null, state varchar(255) not null,
    name longtext not null, data longtext not null, sealed longtext, created_at bigint not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create unique index syndikit_connections_account on syndikit_connections (tenant, platform, account_id);

create index syndikit_connections_grant on syndikit_connections (grant_id);

create index syndikit_connections_list on syndikit_connections (tenant, created_at, id);

create table syndikit_oauth_states (
    id varchar(255) not null primary key, tenant varchar(255) not null, key_id varchar(255) not null, sealed longtext not null, expires_at bigint not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_oauth_states_end on syndikit_oauth_states (expires_at);

create table syndikit_oauth_clients (
    tenant varchar(255) not null, platform varchar(255) not null, server varchar(500) character set ascii collate ascii_bin not null, redirect_uri varchar(500) character set ascii collate ascii_bin not null, key_id varchar(255) not null, sealed longtext not null,
    primary key (tenant, platform, server, redirect_uri)) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create table syndikit_publications (
    id varchar(255) not null primary key, tenant varchar(255) not null, idempotency_key varchar(255), request_hash longtext not null, body longtext not null,
    pending bigint not null, created_at bigint not null, finished_at bigint) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create unique index syndikit_publications_key on syndikit_publications (tenant, idempotency_key);

create index syndikit_publications_finished on syndikit_publications (finished_at);

create table syndikit_deliveries (
    id varchar(255) not null primary key, tenant varchar(255) not null, publication_id varchar(255) not null, connection_id varchar(255) not null, platform varchar(255) not null,
    action varchar(255) not null, state varchar(255) not null, priority bigint not null, due_at bigint not null, next_at bigint, parked bigint, active_key varchar(255), released_key varchar(255), lane varchar(255),
    fence bigint not null, rev bigint not null, starts bigint not null, tries bigint not null, created_at bigint not null,
    marker longtext, result longtext, steps longtext not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_deliveries_next on syndikit_deliveries (priority, next_at, platform, state);

create unique index syndikit_deliveries_active on syndikit_deliveries (tenant, active_key);

create index syndikit_deliveries_publication on syndikit_deliveries (tenant, publication_id, due_at, id);

create index syndikit_deliveries_list on syndikit_deliveries (tenant, due_at, id);

create index syndikit_deliveries_inbox on syndikit_deliveries (tenant, due_at, id);

create index syndikit_deliveries_parked on syndikit_deliveries (parked, platform);

create index syndikit_deliveries_postponed on syndikit_deliveries (tenant, connection_id, due_at);

create table syndikit_lanes (
    tenant varchar(255) not null, lane varchar(255) not null, delivery_id varchar(255) not null, primary key (tenant, lane)) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_lanes_delivery on syndikit_lanes (delivery_id);

create table syndikit_attempts (
    id varchar(255) not null primary key, delivery_id varchar(255) not null, fence bigint not null, at bigint not null, settled_to varchar(255), data longtext not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_attempts_delivery on syndikit_attempts (delivery_id, at);

create table syndikit_placements (
    tenant varchar(255) not null, connection_id varchar(255) not null, placement_id varchar(255) not null, delivery_id varchar(255) not null,
    primary key (placement_id, connection_id, tenant)) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_placements_delivery on syndikit_placements (delivery_id);

create table syndikit_events (
    seq bigint not null auto_increment primary key, tenant varchar(255) not null, subject_id varchar(255) not null, rev bigint not null, type varchar(255) not null, data longtext not null, at bigint not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create unique index syndikit_events_subject on syndikit_events (subject_id, rev);

create table syndikit_quotas (
    tenant varchar(255) not null, bucket varchar(255) not null, window_ms bigint not null, used bigint not null, ends_at bigint not null,
    primary key (tenant, bucket, window_ms)) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create index syndikit_quotas_end on syndikit_quotas (ends_at);

create table syndikit_slots (
    tenant varchar(255) not null, connection_id varchar(255) not null, free_at bigint not null, hold_until bigint not null, primary key (tenant, connection_id)) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create table syndikit_pauses (platform varchar(255) not null primary key, since bigint not null, resuming bigint not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

create table syndikit_leases (name varchar(255) not null primary key, owner varchar(255) not null, ends_at bigint not null) engine = InnoDB row_format = dynamic character set utf8mb4 collate utf8mb4_bin;

insert into syndikit_meta (name, value) values ('schema', '1');
