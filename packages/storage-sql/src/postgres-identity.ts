// Which PostgreSQL database a connection is on: for connectors, which refuse a host's transaction on another one.

import type { Query, Statement } from './connector.ts'

const identityWith = (more: string): Statement => ({
  sql: `select current_database() as name, to_regclass('syndikit_meta')::oid::text as meta${more}`,
  params: [],
})
/** Tells databases apart, also those of equal names on two servers, and two schemas with our tables in one database. */
const whole = identityWith(', (select system_identifier::text from pg_control_system()) as cluster')
/** Where the role may not ask which server it is on. */
const lesser = identityWith('')
const mayAsk: Statement = { sql: `select case when has_function_privilege('pg_control_system()', 'execute') then 1 else 0 end as may`, params: [] }

/** The statement whose one row tells this database from others, as far as the role may ask. */
export const postgresIdentity = async (query: Query): Promise<Statement> => ((await query(mayAsk))[0]?.may === 1 ? whole : lesser)
