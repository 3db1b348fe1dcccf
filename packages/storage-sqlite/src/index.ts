// The public surface of @syndikit/storage-sqlite. A list of exports and nothing else.

export { type SqliteStorageOptions, sqliteStorage } from './sqlite-storage.ts'
