// Each server starts, survives a crash with what was committed where it promises to, and leaves no process behind.
import { execFileSync } from 'node:child_process'
import { createConnection } from 'node:net'
import { describe, expect, test } from 'vitest'
import { missing, type Server, startMariadb, startPostgres, startRedis } from '../src/index.ts'
import { programOf } from '../src/programs.ts'

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const psql = ({ url }: Server, sql: string) => execFileSync(programOf('postgres', 'psql'), [url, '-Atc', sql], { encoding: 'utf8' }).trim()
const mariadb = ({ port }: Server, sql: string) =>
  execFileSync(programOf('mariadb', 'mariadb'), ['--no-defaults', '-h127.0.0.1', `-P${port}`, '-usyndikit', '-Ne', sql, 'syndikit'], {
    encoding: 'utf8',
  }).trim()
const redis = ({ port }: Server, line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write(`${line}\r\n`))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(String(data).trim())
    })
    socket.once('error', reject)
  })

const ends = async (server: Server) => {
  const { pid = 0 } = server
  expect(isAlive(pid)).toBe(true)
  await server.stop()
  expect(isAlive(pid)).toBe(false)
}

describe.skipIf(missing('postgres') !== undefined)(`PostgreSQL ${missing('postgres') ?? ''}`, () => {
  test('keeps what was committed over a crash', async () => {
    const server = await startPostgres()
    psql(server, 'create table kept (n int); insert into kept values (7)')
    await server.crash()
    await server.start()
    expect(psql(server, 'select n from kept')).toBe('7')
    await ends(server)
  })
})

describe.skipIf(missing('mariadb') !== undefined)(`MariaDB ${missing('mariadb') ?? ''}`, () => {
  test('keeps what was committed over a crash', async () => {
    const server = await startMariadb()
    mariadb(server, 'create table kept (n int); insert into kept values (7)')
    await server.crash()
    await server.start()
    expect(mariadb(server, 'select n from kept')).toBe('7')
    await ends(server)
  })
})

describe.skipIf(missing('redis') !== undefined)(`Redis ${missing('redis') ?? ''}`, () => {
  test('is empty after a crash, on the same port', async () => {
    const server = await startRedis()
    expect(await redis(server, 'SET a 1')).toBe('+OK')
    await server.crash()
    await server.start()
    expect(await redis(server, 'GET a')).toBe('$-1')
    await ends(server)
  })
})
