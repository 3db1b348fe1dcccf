// The command: what it finds, prints and ends with.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sandboxFetch } from '@syndikit/sandbox'
import { expect, onTestFinished, test, vi } from 'vitest'
import { projectWithToy, runCli, temporaryFolder, urlOf } from './support.ts'
import { postOf } from './toy.ts'

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

test('it finds the installed emulators and prints one line with the address and the feed', async () => {
  const running = runCli(projectWithToy(), '--port', '0')
  const [, url] = /^Sandbox at (http:\/\/127\.0\.0\.1:\d+) for Toy\. See what is posted at \1\/$/.exec(await running.line) ?? []
  expect((await sandboxFetch(url ?? '')(postOf('hello'))).status).toBe(201)
  expect(running.errors).toEqual([])
})

test('--json prints the same for programs', async () => {
  const line = JSON.parse(await runCli(projectWithToy(), '--json', '--port', '0').line)
  expect(line).toEqual({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), feed: `${line.url}/`, platforms: ['toy'] })
})

test('an adapter of another scope is named with --adapter', async () => {
  const project = projectWithToy('@acme/toy')
  await expect(runCli(project, '--port', '0').line).rejects.toThrow('No adapter with an emulator is installed here')
  expect(await runCli(project, '--port', '0', '--adapter', '@acme/toy').line).toContain('for Toy')
})

test('--only leaves out all other platforms, and says when there is none', async () => {
  const project = projectWithToy()
  expect(await runCli(project, '--port', '0', '--only', 'toy').line).toContain('for Toy')
  const missing = runCli(project, '--port', '0', '--only', 'toy,nope')
  await expect(missing.line).rejects.toThrow('There is no emulator for nope. Installed: @syndikit/toy.')
  expect((await missing.ended).code).toBe(1)
})

test.each([
  ['exports none', 'export const other = 1', /does not export an emulator. It should export `sandbox`/],
  ['fails to load', 'throw new Error("broken inside")', /The emulator of @syndikit\/toy cannot be loaded: broken inside/],
])('an adapter whose sandbox %s is named', async (_, source, message) => {
  await expect(runCli(projectWithToy('@syndikit/toy', source), '--port', '0').line).rejects.toThrow(message)
})

test.each([
  [['--port', 'abc'], /--port abc is not a port/],
  [['--port', '99999'], /not a port/],
  [['--nonsense'], /--nonsense/],
])('%s ends with 1 and a reason', async (args, message) => {
  const running = runCli(projectWithToy(), ...args)
  await expect(running.line).rejects.toThrow(message)
  expect((await running.ended).code).toBe(1)
})

test('a port in use is a clear error', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const running = runCli(projectWithToy(), '--port', String(port))
  await expect(running.line).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use.`)
  expect((await running.ended).code).toBe(1)
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it cleanly, even with a connection open and a reply held back', async (signal) => {
  const dir = temporaryFolder()
  const running = runCli(projectWithToy(), '--json', '--port', '0', '--dir', dir)
  const url = await urlOf(running)
  await fetch(`${url}/_sandbox/faults`, { method: 'POST', body: '{"fault":"delay-reply","nth":1}' })
  const held = sandboxFetch(url)(postOf('held')).catch((error: unknown) => error)
  await expect.poll(async () => ((await (await fetch(`${url}/_sandbox/visible`)).json()) as unknown[]).length).toBe(1)
  running.process.kill(signal)
  expect(await running.ended).toEqual({ code: 0, signal: null })
  expect(await held).toBeInstanceOf(TypeError)
})

test('--exit-with-parent ends it when stdin closes; without it, it stays', async () => {
  const project = projectWithToy()
  const tied = runCli(project, '--port', '0', '--exit-with-parent')
  const free = runCli(project, '--port', '0', '--json')
  const url = await urlOf(free)
  await tied.line
  tied.process.stdin?.end()
  free.process.stdin?.end()
  expect((await tied.ended).code).toBe(0)
  expect((await fetch(`${url}/_sandbox/health`)).status).toBe(200)
})

test('--help prints every option', async () => {
  const { ended, line } = runCli(projectWithToy(), '--help')
  expect(await line).toBe('Usage: syndikit-sandbox [options]')
  expect((await ended).code).toBe(0)
})
