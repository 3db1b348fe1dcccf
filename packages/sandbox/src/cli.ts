#!/usr/bin/env node
// The command `syndikit-sandbox`: a local server with every emulator that is installed.

import { parseArgs } from 'node:util'
import { installedAdapters, loadEmulator } from './find-adapters.ts'
import { createSandbox, type RunningSandbox } from './sandbox.ts'
import { type SandboxServer, serveSandbox } from './server/serve.ts'

const usage = `Usage: syndikit-sandbox [options]

Runs the emulators of the installed adapters as one local server with a feed page.

  --port N             port to listen on (default 4010; 0 takes any free one)
  --host ADDRESS       address to listen on (default 127.0.0.1: this machine only)
  --dir DIR            keeps posts and files there, so that a restart goes on where it ended
  --only NAME,NAME     only these platforms
  --adapter PACKAGE    also an adapter of another scope; may be repeated
  --json               prints the address as JSON
  --exit-with-parent   ends when stdin closes
  --help               prints this
`

const options = {
  port: { type: 'string', default: '4010' },
  host: { type: 'string', default: '127.0.0.1' },
  dir: { type: 'string' },
  only: { type: 'string' },
  adapter: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'boolean', default: false },
  'exit-with-parent': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Settings = ReturnType<typeof read>
const read = () => parseArgs({ options }).values

const portOf = (text: string): number => {
  const port = Number(text)
  if (text === '' || !Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${text} is not a port. Give a number from 0 to 65535.`)
  return port
}

async function emulators({ adapter, only }: Settings) {
  const cwd = process.cwd()
  const names = [...new Set([...installedAdapters(cwd), ...adapter])]
  const wanted = only?.split(',').map((name) => name.trim())
  const likely = names.filter((name) => wanted === undefined || adapter.includes(name) || wanted.includes(name.replace('@syndikit/', '')))
  const found = await Promise.all(likely.map((name) => loadEmulator(name, cwd)))
  const chosen = found.filter(({ platform }) => wanted === undefined || wanted.includes(platform))
  const missing = wanted?.filter((name) => !chosen.some(({ platform }) => platform === name)) ?? []
  if (missing.length > 0) throw new Error(`There is no emulator for ${missing.join(', ')}. Installed: ${names.join(', ') || 'none'}.`)
  if (chosen.length === 0)
    throw new Error(`No adapter with an emulator is installed here. Install one, for example @syndikit/bluesky, or name yours with --adapter PACKAGE.`)
  return chosen
}

const announce = (server: SandboxServer, sandbox: RunningSandbox, json: boolean): string =>
  json
    ? JSON.stringify({ url: server.url, feed: `${server.url}/`, platforms: sandbox.platforms.map(({ platform }) => platform) })
    : `Sandbox at ${server.url} for ${sandbox.platforms.map(({ name }) => name).join(', ')}. See what is posted at ${server.url}/`

function endWith(server: SandboxServer, withParent: boolean): void {
  const end = () => {
    server.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    )
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  if (withParent) process.stdin.once('end', end).once('error', end).resume()
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

async function main(): Promise<void> {
  const settings = read()
  if (settings.help) return console.log(usage)
  const port = portOf(settings.port)
  const sandbox = createSandbox({ platforms: await emulators(settings), ...(settings.dir !== undefined && { dir: settings.dir }) })
  const server = await serveSandbox(sandbox, { port, host: settings.host })
  endWith(server, settings['exit-with-parent'])
  console.log(announce(server, sandbox, settings.json))
}

await main().catch(fail)
