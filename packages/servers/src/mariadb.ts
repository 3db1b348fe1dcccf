// MariaDB: a data folder of its own, with one database `syndikit` of a user `syndikit` that needs no password.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from './programs.ts'
import { type Server, startServer } from './server.ts'

const run = promisify(execFile)

/** @param settings of the server, such as `{ 'innodb-flush-log-at-trx-commit': '0' }` where nothing is crashed. */
export const startMariadb = (settings: Readonly<Record<string, string>> = {}): Promise<Server> => {
  // It takes root only where it is told so.
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
  const all = { 'bind-address': '127.0.0.1', 'character-set-server': 'utf8mb4', ...settings }
  const socket = (folder: string) => join(folder, 's')
  let place = ''
  return startServer({
    name: 'mariadb',
    command: programOf('mariadb'),
    args: ({ folder, port }) => {
      place = folder
      const own = [`--datadir=${join(folder, 'data')}`, `--port=${port}`, `--socket=${socket(folder)}`, `--pid-file=${join(folder, 'pid')}`]
      return ['--no-defaults', ...asRoot, ...own, ...Object.entries(all).map(([name, value]) => `--${name}=${value}`)]
    },
    prepare: async (folder) => {
      await run(programOf('mariadb', 'mariadb-install-db'), [
        '--no-defaults',
        ...asRoot,
        `--datadir=${join(folder, 'data')}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
      ])
    },
    url: (port) => `mysql://syndikit@127.0.0.1:${port}/syndikit`,
    crashWith: 'SIGKILL',
    ready: async () => {
      const sql = "create database if not exists syndikit; create user if not exists syndikit@'127.0.0.1'; grant all on *.* to syndikit@'127.0.0.1'"
      await run(programOf('mariadb', 'mariadb'), ['--no-defaults', '-u', 'root', `--socket=${socket(place)}`, '-e', sql])
    },
  })
}
