// The public surface of @syndikit/storage-postgres. A list of exports and nothing else.

export type { PooledClient, PostgresClient, PostgresConnection, PostgresPool } from './pool.ts'
export { type PostgresStorageOptions, postgresStorage } from './postgres-storage.ts'
export type { StatementConfig } from './statements.ts'
