// The sandbox as a local HTTP server: emulated hosts below /at/, control below /_sandbox/, the feed page at /.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { answerFeed } from '../feed/answer.ts'
import { isConnectionLost } from '../run/effects.ts'
import type { RunningSandbox } from '../sandbox.ts'
import { control } from './control.ts'
import { type Answer, json, send } from './exchange.ts'
import { atPlatform } from './platform.ts'

/** Where the server listens. */
export interface ServeOptions {
  /** Default 0: any free one. */
  readonly port?: number
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string
  /** A larger request body is answered with a 413. Default 1 GiB. */
  readonly maxBodyBytes?: number
}

/** A sandbox behind one local address. */
export interface SandboxServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. The feed page is there. */
  readonly url: string
  /** Breaks open connections, then closes the sandbox too. */
  close(): Promise<void>
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** A page that made its own name point here must not read what is here: names that are not ours are refused. */
function isMisled(message: IncomingMessage, host: string): boolean {
  const asked = message.headers.host ?? ''
  if (!isLoopback(host) || !URL.canParse(`http://${asked}`)) return false
  const name = new URL(`http://${asked}`).hostname.replace(/^\[|\]$/g, '')
  return name !== 'localhost' && isIP(name) === 0
}

async function answer(sandbox: RunningSandbox, message: IncomingMessage, response: ServerResponse, options: Required<ServeOptions>): Promise<Answer> {
  const path = (message.url ?? '/').replace(/[?#].*$/s, '')
  if (isMisled(message, options.host)) return json(421, { error: 'host', message: 'This server answers at its address and at localhost only.' })
  if (path.startsWith('/at/')) return atPlatform(sandbox, message, response, options.maxBodyBytes)
  return answerFeed(sandbox, message, path) ?? control(sandbox, message, path)
}

const listen = (server: Server, { port, host }: Required<ServeOptions>): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = `Port ${port} on ${host} is in use. Stop what is there, or choose another port.`
      const other = `Port ${port} on ${host} cannot be opened (${cause.code}). Choose another port, or an address of this machine, such as 127.0.0.1.`
      const text = cause.code === 'EADDRINUSE' ? inUse : other
      reject(new Error(text, { cause }))
    })
    server.listen(port, host, resolve)
  })

/**
 * Opens a port for the sandbox. Real hosts are reached by path, `/at/api.x.com/2/tweets`; `sandboxFetch` does that for programs,
 * `sandboxUrl` for a person's browser. Rejects with a clear `Error` where the port is taken.
 */
export async function serveSandbox(sandbox: RunningSandbox, options: ServeOptions = {}): Promise<SandboxServer> {
  const settings = { port: 0, host: '127.0.0.1', maxBodyBytes: 1024 ** 3, ...options }
  const server = createServer(async (message, response) => {
    try {
      send(response, await answer(sandbox, message, response, settings))
    } catch (error) {
      if (isConnectionLost(error) || response.destroyed) response.socket?.destroy()
      else send(response, json(500, { error: 'sandbox_failed', message: error instanceof Error ? error.message : String(error) }))
    }
  })
  await listen(server, settings)
  const { address, port, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await Promise.all([closed, sandbox.close()])
    },
  }
}
