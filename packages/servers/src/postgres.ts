// PostgreSQL: a cluster of its own, with one database `syndikit` of a user `syndikit` that needs no password.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { programOf } from './programs.ts'
import { type Server, startServer, userNamed } from './server.ts'

const run = promisify(execFile)

/** @param settings of `postgresql.conf`, such as `{ fsync: 'off' }` where nothing is crashed. */
export const startPostgres = async (settings: Readonly<Record<string, string>> = {}): Promise<Server> => {
  const user = await userNamed('postgres')
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  return startServer({
    name: 'postgres',
    command: programOf('postgres'),
    args: ({ folder, port }) => ['-D', folder, '-p', String(port), ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    prepare: async (folder) => {
      const args = ['-D', folder, '-U', 'syndikit', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8']
      await run(programOf('postgres', 'initdb'), args, { ...user, cwd: folder })
    },
    url: (port) => `postgres://syndikit@127.0.0.1:${port}/syndikit`,
    user,
    // Its way to stop at once without a checkpoint: the next start recovers from the log.
    crashWith: 'SIGQUIT',
    ready: async (port) => {
      const to = ['-h', '127.0.0.1', '-p', String(port), '-U', 'syndikit']
      const ask = (sql: string) => run(programOf('postgres', 'psql'), [...to, '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-Atc', sql])
      const { stdout } = await ask("select count(*) from pg_database where datname = 'syndikit'")
      if (stdout.trim() === '0') await ask('create database syndikit')
    },
  })
}
