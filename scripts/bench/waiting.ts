// Very many rows that are not due yet, made inside the database: what a large installation has in its tables all the time.

import type { Account } from './load.ts'

/** Statements that SQLite and PostgreSQL both read. `hash` makes a text that is in no order of the number it is given. */
export const waitingRows = (accounts: readonly Account[], count: number, dueFrom: number, body: string, hash: (n: string) => string): readonly string[] => {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  const members = accounts.map(({ tenant, id }, k) => `(${k}, ${quoted(tenant)}, ${quoted(id)})`).join(', ')
  const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count}),
    a(k, tenant, id) as (values ${members})`
  const number = `cast(100000000000 + n.i as text)`
  return [
    `insert into syndikit_publications (id, tenant, request_hash, body, pending, created_at)
    ${numbers} select '0000-waiting-' || ${number}, a.tenant, 'v1:bench', ${quoted(body)}, 1, ${Date.now()} from n join a on a.k = n.i % ${accounts.length}`,
    `insert into syndikit_deliveries (id, tenant, publication_id, connection_id, platform, action, state, priority, due_at, next_at, active_key, fence, rev, starts, tries, created_at, steps)
    ${numbers} select '0000-waiting-' || ${number}, a.tenant, '0000-waiting-' || ${number}, a.id, 'noop', 'publish', 'scheduled', 1,
      ${dueFrom} + n.i * 10, ${dueFrom} + n.i * 10, ${hash('n.i')}, 0, 1, 0, 0, ${Date.now()}, '{}' from n join a on a.k = n.i % ${accounts.length}`,
    // What told of them was heard long ago.
    'delete from syndikit_events',
  ]
}
