// A sandbox with a folder: restarts, kills, locks, files.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSandbox, sandboxFetch } from '@syndikit/sandbox'
import { expect, onTestFinished, test, vi } from 'vitest'
import { projectWithToy, runCli, temporaryFolder, urlOf } from './support.ts'
import { ask, postOf, sandbox as toy } from './toy.ts'

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const start = (dir: string, more: { maxBlobBytes?: number; lockWaitMs?: number; seed?: number } = {}) => {
  const sandbox = createSandbox({ platforms: [toy], dir, ...more })
  onTestFinished(() => sandbox.close())
  return sandbox
}
const upload = (bytes: Uint8Array) => ask('/upload', { method: 'POST', body: bytes })
const keyOf = async (reply: Response) => ((await reply.json()) as { key: string }).key

test('a restart keeps posts, files, expired tokens and the count of ids', async () => {
  const dir = temporaryFolder()
  const first = start(dir, { seed: 0 })
  const key = await keyOf(await first.fetch(upload(Buffer.from('picture'))))
  await first.fetch(postOf('before', { files: [{ mime: 'image/png', alt: 'a', blob: key }] }))
  await first.fetch(postOf('deleted'))
  await first.fetch(ask('/posts/2', { method: 'DELETE' }))
  await first.act('toy', 'expire')
  const shown = first.shown()
  await first.close()
  const second = start(dir, { seed: 0 })
  expect(second.shown()).toEqual(shown)
  expect(Buffer.from(second.blob('toy', key)?.read() ?? []).toString()).toBe('picture')
  expect((await second.fetch(postOf('x'))).status).toBe(401)
  await second.act('toy', 'revoke')
  await second.close()
  expect(
    (
      await start(dir, { seed: 0 }).fetch(
        new Request('https://toy.example/oauth/authorize', { method: 'POST', body: 'account=alice', headers: { cookie: 'toy=1' } }),
      )
    ).headers.get('location'),
  ).toContain('code-3')
})

test('what a dropped reply leaves behind survives too', async () => {
  const dir = temporaryFolder()
  const first = start(dir)
  first.faults.add({ fault: 'drop-reply', nth: 1 })
  await expect(first.fetch(postOf('unacknowledged'))).rejects.toThrow('fetch failed')
  expect(readFileSync(join(dir, 'toy', 'state.json'), 'utf8')).toContain('unacknowledged')
})

test('the state is on the disk when the answer comes, also when many come at once', async () => {
  const dir = temporaryFolder()
  const sandbox = start(dir)
  await Promise.all(
    Array.from({ length: 40 }, async (_, nth) => {
      await sandbox.fetch(postOf(`post-${nth}.`))
      expect(readFileSync(join(dir, 'toy', 'state.json'), 'utf8')).toContain(`post-${nth}.`)
    }),
  )
})

test('reset empties the folder too', async () => {
  const dir = temporaryFolder()
  const first = start(dir)
  await first.fetch(upload(Buffer.from('picture')))
  await first.fetch(postOf('gone'))
  await first.reset()
  expect(readdirSync(join(dir, 'toy', 'blobs'))).toEqual([])
  await first.close()
  expect(start(dir).visible()).toEqual([])
})

test('of a file over the limit only hash and size are kept, in memory and in a folder', async () => {
  const dir = temporaryFolder()
  for (const sandbox of [start(dir, { maxBlobBytes: 1000 }), createSandbox({ platforms: [toy], maxBlobBytes: 1000 })]) {
    const large = await keyOf(await sandbox.fetch(upload(new Uint8Array(1001))))
    const small = await keyOf(await sandbox.fetch(upload(new Uint8Array(1000))))
    expect(sandbox.blob('toy', large)).toMatchObject({ size: 1001, kept: false })
    expect(sandbox.blob('toy', large)?.read()).toBeUndefined()
    expect(sandbox.blob('toy', small)).toMatchObject({ size: 1000, kept: true })
    expect(sandbox.blob('toy', '../../state.json')).toBeUndefined()
  }
  expect(readdirSync(join(dir, 'toy', 'blobs'))).toHaveLength(1)
})

