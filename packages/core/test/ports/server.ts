// Local servers for the transport's tests: HTTP, and raw sockets that answer what no HTTP server would.

import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}
export interface Local {
  readonly origin: string
  readonly port: number
  readonly seen: Seen[]
  connections(): number
}

export const httpServer = async (answer: (request: Seen, response: http.ServerResponse) => void): Promise<Local> => {
  const seen: Seen[] = []
  let connections = 0
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces) }
      seen.push(one)
      answer(one, response)
    })
    request.on('error', () => {})
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port, seen, connections: () => connections }
}

/** Calls `talk` for each connection once the first bytes of a request are there. */
export const rawServer = async (talk: (socket: net.Socket) => void): Promise<{ origin: string; port: number }> => {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => talk(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port }
}

/** What a promise rejects with. Fails where it does not. */
export const failure = async (promise: Promise<unknown>): Promise<Error & { code?: string }> => {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(outcome instanceof Error)) throw new Error(`It should have failed with an Error, but: ${String(outcome)}`)
  return outcome
}
