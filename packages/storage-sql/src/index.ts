// The public surface of @syndikit/storage-sql. A list of exports and nothing else.

export { drive, driveNow, type Query, type Row, type SqlConnector, type Statement, type Value, type Work } from './connector.ts'
export type { DialectName } from './dialect/dialects.ts'
export { postgresIdentity } from './postgres-identity.ts'
export { type SqlStorageOptions, sqlStorage } from './storage.ts'