test('what a crash left half-written is cleaned up at the start', async () => {
  const dir = temporaryFolder()
  await start(dir).close()
  writeFileSync(join(dir, 'toy', 'blobs', 'half.tmp'), 'half')
  writeFileSync(join(dir, 'toy', 'state.json.tmp'), '{"half')
  expect(start(dir).visible()).toEqual([])
  expect(readdirSync(join(dir, 'toy', 'blobs'))).toEqual([])
})

test('a damaged state is named, and the folder is free again', async () => {
  const dir = temporaryFolder()
  await start(dir).close()
  writeFileSync(join(dir, 'toy', 'state.json'), '{"version":1')
  expect(() => start(dir)).toThrow(/state\.json is not a state that this sandbox wrote. Delete the file/)
  writeFileSync(join(dir, 'toy', 'state.json'), JSON.stringify({ version: 1, counted: 0, large: {}, state: toy.initial() }))
  expect(start(dir).visible()).toEqual([])
})

test('a file where the folder should be is named', () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  expect(() => start(file)).toThrow(`The folder ${file} cannot be made (EEXIST). Name as \`dir\` a folder`)
  expect(() => start(join(file, 'below'))).toThrow('cannot be made (ENOTDIR)')
})

test('two sandboxes never share a folder, in one process or in two', async () => {
  const dir = temporaryFolder()
  const first = start(dir)
  expect(() => start(dir, { lockWaitMs: 0 })).toThrow(
    `The folder ${dir} is in use by another sandbox (process ${process.pid}). Stop that one, or give this one another \`dir\`.`,
  )
  const other = runCli(projectWithToy(), '--port', '0', '--dir', dir)
  await expect(other.line).rejects.toThrow(`in use by another sandbox (process ${process.pid})`)
  expect((await other.ended).code).toBe(1)
  await first.close()
  await start(dir).close()
})

test('the folder of a killed sandbox is taken over at once, that of one that is ending is waited for', async () => {
  const dir = temporaryFolder()
  const project = projectWithToy()
  const killed = runCli(project, '--port', '0', '--dir', dir)
  await killed.line
  killed.process.kill('SIGKILL')
  await killed.ended
  const next = runCli(project, '--port', '0', '--dir', dir)
  await next.line
  const waiting = runCli(project, '--port', '0', '--dir', dir)
  setTimeout(() => next.process.kill('SIGTERM'), 800)
  await waiting.line
  expect((await next.ended).code).toBe(0)
})

test('kill -9 in the middle of writes loses no acknowledged post and no acknowledged file', async () => {
  const dir = temporaryFolder()
  const project = projectWithToy()
  const acknowledged: string[] = []
  const files: string[] = []
  for (let round = 0; round < 4; round++) {
    const server = runCli(project, '--json', '--port', '0', '--dir', dir)
    const fetch = sandboxFetch(await urlOf(server))
    let alive = true
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let nth = 0; alive; nth++) {
        const name = `round ${round} client ${client} post ${nth}`
        const key = await fetch(upload(Buffer.from(name))).then(keyOf)
        files.push(key)
        if ((await fetch(postOf(name))).status === 201) acknowledged.push(name)
        if (acknowledged.length >= 20 * (round + 1)) setTimeout(() => server.process.kill('SIGKILL'), 5 * round)
      }
    })
    await Promise.allSettled(clients.map((client) => client.finally(() => (alive = false))))
    await server.ended
  }
  const sandbox = start(dir)
  const seen = sandbox.visible().map(({ text }) => text)
  expect(acknowledged.length).toBeGreaterThan(50)
  expect(acknowledged.filter((text) => !seen.includes(text))).toEqual([])
  expect(new Set(seen).size).toBe(seen.length)
  expect(files.filter((key) => sandbox.blob('toy', key)?.kept !== true)).toEqual([])
})
