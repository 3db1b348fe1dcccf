// The public surface of @syndikit/servers. A list of exports and nothing else.

export { startMariadb } from './mariadb.ts'
export { startPostgres } from './postgres.ts'
export { missing } from './programs.ts'
export { startRedis } from './redis.ts'
export type { Server } from './server.ts'
