// The example as it is deployed: an app and workers as processes of their own, on a real PostgreSQL and a real Redis, against the sandbox over HTTP.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { generateKey } from '@syndikit/core'
import type { Visible } from '@syndikit/sandbox'
import { missing, type Server, startPostgres, startRedis } from '@syndikit/servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

const folder = join(import.meta.dirname, '..')
const root = join(folder, '..', '..')
const needs = missing('postgres') ?? missing('redis')
const conditions = '--conditions=@syndikit/source'

interface Running {
  readonly child: ChildProcess
  readonly url: string
  readonly said: string[]
}

/** Starts one program of the example and waits for the port that it names. */
const start = async (program: string, env: Record<string, string>): Promise<Running> => {
  const child = spawn(process.execPath, [conditions, join(folder, program)], {
    env: { PATH: process.env.PATH, ...env, PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      said.push(line)
      const { message, port } = line.startsWith('{') ? (JSON.parse(line) as { message?: string; port?: number }) : {}
      if (message === 'Listening.' && port !== undefined) resolve(port)
    })
    child.once('close', () => reject(new Error(`${program} ended:\n${said.join('\n')}`)))
  })
  return { child, url: `http://127.0.0.1:${port}`, said }
}

const ended = async ({ child }: Running): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}

const call = async <T>(url: string, body?: object): Promise<{ status: number; body: T }> => {
  const reply = await fetch(url, body && { method: 'POST', body: JSON.stringify(body) })
  return { status: reply.status, body: (await reply.json()) as T }
}

describe.skipIf(needs !== undefined)(`app and workers ${needs ?? ''}`, () => {
  let servers: Server[] = []
  let sandbox: { readonly child: ChildProcess; readonly url: string }
  let env: Record<string, string>
  const running: Running[] = []
  const launch = async (program: string): Promise<Running> => {
    const one = await start(program, env)
    running.push(one)
    return one
  }

  beforeAll(async () => {
    servers = await Promise.all([startPostgres(), startRedis()])
    const cli = join(root, 'packages/sandbox/src/cli.ts')
    const child = spawn(process.execPath, [conditions, cli, '--port', '0', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    sandbox = { child, url: (JSON.parse(line) as { url: string }).url }
    env = { DATABASE_URL: servers[0]?.url ?? '', REDIS_URL: servers[1]?.url ?? '', SANDBOX_URL: sandbox.url, SYNDIKIT_KEYS: generateKey() }
  })
  afterAll(async () => {
    for (const one of running) one.child.kill('SIGKILL')
    sandbox.child.kill()
    await Promise.all(servers.map((server) => server.stop()))
  })

  const statesAt = async (app: Running): Promise<string[]> =>
    (await call<{ items: { state: string }[] }>(`${app.url}/deliveries`)).body.items.map(({ state }) => state)

  test('twenty posts go out once each, while one worker is killed, one is stopped and a third one comes', { timeout: 120_000 }, async () => {
    const app = await launch('app.ts')
    const [first, second] = await Promise.all([launch('worker.ts'), launch('worker.ts')])
    expect((await call(`${first.url}/readyz`)).status).toBe(200)
    const fields = { identifier: 'sandbox-sara.bsky.social', appPassword: 'sand-boxx-pass-0001' }
    const connected = await call<{ connections: { id: string }[] }>(`${app.url}/connections`, { platform: 'bluesky', fields })
    expect(connected.status).toBe(201)
    const to = [connected.body.connections[0]?.id]
    const at = Date.now() + 1_000
    for (let n = 0; n < 20; n++) {
      const draft = { text: `post ${n}`, to, at: new Date(at + n * 150).toISOString(), idempotencyKey: `post-${n}` }
      expect((await call(`${app.url}/posts`, draft)).status).toBe(202)
      // A client that got no answer asks again.
      if (n % 5 === 0) expect((await call(`${app.url}/posts`, draft)).body).toMatchObject({ status: 'replayed' })
    }
    await setTimeout(1_500)
    first.child.kill('SIGKILL')
    const third = await launch('worker.ts')
    second.child.kill('SIGTERM')
    expect(await ended(second)).toBe(0)
    expect(second.said.at(-1)).toContain('Stopped.')
    await expect.poll(() => statesAt(app), { timeout: 60_000, interval: 200 }).toEqual(Array(20).fill('published'))
    const { body: visible } = await call<Visible[]>(`${sandbox.url}/_sandbox/visible`)
    expect(visible.map(({ text }) => text).toSorted()).toEqual(Array.from({ length: 20 }, (_, n) => `post ${n}`).toSorted())
    const { body: status } = await call<{ platforms: object[]; findings: object[] }>(`${third.url}/status`)
    expect(status.platforms).toContainEqual(expect.objectContaining({ platform: 'bluesky', due: 0, waiting: 0, running: 0, served: true }))
    expect(status.findings).toEqual([])
  })

  test('a worker without its database is alive and not ready, and ready again when the database is back', { timeout: 120_000 }, async () => {
    const worker = await launch('worker.ts')
    const ready = async () => (await call(`${worker.url}/readyz`)).status
    expect(await ready()).toBe(200)
    await servers[0]?.crash()
    await expect.poll(ready, { timeout: 30_000 }).toBe(503)
    expect((await call(`${worker.url}/healthz`)).status).toBe(200)
    await servers[0]?.start()
    await expect.poll(ready, { timeout: 30_000 }).toBe(200)
    worker.child.kill('SIGTERM')
    expect(await ended(worker)).toBe(0)
  })

  test('an environment that is not complete is told whole, by name and without a value', async () => {
    const broken = start('worker.ts', { DATABASE_URL: 'mysql://root:hunter2@db/x', SYNDIKIT_KEYS: '' }).catch((error: Error) => error.message)
    expect(await broken).toMatch(/DATABASE_URL[\s\S]*REDIS_URL[\s\S]*SYNDIKIT_KEYS/)
    expect(await broken).not.toContain('hunter2')
  })
})

test('the compose file and the manifests can be read, and start programs that are there', () => {
  for (const file of ['compose.yaml', ...globSync('kubernetes/*.yaml', { cwd: folder })]) {
    const text = readFileSync(join(folder, file), 'utf8')
    for (const document of parseAllDocuments(text, { merge: true })) {
      if (document.errors.length > 0) expect.fail(`${file}: ${document.errors.join('\n')}`)
      expect(document.toJS(), file).toBeTypeOf('object')
    }
    const programs = [...text.matchAll(/(\w+\.ts)\b/g)].map(([program]) => program)
    expect(programs.length, file).toBeGreaterThan(0)
    for (const program of programs) expect([...globSync('*.ts', { cwd: folder }), 'cli.ts'], file).toContain(program)
  }
})
