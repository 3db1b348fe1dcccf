// Many rows in every table, as they are after some weeks: most of them over or not due yet.
import type pg from 'pg'

const rows = 20_000

/** `tenant`, `n` and `at` are of the row that is made. */
const tables: readonly (readonly [table: string, columns: string, values: string])[] = [
  ['grants', 'id, tenant, platform, state, version, rev, data_key, key_id, sealed, data', `'g' || n, tenant, 'x', 'active', 1, 0, '{}', 'key', '{}', '{}'`],
  [
    'connections',
    'id, tenant, platform, account_id, grant_id, state, name, data, created_at',
    `'c' || n, tenant, 'x', 'a' || n, 'g' || n, 'active', 'N', '{}', at`,
  ],
  ['oauth_states', 'id, tenant, key_id, sealed, expires_at', `'s' || n, tenant, 'key', '{}', at`],
  ['oauth_clients', 'tenant, platform, server, redirect_uri, key_id, sealed', `tenant, 'x', 's' || n, 'r', 'key', '{}'`],
  [
    'publications',
    'id, tenant, idempotency_key, request_hash, body, pending, created_at, finished_at',
    `'p' || n, tenant, case when n % 2 = 0 then 'k' || n end, 'h', '{}', n % 2, at, case when n % 2 = 0 then at end`,
  ],
  [
    'deliveries',
    'id, tenant, publication_id, connection_id, platform, action, state, priority, due_at, next_at, active_key, fence, rev, starts, tries, created_at, steps',
    `'d' || n, tenant, 'p' || n, 'c' || n, 'x', 'publish', case when n % 2 = 0 then 'published' when n % 1000 = 1 then 'failed' else 'scheduled' end, n % 4,
      at + 1e9, case when n % 2 = 1 and n % 1000 <> 1 then at + 1e9 end, case when n % 2 = 1 and n % 1000 <> 1 then 'k' || n end, 1, 1, 0, 0, at, '{}'`,
  ],
  ['attempts', 'id, delivery_id, fence, at, settled_to, data', `'a' || n, 'd' || n, 1, at, 'published', '{}'`],
  ['placements', 'tenant, connection_id, placement_id, delivery_id', `tenant, 'c' || n, 'post' || n, 'd' || n`],
  ['events', 'tenant, subject_id, rev, type, data, at', `tenant, 'd' || n, 1, 'delivery:published', '{}', at`],
  ['quotas', 'tenant, bucket, window_ms, used, ends_at', `tenant, 'b' || n, 1000, 1, at + 1e9`],
  ['slots', 'tenant, connection_id, free_at, hold_until', `tenant, 'c' || n, at, 0`],
  ['leases', 'name, owner, ends_at', `'l' || n, 'o', at`],
]

export const fill = async (client: pg.PoolClient): Promise<void> => {
  const source = `(select n, 't' || n % 500 as tenant, floor(extract(epoch from now()) * 1000)::bigint + n as at from generate_series(1, ${rows}) n) rows`
  for (const [table, columns, values] of tables) await client.query(`insert into syndikit_${table} (${columns}) select ${values} from ${source}`)
}
