// What can be known to be wrong with connection settings before a server is asked. No message repeats a setting: one of them is the password.

import type { PostgresConnection } from './pool.ts'

export const checkUrl = (url: unknown): string => {
  const isUrl = typeof url === 'string' && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url)
  if (isUrl) return url
  throw new TypeError(
    'postgresStorage: `url` is no URL of a PostgreSQL database. It looks like postgres://user:password@host:5432/database; special characters of user and password are percent-encoded.',
  )
}

export const checkConnection = (connection: unknown): PostgresConnection => {
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection))
    throw new TypeError("postgresStorage: `connection` is an object of settings of `pg`, such as { host: 'db', database: 'app' }.")
  const settings = { ...connection } as PostgresConnection
  if (settings.connectionString !== undefined) checkUrl(settings.connectionString)
  if (settings.binary) throw new TypeError('postgresStorage: `connection.binary` cannot be true: results are read as text.')
  return settings
}
